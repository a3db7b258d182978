//! `aye notify`: a drop-in for systemd-notify(1) that exits only when its message was received. It tries to speak as
//! its parent, since a shell script is what usually calls it and the script is the service's main process.

use std::time::Duration;

use aye::message::LineBreaks;
use aye::{Assignment, Claim, Encoder, Environment, Notifier};
use rustix::process::{getpid, getppid};

use crate::exit::Exit;

/// How long the barrier may take, as in systemd-notify.
const BARRIER: Duration = Duration::from_secs(5);

/// Tell the service manager how this service is doing, and wait until it knows.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 when the message was received, 1 otherwise.\n\n\
Examples:\n  aye notify --ready --status='listening on 3000'\n  aye notify WATCHDOG=1")]
pub(crate) struct Args {
    /// The service has started, or finished a reload (READY=1)
    #[arg(long)]
    ready: bool,
    /// The service begins to reload; --ready must follow (RELOADING=1)
    #[arg(long)]
    reloading: bool,
    /// The service begins to stop (STOPPING=1)
    #[arg(long)]
    stopping: bool,
    /// One line for `systemctl status`; a line break becomes a space (STATUS=)
    #[arg(long, value_name = "TEXT")]
    status: Option<String>,
    /// The main process: a PID, `parent` (who called this), `self`, or `auto`, which is the parent unless that is the
    /// service manager (MAINPID=)
    #[arg(long, value_name = "PID", num_args = 0..=1, require_equals = true, default_missing_value = "auto")]
    pid: Option<MainPid>,
    /// Do not wait until the message has been received. It can then be lost
    #[arg(long)]
    no_block: bool,
    /// Further assignments, sent as they are
    #[arg(value_name = "KEY=VALUE")]
    assignments: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
enum MainPid {
    Auto,
    Parent,
    Own,
    Number(u32),
}

impl std::str::FromStr for MainPid {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" | "" => Ok(Self::Auto),
            "parent" => Ok(Self::Parent),
            "self" => Ok(Self::Own),
            number => match number.parse() {
                Ok(pid) if pid > 0 && i32::try_from(pid).is_ok() => Ok(Self::Number(pid)),
                _ => Err("expected a PID, `auto`, `parent` or `self`"),
            },
        }
    }
}

impl MainPid {
    fn resolve(self, family: Family) -> u32 {
        match self {
            Self::Auto => family.caller().unwrap_or(family.own),
            Self::Parent => family.parent,
            Self::Own => family.own,
            Self::Number(pid) => pid,
        }
    }
}

/// The processes around this one.
#[derive(Debug, Clone, Copy)]
struct Family {
    own: u32,
    parent: u32,
    manager: u32,
}

impl Family {
    fn of_process() -> Self {
        let raw = |pid: rustix::process::Pid| pid.as_raw_nonzero().get().unsigned_abs();
        // A user manager says who it is in $MANAGERPID; otherwise the manager is PID 1.
        let manager = std::env::var("MANAGERPID").ok().and_then(|pid| pid.parse().ok()).unwrap_or(1);
        Self { own: raw(getpid()), parent: getppid().map_or(0, raw), manager }
    }

    /// The parent, unless that is the service manager itself: nobody may speak for it.
    fn caller(self) -> Option<u32> {
        (self.parent > 1 && self.parent != self.manager).then_some(self.parent)
    }
}

pub(crate) fn run(args: &Args) -> Exit {
    match notify(args, &Environment::of_process(), Family::of_process()) {
        Ok(()) => Exit::Done,
        Err(message) => {
            crate::complain(format_args!("aye notify: {message}"));
            Exit::Failed
        }
    }
}

fn notify(args: &Args, environment: &Environment, family: Family) -> Result<(), String> {
    let message = encode(args, family)?;
    if message.is_empty() {
        return Err(
            "nothing to say: give --ready, --status=TEXT or KEY=VALUE (see aye notify --help)".to_owned()
        );
    }
    let notifier = Notifier::from_environment(environment).map_err(|error| error.to_string())?.ok_or(
        "$NOTIFY_SOCKET is not set: no service manager waits for a message here \
         (Type=notify in the unit, or NotifyAccess=all for a child of its main process)",
    )?;
    let speaker = match args.pid {
        Some(_) => args.pid.map(|pid| pid.resolve(family)),
        None => family.caller(),
    };
    let claim = Claim { pid: speaker, ..Claim::default() };
    notifier.send_as(claim, message.bytes(), &[]).map_err(|error| error.to_string())?;
    if args.no_block {
        return Ok(());
    }
    notifier.barrier(BARRIER).map_err(|error| error.to_string())
}

/// In systemd-notify's order.
fn encode(args: &Args, family: Family) -> Result<Encoder, String> {
    let mut said = Vec::new();
    if args.ready {
        said.push(Assignment::Ready);
    }
    if args.reloading {
        said.extend([Assignment::Reloading, Assignment::MonotonicUsec(aye::monotonic_usec())]);
    }
    if args.stopping {
        said.push(Assignment::Stopping);
    }
    said.extend(args.status.as_deref().map(Assignment::Status));
    said.extend(args.pid.map(|pid| Assignment::MainPid(pid.resolve(family))));
    said.extend(args.assignments.iter().map(|assignment| Assignment::Raw(assignment)));
    let mut message = Encoder::new().with_line_breaks(LineBreaks::Space);
    for assignment in said {
        message.push(assignment).map_err(|error| match assignment {
            Assignment::Raw(given) => format!("{given:?}: {error}"),
            _ => error.to_string(),
        })?;
    }
    Ok(message)
}
