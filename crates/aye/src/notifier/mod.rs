//! The sender: one socket connected once, then a system call a message and no allocation. A message either reached
//! the receiver's queue, or the caller is told why not.

mod claim;
mod error;
mod verbs;
mod vsock;

use core::mem::MaybeUninit;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, IoSlice};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType, UCred, sockopt,
};
use rustix::time::ClockId;

pub use claim::{Claim, SentAs};
pub use error::{ConnectError, SendError, Spelling};
pub use verbs::HangUp;

use crate::address::Address;
#[cfg(feature = "std")]
use crate::environment::Environment;

/// What senders raise their buffer to, as libsystemd does (`SNDBUF_SIZE` in sd-daemon.c).
const SEND_BUFFER: usize = 8 * 1024 * 1024;

/// The most descriptors the kernel passes in one message (`SCM_MAX_FD`).
const MOST_DESCRIPTORS: usize = 253;

const CONTROL_SPACE: usize =
    rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS)) + rustix::cmsg_space!(ScmCredentials(1));

/// A connection to the notify socket.
///
/// It blocks while the receiver's queue is full, as libsystemd does: nothing is lost. Over vsock it also waits, where the
/// socket has connections, until the receiver closed: each message is then a connection of its own.
///
/// ```no_run
/// use aye::{Address, Notifier};
/// let notifier = Notifier::connect(&Address::parse(b"/run/systemd/notify")?)?;
/// notifier.status("loading the cache")?;
/// notifier.ready()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Notifier {
    route: Route,
}

#[derive(Debug)]
enum Route {
    /// A connected datagram socket in this machine.
    Local(OwnedFd),
    /// The same to another one.
    Datagram(OwnedFd),
    /// A connection a message.
    Connections(vsock::Peer),
}

/// What to do about a receiver's queue that is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Full {
    IsWaitedOut,
    IsAnError,
}

impl Notifier {
    /// Connects to where `$NOTIFY_SOCKET` points; `None` when it is unset or empty, so that no manager waits.
    ///
    /// ```
    /// use aye::{Environment, Notifier};
    /// let nobody_waits = Environment::of(|_| None);
    /// assert!(Notifier::from_environment(&nobody_waits)?.is_none());
    /// # Ok::<(), aye::ConnectError>(())
    /// ```
    ///
    /// # Errors
    /// [`ConnectError`] when the variable holds no address, or nobody listens there.
    #[cfg(feature = "std")]
    pub fn from_environment(environment: &Environment) -> Result<Option<Self>, ConnectError> {
        match environment.notify_address().map_err(ConnectError::Environment)? {
            Some(address) => Self::connect(&address).map(Some),
            None => Ok(None),
        }
    }

    /// Connects to `address`. To a vsock address that is spoken to over connections nothing is sent yet, so that whether
    /// somebody listens shows with the first message.
    ///
    /// ```
    /// let error = aye::Notifier::connect(&aye::Address::Abstract(b"nobody")).unwrap_err();
    /// assert!(error.to_string().contains("nobody listens there"));
    /// ```
    ///
    /// # Errors
    /// [`ConnectError`] when nobody listens there.
    pub fn connect(address: &Address<'_>) -> Result<Self, ConnectError> {
        let failed = |source| ConnectError::Socket { address: Spelling::of(address), source };
        Self::route_to(address).map(|route| Self { route }).map_err(failed)
    }

    fn route_to(address: &Address<'_>) -> Result<Route, Errno> {
        let target = match *address {
            Address::Path(path) => SocketAddrUnix::new(path),
            Address::Abstract(name) => SocketAddrUnix::new_abstract_name(name),
            Address::Vsock { kind, cid, port } => {
                let datagram = vsock::datagram(kind, cid, port)?.map(Route::Datagram);
                return Ok(datagram.unwrap_or(Route::Connections(vsock::Peer::new(kind, cid, port))));
            }
        }?;
        let socket = datagram_socket()?;
        rustix::net::connect(&socket, &target)?;
        raise_buffer(&socket);
        Ok(Route::Local(socket))
    }

