//! Tables and properties of the codec.

use std::time::Duration;

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
    assert_eq!(refuse(Assignment::Other("x=", "1")), "no key: expected A-Z, 0-9 and _");
    assert_eq!(refuse(Assignment::Raw("ready")), "expected KEY=VALUE");
    assert_eq!(
        refuse(Assignment::Raw("STATUS=C:\\")),
        "it ends in a backslash, and systemd drops such a message: write \\\\"
    );
}

#[test]
fn refuses_values_that_systemd_would_not_take() {
    for (assignment, error) in [
        (Assignment::Status("a\u{fffe}"), EncodeError::Noncharacter),
        (Assignment::Status("\u{fdd0}"), EncodeError::Noncharacter),
        (Assignment::Errno(-1), EncodeError::Errno),
        (Assignment::Errno(4096), EncodeError::Errno),
        (Assignment::MainPid(0), EncodeError::Pid),
        (Assignment::MainPid(1 << 31), EncodeError::Pid),
        (Assignment::BusError("org.example.\"Quoted\""), EncodeError::ErrorName),
        (Assignment::VarlinkError("io.example.prêt"), EncodeError::ErrorName),
        (Assignment::FdName("a:b"), EncodeError::FdName),
        (Assignment::FdName(&"n".repeat(256)), EncodeError::FdName),
        (Assignment::FdName("a\nb"), EncodeError::FdName),
    ] {
        assert_eq!(encoded(assignment, LineBreaks::Space), Err(error), "{assignment:?}");
    }
}

#[test]
fn invalid_values_are_named_with_what_is_expected() {
    for (line, complaint) in [
        ("READY=yes", "READY=yes: expected 1"),
        ("READY=", "READY=: expected 1"),
        ("STOPPING=01", "STOPPING=01: expected 1"),
        ("ERRNO=ENONSENSE", "ERRNO=ENONSENSE: expected 0 to 4095 or a name such as ENOENT"),
        ("ERRNO=4096", "ERRNO=4096: expected 0 to 4095 or a name such as ENOENT"),
        ("WATCHDOG=yes", "WATCHDOG=yes: expected 1 or trigger"),
        ("WATCHDOG_USEC=1s", "WATCHDOG_USEC=1s: expected a number"),
        ("MAINPID=0", "MAINPID=0: expected a process ID"),
        ("MAINPID=2147483648", "MAINPID=2147483648: expected a process ID"),
        ("EXIT_STATUS=256", "EXIT_STATUS=256: expected 0 to 255"),
        ("NOTIFYACCESS=Main", "NOTIFYACCESS=Main: expected none, main, exec or all"),
        ("FDPOLL=1", "FDPOLL=1: expected 0"),
        ("FDNAME=a:b", "FDNAME=a:b: expected at most 255 printable ASCII characters without `:`"),
        ("BUSERROR=a'", "BUSERROR=a\\': expected printable ASCII without quotes and backslashes"),
    ] {
        let message = Message::parse(line.as_bytes()).unwrap();
        let found = message.assignments().next().unwrap().unwrap_err();
        assert_eq!(found.to_string(), complaint);
    }
    let message = Message::parse(b"STATUS=\xff").unwrap();
    assert_eq!(
        message.assignments().next().unwrap().unwrap_err().to_string(),
        "STATUS=\\xff: expected UTF-8 without noncharacters"
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

/// Every kind of assignment that reads back as it was written. Those with a text borrow it.
fn valid(kind: usize, number: u64, text: &str) -> Assignment<'_> {
    use Assignment as A;
    let (duration, small) = (Duration::from_micros(number), i32::try_from(number % 4096).unwrap());
    let name = || {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
        &text[..end.min(255)]
    };
    match kind {
        0 => A::Ready,
        1 => A::Reloading,
        2 => A::MonotonicUsec(number),
        3 => A::Stopping,
        4 => A::Status(text),
        5 => A::NotifyAccess(NotifyAccess::ALL[usize::try_from(number % 4).unwrap()]),
        6 => A::Errno(small),
        7 => A::BusError(name()),
        8 => A::VarlinkError(name()),
        9 => A::ExitStatus(number.to_le_bytes()[0]),
        10 => A::MainPid(small.unsigned_abs() + 1),
        11 => A::MainPidFdId(number),
        12 => A::MainPidFd,
        13 => A::Watchdog,
        14 => A::WatchdogTrigger,
        15 => A::WatchdogUsec(duration),
        16 => A::ExtendTimeoutUsec(duration),
        17 => A::RestartReset,
        18 => A::FdStore,
        19 => A::FdStoreRemove,
        20 => A::FdName(name()),
        21 => A::FdPollOff,
        22 => A::Barrier,
        _ => A::Other("X_PRIVATE", text),
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_parsed_as_it_was(
        list in proptest::collection::vec((0_usize..24, any::<u64>(), "[^\n\r\0]{0,60}"), 0..10)
    ) {
        let said: Vec<_> = list.iter().map(|(kind, number, text)| valid(*kind, *number, text)).collect();
        let mut encoder = Encoder::new();
        for assignment in &said {
            encoder.push(*assignment).unwrap();
        }
        let message = Message::parse(encoder.bytes()).unwrap();
        let read: Result<Vec<_>, _> = message.assignments().collect();
        prop_assert_eq!(read, Ok(said));
    }

    #[test]
    fn a_status_arrives_as_it_was_given(text in "[^\n\r\0\u{fdd0}-\u{fdef}]{0,500}") {
        let text = text.replace(|point| u32::from(point) & 0xfffe == 0xfffe, "");
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
