//! Descriptors that this process was handed: sockets of socket units, files of `OpenFile=`, and what it stored itself
//! before it was restarted.

use std::fmt;
use std::fs::File;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixListener};

use rustix::fs::FileType;
use rustix::net::{AddressFamily, SocketType, sockopt};

use super::number_of;
use crate::environment::{Caller, Environment, EnvironmentError};
use crate::sys;

/// One of them.
///
/// ```
/// use aye::listen::Descriptor;
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let http = Descriptor { name: "http".to_owned(), fd: listener.into() };
/// let listener = http.into_tcp_listener()?;
/// # drop(listener);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Descriptor {
    /// Its name: `FileDescriptorName=`, the name given in `OpenFile=`, `FDNAME=` when it was stored, else the unit's name.
    pub name: String,
    /// Close-on-exec.
    pub fd: OwnedFd,
}

/// Why the descriptors cannot be taken.
///
/// ```
/// use aye::{Environment, listen};
/// let pid = std::process::id().to_string();
/// let environment = Environment {
///     listen_pid: Some(pid.into()),
///     listen_fds: Some("1000".into()),
///     ..Environment::default()
/// };
/// assert!(matches!(listen::take(&environment), Err(listen::ListenError::NotThere { .. })));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ListenError {
    /// `LISTEN_*` do not say what they should.
    Environment(EnvironmentError),
    /// One of them is not open, or was taken before: they can be taken once.
    NotThere {
        /// Its number.
        number: i32,
        /// Its name.
        name: String,
    },
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(error) => error.fmt(f),
            Self::NotThere { number, name } => write!(
                f,
                "descriptor {number} ({name}) of $LISTEN_FDS is not open, or was taken before: take them once, and early"
            ),
        }
    }
}

impl std::error::Error for ListenError {}

/// Takes all descriptors that were handed to this process. Empty when there are none, or they are meant for another
/// process.
///
/// They are taken once: what is close-on-exec already was opened or taken by this process itself and stays with its owner,
/// and nothing is taken at all then. The variables stay as they are: a child does not mistake them for its own, because
/// `LISTEN_PID` is not its pid.
///
/// ```
/// use aye::{Environment, listen};
/// for descriptor in listen::take(&Environment::of_process())? {
///     match descriptor.name.as_str() {
///         "http" => drop(descriptor.into_tcp_listener()?),
///         name => eprintln!("{name}: not known here"),
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ListenError`].
pub fn take(environment: &Environment) -> Result<Vec<Descriptor>, ListenError> {
    let names = environment.listen_names(Caller::this_process()).map_err(ListenError::Environment)?;
    let numbered = |(index, name): (usize, String)| (number_of(index), name);
    let numbered: Vec<(i32, String)> = names.into_iter().enumerate().map(numbered).collect();
    if let Some((number, name)) = numbered.iter().find(|(number, _)| !sys::is_inherited(*number)) {
        return Err(ListenError::NotThere { number: *number, name: name.clone() });
    }
    let adopt = |(number, name): (i32, String)| match sys::adopt(number) {
        Ok(fd) => Ok(Descriptor { name, fd }),
        Err(_) => Err(ListenError::NotThere { number, name }),
    };
    numbered.into_iter().map(adopt).collect()
}

/// A descriptor that is not what it was taken for. It is still there, in [`descriptor`](Self::descriptor).
///
/// ```
/// use aye::listen::Descriptor;
/// let file = Descriptor { name: "http".to_owned(), fd: std::fs::File::open("/")?.into() };
/// let wrong = file.into_tcp_listener().unwrap_err();
/// assert_eq!((wrong.wanted, wrong.found.as_str()), ("a listening TCP socket", "a directory"));
/// assert_eq!(wrong.descriptor.name, "http");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct WrongKind {
    /// What was expected.
    pub wanted: &'static str,
    /// What it is.
    pub found: String,
    /// The descriptor itself.
    pub descriptor: Descriptor,
}

impl fmt::Display for WrongKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wanted, found, descriptor } = self;
        write!(
            f,
            "descriptor {:?} is {found}, and {wanted} was expected: see the unit's Listen...= and OpenFile=",
            descriptor.name
        )
    }
}

impl std::error::Error for WrongKind {}

impl From<WrongKind> for io::Error {
    fn from(error: WrongKind) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error.to_string())
    }
}

impl Descriptor {
    /// A listening TCP socket (`ListenStream=` with a port).
    ///
    /// ```
    /// use aye::listen::Descriptor;
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let http = Descriptor { name: "http".to_owned(), fd: listener.into() };
    /// let error = http.into_udp_socket().unwrap_err();
    /// assert!(error.to_string().starts_with("descriptor \"http\" is a listening TCP socket, and a UDP socket was"));
    /// assert!(error.descriptor.into_tcp_listener().is_ok());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`WrongKind`], which gives it back.
    pub fn into_tcp_listener(self) -> Result<TcpListener, WrongKind> {
        self.expect(&Kind::Socket(Family::Inet, SocketType::STREAM, true), "a listening TCP socket")
    }

