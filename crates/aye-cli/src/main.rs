//! The command `aye`: parses what was typed and hands it to the verb. Each verb has a file of its own name.
#![forbid(unsafe_code)]

mod exit;
mod notify;
mod wrap;

use std::process::ExitCode;

use clap::Parser;

/// Says when services are ready, and restarts wait for exactly that.
#[derive(Debug, Parser)]
#[command(name = "aye", version, disable_help_subcommand = true, max_term_width = 100)]
enum Aye {
    Notify(notify::Args),
    Wrap(wrap::Args),
}

fn main() -> ExitCode {
    match Aye::parse() {
        Aye::Notify(args) => notify::run(&args).into(),
        Aye::Wrap(args) => wrap::run(args).into(),
    }
}
