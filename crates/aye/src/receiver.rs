//! The manager's end: binds the notify socket and receives each datagram with the sender's credentials and the
//! descriptors it passed. What `PID 1` drops is dropped here too, and the caller is told.

mod raw;

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{SocketAddrUnix, sockopt};

pub use raw::Raw;

use crate::address::Address;
use crate::message::{LARGEST, Message, ParseError};
use crate::notifier::datagram_socket;
use crate::process::Attributed;
use crate::sys::{self, Arrived};

/// What the listener raises its buffer to, as systemd does (`NOTIFY_RCVBUF_SIZE`).
const RECEIVE_BUFFER: usize = 8 * 1024 * 1024;

/// Who sent a datagram, as the kernel attests it.
///
/// ```
/// # let name = format!("aye-doc-sender-{}", std::process::id());
/// # let address = aye::Address::Abstract(name.as_bytes());
/// let receiver = aye::Receiver::bind(&address)?;
/// aye::Notifier::connect(&address)?.ready()?;
/// let aye::Received::Datagram(datagram) = receiver.receive()? else { panic!() };
/// assert_eq!(datagram.sender.pid, std::process::id());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// The process; it may have exited since.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// One message with everything that came along.
///
/// ```
/// # let name = format!("aye-doc-datagram-{}", std::process::id());
/// # let address = aye::Address::Abstract(name.as_bytes());
/// let receiver = aye::Receiver::bind(&address)?;
/// aye::Notifier::connect(&address)?.status("up")?;
/// let aye::Received::Datagram(datagram) = receiver.receive()? else { panic!() };
/// assert_eq!(datagram.bytes, b"STATUS=up");
/// assert_eq!(datagram.message.value("STATUS"), Some(&b"up"[..]));
/// assert!(datagram.fds.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Datagram {
    /// The bytes as sent.
    pub bytes: Vec<u8>,
    /// The assignments in them.
    pub message: Message,
    /// The descriptors passed; dropping them closes them, which is what completes a barrier.
    pub fds: Vec<OwnedFd>,
    /// Who sent it.
    pub sender: Sender,
    /// The sender, pinned: from Linux 6.5 on, and from 6.16 on also when it has been reaped before the message was read.
    pub pidfd: Option<OwnedFd>,
}

impl Datagram {
    /// Whether this is a barrier: exactly one assignment and exactly one descriptor. All there is to do is to drop it.
    ///
    /// ```
    /// # let name = format!("aye-doc-is-barrier-{}", std::process::id());
    /// # let address = aye::Address::Abstract(name.as_bytes());
    /// let receiver = aye::Receiver::bind(&address)?;
    /// aye::Notifier::connect(&address)?.send(b"BARRIER=1")?; // without its descriptor
    /// let aye::Received::Datagram(datagram) = receiver.receive()? else { panic!() };
    /// assert!(!datagram.is_barrier());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_barrier(&self) -> bool {
        self.message.contains("BARRIER=1") && self.message.lines().count() == 1 && self.fds.len() == 1
    }

    /// What the kernel knows of the sender, also when it is gone: its cgroup, by which a manager finds the unit without a
    /// look into `/proc` that may come too late. `None` before Linux 6.13, and for a reaped sender before 6.16.
    ///
    /// ```
    /// # use aye::{Address, Notifier, Received, Receiver};
    /// # let name = format!("aye-doc-{}", std::process::id());
    /// # let address = Address::Abstract(name.as_bytes());
    /// let receiver = Receiver::bind(&address)?;
    /// Notifier::connect(&address)?.ready()?;
    /// let Received::Datagram(datagram) = receiver.receive()? else { panic!() };
    /// if let Some(sender) = datagram.attributed() {
    ///     assert_eq!(sender.pid, Some(std::process::id()));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn attributed(&self) -> Option<Attributed> {
        Attributed::of(self.pidfd.as_ref()?.as_fd()).ok()
    }
}

/// Why a datagram was dropped whole.
///
/// ```
/// # let name = format!("aye-doc-dropped-{}", std::process::id());
/// # let address = aye::Address::Abstract(name.as_bytes());
/// use aye::{Dropped, Received};
/// let receiver = aye::Receiver::bind(&address)?;
/// aye::Notifier::connect(&address)?.send(&[b'a'; 5000])?;
/// let Received::Dropped(why, sender) = receiver.receive()? else { panic!() };
/// assert_eq!(why, Dropped::TooLarge);
/// assert_eq!(sender.unwrap().pid, std::process::id());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dropped {
    /// Longer than 4096 bytes.
    TooLarge,
    /// The control data was cut off: more descriptors than this process may have open.
    DescriptorsLost,
    /// The kernel attached no credentials, or the sender is outside this pid namespace.
    NoCredentials,
    /// It breaks a rule of the codec.
    Malformed(ParseError),
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "over {LARGEST} bytes"),
            Self::DescriptorsLost => write!(f, "its descriptors did not all arrive"),
            Self::NoCredentials => write!(f, "it has no sender"),
            Self::Malformed(error) => error.fmt(f),
        }
    }
}

