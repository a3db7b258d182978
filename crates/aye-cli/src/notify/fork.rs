//! `--fork`: this process is the receiver for once. It starts a command with a notify socket of its own and ends when the
//! command has said READY=1, leaving it running; its end before that is a failure, whatever its status.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use aye::{Address, Datagram, Received, Receiver};
use aye_bus::duration;
use rustix::process::{Pid, Signal, getuid, kill_process};
use tokio::io::Interest;
use tokio::net::UnixDatagram;
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::time::{sleep, timeout};

use super::args::Args;
use crate::exit::Exit;

/// A program that could not be started (`EXIT_EXEC` of systemd).
const NOT_STARTED: u8 = 203;

/// After READY=1 the sender may want to know that it was received: this long its barrier is waited for.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// How long the command may take to end when it was not ready in time, before it is killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts the command and waits for it to be ready.
///
/// # Errors
/// It was not ready: it ended, or the time was over.
pub(super) fn run(args: &Args) -> Result<ExitCode, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start the event loop: {error}"))?;
    runtime.block_on(start_and_wait(args))
}

async fn start_and_wait(args: &Args) -> Result<ExitCode, String> {
    let (ear, address) = bind().map_err(|error| format!("cannot make a notify socket for CMD: {error}"))?;
    let mut passed_on = forwarded().map_err(|error| format!("cannot handle signals: {error}"))?;
    let mut child = match start(args, &address) {
        Ok(child) => child,
        Err(error) => {
            super::complain(&error);
            return Ok(NOT_STARTED.into());
        }
    };
    let pid = child.id().unwrap_or_default();
    if !args.quiet {
        // Who does not read it does not want it.
        let _ = writeln!(io::stdout(), "{pid}");
    }
    let until = async {
        match args.timeout {
            Some(limit) => sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(until);
    loop {
        tokio::select! {
            // A message that is there counts before the end of its sender.
            biased;
            heard = ear.next() => {
                if heard.map_err(|error| format!("cannot receive from PID {pid}: {error}"))?.is_some_and(|d| is_ready(&d, pid)) {
                    let _ = timeout(LAST_WORDS, ear.barrier()).await;
                    return Ok(Exit::Done.into());
                }
            }
            number = first(&mut passed_on) => send(pid, number),
            status = child.wait() => {
                let status = status.map_err(|error| format!("cannot wait for PID {pid}: {error}"))?;
                return Ok(ended(pid, status));
            }
            () = &mut until => return Err(give_up(&mut child, pid, args.timeout.unwrap_or_default()).await),
        }
    }
}

/// In the abstract namespace, as systemd-notify does it: there is no file to be left behind.
fn bind() -> io::Result<(Ear, String)> {
    let mut random = [0; 8];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
    let name = format!("aye-notify-{:016x}", u64::from_ne_bytes(random));
    let receiver = Receiver::bind(&Address::Abstract(name.as_bytes()))?;
    rustix::io::ioctl_fionbio(receiver.as_fd(), true)?;
    let readable = UnixDatagram::from_std(receiver.as_fd().try_clone_to_owned()?.into())?;
    Ok((Ear { receiver, readable }, format!("@{name}")))
}

/// The socket, and the same once more to wait for it.
struct Ear {
    receiver: Receiver,
    readable: UnixDatagram,
}

impl Ear {
    /// The next message; `None` for what no manager would read. A barrier is answered by dropping it.
    async fn next(&self) -> io::Result<Option<Datagram>> {
        match self.readable.async_io(Interest::READABLE, || self.receiver.receive()).await? {
            Received::Datagram(datagram) => Ok(Some(datagram)),
            Received::Dropped(..) => Ok(None),
        }
    }

    async fn barrier(&self) {
        while let Ok(heard) = self.next().await {
            if heard.is_some_and(|datagram| datagram.is_barrier()) {
                return;
            }
        }
    }
}

fn start(args: &Args, address: &str) -> Result<Child, String> {
    let [program, arguments @ ..] = args.rest.as_slice() else { return Err("no command".to_owned()) };
    let mut command = Command::new(program);
    command.args(arguments).env("NOTIFY_SOCKET", address).stdin(Stdio::null()).stdout(Stdio::null());
    // What a manager said to this process is not said to that one.
    for variable in
        ["WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"]
    {
        command.env_remove(variable);
    }
    command.spawn().map_err(|error| not_started(program, &error))
}

fn not_started(program: &OsStr, error: &io::Error) -> String {
    let program = program.display();
    match error.kind() {
        io::ErrorKind::NotFound => format!("cannot execute {program}: there is no such program"),
        io::ErrorKind::PermissionDenied => format!("cannot execute {program}: permission denied"),
        _ => format!("cannot execute {program}: {error}"),
    }
}

/// Whether it is READY=1 from the command or a process below it, or, where the command itself is a notifier of root, on
/// behalf of its parent, which is this process. The kernel vouches for the sender.
fn is_ready(datagram: &Datagram, pid: u32) -> bool {
    if !datagram.message.contains("READY=1") {
        return false;
    }
    let sender = datagram.sender;
    let ours = match descent(sender.pid, pid, parent) {
        _ if sender.pid == std::process::id() => true,
        Descent::Below => true,
        Descent::Elsewhere => false,
        // It said that and ended. The name of the socket is random and CMD's alone, so its user will do.
        Descent::Gone => sender.uid == getuid().as_raw(),
    };
    if !ours {
        super::complain(&format!(
            "READY=1 came from PID {}, which is no process of CMD (PID {pid}): ignored",
            sender.pid
        ));
    }
    ours
}

/// Where a process is, seen from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Descent {
    /// It is that one, or below it.
    Below,
    Elsewhere,
    /// It has ended, so that nobody can say.
    Gone,
}

fn descent(pid: u32, ancestor: u32, parent: impl Fn(u32) -> Option<u32>) -> Descent {
    let mut at = pid;
    while at != ancestor {
        match parent(at) {
            Some(above) if above > 1 => at = above,
            None if at == pid => return Descent::Gone,
            _ => return Descent::Elsewhere,
        }
    }
    Descent::Below
}

/// The fourth field of `/proc/PID/stat`, after a name in parentheses that may hold anything.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// The command ended before it was ready: its own status where that tells of a failure.
fn ended(pid: u32, status: ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt;
    let (how, code) = match (status.code(), status.signal()) {
        (Some(0), _) => ("exited with 0".to_owned(), 1),
        (Some(code), _) => (format!("exited with {code}"), u8::try_from(code).unwrap_or(1)),
        (None, signal) => (format!("was killed by signal {}", signal.unwrap_or_default()), 1),
    };
    super::complain(&format!("PID {pid} {how} before it said READY=1"));
    code.into()
}

/// The time is over: the command is asked to end, then killed, because nobody would know of it.
async fn give_up(child: &mut Child, pid: u32, limit: Duration) -> String {
    send(pid, Signal::TERM.as_raw());
    let mut how = "SIGTERM".to_owned();
    if timeout(PATIENCE, child.wait()).await.is_err() {
        let _ = child.kill().await;
        how = format!("SIGKILL, since it went on for {} after SIGTERM", duration(PATIENCE));
    }
    format!(
        "PID {pid} did not say READY=1 within {}, and was ended by {how}: give it more time with --timeout",
        duration(limit)
    )
}

/// Signals to this process that mean the command.
fn forwarded() -> io::Result<Vec<(i32, Signals)>> {
    [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM, Signal::USR1, Signal::USR2]
        .map(Signal::as_raw)
        .into_iter()
        .map(|number| Ok((number, signal(SignalKind::from_raw(number))?)))
        .collect()
}

/// The next of them.
async fn first(signals: &mut [(i32, Signals)]) -> i32 {
    std::future::poll_fn(|context| {
        for (number, signals) in &mut *signals {
            if signals.poll_recv(context).is_ready() {
                return std::task::Poll::Ready(*number);
            }
        }
        std::task::Poll::Pending
    })
    .await
}

/// To the command, which is not reaped before this process knows of its end, so the PID is still its own.
fn send(pid: u32, number: i32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let (Some(pid), Some(signal)) = (pid, Signal::from_named_raw(number)) {
        let _ = kill_process(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_no_descendant_and_who_is_gone_is_neither() {
        let parent = |pid| match pid {
            30 => Some(20),
            20 => Some(10),
            10 | 40 => Some(1),
            60 => Some(50),
            _ => None,
        };
        for (pid, ancestor, expected) in [
            (10, 10, Descent::Below),
            (30, 10, Descent::Below),
            (40, 10, Descent::Elsewhere),
            (10, 20, Descent::Elsewhere),
            (60, 10, Descent::Elsewhere),
            (50, 10, Descent::Gone),
        ] {
            assert_eq!(descent(pid, ancestor, parent), expected, "{pid} from {ancestor}");
        }
    }
}
