//! The command `aye`: parses what was typed and hands it to the verb. Each verb has a file or folder of its own name.
#![forbid(unsafe_code)]

mod check;
mod child;
mod completions;
mod exit;
mod notify;
mod output;
mod place;
mod restart;
mod run;
mod status;
mod terminal;
mod trace;
mod words;
mod wrap;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};

use exit::Exit;

/// Aye, ready: services that say when they are ready, and a restart that waits for exactly that.
#[derive(Debug, Parser)]
#[command(name = "aye", version, disable_help_subcommand = true, max_term_width = 100)]
enum Aye {
    Notify(notify::Args),
    Wrap(wrap::Args),
    Trace(Box<trace::Args>),
    Check(Box<check::Args>),
    Status(status::Args),
    Run(run::Args),
    Restart(Box<restart::Args>),
    Completions(completions::Args),
}

fn main() -> ExitCode {
    // A child of the manager, on its way to become a service: see aye_manager::executor.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == aye_manager::EXECUTOR) {
        return aye_manager::execute().into();
    }
    // The manager that a service is proved under: see check::prove.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == check::MANAGE) {
        return check::manage(std::env::args_os().skip(2)).into();
    }
    // A shell at a Tab: see completions.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == completions::ASK) {
        return completions::answer(Aye::command(), std::env::args_os().skip(2)).into();
    }
    // A child of ours that runs a program beside us: see child.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|argument| argument == child::BECOME) {
        return child::execute(words).into();
    }
    // A part of a trace that is a process of its own: see trace::unit.
    if let Some(exit) = trace::part(std::env::args_os().skip(1)) {
        return exit.into();
    }
    if let Some(exit) = wrap::plainly(std::env::args_os().skip(1)) {
        return exit.into();
    }
    let (words, command) = typed();
    match Aye::try_parse_from(words) {
        Ok(Aye::Notify(args)) => notify::run(args, command),
        Ok(Aye::Wrap(args)) => wrap::run(args).into(),
        Ok(Aye::Trace(args)) => trace::run(&args).into(),
        Ok(Aye::Run(args)) => run::run(args).into(),
        Ok(Aye::Restart(args)) => restart::run(&args).into(),
        Ok(Aye::Check(args)) => check::run(&args).into(),
        Ok(Aye::Status(args)) => status::run(&args).into(),
        Ok(Aye::Completions(args)) => completions::run(&args).into(),
        Err(error) => refuse(&error).into(),
    }
}

/// The words of the command line, with the verb where the binary's name stands for it; and the command that `notify --exec`
/// is to become.
fn typed() -> (Vec<OsString>, Option<Vec<OsString>>) {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    if notifies() && notify::is_called(words.first().map(OsString::as_os_str)) {
        words.insert(1, "notify".into());
    }
    if notifies() { notify::split(words) } else { (words, None) }
}

/// Whether this is `notify`, by its name or by the verb.
fn notifies() -> bool {
    let mut words = std::env::args_os();
    notify::is_called(words.next().as_deref()) || words.next().is_some_and(|verb| verb == "notify")
}

/// Writes a line to standard error. Where nobody reads it any more (`aye run 2>&1 | head`) there is nobody left to tell,
/// which is no reason to panic in the middle of things.
fn complain(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Shows help, or what is wrong with the command line.
fn refuse(error: &clap::Error) -> Exit {
    let shown = error.print();
    if !error.use_stderr() && shown.is_ok() {
        return Exit::Done;
    }
    // systemd-notify, which scripts compare with, knows only 0 and 1.
    if notifies() { Exit::Failed } else { Exit::Usage }
}
