//! Sending the message: as whom, with which descriptors, and who waits until it has been received. With `--no-block` that
//! is a child that stays behind, so that nothing is lost and the caller need not wait.

use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use aye::listen::{HandOver, Sigpipe, keep_standard_only};
use aye::{Address, Claim, Environment, LingerError, Notifier, SentAs, Then};
use aye_manager::executor::Program;
use rustix::process::{getgid, getuid};

use super::args::Args;
use super::family::Family;
use super::{descriptor, message, user};

/// How long the manager may take to read the message, as in systemd-notify.
const BARRIER: Duration = Duration::from_secs(5);

/// Sends, and with `--exec` becomes the command.
///
/// # Errors
/// What is wrong with the arguments, with the socket, or with the command.
pub(super) fn run(args: Args, environment: &Environment) -> Result<(), String> {
    let fds = descriptor::take(&args.fds)?;
    let family = Family::of_process();
    let main_pid = args.pid.map(|pid| family.resolve(pid)).transpose()?;
    let message = message::encode(&args, main_pid)?;
    let claim = claim(main_pid.unwrap_or_else(|| family.speaker()), args.uid.as_deref())?;
    let notifier = Notifier::from_environment(environment).map_err(|error| error.to_string())?.ok_or(
        "$NOTIFY_SOCKET is not set: no service manager waits for a message here \
         (Type=notify in the unit, or NotifyAccess=all for a child of its main process)",
    )?;
    let waiting = Waiting::choose(&args, family, environment);
    deliver(&notifier, claim, message.bytes(), &fds, waiting)?;
    drop((notifier, fds));
    match args.command {
        Some(command) => Err(exec(command, args.fds.is_empty())),
        None => Ok(()),
    }
}

/// Who waits until the message has been received, and how long at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Nobody,
    Caller(Duration),
    Child(Duration, Then),
}

impl Waiting {
    fn choose(args: &Args, family: Family, environment: &Environment) -> Self {
        let limit = args.timeout.unwrap_or(BARRIER);
        // Another machine does not know our processes, so it makes no difference to it whether they are still there.
        let is_far = matches!(environment.notify_address(), Ok(Some(Address::Vsock { .. })));
        match args.no_block {
            false => Self::Caller(limit),
            // NotifyAccess=main and exec would refuse a child, and the manager knows this process even when it is gone.
            true if is_far || family.is_tracked() => Self::Nobody,
            true => Self::Child(limit, if args.exec { Then::GoOn } else { Then::Exit }),
        }
    }
}

fn deliver(
    notifier: &Notifier,
    claim: Claim,
    message: &[u8],
    fds: &[OwnedFd],
    waiting: Waiting,
) -> Result<(), String> {
    let fds: Vec<BorrowedFd<'_>> = fds.iter().map(AsFd::as_fd).collect();
    let limit = match waiting {
        Waiting::Child(limit, then) => {
            // A process that is about to exit is no sender to be found: the child then speaks for itself.
            let gone = then == Then::Exit && claim.pid == Some(std::process::id());
            let pid = claim.pid.filter(|_| !gone);
            match notifier.send_and_linger(Claim { pid, ..claim }, message, &fds, limit, then) {
                // Without a child there is only the caller to wait: slower, and still nothing is lost.
                Err(LingerError::Fork(_)) => Some(limit),
                result => return result.map(drop).map_err(|error| error.to_string()),
            }
        }
        Waiting::Caller(limit) => Some(limit),
        Waiting::Nobody => None,
    };
    notifier.send_as(claim, message, &fds).map_err(|error| error.to_string())?;
    match limit {
        Some(limit) => notifier.barrier_as(claim, limit).map_err(|error| error.to_string()),
        None => Ok(()),
    }
}

/// Whose message it shall be. Without `--uid` the claim is tried and given up where the kernel refuses it; the user that
/// was asked for is not given up, so it is tried beforehand.
fn claim(pid: u32, user: Option<&str>) -> Result<Claim, String> {
    let speaker = Claim::of_pid(pid);
    let Some(name) = user else { return Ok(speaker) };
    let found = user::find(name)?;
    let uid = (found.uid != getuid().as_raw()).then_some(found.uid);
    let gid = found.gid.filter(|gid| *gid != getgid().as_raw());
    let claim = Claim { pid: None, uid, gid };
    if claim != Claim::default() && !may(claim) {
        return Err(format!(
            "--uid={name}: not permitted to send as another user: run it as root (CAP_SETUID and CAP_SETGID)"
        ));
    }
    let both = Claim { pid: speaker.pid, ..claim };
    Ok(if may(both) { both } else { claim })
}

/// Whether the kernel lets this process claim that: it is asked over a pair of sockets.
fn may(claim: Claim) -> bool {
    let Ok((ours, _theirs)) = UnixDatagram::pair() else { return false };
    let sent = Notifier::from_socket(ours.into()).send_as(claim, b"X_ASKED=1", &[]);
    matches!(sent, Ok(SentAs::Claimed))
}

/// Becomes the command, with the descriptors it was passed, unless some of them were for the manager: then with the
/// standard ones, as systemd-notify does. Returns only when that failed.
fn exec(command: Vec<OsString>, keep_all: bool) -> String {
    let kept = if keep_all { Ok(()) } else { keep_standard_only() };
    if let Err(error) = kept {
        return format!("cannot close the descriptors before becoming the command: {error}");
    }
    let program = command[0].clone();
    // Under a manager SIGPIPE is ignored (IgnoreSIGPIPE=yes).
    let program = Program {
        program,
        arguments: command,
        environment: std::env::vars_os().collect(),
        hand_over: HandOver::as_found(),
        sigpipe: Sigpipe::Ignore,
    };
    program.exec().to_string()
}