/// What came of one look at the socket.
///
/// ```
/// # let name = format!("aye-doc-received-{}", std::process::id());
/// # let address = aye::Address::Abstract(name.as_bytes());
/// # let receiver = aye::Receiver::bind(&address)?;
/// # aye::Notifier::connect(&address)?.ready()?;
/// use aye::Received;
/// match receiver.receive()? {
///     Received::Datagram(datagram) => println!("{} says {:?}", datagram.sender.pid, datagram.message),
///     Received::Dropped(why, _) => println!("dropped: {why}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub enum Received {
    /// A message.
    Datagram(Datagram),
    /// A datagram that no rule lets pass; its descriptors are closed.
    Dropped(Dropped, Option<Sender>),
}

/// A bound notify socket.
///
/// ```
/// use aye::{Address, Notifier, Received, Receiver};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("notify");
/// # use std::os::unix::ffi::OsStrExt;
/// let address = Address::Path(path.as_os_str().as_bytes());
/// let receiver = Receiver::bind(&address)?;
/// Notifier::connect(&address)?.ready()?;
/// let Received::Datagram(datagram) = receiver.receive()? else { panic!() };
/// assert!(datagram.message.contains("READY=1"));
/// assert_eq!(datagram.sender.pid, std::process::id());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Receiver {
    socket: OwnedFd,
}

impl Receiver {
    /// Binds `address`. The socket blocks; set it non-blocking through its descriptor where a reactor polls it.
    ///
    /// ```
    /// # let name = format!("aye-doc-bind-{}", std::process::id());
    /// let receiver = aye::Receiver::bind(&aye::Address::Abstract(name.as_bytes()))?;
    /// assert!(aye::Receiver::bind(&aye::Address::Abstract(name.as_bytes())).is_err(), "the name is taken");
    /// # drop(receiver);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// What the kernel says to bind(2), or [`io::ErrorKind::Unsupported`] for vsock.
    pub fn bind(address: &Address<'_>) -> io::Result<Self> {
        let target = match address {
            Address::Path(path) => SocketAddrUnix::new(*path)?,
            Address::Abstract(name) => SocketAddrUnix::new_abstract_name(name)?,
            Address::Vsock { .. } => return Err(io::ErrorKind::Unsupported.into()),
        };
        let socket = datagram_socket()?;
        if sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER).is_err() {
            let _ = sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER);
        }
        // Before bind(2): a datagram that arrives earlier would carry no sender. SO_PASSRIGHTS is left as it is, which is
        // on: with it off a barrier is refused (EPERM).
        sockopt::set_socket_passcred(&socket, true)?;
        let _ = sys::pass_pidfd(socket.as_fd(), true); // Linux 6.5; without it there is the pid
        rustix::net::bind(&socket, &target)?;
        Ok(Self { socket })
    }

    /// Whether each datagram brings a pidfd of its sender (`SO_PASSPIDFD` of socket(7)), as it does after [`bind`](Self::bind)
    /// on Linux 6.5 and later. The kernel opens one for each datagram: who does not use it saves that.
    ///
    /// ```
    /// # let name = format!("aye-doc-pass-{}", std::process::id());
    /// # let address = aye::Address::Abstract(name.as_bytes());
    /// let receiver = aye::Receiver::bind(&address)?;
    /// if receiver.pass_pidfds(false).is_ok() {
    ///     aye::Notifier::connect(&address)?.ready()?;
    ///     assert!(receiver.receive_raw()?.pidfd.is_none());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `ENOPROTOOPT` before Linux 6.5, where there never is one.
    pub fn pass_pidfds(&self, pass: bool) -> io::Result<()> {
        sys::pass_pidfd(self.socket.as_fd(), pass)
    }

    /// Takes the next datagram.
    ///
    /// ```
    /// # let name = format!("aye-doc-receive-{}", std::process::id());
    /// # let address = aye::Address::Abstract(name.as_bytes());
    /// let receiver = aye::Receiver::bind(&address)?;
    /// aye::Notifier::connect(&address)?.ready()?;
    /// assert!(matches!(receiver.receive()?, aye::Received::Datagram(_)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What the kernel says to recvmsg(2); on a non-blocking socket [`io::ErrorKind::WouldBlock`] when there is none.
    pub fn receive(&self) -> io::Result<Received> {
        // One byte more than allowed, so that too large is seen, whatever the kernel says of truncation.
        let mut buffer = [0; LARGEST + 1];
        let arrived = sys::receive(self.socket.as_fd(), &mut buffer)?;
        Ok(judge(&buffer[..arrived.length], arrived))
    }
}

