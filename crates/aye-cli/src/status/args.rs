//! The words of `aye status`.

use crate::place::Place;

/// Show services: ready since when, after how long, and how close to their watchdog
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without UNIT: every loaded service of Type=notify or notify-reload that is not stopped.\n\n\
Exit status: 0 every unit shown is active, 1 one is not, 2 the command line is wrong, 4 not permitted, 5 nothing matched, 69 a \
manager or host is unreachable. --watch is ended by Ctrl-C, or SIGTERM, which is no failure: 0.\n\n\
Examples:\n  aye status\n  aye status --watch 'web@*'\n  aye status -H web1 -H web2 --json 'web@*'")]
pub(crate) struct Args {
    /// Names or globs; a name without a suffix is a service's
    #[arg(value_name = "UNIT")]
    pub(super) units: Vec<String>,

    #[command(flatten)]
    pub(super) place: Place,

    /// Stay, and show each change as the manager tells of it
    #[arg(short, long)]
    pub(super) watch: bool,
    /// Write NDJSON: one object a unit, and with --watch one a change
    #[arg(long)]
    pub(super) json: bool,
}
