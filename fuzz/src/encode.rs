//! Writing a message: whatever is pushed arrives as it was given, in order, and no text becomes another assignment.
//! The input is a list of assignments between bytes that no text holds: one byte that says which, and its text.

use std::ffi::CString;
use std::time::Duration;

use aye::message::{EncodeError, LARGEST, LineBreaks, NotifyAccess};
use aye::{Assignment, Encoder, Message};

use crate::systemd;

/// No byte of UTF-8.
const SEPARATOR: u8 = 0xff;

/// Any assignments are refused for a reason that holds, or read back as what was pushed.
pub fn encode(input: &[u8]) {
    let (line_breaks, rest) = match input.split_first() {
        Some((b'-', rest)) => (LineBreaks::Space, rest),
        _ => (LineBreaks::Refuse, input),
    };
    let mut message = Encoder::new().with_line_breaks(line_breaks);
    let mut expected = Vec::new();
    for part in rest.split(|&byte| byte == SEPARATOR) {
        let (which, text) = part.split_first().map_or((0, &[][..]), |(&which, text)| (which, text));
        let text = String::from_utf8_lossy(text);
        let assignment = assignment(which, &text);
        comes_back(assignment);
        let before = message.bytes().to_vec();
        match message.push(assignment) {
            Ok(_) => expected.extend(lines_of(assignment, line_breaks)),
            Err(error) => {
                assert!(holds(error, assignment, before.len()), "{error:?} for {assignment:?}");
                assert_eq!(message.bytes(), before, "a refused assignment leaves no trace");
            }
        }
    }
    assert!(message.bytes().len() <= LARGEST);
    let read = Message::parse(message.bytes()).expect("what was encoded is a message");
    assert!(read.lines().eq(expected.iter().map(Vec::as_slice)), "{read:?} for {expected:?}");
    let ended = CString::new(message.bytes()).expect("no NUL byte is ever encoded");
    assert_eq!(systemd::split_newlines(&ended), Some(expected), "to systemd");
}

fn assignment(which: u8, text: &str) -> Assignment<'_> {
    use Assignment as A;
    let number = text.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(257).wrapping_add(byte.into()));
    let (key, value) = text.split_once('=').unwrap_or(("X_TEXT", text));
    match which {
        b'r' => A::Ready,
        b'l' => A::Reloading,
        b'm' => A::MonotonicUsec(number),
        b's' => A::Stopping,
        b'e' => A::Errno(i32::from_ne_bytes(number.to_ne_bytes()[..4].try_into().expect("four bytes"))),
        b'p' => A::MainPid(u32::from_ne_bytes(number.to_ne_bytes()[..4].try_into().expect("four bytes"))),
        b'w' => A::Watchdog,
        b't' => A::WatchdogTrigger,
        b'u' => A::WatchdogUsec(Duration::from_micros(number)),
        b'x' => A::ExtendTimeoutUsec(Duration::from_secs(number)),
        b'c' => A::NotifyAccess(NotifyAccess::ALL[text.len() % NotifyAccess::ALL.len()]),
        b'g' => A::BusError(text),
        b'v' => A::VarlinkError(text),
        b'q' => A::ExitStatus(number.to_ne_bytes()[0]),
        b'i' => A::MainPidFdId(number),
        b'j' => A::MainPidFd,
        b'k' => A::RestartReset,
        b'z' => A::FdPollOff,
        b'f' => A::FdStore,
        b'd' => A::FdStoreRemove,
        b'n' => A::FdName(text),
        b'b' => A::Barrier,
        b'o' => A::Other(key, value),
        b'a' => A::Raw(text),
        _ => A::Status(text),
    }
}

