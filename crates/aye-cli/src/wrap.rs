//! `aye wrap -- CMD`: connects to `$NOTIFY_SOCKET`, puts the connection where a program finds handed-over
//! descriptors, and becomes CMD: the same pid, no parent left. For systemd older than 253, which has no `OpenFile=`.

use std::ffi::OsString;

use aye::listen::{HandOver, Sigpipe};
use aye::{DESCRIPTOR_NAME, Environment, Notifier};
use aye_manager::executor::Program;

use crate::exit::Exit;

/// Hand CMD the connected notify socket as a descriptor named `notify`, and become it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without $NOTIFY_SOCKET, CMD simply runs. Exit status: CMD's own, or 1 when it cannot be started.\n\n\
Example, in a unit file:\n  ExecStart=/usr/bin/aye wrap -- /usr/bin/node server.js")]
pub(crate) struct Args {
    /// The program and its arguments
    #[arg(value_name = "CMD", required = true, last = true, num_args = 1..)]
    command: Vec<OsString>,
}

pub(crate) fn run(args: Args) -> Exit {
    let error = wrap(args.command, &Environment::of_process());
    crate::complain(format_args!("aye wrap: {error}"));
    Exit::Failed
}

/// Returns only when CMD could not be started.
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
