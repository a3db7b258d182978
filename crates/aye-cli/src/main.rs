//! The command `aye`.
#![forbid(unsafe_code)]

mod exit;
mod restart;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Aye, ready: services that say when they are ready, and a restart that waits for exactly that
#[derive(Debug, Parser)]
#[command(name = "aye", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Restart(restart::Args),
}

fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| error.exit());
    match cli.verb {
        Verb::Restart(args) => restart::run(&args).into(),
    }
}
