//! Assignments to bytes: text arrives as it was given, and no text can become another assignment.

use core::fmt;
use core::time::Duration;

use super::assignment::{ERRNO_MAX, error_name, fd_name, is_noncharacter};
use super::{Assignment, LARGEST};

/// What becomes of a line break inside a text. Left in, it would start another assignment.
///
/// ```
/// use aye::message::LineBreaks;
/// use aye::{Assignment, Encoder};
/// let two_lines = Assignment::Status("one\ntwo");
/// assert!(Encoder::new().push(two_lines).is_err());
/// let mut message = Encoder::new().with_line_breaks(LineBreaks::Space);
/// assert_eq!(message.push(two_lines)?.bytes(), b"STATUS=one two");
/// # Ok::<(), aye::message::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineBreaks {
    /// Pushing such a text is an error.
    #[default]
    Refuse,
    /// It is sent as a space.
    Space,
}

/// Why an assignment cannot be sent as it was given.
///
/// ```
/// use aye::message::EncodeError;
/// use aye::{Assignment, Encoder};
/// let error = Encoder::new().push(Assignment::MainPid(0)).unwrap_err();
/// assert_eq!(error, EncodeError::Pid);
/// assert_eq!(error.to_string(), "no process ID: expected 1 to 2147483647");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The message would be longer than [`LARGEST`] bytes, and systemd would drop it whole.
    TooLarge,
    /// A text has a line break, and [`LineBreaks::Refuse`] holds.
    LineBreak,
    /// A text has a NUL byte: systemd drops such a message whole.
    Nul,
    /// A status has a code point such as U+FFFE that is no character: systemd takes the text for invalid UTF-8.
    Noncharacter,
    /// A key is empty or has other characters than `A-Z`, `0-9` and `_`.
    Key,
    /// A raw line has no `=`.
    NoAssignment,
    /// A raw line ends in a lone backslash, which makes systemd drop the message.
    TrailingBackslash,
    /// An errno is not in 0 to 4095.
    Errno,
    /// A process ID is zero or over 2147483647.
    Pid,
    /// The name of an error is not printable ASCII, or has quotes or backslashes.
    ErrorName,
    /// The name of descriptors is not printable ASCII, is longer than 255 or has a `:`.
    FdName,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => {
                write!(f, "the message is over {LARGEST} bytes, which systemd drops whole: shorten it")
            }
            Self::LineBreak => f.write_str("the text has a line break: send one line"),
            Self::Nul => f.write_str("the text has a NUL byte, and systemd drops such a message"),
            Self::Noncharacter => {
                f.write_str("the text has a code point that is no character, such as U+FFFE: leave it out")
            }
            Self::Key => f.write_str("no key: expected A-Z, 0-9 and _"),
            Self::NoAssignment => f.write_str("expected KEY=VALUE"),
            Self::TrailingBackslash => {
                f.write_str("it ends in a backslash, and systemd drops such a message: write \\\\")
            }
            Self::Errno => f.write_str("no errno: expected 0 to 4095"),
            Self::Pid => f.write_str("no process ID: expected 1 to 2147483647"),
            Self::ErrorName => {
                f.write_str("no name of an error: expected printable ASCII without quotes and backslashes")
            }
            Self::FdName => f.write_str(
                "no name for descriptors: expected at most 255 printable ASCII characters without `:`",
            ),
        }
    }
}

impl core::error::Error for EncodeError {}

/// A message in the making: assignments pushed one after another into a buffer of [`LARGEST`] bytes.
///
/// Text arrives as it was given: backslashes are doubled, because every receiver since systemd 247 takes one of
/// them away.
///
/// ```
/// use aye::{Assignment, Encoder};
/// let mut message = Encoder::new();
/// message.push(Assignment::Ready)?.push(Assignment::Status(r"serving C:\www"))?;
/// assert_eq!(message.bytes(), br"READY=1
/// STATUS=serving C:\\www");
/// # Ok::<(), aye::message::EncodeError>(())
/// ```
pub struct Encoder {
    buffer: [u8; LARGEST],
    length: usize,
    line_breaks: LineBreaks,
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoder({})", self.bytes().escape_ascii())
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An empty message that refuses line breaks.
    ///
    /// ```
    /// assert!(aye::Encoder::new().bytes().is_empty());
    /// ```
    pub fn new() -> Self {
        Self { buffer: [0; LARGEST], length: 0, line_breaks: LineBreaks::default() }
    }

    /// The same with another rule for line breaks.
    ///
    /// ```
    /// use aye::{Assignment, Encoder, message::LineBreaks};
    /// let mut message = Encoder::new().with_line_breaks(LineBreaks::Space);
    /// assert!(message.push(Assignment::Status("one\ntwo")).is_ok());
    /// ```
    #[must_use]
    pub fn with_line_breaks(mut self, line_breaks: LineBreaks) -> Self {
        self.line_breaks = line_breaks;
        self
    }

