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
    assert_eq!(refuse(Assignment::Other("x=", "1")), "a key is made of A-Z, 0-9 and _");
    assert_eq!(refuse(Assignment::Raw("ready")), "expected KEY=VALUE");
    assert_eq!(
        refuse(Assignment::Raw("STATUS=C:\\")),
        "it ends in a backslash, and systemd drops such a message: write \\\\"
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
