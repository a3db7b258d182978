//! Bytes to assignments, as systemd reads them, and what it drops.

use std::fmt;

use super::LARGEST;

/// A received message: its assignments in order, with systemd's escapes undone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// Why systemd drops a datagram whole.
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
        let mut message = Self { text: Vec::with_capacity(datagram.len()), ends: Vec::with_capacity(4) };
        message.split(datagram)?;
        Ok(message)
    }

    /// Splits at runs of line breaks; a backslash takes the next byte, a line break too, as it is.
    fn split(&mut self, datagram: &[u8]) -> Result<(), ParseError> {
        let mut bytes = datagram.iter();
        let mut inside = false;
        while let Some(&byte) = bytes.next() {
            match byte {
                b'\n' | b'\r' if inside => {
                    self.ends.push(self.text.len());
                    inside = false;
                }
                b'\n' | b'\r' => {}
                b'\\' => {
                    inside = true;
                    self.text.push(*bytes.next().ok_or(ParseError::TrailingBackslash)?);
                }
                _ => {
                    inside = true;
                    self.text.push(byte);
                }
            }
        }
        if inside {
            self.ends.push(self.text.len());
        }
        Ok(())
    }

    /// Every line, in order, escapes undone.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        (0..self.ends.len()).map(|i| {
            let start = if i == 0 { 0 } else { self.ends[i - 1] };
            &self.text[start..self.ends[i]]
        })
    }

    /// Every assignment as key and value, in order; lines without `=` are no assignments and are left out.
    pub fn assignments(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.lines().filter_map(|line| {
            let equals = line.iter().position(|&b| b == b'=')?;
            Some((&line[..equals], &line[equals + 1..]))
        })
    }

    /// Whether a line is exactly `assignment`, such as `READY=1`.
    pub fn contains(&self, assignment: &str) -> bool {
        self.lines().any(|line| line == assignment.as_bytes())
    }

    /// The value of the first assignment of `key`: systemd lets the first one win.
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        self.assignments().find(|(found, _)| *found == key.as_bytes()).map(|(_, value)| value)
    }

    /// Whether there is no line at all.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}
