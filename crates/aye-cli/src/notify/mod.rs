//! `aye notify`: a drop-in for systemd-notify(1) of systemd 262, also when started under that name, that exits only when
//! its message was received. It tries to speak as its parent, since a shell script is what usually calls it and the
//! script is the service's main process.

mod args;
mod descriptor;
mod family;
mod fork;
mod message;
mod send;
mod user;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use aye::Environment;

use crate::exit::Exit;
use args::Action;

pub(crate) use args::Args;

/// The name of what this stands in for.
const UPSTREAM: &str = "systemd-notify";

/// Whether the binary goes by systemd-notify's name.
pub(crate) fn is_called(name: Option<&OsStr>) -> bool {
    name.and_then(|name| Path::new(name).file_name()).is_some_and(|name| name == UPSTREAM)
}

/// The words that clap is to see, and the command of `--exec`.
pub(crate) fn split(words: Vec<OsString>) -> (Vec<OsString>, Option<Vec<OsString>>) {
    args::split(words)
}

pub(crate) fn run(mut args: Args, command: Option<Vec<OsString>>) -> ExitCode {
    args.command = command;
    let outcome = args.action().and_then(|action| match action {
        Action::Booted => Ok(booted().into()),
        Action::Fork => fork::run(&args),
        Action::Send => send::run(args, &Environment::of_process()).map(|()| Exit::Done.into()),
    });
    outcome.unwrap_or_else(|message| {
        complain(&message);
        Exit::Failed.into()
    })
}

/// Under the name it was called by.
fn complain(message: &str) {
    let name = std::env::args_os().next();
    let name = if is_called(name.as_deref()) { UPSTREAM } else { "aye notify" };
    crate::complain(format_args!("{name}: {message}"));
}

/// As sd_booted(3): the folder is there if systemd is the init system.
fn booted() -> Exit {
    if Path::new("/run/systemd/system").is_dir() { Exit::Done } else { Exit::Failed }
}
