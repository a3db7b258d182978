//! A trace as the datagrams themselves, one on a line, for grep and diff: `SECONDS PID BYTES`. The seconds are those since the
//! trace began, to the microsecond; the pid is the sender's, or `-`; of the bytes, a backslash is doubled, a line break is
//! `\n`, and what cannot be shown is `\xNN`, so that all of them can be had back.

use super::escape;
use super::scene::{Event, Happening};

/// A datagram in one line, without a line break at its end; empty for an event that is none.
pub(crate) fn line(event: &Event) -> Vec<u8> {
    let Happening::Said(said) = &event.what else {
        return Vec::new();
    };
    let (seconds, micros) = (event.at.as_secs(), event.at.subsec_micros());
    let pid = said.sender.map_or("-".to_owned(), |sender| sender.pid.to_string());
    format!("{seconds}.{micros:06} {pid} {}", escape::lossless(&said.bytes)).into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trace::samples::{note, of_nobody, said};

    fn shown(event: &Event) -> String {
        String::from_utf8(line(event)).unwrap()
    }

    #[test]
    fn what_is_no_datagram_has_no_line() {
        assert_eq!(line(&note(5, "a note")), b"");
    }

    #[test]
    fn a_datagram_stands_on_one_line_with_its_time_and_sender() {
        assert_eq!(
            shown(&said(1310, b"READY=1\nSTATUS=C:\\\\tmp")),
            r"1.310000 4711 READY=1\nSTATUS=C:\\\\tmp"
        );
        assert_eq!(shown(&of_nobody(0, b"READY=1\0\xff")), r"0.000000 - READY=1\x00\xff");
        assert_eq!(shown(&said(20, b"")), "0.020000 4711 ");
    }

    proptest! {
        #[test]
        fn the_bytes_can_be_had_back(bytes in any::<Vec<u8>>()) {
            let line = shown(&said(7, &bytes));
            let text = line.strip_prefix("0.007000 4711 ").unwrap();
            prop_assert!(!text.contains('\n'));
            prop_assert_eq!(crate::trace::escape::tests::undone(text), bytes);
        }
    }
}
