//! Why a message was not handed over, in a user's words and without an allocation.

use core::fmt;

use rustix::io::Errno;

use crate::address::{Address, LONGEST};
#[cfg(feature = "std")]
use crate::environment::EnvironmentError;
use crate::message::EncodeError;

/// An address as it is spelled in `$NOTIFY_SOCKET`, kept by value: an error outlives what it is about.
///
/// ```
/// let error = aye::Notifier::connect(&aye::Address::Path(b"/nonexistent/notify")).unwrap_err();
/// let aye::ConnectError::Socket { address, .. } = error else { panic!() };
/// assert_eq!(address.as_str(), "/nonexistent/notify");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Spelling {
    bytes: [u8; LONGEST],
    length: u8,
}

impl Spelling {
    pub(super) fn of(address: &Address<'_>) -> Self {
        let mut spelling = Self { bytes: [0; LONGEST], length: 0 };
        // Too long for an address cannot be: then it was none. What does not fit is left out.
        let _ = address.spell(|piece| spelling.push(piece));
        spelling
    }

    fn push(&mut self, text: &str) -> Result<(), fmt::Error> {
        for letter in text.chars() {
            let (start, end) = (usize::from(self.length), usize::from(self.length) + letter.len_utf8());
            letter.encode_utf8(self.bytes.get_mut(start..end).ok_or(fmt::Error)?);
            self.length = u8::try_from(end).map_err(|_| fmt::Error)?;
        }
        Ok(())
    }

    /// The text.
    ///
    /// ```
    /// let error = aye::Notifier::connect(&aye::Address::Abstract(b"nobody")).unwrap_err();
    /// let aye::ConnectError::Socket { address, .. } = error else { panic!() };
    /// assert_eq!(address.as_str(), "@nobody");
    /// ```
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Display for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Why there is no connection to a manager.
///
/// ```
/// let error = aye::Notifier::connect(&aye::Address::Path(b"/nonexistent/notify")).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "cannot reach the notify socket /nonexistent/notify: there is no such socket: is the service manager running?"
/// );
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// A variable does not say what it should.
    #[cfg(feature = "std")]
    Environment(EnvironmentError),
    /// The socket could not be connected.
    Socket {
        /// Where to.
        address: Spelling,
        /// What the kernel said.
        source: Errno,
    },
}

impl ConnectError {
    /// What the kernel said, in a user's words, where there are some for it; for where there is no formatter.
    ///
    /// ```
    /// let error = aye::Notifier::connect(&aye::Address::Path(b"/nonexistent/notify")).unwrap_err();
    /// assert_eq!(error.reason(), Some("there is no such socket: is the service manager running?"));
    /// ```
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            #[cfg(feature = "std")]
            Self::Environment(_) => None,
            Self::Socket { source, .. } => words(*source),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "std")]
            Self::Environment(error) => error.fmt(f),
            Self::Socket { address, source } => {
                write!(f, "cannot reach the notify socket {address}: {}", Said(*source))
            }
        }
    }
}

impl core::error::Error for ConnectError {}

/// Why a message was not handed over.
///
/// ```
/// # let (ours, theirs) = std::os::unix::net::UnixDatagram::pair()?;
/// # let notifier = aye::Notifier::from_socket(ours.into());
/// use aye::SendError;
/// assert!(matches!(notifier.status("two\nlines"), Err(SendError::Encode(_))));
/// drop(theirs);
/// assert!(matches!(notifier.ready(), Err(SendError::Socket(_))));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// It cannot be written as a message.
    Encode(EncodeError),
    /// The socket did not take it.
    Socket(Errno),
    /// The peer is another machine, and descriptors stay in this one.
    DescriptorsOverVsock,
    /// Over a connection there is more to say than the end of the message: it is no service manager.
    Answered,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Socket(errno) => {
                write!(f, "the notify socket did not take the message: {}", Said(*errno))
            }
            Self::DescriptorsOverVsock => {
                write!(f, "file descriptors cannot be passed over vsock: the manager is on another machine")
            }
            Self::Answered => {
                write!(f, "what listens at the vsock address answers: it is no service manager")
            }
        }
    }
}

impl core::error::Error for SendError {}

impl SendError {
    /// Whether all that is wrong is that the receiver's queue is full, which [`Notifier::try_send`](crate::Notifier::try_send)
    /// does not wait out.
    ///
    /// ```
    /// let (ours, theirs) = std::os::unix::net::UnixDatagram::pair()?;
    /// let notifier = aye::Notifier::from_socket(ours.into());
    /// let error = loop {
    ///     if let Err(error) = notifier.try_send(b"WATCHDOG=1") {
    ///         break error;
    ///     }
    /// };
    /// assert!(error.is_full_queue());
    /// drop(theirs);
    /// assert!(!notifier.try_send(b"WATCHDOG=1").unwrap_err().is_full_queue());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn is_full_queue(&self) -> bool {
        matches!(self, Self::Socket(Errno::AGAIN))
    }
}

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
struct Said(Errno);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match words(self.0) {
            Some(words) => f.write_str(words),
            #[cfg(feature = "std")]
            None => fmt::Display::fmt(&std::io::Error::from(self.0), f),
            #[cfg(not(feature = "std"))]
            None => write!(f, "errno {}", self.0.raw_os_error()),
        }
    }
}

fn words(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::NOENT => "there is no such socket: is the service manager running?",
        Errno::CONNREFUSED => "nobody listens there any more: the service manager is gone",
        Errno::CONNRESET => "nobody listens on that vsock port, or it closed in the middle",
        Errno::TIMEDOUT => "no answer: is that the CID of a machine that runs?",
        Errno::NODEV => "no vsock device here reaches that CID",
        Errno::PROTONOSUPPORT | Errno::SOCKTNOSUPPORT | Errno::OPNOTSUPP | Errno::AFNOSUPPORT => {
            "this kernel has no such kind of vsock: vsock: lets it choose one it has"
        }
        Errno::ACCESS => "permission denied: a sandbox setting or another user's socket",
        Errno::AGAIN => "the service manager's queue is full: is it stopped, or very busy?",
        Errno::PROTOTYPE => "it is no datagram socket",
        Errno::PERM => {
            "not permitted: a sandbox, or a receiver that takes no descriptors (SO_PASSRIGHTS), as systemd-notify --fork"
        }
        Errno::SRCH => "there is no process with that PID",
        Errno::TOOBIG => "more than 253 file descriptors, the most that the kernel passes at once",
        _ => return None,
    })
}
