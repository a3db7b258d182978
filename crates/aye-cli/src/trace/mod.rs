//! `aye trace`: what a service says to its manager, who of it says so, what the manager makes of it, and when.

mod escape;
mod json;
mod raw;
mod relay;
#[cfg(test)]
mod samples;
mod scene;
mod timeline;
mod unit;

use std::ffi::OsString;
use std::path::PathBuf;

use crate::exit::Exit;
use crate::place::Place;

/// Show what a service says to its manager, and what the manager makes of it.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "aye trace [OPTIONS] -- CMD...\n       aye trace [OPTIONS] [WHERE] UNIT",
    after_help = "\
With -- CMD, CMD runs with a notify socket of its own, and all that it says there goes on to the $NOTIFY_SOCKET of this \
process, if there is one; the trace goes to standard error. Exit status: CMD's own, or 1 when it cannot be started.\n\n\
UNIT is restarted and traced until it stops or Ctrl-C; then all is as before. Exit status: 0 it stopped well, or Ctrl-C, 1 it \
failed or cannot be traced, 2 the command line is wrong, 4 not permitted, 5 no such unit, 69 the manager is unreachable, 75 it \
is traced already.\n\n\
Examples:\n  aye trace -- node server.js\n  aye trace nginx.service"
)]
pub(crate) struct Args {
    /// The service
    #[arg(value_name = "UNIT", conflicts_with = "command", required_unless_present = "command")]
    pub(crate) unit: Option<String>,
    /// The program and its arguments
    #[arg(value_name = "CMD", last = true, num_args = 1.., conflicts_with_all = ["system", "user", "machine", "host", "embedded", "no_restart"])]
    pub(crate) command: Vec<OsString>,
    /// One JSON object for each event
    #[arg(long, conflicts_with = "raw")]
    pub(crate) json: bool,
    /// The datagrams themselves, one on a line
    #[arg(long)]
    pub(crate) raw: bool,
    /// Write the trace to FILE, and leave the terminal to the program
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Do not restart the unit, and say what can be seen without
    #[arg(long)]
    pub(crate) no_restart: bool,
    #[command(flatten)]
    pub(crate) place: Place,
}

pub(crate) fn run(args: &Args) -> Exit {
    if args.command.is_empty() { unit::run(args) } else { relay::run(args) }
}

/// See [`unit::part`].
pub(crate) use unit::part;
