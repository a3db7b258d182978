//! Assignments to bytes and back, by systemd's own lexing: `strv_split_newlines()` over `extract_first_word()`,
//! which is what `PID 1` runs on every datagram since v247. The encoder keeps to one fixed buffer and the parser to
//! two allocations, so that a heartbeat costs a system call and nothing else.

use std::fmt;
use std::time::Duration;

/// The most bytes a datagram may hold (`NOTIFY_BUFFER_MAX`, which is `PIPE_BUF`); systemd drops a larger one whole.
pub const LARGEST: usize = 4096;

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
    Key(String),
    /// A raw line has no `=`, or ends in a lone backslash, which makes systemd drop the message.
    Raw(String),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => {
                write!(f, "the message is over {LARGEST} bytes, which systemd drops whole: shorten it")
            }
            Self::LineBreak => write!(f, "the text has a line break: send one line"),
            Self::Nul => write!(f, "the text has a NUL byte, and systemd drops such a message"),
            Self::Key(key) => write!(f, "{key:?} is no key: expected A-Z, 0-9 and _"),
            Self::Raw(line) if line.ends_with('\\') => {
                write!(f, "{line:?} ends in a backslash, and systemd drops such a message: write \\\\")
            }
            Self::Raw(line) => write!(f, "expected KEY=VALUE, found {line:?}"),
        }
    }
}

impl std::error::Error for EncodeError {}

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
        f.debug_tuple("Encoder").field(&String::from_utf8_lossy(self.bytes())).finish()
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
            return Err(EncodeError::Key(key.to_owned()));
        }
        self.append(key.as_bytes())?;
        self.text(b"=", value)
    }

    fn raw(&mut self, lines: &str) -> Result<(), EncodeError> {
        if lines.contains('\0') {
            return Err(EncodeError::Nul);
        }
        let backslashes = lines.bytes().rev().take_while(|&b| b == b'\\').count();
        let unfinished = backslashes % 2 == 1;
        if unfinished || lines.split(['\n', '\r']).any(|line| !line.is_empty() && !line.contains('=')) {
            return Err(EncodeError::Raw(lines.to_owned()));
        }
        self.append(lines.as_bytes())
    }
}

