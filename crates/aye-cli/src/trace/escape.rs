//! Bytes of a service made safe to show and still all there: a control character could redraw the screen or forge a line,
//! and one that turns the direction of writing could make a line read as what it is not.

use std::fmt::Write as _;

/// The bytes as text; what cannot be shown stands as an escape. A backslash is left as it is, so that the text reads well.
pub(super) fn readable(bytes: &[u8]) -> String {
    escaped(bytes, false)
}

/// As [`readable`], with every backslash doubled, so that the bytes can be had back.
pub(super) fn lossless(bytes: &[u8]) -> String {
    escaped(bytes, true)
}

fn escaped(bytes: &[u8], double: bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\\' if double => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                letter if is_unshowable(letter) => {
                    bytewise(&mut text, letter.encode_utf8(&mut [0; 4]).as_bytes());
                }
                letter => text.push(letter),
            }
        }
        bytewise(&mut text, chunk.invalid());
    }
    text
}

fn bytewise(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(text, "\\x{byte:02x}");
    }
}

fn is_unshowable(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bytes that [`lossless`] made a text of.
    pub(in crate::trace) fn undone(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let [first, after @ ..] = rest {
            rest = after;
            if *first != b'\\' {
                bytes.push(*first);
                continue;
            }
            let (escape, after) = rest.split_first().expect("a backslash has its letter");
            rest = after;
            match escape {
                b'\\' => bytes.push(b'\\'),
                b'n' => bytes.push(b'\n'),
                b'r' => bytes.push(b'\r'),
                b't' => bytes.push(b'\t'),
                b'x' => {
                    let (digits, after) = rest.split_at(2);
                    rest = after;
                    bytes.push(u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap());
                }
                other => panic!("no escape: {other}"),
            }
        }
        bytes
    }

    #[test]
    fn what_could_redraw_the_screen_is_escaped() {
        assert_eq!(readable(b"a\x1b[2J\tb\0\xff\nc"), "a\\x1b[2J\\tb\\x00\\xff\\nc");
        assert_eq!(readable("\u{202e}gnp.exe".as_bytes()), "\\xe2\\x80\\xaegnp.exe");
        assert_eq!(readable(r"C:\tmp und Größe".as_bytes()), r"C:\tmp und Größe");
        assert_eq!(lossless(br"C:\tmp"), r"C:\\tmp");
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_had_back(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(undone(&lossless(&bytes)), bytes);
        }
    }
}
