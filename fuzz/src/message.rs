//! Reading a datagram: aye's parser beside systemd's own splitting and beside the rules written down once more.

use std::ffi::{CStr, CString};
use std::time::Duration;

use aye::message::{LARGEST, ParseError};
use aye::{Assignment, Message};

use crate::systemd;

/// Any datagram is read as systemd reads it, or dropped where systemd drops it.
pub fn message(datagram: &[u8]) {
    let text = datagram.strip_suffix(b"\0").unwrap_or(datagram);
    let parsed = Message::parse(datagram);
    if datagram.len() > LARGEST {
        assert_eq!(parsed, Err(ParseError::TooLarge(datagram.len())));
        return;
    }
    let Ok(text) = CString::new(text) else {
        assert_eq!(parsed, Err(ParseError::Nul));
        return;
    };
    let Some(lines) = systemd::split_newlines(&text) else {
        assert_eq!(parsed, Err(ParseError::TrailingBackslash));
        return;
    };
    let message = parsed.expect("systemd reads it");
    assert!(message.lines().eq(lines.iter().map(Vec::as_slice)), "{message:?} is {lines:?} to systemd");
    assert_eq!(by_the_rules(text.as_bytes()), lines, "the rules as written here");
    assert_eq!(message.is_empty(), lines.is_empty());
    for (key, value) in message.pairs() {
        typed(key, value);
    }
    for line in &lines {
        looked_up(&message, line, &lines);
    }
}

/// A value means what systemd's own readers make of it.
fn typed(key: &[u8], value: &[u8]) {
    use Assignment as A;
    let ended = CString::new(value).expect("no line holds a NUL byte");
    let text = ended.as_c_str();
    let read = Assignment::of(key, value).ok();
    let number = |as_read: fn(Duration) -> A<'static>| {
        systemd::number(text).map(|n| as_read(Duration::from_micros(n)))
    };
    let expected = match key {
        b"MONOTONIC_USEC" => systemd::number(text).map(A::MonotonicUsec),
        b"MAINPIDFDID" => systemd::number(text).map(A::MainPidFdId),
        b"WATCHDOG_USEC" => number(A::WatchdogUsec),
        b"EXTEND_TIMEOUT_USEC" => number(A::ExtendTimeoutUsec),
        b"MAINPID" => systemd::pid(text).map(A::MainPid),
        b"ERRNO" => systemd::errno(text).map(A::Errno),
        b"EXIT_STATUS" => systemd::small_number(text).map(A::ExitStatus),
        b"STATUS" => accepted(text, systemd::is_utf8).map(A::Status),
        b"BUSERROR" => accepted(text, systemd::is_safe_ascii).map(A::BusError),
        b"VARLINKERROR" => accepted(text, systemd::is_safe_ascii).map(A::VarlinkError),
        b"FDNAME" => accepted(text, systemd::is_fd_name).map(A::FdName),
        b"NOTIFYACCESS" => {
            assert_eq!(read.is_some(), systemd::is_access(text), "NOTIFYACCESS={text:?}");
            return;
        }
        _ => return,
    };
    assert_eq!(read, expected, "{}={text:?}", key.escape_ascii());
}

fn accepted(text: &CStr, check: fn(&CStr) -> bool) -> Option<&str> {
    check(text).then(|| text.to_str().expect("what systemd takes for text is text"))
}

/// What is asked of a message agrees with its lines: any equal line counts, and of one key the first value wins.
fn looked_up(message: &Message, line: &[u8], lines: &[Vec<u8>]) {
    let Ok(text) = std::str::from_utf8(line) else { return };
    assert!(message.contains(text), "{text:?} is there");
    let Some((key, _)) = text.split_once('=') else { return };
    let prefix = format!("{key}=");
    let first = lines.iter().find_map(|line| line.strip_prefix(prefix.as_bytes()));
    assert_eq!(message.value(key), first, "of {key}");
}

/// Escapes are undone first, into bytes that know whether they were escaped; then it is an ordinary split.
fn by_the_rules(text: &[u8]) -> Vec<Vec<u8>> {
    let mut letters = Vec::new();
    let mut escaped = false;
    for &byte in text {
        if escaped || byte != b'\\' {
            letters.push((byte, escaped));
            escaped = false;
        } else {
            escaped = true;
        }
    }
    let breaks = |&(byte, escaped): &(u8, bool)| !escaped && (byte == b'\n' || byte == b'\r');
    let runs = letters.split(breaks).filter(|run| !run.is_empty());
    runs.map(|run| run.iter().map(|&(byte, _)| byte).collect()).collect()
}
