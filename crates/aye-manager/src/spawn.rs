//! Starting a process of a service: the manager writes an order and the descriptors that go with it into a socket that
//! is the child's standard input; the child is this very binary, which carries the order out and becomes the program.
//! The socket closes on exec, so what the manager reads back is either nothing, for success, or why it failed.

use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use aye::listen::{self, HandOver, Sigpipe};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::executor::Program;

/// What the binary is called with to carry out an order. Not for people.
pub const EXECUTOR: &str = "__execute";

/// Statuses of systemd.exec(5), "Process Exit Codes"; `EXIT_STDIN` is for what comes before the others.
const EXIT_CHDIR: u8 = 200;
const EXIT_FDS: u8 = 202;
const EXIT_EXEC: u8 = 203;
const EXIT_STDIN: u8 = 208;

/// One message carries at most this many descriptors (`SCM_MAX_FD`).
const MOST_DESCRIPTORS: usize = 253;

const ABOVE_DESCRIPTORS: i32 = 300;

/// A process to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The program and its arguments, the first of which is only a name.
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
    /// The whole environment, without what only the process itself knows.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Where to start, and whether to go on in `/` when that is missing.
    pub(crate) folder: PathBuf,
    pub(crate) folder_optional: bool,
    /// The names of the descriptors that come with the order.
    pub(crate) names: Vec<String>,
    /// How many open files the process may have (`RLIMIT_NOFILE`, soft): the manager's own limit is raised.
    pub(crate) open_files: Option<u64>,
    /// Why they could not be had.
    pub(crate) no_descriptors: Option<String>,
}

/// A process made, and the socket on which it says if it cannot become its program.
#[derive(Debug)]
pub(crate) struct Spawned {
    pub(crate) pid: u32,
    pub(crate) report: UnixStream,
}

/// Makes the process. Its output goes to `output`; its exit is left to whoever reaps.
pub(crate) fn spawn(order: &Order, fds: &[OwnedFd], output: &OwnedFd) -> io::Result<Spawned> {
    if fds.len() > MOST_DESCRIPTORS {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "more than 253 descriptors to hand over"));
    }
    let (mut ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new("/proc/self/exe");
    command.arg(EXECUTOR).env_clear();
    command.stdin(Stdio::from(OwnedFd::from(theirs)));
    command.stdout(Stdio::from(output.try_clone()?)).stderr(Stdio::from(output.try_clone()?));
    let child = crate::starter::start(command)?;
    let text = serde_json::to_vec(order)?;
    send_first(&ours, &text[..1], fds)?;
    ours.write_all(&text[1..])?;
    ours.shutdown(std::net::Shutdown::Write)?;
    Ok(Spawned { pid: child.id(), report: ours })
}

/// The first byte carries the descriptors.
fn send_first(socket: &UnixStream, byte: &[u8], fds: &[OwnedFd]) -> io::Result<()> {
    let borrowed: Vec<BorrowedFd<'_>> = fds.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !borrowed.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(&borrowed));
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(byte)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// The child's part: reads the order from standard input and becomes the program. Returns the exit status when that
/// failed, having said why.
pub fn execute() -> u8 {
    // Above every number that a handed-over descriptor may get, and closed by exec.
    let socket = match rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), above_descriptors()) {
        Ok(socket) => UnixStream::from(socket),
        Err(_) => return EXIT_STDIN,
    };
    let (status, why) = carry_out(&socket);
    let _ = (&socket).write_all(why.as_bytes());
    status
}

/// There is no number at or above `ulimit -n`.
fn above_descriptors() -> i32 {
    let limit = getrlimit(Resource::Nofile).current.and_then(|limit| i32::try_from(limit).ok());
    limit.map_or(ABOVE_DESCRIPTORS, |limit| ABOVE_DESCRIPTORS.min(limit - 1))
}

fn carry_out(socket: &UnixStream) -> (u8, String) {
    let (order, fds) = match receive(socket) {
        Ok(received) => received,
        Err(error) => return (EXIT_STDIN, format!("the executor got no order: {error}")),
    };
    if let Err(error) = detach() {
        return (EXIT_STDIN, format!("cannot begin a session: {error}"));
    }
    if let Some(why) = order.no_descriptors {
        return (EXIT_FDS, why);
    }
    if let Err(why) = enter(&order) {
        return (EXIT_CHDIR, why);
    }
    limit_open_files(order.open_files);
    let mut hand_over = HandOver::default();
    for (fd, name) in fds.into_iter().zip(&order.names) {
        hand_over.add(fd, name);
    }
    let program = Program {
        program: order.program,
        arguments: order.arguments,
        environment: with_own_pid(order.environment),
        hand_over,
        sigpipe: Sigpipe::Ignore,
    };
    if let Err(error) = listen::forget_inherited() {
        return (EXIT_FDS, format!("cannot forget inherited descriptors: {error}"));
    }
    (EXIT_EXEC, program.exec().to_string())
}

fn enter(order: &Order) -> Result<(), String> {
    match std::env::set_current_dir(&order.folder) {
        Err(_) if order.folder_optional && std::env::set_current_dir("/").is_ok() => Ok(()),
        Err(error) => Err(format!("cannot change to WorkingDirectory= {}: {error}", order.folder.display())),
        Ok(()) => Ok(()),
    }
}

/// As many as the hard limit allows, for a manager keeps several open for each service. Returns the soft limit before.
pub(crate) fn raise_open_files() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    raised.is_ok().then_some(limit.current).flatten()
}

/// A limit above 1024 breaks programs that use select(2), so a service gets the one the manager had.
fn limit_open_files(soft: Option<u64>) {
    if soft.is_some() {
        let limit = getrlimit(Resource::Nofile);
        let _ = setrlimit(Resource::Nofile, Rlimit { current: soft, ..limit }); // lowering is always allowed
    }
}

/// A session of its own, no terminal, no standard input, and no life without the manager.
fn detach() -> io::Result<()> {
    let null = std::fs::File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::process::setsid()?;
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    Ok(())
}

/// `SYSTEMD_EXEC_PID`, and `WATCHDOG_PID` where there is a watchdog.
fn with_own_pid(mut environment: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
    let pid = OsString::from(std::process::id().to_string());
    if environment.iter().any(|(key, _)| key == "WATCHDOG_USEC") {
        environment.push(("WATCHDOG_PID".into(), pid.clone()));
    }
    environment.push(("SYSTEMD_EXEC_PID".into(), pid));
    environment
}

fn receive(mut socket: &UnixStream) -> io::Result<(Order, Vec<OwnedFd>)> {
    let mut first = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    rustix::net::recvmsg(socket, &mut [IoSliceMut::new(&mut first)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut fds = Vec::new();
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = part {
            fds.extend(passed);
        }
    }
    let mut text = first.to_vec();
    socket.read_to_end(&mut text)?;
    Ok((serde_json::from_slice(&text)?, fds))
}