/// A datagram that has been looked at and is still in the queue: as it came, whatever the rules make of it.
///
/// ```
/// # let name = format!("aye-doc-waiting-{}", std::process::id());
/// # let address = aye::Address::Abstract(name.as_bytes());
/// let receiver = aye::Receiver::bind(&address)?;
/// aye::Notifier::connect(&address)?.send(b"no assignment\\")?;
/// let waiting = receiver.peek()?;
/// assert_eq!(waiting.bytes, b"no assignment\\");
/// assert!(matches!(waiting.message, Err(aye::Dropped::Malformed(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Waiting {
    /// The bytes as sent; of one that is too large, the first 4097.
    pub bytes: Vec<u8>,
    /// The assignments in them, or the rule by which it is dropped whole.
    pub message: Result<Message, Dropped>,
    /// The descriptors passed, duplicated: those in the queue stay open until the datagram is taken.
    pub fds: Vec<OwnedFd>,
    /// Who sent it, where the kernel says so.
    pub sender: Option<Sender>,
}

impl Receiver {
    /// Speaks for a socket that is bound already and whose options are set, such as one that another process bound with
    /// [`bind`](Self::bind) and handed over.
    ///
    /// ```
    /// # use std::os::fd::AsFd;
    /// # let name = format!("aye-doc-from-socket-{}", std::process::id());
    /// # let address = aye::Address::Abstract(name.as_bytes());
    /// let bound = aye::Receiver::bind(&address)?;
    /// let again = aye::Receiver::from_socket(bound.as_fd().try_clone_to_owned()?);
    /// aye::Notifier::connect(&address)?.ready()?;
    /// assert!(matches!(again.receive()?, aye::Received::Datagram(_)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_socket(socket: OwnedFd) -> Self {
        Self { socket }
    }

    /// Looks at the next datagram without taking it: whoever dies between the two loses nothing.
    /// [`receive`](Self::receive) takes it.
    ///
    /// ```
    /// # let name = format!("aye-doc-peek-{}", std::process::id());
    /// # let address = aye::Address::Abstract(name.as_bytes());
    /// let receiver = aye::Receiver::bind(&address)?;
    /// aye::Notifier::connect(&address)?.ready()?;
    /// assert_eq!(receiver.peek()?.bytes, b"READY=1");
    /// assert!(matches!(receiver.receive()?, aye::Received::Datagram(_)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn peek(&self) -> io::Result<Waiting> {
        let mut buffer = [0; LARGEST + 1];
        let mut arrived = sys::peek(self.socket.as_fd(), &mut buffer)?;
        let bytes = buffer[..arrived.length].to_vec();
        let fds = std::mem::take(&mut arrived.fds);
        Ok(match judge(&bytes, arrived) {
            Received::Datagram(datagram) => {
                Waiting { bytes, message: Ok(datagram.message), fds, sender: Some(datagram.sender) }
            }
            Received::Dropped(why, sender) => Waiting { bytes, message: Err(why), fds, sender },
        })
    }
}

/// The rules by which a datagram is dropped before anyone looks at what it says.
fn judge(bytes: &[u8], arrived: Arrived) -> Received {
    // A pid of 0 is a process that this pid namespace cannot see.
    let sender = arrived.credentials.filter(|found| found.pid > 0).map(|found| Sender {
        pid: found.pid.unsigned_abs(),
        uid: found.uid,
        gid: found.gid,
    });
    if arrived.control_truncated {
        return Received::Dropped(Dropped::DescriptorsLost, sender);
    }
    if arrived.truncated || bytes.len() > LARGEST {
        return Received::Dropped(Dropped::TooLarge, sender);
    }
    let Some(sender) = sender else {
        return Received::Dropped(Dropped::NoCredentials, None);
    };
    match Message::parse(bytes) {
        Ok(message) => {
            let Arrived { fds, pidfd, .. } = arrived;
            Received::Datagram(Datagram { bytes: bytes.to_vec(), message, fds, sender, pidfd })
        }
        Err(error) => Received::Dropped(Dropped::Malformed(error), Some(sender)),
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