fn usec(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(datagram: &[u8]) -> Result<Vec<String>, ParseError> {
        let message = Message::parse(datagram)?;
        Ok(message.lines().map(|line| String::from_utf8_lossy(line).into_owned()).collect())
    }

    fn encoded(assignment: Assignment<'_>, line_breaks: LineBreaks) -> Result<String, EncodeError> {
        let mut encoder = Encoder::new().with_line_breaks(line_breaks);
        encoder.push(assignment)?;
        Ok(String::from_utf8(encoder.bytes().to_vec()).unwrap())
    }

    #[test]
    fn splits_as_systemd_does() {
        for (datagram, expected) in [
            (&b""[..], &[][..]),
            (b"\0", &[]),
            (b"\n\r\n", &[]),
            (b"READY=1", &["READY=1"]),
            (b"READY=1\0", &["READY=1"]),
            (b"\nREADY=1\n\n\rSTATUS=a b \n", &["READY=1", "STATUS=a b "]),
            (b" READY=1", &[" READY=1"]),
            (b"STATUS='a\"", &["STATUS='a\""]),
            (br"STATUS=C:\tmp", &["STATUS=C:tmp"]),
            (br"STATUS=C:\\tmp", &[r"STATUS=C:\tmp"]),
            (b"STATUS=a\\\nREADY=1", &["STATUS=a\nREADY=1"]),
        ] {
            assert_eq!(lines(datagram).unwrap(), expected, "{}", datagram.escape_ascii());
        }
    }

    #[test]
    fn drops_what_systemd_drops() {
        assert_eq!(lines(b"READY=1\0STATUS=a"), Err(ParseError::Nul));
        assert_eq!(lines(b"READY=1\0\0"), Err(ParseError::Nul));
        assert_eq!(lines(b"READY=1\nSTATUS=a\\"), Err(ParseError::TrailingBackslash));
        assert_eq!(lines(&[b'a'; 4097]), Err(ParseError::TooLarge(4097)));
        assert!(lines(&[b'a'; 4096]).is_ok());
    }

    #[test]
    fn the_first_value_wins_and_any_exact_line_counts() {
        let message = Message::parse(b"READY=0\nSTATUS=a\nSTATUS=b\nREADY=1").unwrap();
        assert!(message.contains("READY=1"));
        assert_eq!(message.value("STATUS"), Some(&b"a"[..]));
        assert_eq!(message.value("MAINPID"), None);
    }

    #[test]
    fn refuses_a_newline_in_a_status() {
        let injection = Assignment::Status("fine\nMAINPID=1");
        assert_eq!(encoded(injection, LineBreaks::Refuse), Err(EncodeError::LineBreak));
        assert_eq!(encoded(injection, LineBreaks::Space).unwrap(), "STATUS=fine MAINPID=1");
    }

    #[test]
    fn refuses_what_would_be_lost() {
        let refuse = |assignment| encoded(assignment, LineBreaks::Space).unwrap_err().to_string();
        let long = "a".repeat(4090);
        assert_eq!(
            refuse(Assignment::Status(&long)),
            "the message is over 4096 bytes, which systemd drops whole: shorten it"
        );
        assert_eq!(
            refuse(Assignment::Status("a\0b")),
            "the text has a NUL byte, and systemd drops such a message"
        );
        assert_eq!(refuse(Assignment::Other("x=", "1")), "\"x=\" is no key: expected A-Z, 0-9 and _");
        assert_eq!(refuse(Assignment::Raw("ready")), "expected KEY=VALUE, found \"ready\"");
        assert_eq!(
            refuse(Assignment::Raw("STATUS=C:\\")),
            "\"STATUS=C:\\\\\" ends in a backslash, and systemd drops such a message: write \\\\"
        );
    }

    #[test]
    fn a_refused_assignment_leaves_the_message_as_it_was() {
        let mut encoder = Encoder::new();
        encoder.push(Assignment::Ready).unwrap();
        encoder.push(Assignment::Status("a\nb")).unwrap_err();
        encoder.push(Assignment::MainPid(7)).unwrap();
        assert_eq!(encoder.bytes(), b"READY=1\nMAINPID=7");
    }

    #[test]
    fn numbers_and_durations_are_decimal_microseconds() {
        for (assignment, expected) in [
            (Assignment::MonotonicUsec(0), "MONOTONIC_USEC=0"),
            (Assignment::MonotonicUsec(u64::MAX), "MONOTONIC_USEC=18446744073709551615"),
            (Assignment::WatchdogUsec(Duration::from_millis(1500)), "WATCHDOG_USEC=1500000"),
            (Assignment::ExtendTimeoutUsec(Duration::from_secs(30)), "EXTEND_TIMEOUT_USEC=30000000"),
            (Assignment::Errno(2), "ERRNO=2"),
            (Assignment::Other("X_COLOUR", "a=b"), "X_COLOUR=a=b"),
        ] {
            assert_eq!(encoded(assignment, LineBreaks::Refuse).unwrap(), expected);
        }
    }

    proptest! {
        #[test]
        fn a_status_arrives_as_it_was_given(text in "[^\n\r\0]{0,500}") {
            let mut encoder = Encoder::new();
            encoder.push(Assignment::Status(&text)).unwrap();
            encoder.push(Assignment::Ready).unwrap();
            let message = Message::parse(encoder.bytes()).unwrap();
            prop_assert_eq!(message.value("STATUS"), Some(text.as_bytes()));
            prop_assert!(message.contains("READY=1"));
            prop_assert_eq!(message.lines().count(), 2);
        }

        #[test]
        fn no_text_can_become_another_assignment(text in any::<String>()) {
            let mut encoder = Encoder::new().with_line_breaks(LineBreaks::Space);
            if encoder.push(Assignment::Status(&text)).is_ok() {
                prop_assert_eq!(Message::parse(encoder.bytes()).unwrap().lines().count(), 1);
            }
        }

        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..5000)) {
            if let Ok(message) = Message::parse(&bytes) {
                prop_assert!(message.lines().all(|line| !line.is_empty() && !line.contains(&0)));
            }
        }
    }
}
