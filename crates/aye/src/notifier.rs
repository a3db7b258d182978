//! The sender: one socket connected once, then a system call a message and no allocation. A message either reached
//! the receiver's queue, or the caller is told why not.

use std::fmt;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType, UCred, sockopt,
};
use rustix::process::{Gid, Pid, Uid, getgid, getpid, getuid};
use rustix::time::ClockId;

use crate::address::Address;
use crate::environment::{Environment, EnvironmentError};
use crate::message::{Assignment, EncodeError, Encoder};

/// What senders raise their buffer to, as libsystemd does (`SNDBUF_SIZE` in sd-daemon.c).
const SEND_BUFFER: usize = 8 * 1024 * 1024;

/// The most descriptors the kernel passes in one message (`SCM_MAX_FD`).
const MOST_DESCRIPTORS: usize = 253;

const CONTROL_SPACE: usize =
    rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS)) + rustix::cmsg_space!(ScmCredentials(1));

/// Why there is no connection to a manager.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// A variable does not say what it should.
    Environment(EnvironmentError),
    /// A vsock address: parsed, but not spoken yet.
    Vsock(String),
    /// The socket could not be connected.
    Socket {
        /// Where to.
        address: String,
        /// What the kernel said.
        source: Errno,
    },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(error) => error.fmt(f),
            Self::Vsock(address) => write!(f, "cannot notify {address}: vsock is not supported yet"),
            Self::Socket { address, source } => {
                write!(f, "cannot reach the notify socket {address}: {}", explain(*source))
            }
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Environment(error) => Some(error),
            Self::Vsock(_) => None,
            Self::Socket { source, .. } => Some(source),
        }
    }
}

/// Why a message was not handed over.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// It cannot be written as a message.
    Encode(EncodeError),
    /// The socket did not take it.
    Socket(Errno),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Socket(errno) => {
                write!(f, "the notify socket did not take the message: {}", explain(*errno))
            }
        }
    }
}

impl std::error::Error for SendError {}

impl From<EncodeError> for SendError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<Errno> for SendError {
    fn from(errno: Errno) -> Self {
        Self::Socket(errno)
    }
}

/// The kernel's answer in a user's words.
fn explain(errno: Errno) -> String {
    match errno {
        Errno::NOENT => "there is no such socket: is the service manager running?".to_owned(),
        Errno::CONNREFUSED => "nobody listens there any more: the service manager is gone".to_owned(),
        Errno::ACCESS => "permission denied: a sandbox setting or another user's socket".to_owned(),
        Errno::PROTOTYPE => "it is no datagram socket".to_owned(),
        Errno::PERM => "not permitted: only root may claim another process' credentials".to_owned(),
        Errno::SRCH => "there is no process with that PID".to_owned(),
        other => std::io::Error::from(other).to_string(),
    }
}

/// Whose message it shall be: what is not claimed is the caller's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Claim {
    /// Another process.
    pub pid: Option<u32>,
    /// Another user.
    pub uid: Option<u32>,
    /// Another group.
    pub gid: Option<u32>,
}

impl Claim {
    /// Another process, and everything else the caller's own.
    pub fn of_pid(pid: u32) -> Self {
        Self { pid: Some(pid), ..Self::default() }
    }

    /// What to tell the kernel; `None` when there is nothing to claim, or no process can have that pid.
    fn credentials(self) -> Option<UCred> {
        let own = UCred { pid: getpid(), uid: getuid(), gid: getgid() };
        let pid = match self.pid {
            Some(pid) => i32::try_from(pid).ok().and_then(Pid::from_raw)?,
            None => own.pid,
        };
        let uid = self.uid.map_or(own.uid, Uid::from_raw);
        let gid = self.gid.map_or(own.gid, Gid::from_raw);
        ((pid, uid, gid) != (own.pid, own.uid, own.gid)).then_some(UCred { pid, uid, gid })
    }
}

/// Under whose credentials a message went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentAs {
    /// Those that were claimed.
    Claimed,
    /// The caller's: nothing was claimed, or the kernel refused the claim.
    Oneself,
}

/// A connection to the notify socket.
///
/// It blocks while the receiver's queue is full, as libsystemd does: nothing is lost.
#[derive(Debug)]
pub struct Notifier {
    socket: OwnedFd,
}

impl Notifier {
    /// Connects to where `$NOTIFY_SOCKET` points; `None` when it is unset or empty, so that no manager waits.
    ///
    /// # Errors
    /// [`ConnectError`] when the variable holds no address, or nobody listens there.
    pub fn from_environment(environment: &Environment) -> Result<Option<Self>, ConnectError> {
        match environment.notify_address().map_err(ConnectError::Environment)? {
            Some(address) => Self::connect(&address).map(Some),
            None => Ok(None),
        }
    }

    /// Connects to `address`.
    ///
    /// # Errors
    /// [`ConnectError`] when nobody listens there or the address is not `AF_UNIX`.
    pub fn connect(address: &Address<'_>) -> Result<Self, ConnectError> {
        let failed = |source| ConnectError::Socket { address: address.to_string(), source };
        let target = match address {
            Address::Path(path) => SocketAddrUnix::new(*path),
            Address::Abstract(name) => SocketAddrUnix::new_abstract_name(name),
            Address::Vsock { .. } => return Err(ConnectError::Vsock(address.to_string())),
        }
        .map_err(failed)?;
        let socket = datagram_socket().map_err(failed)?;
        rustix::net::connect(&socket, &target).map_err(failed)?;
        Ok(Self::from_socket(socket))
    }

