//! `aye restart`: one unit after another, each for exactly as long as it needs. Arguments become a plan here; the
//! order of things is decided in `rollout`, carried out in `drive`, and told by `progress` and `json`.

mod drive;
mod interrupt;
mod json;
mod lock;
mod log;
mod progress;
mod report;
mod reporter;
mod resume;
mod rollout;
mod rows;

use std::ffi::OsString;
use std::io::{self, Write as _};

use aye_bus::{ActiveState, Error, Unit, Verb, Where, resolve, runtime_dir};

use crate::exit::Exit;
use drive::Run;
use reporter::Reporter;

/// Restart units one after another, each as soon as the one before is ready
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Names or globs; a name without a suffix is a service's
    #[arg(required = true, value_name = "UNIT")]
    units: Vec<String>,
    /// Talk to the system manager (the default)
    #[arg(long, conflicts_with_all = ["user", "embedded"])]
    system: bool,
    /// Talk to the manager of the calling user
    #[arg(long, conflicts_with = "embedded")]
    user: bool,
    /// Talk to `aye run` in DIR [default: `$AYE_RUNTIME_DIR`, which also chooses this when it is set]
    // Given without a value it is empty: clap would take no empty path, and two nested options read badly.
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    embedded: Option<OsString>,
    /// Leave alone what is not running
    #[arg(long = "try")]
    only_running: bool,
    /// Print the units in their order and touch nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Write one JSON object a line to stdout
    #[arg(long)]
    json: bool,
    /// How to show the run on stderr
    #[arg(long, value_name = "HOW", default_value = "auto")]
    progress: progress::Mode,
}

impl Args {
    fn place(&self) -> Where {
        match &self.embedded {
            Some(dir) if dir.is_empty() => Where::Embedded(runtime_dir()),
            Some(dir) => Where::Embedded(dir.into()),
            None if self.user => Where::User,
            None if !self.system && std::env::var_os("AYE_RUNTIME_DIR").is_some() => {
                Where::Embedded(runtime_dir())
            }
            None => Where::System,
        }
    }

    fn verb(&self) -> Verb {
        if self.only_running { Verb::TryRestart } else { Verb::Restart }
    }

    /// The command that restarts these units under the same choices.
    fn resume(&self, names: &[&str]) -> Option<String> {
        let mut options = Vec::new();
        let mut flag = |given: bool, word: &str| options.extend(given.then(|| word.to_owned()));
        flag(self.system, "--system");
        flag(self.user, "--user");
        flag(self.only_running, "--try");
        options.extend(self.embedded.as_ref().map(|dir| match dir.display() {
            _ if dir.is_empty() => "--embedded".to_owned(),
            dir => format!("--embedded={dir}"),
        }));
        resume::command(&options, names)
    }
}

/// Runs the verb to its end, on a runtime of one thread.
pub(crate) fn run(args: &Args) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(restart(args)),
        Err(error) => Err((Exit::Failed, format!("cannot start the event loop: {error}"))),
    };
    outcome.unwrap_or_else(|(exit, reason)| {
        let _ = writeln!(io::stderr(), "aye restart: {reason}");
        exit
    })
}

type Refusal = (Exit, String);

async fn restart(args: &Args) -> Result<Exit, Refusal> {
    let place = args.place();
    let manager = place.connect().await.map_err(|error| refusal(&error))?;
    // Before the units are read: what changes after its reading reaches us as a signal.
    let signals = manager.watch().await.map_err(|error| refusal(&error))?;
    let units = resolve(&manager, &args.units).await.map_err(|error| refusal(&error))?;
    let units = ordered(units, args.only_running);
    if args.dry_run && !args.json {
        return listed(&units).map_err(|error| (Exit::Failed, format!("cannot write the plan: {error}")));
    }
    let reporter = Reporter::new(args, &units);
    if args.dry_run {
        return Ok(reporter.dry());
    }
    let _lock = lock::Lock::take(&place).map_err(|error| match error {
        lock::Error::Held { .. } => (Exit::Locked, error.to_string()),
        lock::Error::File { .. } => (Exit::Failed, error.to_string()),
    })?;
    Run::new(manager, signals, place, units, reporter).finish().await
}

fn refusal(error: &Error) -> Refusal {
    (exit_of(error), error.to_string())
}

fn exit_of(error: &Error) -> Exit {
    match error {
        Error::Unreachable { .. } | Error::Lost { .. } => Exit::Unreachable,
        Error::Denied { .. } => Exit::NotPermitted,
        Error::NothingMatched { .. } => Exit::NothingMatched,
        Error::NotRestartable { .. } => Exit::Usage,
        _ => Exit::Failed,
    }
}

/// Failed units first: a restart may heal them, and until then every other one that is stopped is one too many.
fn ordered(units: Vec<Unit>, only_running: bool) -> Vec<Unit> {
    let stopped = |unit: &Unit| matches!(unit.active, ActiveState::Inactive | ActiveState::Failed);
    let wanted = units.into_iter().filter(|unit| !(only_running && stopped(unit)));
    let (failed, others): (Vec<_>, Vec<_>) = wanted.partition(|unit| unit.active == ActiveState::Failed);
    failed.into_iter().chain(others).collect()
}

fn listed(units: &[Unit]) -> io::Result<Exit> {
    let mut out = io::stdout().lock();
    for unit in units {
        writeln!(out, "{}", unit.name)?;
    }
    out.flush().map(|()| Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn parsed(words: &[&str]) -> Args {
        Command::parse_from([&["restart"], words].concat()).args
    }

    #[test]
    fn refuses_two_managers_at_once() {
        for words in
            [["--user", "--system", "a"], ["--user", "--embedded=/x", "a"], ["--system", "--embedded", "a"]]
        {
            assert!(Command::try_parse_from([&["restart"], &words[..]].concat()).is_err(), "{words:?}");
        }
    }

    #[test]
    fn a_directory_is_not_taken_from_the_next_word() {
        let args = parsed(&["--embedded", "web@1"]);
        assert_eq!((args.embedded, args.units), (Some(OsString::new()), vec!["web@1".to_owned()]));
    }

    #[test]
    fn the_resuming_command_keeps_the_choices_and_quotes_what_a_shell_would_change() {
        let args = parsed(&["--embedded=/a b", "web@*"]);
        let resume = args.resume(&["web@1.service", r"web@a\x2db.service"]);
        assert_eq!(resume.unwrap(), r"aye restart '--embedded=/a b' web@1 'web@a\x2db'");
    }

    #[test]
    fn nothing_left_needs_no_resuming() {
        assert_eq!(parsed(&["a"]).resume(&[]), None);
    }
}
