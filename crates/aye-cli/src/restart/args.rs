//! The words of `aye restart`: what may be typed, and what it means where that can be told from the words alone.

use std::path::PathBuf;
use std::time::Duration;

use aye_bus::Verb;
use aye_manager::unit::value::finite;
use clap::ValueEnum;

use super::amount::Amount;
use super::progress;
use crate::place::Place;

/// Restart units one after another, each as soon as the one before is ready
#[derive(Debug, clap::Args)]
#[command(after_help = "\
N% is rounded to the safe side. DUR is a time span such as 500ms, 5s or 1min 30s; a bare number is seconds.\n\
Commands run here, by the shell, with AYE_UNIT, AYE_HOST, AYE_INDEX and AYE_TOTAL.\n\n\
Exit status: 0 every unit is ready, 1 one is not, or the run did not begin, 2 the command line is wrong, 4 not permitted, 5 \
nothing matched, 69 a manager or host is unreachable, 75 another run holds the lock, 130 and 143 interrupted.\n\n\
Examples:\n  aye restart 'web@*'\n  aye restart --canary 1 --min-ready 10s --check ./is-well 'web@*'\n  \
aye restart -H web1 -H web2 --max-parallel 25% --report deploy.html 'web@*'")]
pub(crate) struct Args {
    /// Names or globs; a name without a suffix is a service's
    #[arg(required = true, value_name = "UNIT")]
    pub(super) units: Vec<String>,

    #[command(flatten)]
    pub(super) place: Place,

    /// Reload the units
    #[arg(long, conflicts_with = "reload_or_restart", help_heading = WHAT)]
    pub(super) reload: bool,
    /// Reload the units that can, restart the others
    #[arg(long, help_heading = WHAT)]
    pub(super) reload_or_restart: bool,
    /// Leave alone what is not running
    #[arg(long = "try", help_heading = WHAT)]
    pub(super) only_running: bool,
    /// Leave alone what an earlier run of these words, which did not end well, has restarted
    #[arg(long, help_heading = WHAT)]
    pub(super) only_stale: bool,
    /// Leave alone what was started at or after T: '2026-11-22 21:40:03', '@UNIX', '10min ago'
    #[arg(long, value_name = "T", help_heading = WHAT)]
    pub(super) started_before: Option<String>,
    /// Refuse units that have no readiness to wait for
    #[arg(long, help_heading = WHAT)]
    pub(super) require_notify: bool,

    /// Units in flight at a time, on each host
    #[arg(long, value_name = "N|N%", default_value = "1", help_heading = PACE)]
    pub(super) max_parallel: Amount,
    /// The first N units alone, then the rest
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = PACE)]
    pub(super) canary: usize,
    /// A unit has to stay ready for so long before it counts
    #[arg(long, value_name = "DUR", default_value = "0", value_parser = finite_span, help_heading = PACE)]
    pub(super) min_ready: Duration,
    /// Go in whole batches, with DUR between them
    #[arg(long, value_name = "DUR", default_value = "0", value_parser = finite_span, help_heading = PACE)]
    pub(super) stagger: Duration,
    /// A unit that takes longer has failed [default: its own timeouts]
    #[arg(long, value_name = "DUR", value_parser = finite_span, help_heading = PACE)]
    pub(super) ready_timeout: Option<Duration>,
    /// A run that takes longer has failed
    #[arg(long, value_name = "DUR", value_parser = finite_span, help_heading = PACE)]
    pub(super) deadline: Option<Duration>,

    /// Stop when more units than these have failed
    #[arg(long, value_name = "N|N%", default_value = "0", help_heading = SAFETY)]
    pub(super) max_failures: Amount,
    /// What to do then: stop, or ask on the terminal whether to go on
    #[arg(long, value_name = "WHAT", default_value = "stop", help_heading = SAFETY)]
    pub(super) on_failure: OnFailure,
    /// Never have fewer active units than this
    #[arg(long, value_name = "N|N%", help_heading = SAFETY)]
    pub(super) min_available: Option<Amount>,
    /// Wait for another run to end, for ever or for DUR
    #[arg(long, value_name = "DUR", num_args = 0..=1, require_equals = true, default_missing_value = "infinity",
          value_parser = lock_wait, help_heading = SAFETY)]
    pub(super) lock_wait: Option<LockWait>,

    /// Before each unit; when it fails, the unit is not touched
    #[arg(long, value_name = "CMD", help_heading = COMMANDS)]
    pub(super) before: Option<String>,
    /// When the unit is ready, again and again until it exits 0
    #[arg(long, value_name = "CMD", help_heading = COMMANDS)]
    pub(super) check: Option<String>,
    /// After each unit that is ready
    #[arg(long, value_name = "CMD", help_heading = COMMANDS)]
    pub(super) after: Option<String>,
    /// After each unit that failed
    #[arg(long, value_name = "CMD", help_heading = COMMANDS)]
    pub(super) on_fail: Option<String>,

    /// Print the units in their order and touch nothing
    #[arg(short = 'n', long, help_heading = OUTPUT)]
    pub(super) dry_run: bool,
    /// Write one JSON object a line to stdout
    #[arg(long, help_heading = OUTPUT)]
    pub(super) json: bool,
    /// How to show the run on stderr
    #[arg(long, value_name = "HOW", default_value = "auto", help_heading = OUTPUT)]
    pub(super) progress: progress::Mode,
    /// Write the run as one self-contained page
    #[arg(long, value_name = "FILE.html", help_heading = OUTPUT)]
    pub(super) report: Option<PathBuf>,
}

