//! The words of `aye check`.

use std::path::PathBuf;

use crate::place::Place;

/// Find what will go wrong with a service's readiness, watchdog, reload and stop.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "aye check [OPTIONS] FILE...|DIR|UNIT...\n       aye check [OPTIONS] --run FILE\n       aye check [OPTIONS] -- CMD...\n       aye check --init -- CMD...\n       aye check --explain RULE | --list",
    after_help = "\
Exit status: 0 when nothing was found that is an error (with --strict: nor a warning) and no check failed, 1 when something \
was or one did, or when the service could not be run or a report not be written, 2 for a wrong command line or a unit file \
that cannot be read, 5 when there is no such unit.\n\n\
Examples:\n  aye check web.service\n  aye check /etc/systemd/system\n  aye check --deny simple-ready --sarif units/ >check.sarif\n  \
aye check --explain notify-npm"
)]
pub(crate) struct Args {
    /// Unit files, folders of them, or names of installed units
    #[arg(value_name = "FILE|DIR|UNIT", required_unless_present_any = ["explain", "list", "run", "command"])]
    pub(crate) units: Vec<String>,
    /// Show what a rule finds, why it matters and what to write
    #[arg(long, value_name = "RULE", conflicts_with = "units")]
    pub(crate) explain: Option<String>,
    /// Show all rules
    #[arg(long, conflicts_with = "units")]
    pub(crate) list: bool,
    /// One JSON object per line on standard output instead of text
    #[arg(long)]
    pub(crate) json: bool,
    /// A SARIF 2.1.0 log on standard output instead of text, for code review
    #[arg(long, conflicts_with = "json")]
    pub(crate) sarif: bool,
    /// Take warnings for errors in the exit status
    #[arg(long)]
    pub(crate) strict: bool,
    /// Leave out what this rule finds; repeatable
    #[arg(long, value_name = "RULE")]
    pub(crate) allow: Vec<String>,
    /// Take what this rule finds for an error; repeatable
    #[arg(long, value_name = "RULE")]
    pub(crate) deny: Vec<String>,
    /// Look for units and programs below this folder instead of /
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Take past starts from this output of journalctl -o json instead of the journal
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// Run the unit of this file and prove what it does
    #[arg(long, value_name = "FILE", conflicts_with_all = ["units", "command", "explain", "list", "sarif"])]
    pub(crate) run: Option<PathBuf>,
    /// Write the result of a run as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Prove only this: ready, main-process, heartbeat, descriptors, environment, reload, stop, orphans, restart,
    /// heartbeat-stops or without-manager; repeatable
    #[arg(long, value_name = "CHECK")]
    pub(crate) only: Vec<String>,
    /// Do not prove this; repeatable
    #[arg(long, value_name = "CHECK")]
    pub(crate) skip: Vec<String>,
    /// Watch heartbeats for this long [default: three times the watchdog's interval]
    #[arg(long, value_name = "DUR")]
    pub(crate) observe: Option<String>,
    /// Run it with this WatchdogSec=
    #[arg(long, value_name = "DUR")]
    pub(crate) watchdog: Option<String>,
    /// Print a unit file for CMD, from what it was seen to do
    #[arg(long, requires = "command", conflicts_with_all = ["json", "junit", "only", "skip", "strict"])]
    pub(crate) init: bool,
    #[command(flatten)]
    pub(crate) place: Place,
    /// A command to run as a Type=notify service and to prove
    #[arg(value_name = "CMD", last = true, conflicts_with_all = ["units", "explain", "list", "sarif"])]
    pub(crate) command: Vec<String>,
}