    /// A UDP socket (`ListenDatagram=` with a port).
    ///
    /// ```
    /// # let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
    /// # let dns = aye::listen::Descriptor { name: "dns".to_owned(), fd: socket.into() };
    /// let socket: std::net::UdpSocket = dns.into_udp_socket()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`WrongKind`], which gives it back.
    pub fn into_udp_socket(self) -> Result<UdpSocket, WrongKind> {
        self.expect(&Kind::Socket(Family::Inet, SocketType::DGRAM, false), "a UDP socket")
    }

    /// A listening Unix socket (`ListenStream=` with a path).
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// # let socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket"))?;
    /// # let control = aye::listen::Descriptor { name: "control".to_owned(), fd: socket.into() };
    /// let listener: std::os::unix::net::UnixListener = control.into_unix_listener()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`WrongKind`], which gives it back.
    pub fn into_unix_listener(self) -> Result<UnixListener, WrongKind> {
        self.expect(&Kind::Socket(Family::Unix, SocketType::STREAM, true), "a listening Unix socket")
    }

    /// A Unix datagram socket: `ListenDatagram=` with a path, or the notify socket itself.
    ///
    /// ```
    /// # let (socket, _peer) = std::os::unix::net::UnixDatagram::pair()?;
    /// # let notify = aye::listen::Descriptor { name: "notify".to_owned(), fd: socket.into() };
    /// let notifier = aye::Notifier::from_socket(notify.into_unix_datagram()?.into());
    /// # notifier.ready().unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`WrongKind`], which gives it back.
    pub fn into_unix_datagram(self) -> Result<UnixDatagram, WrongKind> {
        self.expect(&Kind::Socket(Family::Unix, SocketType::DGRAM, false), "a Unix datagram socket")
    }

    /// A regular file (`OpenFile=`, or a memory file that was stored).
    ///
    /// ```
    /// # let file = tempfile::tempfile()?;
    /// # let state = aye::listen::Descriptor { name: "state".to_owned(), fd: file.into() };
    /// let file: std::fs::File = state.into_file()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`WrongKind`], which gives it back.
    pub fn into_file(self) -> Result<File, WrongKind> {
        self.expect(&Kind::File(FileType::RegularFile), "a regular file")
    }

    /// A FIFO (`ListenFIFO=`), or one end of a pipe.
    ///
    /// ```
    /// # let (_reader, writer) = std::io::pipe()?;
    /// # let pipe = aye::listen::Descriptor { name: "pipe".to_owned(), fd: writer.into() };
    /// let fifo: std::fs::File = pipe.into_fifo()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`WrongKind`], which gives it back.
    pub fn into_fifo(self) -> Result<File, WrongKind> {
        self.expect(&Kind::File(FileType::Fifo), "a FIFO")
    }

    fn expect<T: From<OwnedFd>>(self, kind: &Kind, wanted: &'static str) -> Result<T, WrongKind> {
        match Kind::of(self.fd.as_fd()) {
            Ok(found) if found == *kind => Ok(self.fd.into()),
            Ok(found) => Err(WrongKind { wanted, found: found.to_string(), descriptor: self }),
            Err(error) => Err(WrongKind { wanted, found: format!("unreadable ({error})"), descriptor: self }),
        }
    }
}

/// What is behind a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Family, type, and whether it listens.
    Socket(Family, SocketType, bool),
    File(FileType),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Inet,
    Unix,
    Other(AddressFamily),
}

impl Kind {
    fn of(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let file_type = FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode);
        if file_type != FileType::Socket {
            return Ok(Self::File(file_type));
        }
        let family = match sockopt::socket_domain(fd)? {
            AddressFamily::INET | AddressFamily::INET6 => Family::Inet,
            AddressFamily::UNIX => Family::Unix,
            other => Family::Other(other),
        };
        Ok(Self::Socket(family, sockopt::socket_type(fd)?, sockopt::socket_acceptconn(fd)?))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (family, socket_type, listens) = match *self {
            Self::Socket(family, socket_type, listens) => (family, socket_type, listens),
            Self::File(file_type) => {
                return f.write_str(match file_type {
                    FileType::RegularFile => "a regular file",
                    FileType::Directory => "a directory",
                    FileType::CharacterDevice => "a character device",
                    FileType::BlockDevice => "a block device",
                    FileType::Fifo => "a FIFO",
                    _ => "no socket and no file",
                });
            }
        };
        let state = if listens { "a listening" } else { "a" };
        match (family, socket_type) {
            (Family::Inet, SocketType::STREAM) if !listens => write!(f, "a TCP socket that does not listen"),
            (Family::Unix, SocketType::STREAM) if !listens => write!(f, "a Unix socket that does not listen"),
            (Family::Inet, SocketType::STREAM) => write!(f, "{state} TCP socket"),
            (Family::Inet, SocketType::DGRAM) => write!(f, "{state} UDP socket"),
            (Family::Unix, SocketType::STREAM) => write!(f, "{state} Unix socket"),
            (Family::Unix, SocketType::DGRAM) => write!(f, "{state} Unix datagram socket"),
            (Family::Unix, SocketType::SEQPACKET) => write!(f, "{state} Unix socket of packets"),
            (Family::Inet, other) => write!(f, "{state} network socket of type {}", other.as_raw()),
            (Family::Unix, other) => write!(f, "{state} Unix socket of type {}", other.as_raw()),
            (Family::Other(other), _) => write!(f, "{state} socket of address family {}", other.as_raw()),
        }
    }
}
