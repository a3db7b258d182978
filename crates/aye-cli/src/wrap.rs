//! `aye wrap -- CMD`: connects to `$NOTIFY_SOCKET`, puts the connection where a program finds handed-over
//! descriptors, and becomes CMD: the same pid, no parent left. For systemd older than 253, which has no `OpenFile=`.
//! With probes it stays beside a CMD that knows nothing of the protocol, and speaks for it.

mod attempt;
mod command;
mod ends;
mod keeper;
mod lookup;
mod news;
mod output;
mod ports;
mod probe;
mod request;
mod socket;
mod stay;

use std::ffi::OsString;
use std::time::Duration;

use aye::listen::{HandOver, Sigpipe};
use aye::{DESCRIPTOR_NAME, Environment, Notifier};
use aye_manager::executor::Program;

use crate::exit::Exit;
use probe::Probe;

/// Speak for a program that knows nothing of sd_notify: probe it, and say when it is ready and alive
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a probe, CMD gets the connected notify socket as a descriptor named `notify`, and aye becomes it.\n\n\
A PROBE is tcp:HOST:PORT, http://HOST:PORT/PATH (2xx; #status=200-399&body=REGEX says what else), unix:PATH, \
file:PATH, log:REGEX (in CMD's output), fd:N (CMD writes a newline to descriptor N, as for s6), cmd:COMMAND (exits 0), \
port (CMD or a process below it begins to listen), notify (CMD says READY=1, or WATCHDOG=1, to aye), \
or notify:PATH (the same, to a socket at PATH, which can be mounted into a container).\n\n\
Without $NOTIFY_SOCKET, CMD simply runs. Exit status: CMD's own, or 1 when it cannot be started or was not ready within \
--ready-timeout.\n\n\
Examples, in a unit file:\n  ExecStart=/usr/bin/aye wrap -- /usr/bin/node server.js\n  \
ExecStart=/usr/bin/aye wrap --ready-on http://127.0.0.1:8080/health -- server\n  \
ExecStart=/usr/bin/aye wrap --ready-on port --alive-on tcp:127.0.0.1:6379 -- \\\n    redis-server")]
pub(crate) struct Args {
    /// CMD is ready when this holds; of several, when each has held once
    #[arg(long, value_name = "PROBE")]
    ready_on: Vec<Probe>,
    /// Send heartbeats only while this holds, too; alone, it also decides when CMD is ready
    #[arg(long, value_name = "PROBE")]
    alive_on: Vec<Probe>,
    /// Between two tries of a probe; at most 100 ms before CMD is ready, and half the watchdog's period after
    #[arg(long, value_name = "SPAN", default_value = "1s", value_parser = span)]
    interval: Duration,
    /// For one try of a probe
    #[arg(long, value_name = "SPAN", default_value = "2s", value_parser = span)]
    timeout: Duration,
    /// After READY, nothing need be alive for this long
    #[arg(long, value_name = "SPAN", default_value = "0", value_parser = finite_span)]
    grace: Duration,
    /// End CMD when it is not ready by then, and exit with 1
    #[arg(long, value_name = "SPAN", value_parser = span)]
    ready_timeout: Option<Duration>,
    /// While there is progress (lines of output, other answers), extend the manager's start timeout, up to this in all
    #[arg(long, value_name = "SPAN", value_parser = span)]
    extend_at_most: Option<Duration>,
    /// The main process of the service, aye or child: with child the manager does not learn how CMD ended
    #[arg(long, value_name = "WHICH", default_value = "aye", hide_possible_values = true)]
    main: Main,
    /// Write a newline to this descriptor when CMD is ready, for s6 and dinit; alone, CMD says READY=1 to aye
    #[arg(long, value_name = "FD", value_parser = clap::value_parser!(i32).range(3..))]
    s6_notify: Option<i32>,
    /// The program and its arguments
    #[arg(value_name = "CMD", required = true, last = true, num_args = 1..)]
    command: Vec<OsString>,
}

/// Which process is announced as the service's main one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Main {
    /// This one, as it was started: it ends as CMD ended
    Aye,
    /// CMD, by MAINPID
    Child,
}

fn finite_span(text: &str) -> Result<Duration, String> {
    aye_manager::unit::value::finite(text).map_err(|error| error.to_string())
}

fn span(text: &str) -> Result<Duration, String> {
    let found = finite_span(text)?;
    if found.is_zero() { Err("expected a span above zero, as in 500ms".to_owned()) } else { Ok(found) }
}

/// `wrap -- CMD` without an option, before the options of all verbs are known, which takes longer than all the rest of it.
pub(crate) fn plainly(mut words: impl Iterator<Item = OsString>) -> Option<Exit> {
    let is_plain = words.next()? == "wrap" && words.next()? == "--";
    let command: Vec<OsString> = words.collect();
    (is_plain && !command.is_empty()).then(|| become_it(command))
}

pub(crate) fn run(args: Args) -> Exit {
    if let Err(error) = probe::speaks_at(args.ready_on.iter().chain(&args.alive_on)) {
        crate::complain(format_args!("aye wrap: {error}"));
        return Exit::Usage;
    }
    if !args.ready_on.is_empty() || !args.alive_on.is_empty() || args.s6_notify.is_some() {
        return stay::stay(args);
    }
    become_it(args.command)
}

/// Returns only when CMD could not be started.
fn become_it(command: Vec<OsString>) -> Exit {
    let error = wrap(command, &Environment::of_process());
    crate::complain(format_args!("aye wrap: {error}"));
    Exit::Failed
}

/// Why CMD could not be started.
fn wrap(command: Vec<OsString>, environment: &Environment) -> String {
    let mut hand_over = match HandOver::keeping_inherited(environment) {
        Ok(hand_over) => hand_over,
        Err(error) => return error.to_string(),
    };
    let notifier = match Notifier::from_environment(environment) {
        Ok(notifier) => notifier,
        Err(error) => return error.to_string(),
    };
    // Under a manager SIGPIPE is ignored (IgnoreSIGPIPE=yes); outside, CMD gets what a shell would give it.
    let sigpipe = if notifier.is_some() { Sigpipe::Ignore } else { Sigpipe::Default };
    if let Some(notifier) = notifier.filter(|_| !hand_over.has(DESCRIPTOR_NAME)) {
        let Some(socket) = notifier.into_socket() else {
            return "$NOTIFY_SOCKET is a vsock address, and there is no descriptor of that which a program could write \
                to: it can use `aye notify`"
                .to_owned();
        };
        hand_over.add(socket, DESCRIPTOR_NAME);
    }
    let program = command[0].clone();
    Program { program, arguments: command, environment: std::env::vars_os().collect(), hand_over, sigpipe }
        .exec()
        .to_string()
}