const WHAT: &str = "What";
const PACE: &str = "Pace";
const SAFETY: &str = "Safety";
const COMMANDS: &str = "Commands";
const OUTPUT: &str = "Output";

/// What `--on-failure` was asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnFailure {
    /// Start nothing more
    Stop,
    /// Ask on the terminal
    Ask,
}

/// How long to wait for the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LockWait(pub(super) Option<Duration>);

fn finite_span(text: &str) -> Result<Duration, String> {
    finite(text).map_err(|error| error.to_string())
}

fn lock_wait(text: &str) -> Result<LockWait, String> {
    aye_manager::unit::value::span(text).map(LockWait).map_err(|error| error.to_string())
}

impl Args {
    /// What is enqueued for each unit.
    pub(super) fn verb(&self) -> Verb {
        match (self.reload, self.reload_or_restart, self.only_running) {
            (true, ..) => Verb::Reload,
            (_, true, false) => Verb::ReloadOrRestart,
            (_, true, true) => Verb::ReloadOrTryRestart,
            (_, _, true) => Verb::TryRestart,
            _ => Verb::Restart,
        }
    }

    /// What is done to the units, for the plan.
    pub(super) fn doing(&self) -> &'static str {
        match (self.reload, self.reload_or_restart) {
            (true, _) => "reloading",
            (_, true) => "reloading or restarting",
            _ => "restarting",
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    pub(in super::super) fn parsed(words: &[&str]) -> Args {
        Command::parse_from([&["restart"], words].concat()).args
    }

    #[test]
    fn refuses_two_managers_at_once() {
        for words in [
            &["--user", "--system", "a"][..],
            &["--user", "--embedded=/x", "a"],
            &["--system", "--embedded", "a"],
            &["-H", "web1", "--embedded", "a"],
            &["-H", "web1", "-M", "box", "a"],
            &["--ssh-command", "ssh -v", "a"],
            &["--reload", "--reload-or-restart", "a"],
        ] {
            assert!(Command::try_parse_from([&["restart"], words].concat()).is_err(), "{words:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_amount_and_no_span() {
        for words in [
            &["--max-parallel", "few", "a"][..],
            &["--min-available", "120%", "a"],
            &["--min-ready", "infinity", "a"],
            &["--deadline", "soon", "a"],
            &["--lock-wait=x", "a"],
        ] {
            assert!(Command::try_parse_from([&["restart"], words].concat()).is_err(), "{words:?}");
        }
    }
}