    /// Speaks over a socket that is connected already, such as the descriptor named
    /// [`DESCRIPTOR_NAME`](crate::DESCRIPTOR_NAME) that `OpenFile=` hands over.
    pub fn from_socket(socket: OwnedFd) -> Self {
        // Raising the buffer is a courtesy to ourselves; a refusal changes nothing but how soon a send blocks.
        if sockopt::set_socket_send_buffer_size_force(&socket, SEND_BUFFER).is_err() {
            let _ = sockopt::set_socket_send_buffer_size(&socket, SEND_BUFFER);
        }
        Self { socket }
    }

    /// Sends bytes that are a message already.
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn send(&self, message: &[u8]) -> Result<(), SendError> {
        loop {
            match rustix::net::send(&self.socket, message, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                result => return Ok(result.map(drop)?),
            }
        }
    }

    /// Sends a message together with open descriptors, at most 253.
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn send_with_fds(&self, message: &[u8], fds: &[BorrowedFd<'_>]) -> Result<(), SendError> {
        Ok(self.send_message(message, fds, None)?)
    }

    /// Sends a message, with descriptors or none, under other credentials than the caller's own, which root may do
    /// (`CAP_SYS_ADMIN` for the pid, `CAP_SETUID` and `CAP_SETGID` for the others; unix(7)). Where the kernel refuses, it
    /// is sent once more under the caller's own, as libsystemd does, and the answer says so.
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn send_as(&self, claim: Claim, message: &[u8], fds: &[BorrowedFd<'_>]) -> Result<SentAs, SendError> {
        if let Some(credentials) = claim.credentials() {
            if self.send_message(message, fds, Some(credentials)).is_ok() {
                return Ok(SentAs::Claimed);
            }
        }
        self.send_message(message, fds, None)?;
        Ok(SentAs::Oneself)
    }

    fn send_message(
        &self,
        message: &[u8],
        fds: &[BorrowedFd<'_>],
        claimed: Option<UCred>,
    ) -> Result<(), Errno> {
        if fds.len() > MOST_DESCRIPTORS {
            return Err(Errno::TOOBIG);
        }
        let mut space = [MaybeUninit::uninit(); CONTROL_SPACE];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(fds));
        }
        if let Some(credentials) = claimed {
            control.push(SendAncillaryMessage::ScmCredentials(credentials));
        }
        let iov = [IoSlice::new(message)];
        loop {
            match rustix::net::sendmsg(&self.socket, &iov, &mut control, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                result => return result.map(drop),
            }
        }
    }

    fn say(&self, assignments: &[Assignment<'_>]) -> Result<(), SendError> {
        let mut message = Encoder::new();
        for assignment in assignments {
            message.push(*assignment)?;
        }
        self.send(message.bytes())
    }

    /// `READY=1`: start-up, or a reload, is done.
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn ready(&self) -> Result<(), SendError> {
        self.send(b"READY=1")
    }

    /// `STATUS=`: one line for whoever looks (`systemctl status`, `aye restart`).
    ///
    /// # Errors
    /// [`SendError`]; a text with a line break is refused.
    pub fn status(&self, text: &str) -> Result<(), SendError> {
        self.say(&[Assignment::Status(text)])
    }

    /// `RELOADING=1` with the moment it began; [`ready`](Self::ready) must follow.
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn reloading(&self) -> Result<(), SendError> {
        self.say(&[Assignment::Reloading, Assignment::MonotonicUsec(monotonic_usec())])
    }

    /// `STOPPING=1`: the service is on its way down.
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn stopping(&self) -> Result<(), SendError> {
        self.send(b"STOPPING=1")
    }

    /// `WATCHDOG=1`: the heartbeat, due at half the interval of [`Environment::watchdog`].
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn watchdog(&self) -> Result<(), SendError> {
        self.send(b"WATCHDOG=1")
    }

    /// `MAINPID=`: this process is the main one.
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn main_pid(&self, pid: u32) -> Result<(), SendError> {
        self.say(&[Assignment::MainPid(pid)])
    }

    /// `EXTEND_TIMEOUT_USEC=`: what goes on now needs this much more time, counted from now.
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn extend_timeout(&self, more: Duration) -> Result<(), SendError> {
        self.say(&[Assignment::ExtendTimeoutUsec(more)])
    }

    /// The socket itself, to hand to a program ([`listen`](crate::listen)).
    pub fn into_socket(self) -> OwnedFd {
        self.socket
    }
}

impl AsFd for Notifier {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

pub(crate) fn datagram_socket() -> Result<OwnedFd, Errno> {
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
}

/// `CLOCK_MONOTONIC` in microseconds, the clock of `MONOTONIC_USEC=`.
pub fn monotonic_usec() -> u64 {
    let now = rustix::time::clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000 + now.tv_nsec.unsigned_abs() / 1_000
}
