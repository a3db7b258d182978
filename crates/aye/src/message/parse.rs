//! Bytes to assignments, as systemd reads them, and what it drops.

use std::fmt;

use super::{Assignment, InvalidValue, LARGEST};

/// A received message: its assignments in order, with systemd's escapes undone.
///
/// ```
/// use aye::Message;
/// let message = Message::parse(b"READY=1\nSTATUS=C:\\\\tmp").unwrap();
/// assert_eq!(message.value("STATUS"), Some(&br"C:\tmp"[..]));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    text: Vec<u8>,
    /// Where each line begins and ends in the text.
    lines: Vec<(u16, u16)>,
}

/// Why systemd drops a datagram whole.
///
/// ```
/// use aye::message::{Message, ParseError};
/// assert_eq!(Message::parse(b"READY=1\\"), Err(ParseError::TrailingBackslash));
/// assert_eq!(Message::parse(b"READY=1\0X=1"), Err(ParseError::Nul));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseError {
    /// Longer than [`LARGEST`].
    TooLarge(usize),
    /// A NUL byte before the end (one at the very end is tolerated).
    Nul,
    /// It ends in the middle of an escape.
    TrailingBackslash,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(length) => write!(f, "{length} bytes, and at most {LARGEST} are read"),
            Self::Nul => write!(f, "a NUL byte inside"),
            Self::TrailingBackslash => write!(f, "a lone backslash at its end"),
        }
    }
}

impl std::error::Error for ParseError {}

impl Message {
    /// Reads a datagram as `PID 1` does.
    ///
    /// ```
    /// use aye::Message;
    /// let message = Message::parse(b"READY=1\nSTATUS=up\n").unwrap();
    /// assert!(message.contains("READY=1"));
    /// assert_eq!(message.value("STATUS"), Some(&b"up"[..]));
    /// ```
    ///
    /// # Errors
    /// [`ParseError`] where systemd drops the datagram.
    pub fn parse(datagram: &[u8]) -> Result<Self, ParseError> {
        if datagram.len() > LARGEST {
            return Err(ParseError::TooLarge(datagram.len()));
        }
        let datagram = datagram.strip_suffix(b"\0").unwrap_or(datagram);
        if datagram.contains(&0) {
            return Err(ParseError::Nul);
        }
        let mut message = Self { text: Vec::with_capacity(datagram.len()), lines: Vec::with_capacity(4) };
        message.split(datagram)?;
        Ok(message)
    }

    /// Splits at runs of line breaks; a backslash takes the next byte, a line break too, as it is.
    fn split(&mut self, datagram: &[u8]) -> Result<(), ParseError> {
        let mut rest = datagram;
        let mut start = 0;
        let mut inside = false;
        loop {
            let plain = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r' | b'\\'));
            let (run, after) = rest.split_at(plain.unwrap_or(rest.len()));
            self.text.extend_from_slice(run);
            inside |= !run.is_empty();
            match after {
                [b'\\', escaped, more @ ..] => {
                    self.text.push(*escaped);
                    inside = true;
                    rest = more;
                }
                [b'\\'] => return Err(ParseError::TrailingBackslash),
                end_of_line => {
                    if inside {
                        self.lines.push((start, self.length()));
                    }
                    start = self.length();
                    inside = false;
                    match end_of_line {
                        [] => return Ok(()),
                        [_, more @ ..] => rest = more,
                    }
                }
            }
        }
    }

    #[allow(clippy::cast_possible_truncation)] // at most LARGEST, which was checked
    fn length(&self) -> u16 {
        self.text.len() as u16
    }

    /// Every line, in order, escapes undone.
    ///
    /// ```
    /// let message = aye::Message::parse(b"READY=1\n\nnonsense\n").unwrap();
    /// assert_eq!(message.lines().collect::<Vec<_>>(), [&b"READY=1"[..], b"nonsense"]);
    /// ```
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &[u8]> + ExactSizeIterator {
        self.lines.iter().map(|&(start, end)| &self.text[usize::from(start)..usize::from(end)])
    }

    /// Every assignment as key and value, in order; lines without `=` are no assignments and are left out.
    ///
    /// ```
    /// let message = aye::Message::parse(b"READY=1\nnonsense").unwrap();
    /// assert_eq!(message.pairs().collect::<Vec<_>>(), [(&b"READY"[..], &b"1"[..])]);
    /// ```
    pub fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.lines().filter_map(split_pair)
    }

    /// Every assignment with its typed value, in order, invalid ones too; lines without `=` are left out.
    ///
    /// ```
    /// use aye::{Assignment, Message};
    /// let message = Message::parse(b"STATUS=up\nMAINPID=0x2a\nX_COLOUR=red").unwrap();
    /// let assignments: Result<Vec<_>, _> = message.assignments().collect();
    /// let expected = vec![Assignment::Status("up"), Assignment::MainPid(42), Assignment::Other("X_COLOUR", "red")];
    /// assert_eq!(assignments, Ok(expected));
    /// ```
    pub fn assignments(&self) -> impl Iterator<Item = Result<Assignment<'_>, InvalidValue<'_>>> {
        self.pairs().map(|(key, value)| Assignment::of(key, value))
    }

    /// Whether a line is exactly `assignment`, such as `READY=1`.
    ///
    /// ```
    /// let message = aye::Message::parse(b" READY=1\nSTOPPING=1").unwrap();
    /// assert!(message.contains("STOPPING=1"));
    /// assert!(!message.contains("READY=1"), "a space is a space");
    /// ```
    pub fn contains(&self, assignment: &str) -> bool {
        self.lines().any(|line| line == assignment.as_bytes())
    }

    /// The value of the first assignment of `key`: systemd lets the first one win.
    ///
    /// ```
    /// let message = aye::Message::parse(b"STATUS=first\nSTATUS=second").unwrap();
    /// assert_eq!(message.value("STATUS"), Some(&b"first"[..]));
    /// assert_eq!(message.value("ERRNO"), None);
    /// ```
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        self.pairs().find(|(found, _)| *found == key.as_bytes()).map(|(_, value)| value)
    }

    /// Whether there is no line at all.
    ///
    /// ```
    /// assert!(aye::Message::parse(b"\n\n").unwrap().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// The key and the value of a line; `None` where there is no `=`.
pub(crate) fn split_pair(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = line.iter().position(|&byte| byte == b'=')?;
    Some((&line[..equals], &line[equals + 1..]))
}