    /// The message so far, ready to be sent as one datagram.
    ///
    /// ```
    /// let mut message = aye::Encoder::new();
    /// message.push(aye::Assignment::Ready)?.push(aye::Assignment::MainPid(7))?;
    /// assert_eq!(message.bytes(), b"READY=1\nMAINPID=7");
    /// # Ok::<(), aye::message::EncodeError>(())
    /// ```
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[..self.length]
    }

    /// Whether nothing was pushed.
    ///
    /// ```
    /// assert!(aye::Encoder::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds one assignment.
    ///
    /// ```
    /// let mut message = aye::Encoder::new();
    /// message.push(aye::Assignment::Ready)?;
    /// assert!(message.push(aye::Assignment::Status("two\nlines")).is_err());
    /// assert_eq!(message.bytes(), b"READY=1");
    /// # Ok::<(), aye::message::EncodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`EncodeError`]; the message is then as it was before.
    pub fn push(&mut self, assignment: Assignment<'_>) -> Result<&mut Self, EncodeError> {
        let before = self.length;
        if let Err(error) = self.write(assignment) {
            self.length = before;
            return Err(error);
        }
        Ok(self)
    }

    fn write(&mut self, assignment: Assignment<'_>) -> Result<(), EncodeError> {
        use Assignment as A;
        if self.length > 0 {
            self.append(b"\n")?;
        }
        match assignment {
            A::Ready => self.append(b"READY=1"),
            A::Reloading => self.append(b"RELOADING=1"),
            A::MonotonicUsec(usec) => self.number(b"MONOTONIC_USEC=", usec),
            A::Stopping => self.append(b"STOPPING=1"),
            A::Status(text) if text.chars().any(is_noncharacter) => Err(EncodeError::Noncharacter),
            A::Status(text) => self.text(b"STATUS=", text),
            A::NotifyAccess(access) => self.text(b"NOTIFYACCESS=", access.as_str()),
            A::Errno(errno @ 0..=ERRNO_MAX) => self.number(b"ERRNO=", errno.unsigned_abs().into()),
            A::Errno(_) => Err(EncodeError::Errno),
            A::BusError(name) => self.error_name(b"BUSERROR=", name),
            A::VarlinkError(name) => self.error_name(b"VARLINKERROR=", name),
            A::ExitStatus(status) => self.number(b"EXIT_STATUS=", status.into()),
            A::MainPid(pid) if pid == 0 || i32::try_from(pid).is_err() => Err(EncodeError::Pid),
            A::MainPid(pid) => self.number(b"MAINPID=", pid.into()),
            A::MainPidFdId(inode) => self.number(b"MAINPIDFDID=", inode),
            A::MainPidFd => self.append(b"MAINPIDFD=1"),
            A::Watchdog => self.append(b"WATCHDOG=1"),
            A::WatchdogTrigger => self.append(b"WATCHDOG=trigger"),
            A::WatchdogUsec(interval) => self.number(b"WATCHDOG_USEC=", usec(interval)),
            A::ExtendTimeoutUsec(more) => self.number(b"EXTEND_TIMEOUT_USEC=", usec(more)),
            A::RestartReset => self.append(b"RESTART_RESET=1"),
            A::FdStore => self.append(b"FDSTORE=1"),
            A::FdStoreRemove => self.append(b"FDSTOREREMOVE=1"),
            A::FdName(name) if fd_name(name.as_bytes()).is_none() => Err(EncodeError::FdName),
            A::FdName(name) => self.text(b"FDNAME=", name),
            A::FdPollOff => self.append(b"FDPOLL=0"),
            A::Barrier => self.append(b"BARRIER=1"),
            A::Other(key, value) => self.other(key, value),
            A::Raw(lines) => self.raw(lines),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let end = self.length + bytes.len();
        let room = self.buffer.get_mut(self.length..end).ok_or(EncodeError::TooLarge)?;
        room.copy_from_slice(bytes);
        self.length = end;
        Ok(())
    }

    fn number(&mut self, key: &[u8], mut number: u64) -> Result<(), EncodeError> {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.append(key)?;
        self.append(&digits[at..])
    }

    fn text(&mut self, key: &[u8], text: &str) -> Result<(), EncodeError> {
        self.append(key)?;
        for &byte in text.as_bytes() {
            match (byte, self.line_breaks) {
                (b'\n' | b'\r', LineBreaks::Refuse) => return Err(EncodeError::LineBreak),
                (b'\n' | b'\r', LineBreaks::Space) => self.append(b" ")?,
                (0, _) => return Err(EncodeError::Nul),
                (b'\\', _) => self.append(b"\\\\")?,
                _ => self.append(&[byte])?,
            }
        }
        Ok(())
    }

    fn error_name(&mut self, key: &[u8], name: &str) -> Result<(), EncodeError> {
        error_name(name.as_bytes()).ok_or(EncodeError::ErrorName)?;
        self.text(key, name)
    }

    fn other(&mut self, key: &str, value: &str) -> Result<(), EncodeError> {
        let allowed = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        if key.is_empty() || !key.bytes().all(allowed) {
            return Err(EncodeError::Key);
        }
        self.append(key.as_bytes())?;
        self.text(b"=", value)
    }

    fn raw(&mut self, lines: &str) -> Result<(), EncodeError> {
        if lines.contains('\0') {
            return Err(EncodeError::Nul);
        }
        let backslashes = lines.bytes().rev().take_while(|&b| b == b'\\').count();
        if backslashes % 2 == 1 {
            return Err(EncodeError::TrailingBackslash);
        }
        if lines.split(['\n', '\r']).any(|line| !line.is_empty() && !line.contains('=')) {
            return Err(EncodeError::NoAssignment);
        }
        self.append(lines.as_bytes())
    }
}

fn usec(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
