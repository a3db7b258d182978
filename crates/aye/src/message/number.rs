//! Numbers as systemd reads them in messages: `safe_atou64()`, which is strtoull(3) with base 0 behind two prefixes of
//! its own, `0b` and `0o`. So white space in front and a `+` are allowed, `0x` is hexadecimal, and a leading `0` octal.

/// What strtoull(3) saw: the sign, and the digits as a number.
struct Digits {
    negative: bool,
    magnitude: u64,
    /// The text begins with the minus: systemd looks only there.
    minus_first: bool,
}

/// A whole number of 64 bits without sign.
pub(crate) fn unsigned(text: &[u8]) -> Option<u64> {
    let digits = read(text)?;
    let number = if digits.negative { digits.magnitude.wrapping_neg() } else { digits.magnitude };
    (number == 0 || !digits.minus_first).then_some(number)
}

/// A whole number from 0 to `most`, where systemd reads a signed one (`safe_atoi()`).
pub(super) fn at_most(text: &[u8], most: u64) -> Option<u64> {
    let digits = read(text)?;
    let allowed = digits.magnitude == 0 || !digits.negative && digits.magnitude <= most;
    allowed.then_some(digits.magnitude)
}

fn read(text: &[u8]) -> Option<Digits> {
    let text = skip(text, b" \t\n\r");
    let (base, text) = match text {
        [b'0', b'b' | b'B', rest @ ..] => (Some(2), rest),
        [b'0', b'o' | b'O', rest @ ..] => (Some(8), rest),
        _ => (None, text),
    };
    let minus_first = text.first() == Some(&b'-');
    let text = skip(text, b" \t\n\x0b\x0c\r");
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (base, text) = match (base, text) {
        (Some(base), _) => (base, text),
        (None, [b'0', b'x' | b'X', rest @ ..]) => (16, rest),
        (None, [b'0', ..]) => (8, text),
        (None, _) => (10, text),
    };
    Some(Digits { negative, magnitude: digits(text, base)?, minus_first })
}

fn skip<'a>(text: &'a [u8], what: &[u8]) -> &'a [u8] {
    let start = text.iter().position(|byte| !what.contains(byte)).unwrap_or(text.len());
    &text[start..]
}

fn digits(text: &[u8], base: u32) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, &byte| {
        let digit = char::from(byte).to_digit(base)?;
        number.checked_mul(base.into())?.checked_add(digit.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strtoull_or_systemd_refuses_is_no_number() {
        for text in [
            "", " ", "-", "+", "-1", "1 ", "1s", "0x", "0b", "0b2", "0o8", "08", "1_000", "1.0", "--1",
            "infinity",
        ] {
            assert_eq!(unsigned(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(unsigned(b"18446744073709551616"), None);
        for text in ["4096", "-1", "1e3", "ENOENT"] {
            assert_eq!(at_most(text.as_bytes(), 4095), None, "{text:?}");
        }
    }

    #[test]
    fn every_spelling_of_a_number_is_read() {
        for (text, number) in [
            ("0", 0),
            ("-0", 0),
            ("7", 7),
            ("+7", 7),
            (" \t7", 7),
            ("0x1F", 31),
            ("+0Xa", 10),
            ("017", 15),
            ("0o17", 15),
            ("0B101", 5),
            ("0b+101", 5),
            ("18446744073709551615", u64::MAX),
            // strtoull(3) skips the vertical tab, which systemd's own look for the minus does not.
            ("\x0b-1", u64::MAX),
        ] {
            assert_eq!(unsigned(text.as_bytes()), Some(number), "{text:?}");
        }
        assert_eq!(at_most(b" 0xfff", 4095), Some(4095));
        assert_eq!(at_most(b"-0", 4095), Some(0));
    }
}
