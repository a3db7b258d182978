//! Assignments to bytes: text arrives as it was given, and no text can become another assignment.

use core::fmt;
use core::time::Duration;

use super::LARGEST;

/// One thing a service says. The names are those of sd_notify(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Assignment<'a> {
    /// `READY=1`: start-up, or a reload, is done.
    Ready,
    /// `RELOADING=1`: a reload began; `READY=1` must follow.
    Reloading,
    /// `MONOTONIC_USEC=`: `CLOCK_MONOTONIC` when the reload began; travels with [`Assignment::Reloading`].
    MonotonicUsec(u64),
    /// `STOPPING=1`: the service is on its way down.
    Stopping,
    /// `STATUS=`: one line for a human.
    Status(&'a str),
    /// `ERRNO=`: what went wrong, as an errno.
    Errno(i32),
    /// `MAINPID=`: the main process.
    MainPid(u32),
    /// `WATCHDOG=1`: the heartbeat.
    Watchdog,
    /// `WATCHDOG=trigger`: act as if the watchdog had run out.
    WatchdogTrigger,
    /// `WATCHDOG_USEC=`: a new watchdog interval.
    WatchdogUsec(Duration),
    /// `EXTEND_TIMEOUT_USEC=`: this much more time for what is going on now, from now.
    ExtendTimeoutUsec(Duration),
    /// `FDSTORE=1`: keep the descriptors of this message.
    FdStore,
    /// `FDSTOREREMOVE=1`: forget the descriptors named by [`Assignment::FdName`].
    FdStoreRemove,
    /// `FDNAME=`: the name of the descriptors stored or removed.
    FdName(&'a str),
    /// `BARRIER=1`: close this message's one descriptor once everything sent before it has been received.
    Barrier,
    /// Any other assignment: a key of `A-Z`, `0-9` and `_` and its value. Private keys are spelled `X_...`.
    Other(&'a str, &'a str),
    /// Lines already in the protocol's own form, escapes included: sent as they are.
    Raw(&'a str),
}

/// What becomes of a line break inside a text. Left in, it would start another assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineBreaks {
    /// Pushing such a text is an error.
    #[default]
    Refuse,
    /// It is sent as a space.
    Space,
}

/// Why an assignment cannot be sent as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The message would be longer than [`LARGEST`] bytes, and systemd would drop it whole.
    TooLarge,
    /// A text has a line break, and [`LineBreaks::Refuse`] holds.
    LineBreak,
    /// A text has a NUL byte: systemd drops such a message whole.
    Nul,
    /// A key is empty or has other characters than `A-Z`, `0-9` and `_`.
    Key,
    /// A raw line has no `=`.
    Raw,
    /// A raw line ends in a lone backslash, which makes systemd drop the message.
    LoneBackslash,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => {
                write!(f, "the message is over {LARGEST} bytes, which systemd drops whole: shorten it")
            }
            Self::LineBreak => write!(f, "the text has a line break: send one line"),
            Self::Nul => write!(f, "the text has a NUL byte, and systemd drops such a message"),
            Self::Key => write!(f, "a key is made of A-Z, 0-9 and _"),
            Self::Raw => write!(f, "expected KEY=VALUE"),
            Self::LoneBackslash => {
                write!(f, "it ends in a backslash, and systemd drops such a message: write \\\\")
            }
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
        write!(f, "Encoder(\"{}\")", self.bytes().escape_ascii())
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An empty message that refuses line breaks.
    pub fn new() -> Self {
        Self { buffer: [0; LARGEST], length: 0, line_breaks: LineBreaks::default() }
    }

    /// The same with another rule for line breaks.
    #[must_use]
    pub fn with_line_breaks(mut self, line_breaks: LineBreaks) -> Self {
        self.line_breaks = line_breaks;
        self
    }

    /// The message so far, ready to be sent as one datagram.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[..self.length]
    }

    /// Whether nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds one assignment.
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
            A::Status(text) => self.text(b"STATUS=", text),
            A::Errno(errno) => self.number(b"ERRNO=", errno.unsigned_abs().into()),
            A::MainPid(pid) => self.number(b"MAINPID=", pid.into()),
            A::Watchdog => self.append(b"WATCHDOG=1"),
            A::WatchdogTrigger => self.append(b"WATCHDOG=trigger"),
            A::WatchdogUsec(interval) => self.number(b"WATCHDOG_USEC=", usec(interval)),
            A::ExtendTimeoutUsec(more) => self.number(b"EXTEND_TIMEOUT_USEC=", usec(more)),
            A::FdStore => self.append(b"FDSTORE=1"),
            A::FdStoreRemove => self.append(b"FDSTOREREMOVE=1"),
            A::FdName(name) => self.text(b"FDNAME=", name),
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
            return Err(EncodeError::LoneBackslash);
        }
        if lines.split(['\n', '\r']).any(|line| !line.is_empty() && !line.contains('=')) {
            return Err(EncodeError::Raw);
        }
        self.append(lines.as_bytes())
    }
}

fn usec(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