    /// Speaks over a socket that is connected already, such as the descriptor named
    /// [`DESCRIPTOR_NAME`](crate::DESCRIPTOR_NAME) that `OpenFile=` hands over.
    ///
    /// ```
    /// use aye::Notifier;
    /// let (ours, theirs) = std::os::unix::net::UnixDatagram::pair()?;
    /// Notifier::from_socket(ours.into()).ready()?;
    /// let mut message = [0; 16];
    /// let length = theirs.recv(&mut message)?;
    /// assert_eq!(&message[..length], b"READY=1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_socket(socket: OwnedFd) -> Self {
        raise_buffer(&socket);
        Self { route: Route::Local(socket) }
    }

    /// Sends bytes that are a message already.
    ///
    /// ```no_run
    /// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
    /// notifier.send(b"READY=1\nX_BUILD=7")?;
    /// # Ok::<(), aye::SendError>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError::Socket`].
    #[inline]
    pub fn send(&self, message: &[u8]) -> Result<(), SendError> {
        let socket = match &self.route {
            Route::Local(socket) | Route::Datagram(socket) => socket,
            Route::Connections(peer) => return peer.send(message),
        };
        loop {
            match rustix::net::send(socket, message, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => wait_for_room(socket)?,
                result => return Ok(result.map(drop)?),
            }
        }
    }

    /// Sends bytes that are a message already, without waiting: while the receiver's queue is full, nothing is sent, and
    /// the error says so ([`SendError::is_full_queue`]). For what another message follows, such as a heartbeat on an event
    /// loop.
    ///
    /// Over vsock that holds for datagram sockets. Where each message is a connection there is no queue to be full, and
    /// this waits as [`send`](Self::send) does, until the receiver has closed it.
    ///
    /// ```no_run
    /// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
    /// match notifier.try_send(b"WATCHDOG=1") {
    ///     Err(error) if error.is_full_queue() => {} // the manager is busy, and the next one is under way
    ///     result => result?,
    /// }
    /// # Ok::<(), aye::SendError>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError::Socket`].
    #[inline]
    pub fn try_send(&self, message: &[u8]) -> Result<(), SendError> {
        let socket = match &self.route {
            Route::Local(socket) | Route::Datagram(socket) => socket,
            Route::Connections(peer) => return peer.send(message),
        };
        loop {
            match rustix::net::send(socket, message, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Err(Errno::INTR) => {}
                result => return Ok(result.map(drop)?),
            }
        }
    }

    /// Sends a message together with open descriptors, at most 253.
    ///
    /// ```no_run
    /// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
    /// # use std::os::fd::AsFd;
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// notifier.send_with_fds(b"FDSTORE=1\nFDNAME=http", &[listener.as_fd()])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError::Socket`]; [`SendError::DescriptorsOverVsock`].
    pub fn send_with_fds(&self, message: &[u8], fds: &[BorrowedFd<'_>]) -> Result<(), SendError> {
        self.send_message(message, fds, None, Full::IsWaitedOut)
    }

    /// Sends a message, with descriptors or none, under other credentials than the caller's own, which root may do
    /// (`CAP_SYS_ADMIN` for the pid, `CAP_SETUID` and `CAP_SETGID` for the others; unix(7)). Where the kernel refuses, it
    /// is sent once more under the caller's own, as libsystemd does, and the answer says so. Over vsock nobody has
    /// credentials.
    ///
    /// ```no_run
    /// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
    /// use aye::{Claim, SentAs};
    /// let parent = Claim::of_pid(std::os::unix::process::parent_id());
    /// if notifier.send_as(parent, b"READY=1", &[])? == SentAs::Oneself {
    ///     eprintln!("spoke for myself: only root may speak for another process");
    /// }
    /// # Ok::<(), aye::SendError>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError::Socket`]; [`SendError::DescriptorsOverVsock`].
    pub fn send_as(&self, claim: Claim, message: &[u8], fds: &[BorrowedFd<'_>]) -> Result<SentAs, SendError> {
        self.send_claimed(claim, message, fds, Full::IsWaitedOut)
    }

    /// The same without waiting for room.
    pub(crate) fn try_send_as(
        &self,
        claim: Claim,
        message: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Result<SentAs, SendError> {
        self.send_claimed(claim, message, fds, Full::IsAnError)
    }

    fn send_claimed(
        &self,
        claim: Claim,
        message: &[u8],
        fds: &[BorrowedFd<'_>],
        full: Full,
    ) -> Result<SentAs, SendError> {
        if let (Some(credentials), Route::Local(_)) = (claim.credentials(), &self.route) {
            match self.send_message(message, fds, Some(credentials), full) {
                Ok(()) => return Ok(SentAs::Claimed),
                // No refusal of the claim: there is no room for the one without it either.
                Err(error) if error.is_full_queue() => return Err(error),
                Err(_) => {}
            }
        }
        self.send_message(message, fds, None, full)?;
        Ok(SentAs::Oneself)
    }

    fn send_message(
        &self,
        message: &[u8],
        fds: &[BorrowedFd<'_>],
        claimed: Option<UCred>,
        full: Full,
    ) -> Result<(), SendError> {
        let Route::Local(socket) = &self.route else {
            return if fds.is_empty() { self.send(message) } else { Err(SendError::DescriptorsOverVsock) };
        };
        if fds.len() > MOST_DESCRIPTORS {
            return Err(Errno::TOOBIG.into());
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
        let flags = match full {
            Full::IsWaitedOut => SendFlags::NOSIGNAL,
            Full::IsAnError => SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
        };
        loop {
            match rustix::net::sendmsg(socket, &iov, &mut control, flags) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if full == Full::IsWaitedOut => {
                    wait_for_room(socket)?;
                }
                result => return Ok(result.map(drop)?),
            }
        }
    }

    /// Whether a message that was sent was also read: each is a connection, and its end is the answer.
    pub(crate) fn is_confirmed(&self) -> bool {
        matches!(self.route, Route::Connections(_))
    }

    /// The socket, where there is one that stays.
    pub(crate) fn datagrams(&self) -> Option<BorrowedFd<'_>> {
        match &self.route {
            Route::Local(socket) | Route::Datagram(socket) => Some(socket.as_fd()),
            Route::Connections(_) => None,
        }
    }

    /// The socket itself, to hand to a program ([`listen`](crate::listen)); `None` over vsock, where there is none that
    /// write(2) alone could use.
    ///
    /// ```
    /// # let (ours, theirs) = std::os::unix::net::UnixDatagram::pair()?;
    /// let notifier = aye::Notifier::from_socket(ours.into());
    /// assert!(notifier.into_socket().is_some());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn into_socket(self) -> Option<OwnedFd> {
        match self.route {
            Route::Local(socket) => Some(socket),
            Route::Datagram(_) | Route::Connections(_) => None,
        }
    }
}

/// Raising the buffer is a courtesy to ourselves; a refusal changes nothing but how soon a send blocks.
fn raise_buffer(socket: &OwnedFd) {
    if sockopt::set_socket_send_buffer_size_force(socket, SEND_BUFFER).is_err() {
        let _ = sockopt::set_socket_send_buffer_size(socket, SEND_BUFFER);
    }
}

/// Waits for room, also where the socket itself would not: one that was handed over can be in non-blocking mode.
#[cold]
fn wait_for_room(socket: &OwnedFd) -> Result<(), Errno> {
    match poll(&mut [PollFd::new(socket, PollFlags::OUT)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(errno),
    }
}

pub(crate) fn datagram_socket() -> Result<OwnedFd, Errno> {
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
}

/// `CLOCK_MONOTONIC` in microseconds, the clock of `MONOTONIC_USEC=`.
///
/// ```
/// let began = aye::monotonic_usec();
/// assert!(aye::monotonic_usec() >= began);
/// ```
pub fn monotonic_usec() -> u64 {
    let now = rustix::time::clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000 + now.tv_nsec.unsigned_abs() / 1_000
}