/// The lines that an assignment has to become.
fn lines_of(assignment: Assignment<'_>, line_breaks: LineBreaks) -> Vec<Vec<u8>> {
    use Assignment as A;
    let text = |key: &str, value: &str| {
        let value = match line_breaks {
            LineBreaks::Space => value.replace(['\n', '\r'], " "),
            LineBreaks::Refuse => value.to_owned(),
        };
        format!("{key}={value}")
    };
    let line = match assignment {
        A::Ready => "READY=1".to_owned(),
        A::Reloading => "RELOADING=1".to_owned(),
        A::MonotonicUsec(usec) => format!("MONOTONIC_USEC={usec}"),
        A::Stopping => "STOPPING=1".to_owned(),
        A::Status(value) => text("STATUS", value),
        A::Errno(errno) => format!("ERRNO={errno}"),
        A::MainPid(pid) => format!("MAINPID={pid}"),
        A::Watchdog => "WATCHDOG=1".to_owned(),
        A::WatchdogTrigger => "WATCHDOG=trigger".to_owned(),
        A::WatchdogUsec(interval) => format!("WATCHDOG_USEC={}", usec(interval)),
        A::ExtendTimeoutUsec(more) => format!("EXTEND_TIMEOUT_USEC={}", usec(more)),
        A::NotifyAccess(access) => format!("NOTIFYACCESS={}", access.as_str()),
        A::BusError(name) => text("BUSERROR", name),
        A::VarlinkError(name) => text("VARLINKERROR", name),
        A::ExitStatus(status) => format!("EXIT_STATUS={status}"),
        A::MainPidFdId(inode) => format!("MAINPIDFDID={inode}"),
        A::MainPidFd => "MAINPIDFD=1".to_owned(),
        A::RestartReset => "RESTART_RESET=1".to_owned(),
        A::FdPollOff => "FDPOLL=0".to_owned(),
        A::FdStore => "FDSTORE=1".to_owned(),
        A::FdStoreRemove => "FDSTOREREMOVE=1".to_owned(),
        A::FdName(name) => text("FDNAME", name),
        A::Barrier => "BARRIER=1".to_owned(),
        A::Other(key, value) => text(key, value),
        // Lines in the protocol's own form are what they are by themselves.
        A::Raw(lines) => {
            let alone = Message::parse(lines.as_bytes()).expect("a raw text that was taken can be read");
            return alone.lines().map(<[u8]>::to_vec).collect();
        }
        other => panic!("{other:?} is not among the targets' assignments yet"),
    };
    vec![line.into_bytes()]
}

fn usec(duration: Duration) -> u64 {
    duration.as_micros().try_into().unwrap_or(u64::MAX)
}

/// Whether an assignment deserves the refusal it got, with so many bytes in the message already.
fn holds(error: EncodeError, assignment: Assignment<'_>, before: usize) -> bool {
    use Assignment as A;
    let (key, text) = match assignment {
        A::Status(text) | A::FdName(text) | A::BusError(text) | A::VarlinkError(text) | A::Raw(text) => {
            ("", text)
        }
        A::Other(key, text) => (key, text),
        _ => ("", ""),
    };
    match error {
        // At most each byte of a text is doubled, no key of ours is longer than twenty, and no number either.
        EncodeError::TooLarge => before + 1 + key.len().max(20) + 1 + (text.len() * 2).max(20) > LARGEST,
        EncodeError::LineBreak => text.contains(['\n', '\r']),
        EncodeError::Nul => text.contains('\0'),
        EncodeError::Noncharacter => ended(text).is_none_or(|text| !systemd::is_utf8(&text)),
        EncodeError::Key => {
            !key.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_') || key.is_empty()
        }
        EncodeError::TrailingBackslash => {
            ended(text).is_none_or(|text| systemd::split_newlines(&text).is_none())
        }
        EncodeError::NoAssignment => {
            text.split(['\n', '\r']).any(|line| !line.is_empty() && !line.contains('='))
        }
        EncodeError::Errno => matches!(assignment, A::Errno(errno) if !(0..=4095).contains(&errno)),
        EncodeError::Pid => matches!(assignment, A::MainPid(pid) if pid == 0 || pid > 0x7fff_ffff),
        EncodeError::ErrorName => ended(text).is_none_or(|text| !systemd::is_safe_ascii(&text)),
        EncodeError::FdName => ended(text).is_none_or(|text| !systemd::is_fd_name(&text)),
        _ => false,
    }
}

fn ended(text: &str) -> Option<CString> {
    CString::new(text).ok()
}

/// Alone in a message, it is read as the very value that was written; `Other` may spell a key that has a type.
fn comes_back(assignment: Assignment<'_>) {
    use Assignment as A;
    if let A::WatchdogUsec(span) | A::ExtendTimeoutUsec(span) = assignment
        && span != Duration::from_micros(usec(span))
    {
        return; // finer or longer than the text can say
    }
    let mut message = Encoder::new();
    if matches!(assignment, A::Other(..) | A::Raw(_)) || message.push(assignment).is_err() {
        return;
    }
    let read = Message::parse(message.bytes()).expect("what was encoded is a message");
    let values: Vec<_> = read.assignments().collect();
    assert_eq!(values, [Ok(assignment)], "{message:?}");
}
