//! Time spans: `systemd.time(7)`, "PARSING TIME SPANS". Microseconds are the smallest step, as in systemd.

use std::time::Duration;

use super::super::error::Invalid;

const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// 30.44 days, as `systemd.time(7)` says.
const MONTH: u64 = 2_629_800 * SECOND;
/// 365.25 days.
const YEAR: u64 = 31_557_600 * SECOND;

/// Units in microseconds; of two that begin alike the longer one comes first.
const UNITS: [(&str, u64); 30] = [
    ("usec", 1),
    ("us", 1),
    ("\u{3bc}s", 1),
    ("\u{b5}s", 1),
    ("msec", 1_000),
    ("ms", 1_000),
    ("seconds", SECOND),
    ("second", SECOND),
    ("sec", SECOND),
    ("s", SECOND),
    ("minutes", MINUTE),
    ("minute", MINUTE),
    ("min", MINUTE),
    ("months", MONTH),
    ("month", MONTH),
    ("M", MONTH),
    ("m", MINUTE),
    ("hours", HOUR),
    ("hour", HOUR),
    ("hr", HOUR),
    ("h", HOUR),
    ("days", DAY),
    ("day", DAY),
    ("d", DAY),
    ("weeks", 7 * DAY),
    ("week", 7 * DAY),
    ("w", 7 * DAY),
    ("years", YEAR),
    ("year", YEAR),
    ("y", YEAR),
];

/// A time span; a bare number is in seconds, `None` is `infinity`.
///
/// ```
/// use std::time::Duration;
/// use aye_manager::unit::value::span;
///
/// assert_eq!(span("1min 30s"), Ok(Some(Duration::from_secs(90))));
/// assert_eq!(span("infinity"), Ok(None));
/// ```
pub fn span(text: &str) -> Result<Option<Duration>, Invalid> {
    let trimmed = text.trim_matches(is_space);
    if trimmed == "infinity" {
        return Ok(None);
    }
    let micros = microseconds(trimmed).ok_or_else(|| {
        Invalid::expected(
            "a time span such as 5s, 1min 30s, 200ms or infinity (a bare number is seconds)",
            text,
        )
    })?;
    Ok(Some(Duration::from_micros(micros)))
}

/// A time span that must end.
pub fn finite(text: &str) -> Result<Duration, Invalid> {
    span(text)?.ok_or_else(|| Invalid::expected("a time span other than infinity", text))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// The sum of all parts; `None` when a part is no span, when there is none, or when the sum is too large.
fn microseconds(text: &str) -> Option<u64> {
    let (mut sum, mut rest) = part(text)?;
    while !rest.is_empty() {
        let (micros, tail) = part(rest)?;
        sum = sum.checked_add(micros)?;
        rest = tail;
    }
    Some(sum).filter(|sum| *sum != u64::MAX)
}

/// One number with its unit, and what follows without leading white space.
fn part(text: &str) -> Option<(u64, &str)> {
    let (whole, rest) = digits(text.strip_prefix('+').unwrap_or(text));
    let (fraction, after) = match rest.strip_prefix('.') {
        Some(tail) => {
            let (fraction, tail) = digits(tail);
            (Some(fraction).filter(|fraction| !fraction.is_empty())?, tail)
        }
        None => ("", rest),
    };
    if whole.is_empty() && (fraction.is_empty() || text.starts_with('+')) {
        return None;
    }
    let (unit, tail) = unit(after)?;
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    Some((whole.checked_mul(unit)?.checked_add(below_one(fraction, unit))?, tail))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// The unit that follows a number. Without one it is seconds, and then a space or the end must follow.
fn unit(text: &str) -> Option<(u64, &str)> {
    let trimmed = text.trim_start_matches(is_space);
    for (name, micros) in UNITS {
        if let Some(tail) = trimmed.strip_prefix(name) {
            return Some((micros, tail.trim_start_matches(is_space)));
        }
    }
    (trimmed.is_empty() || trimmed.len() < text.len()).then_some((SECOND, trimmed))
}

/// Each digit is a tenth of the one before, in whole microseconds.
fn below_one(fraction: &str, unit: u64) -> u64 {
    let tenths = std::iter::successors(Some(unit / 10), |step| Some(step / 10));
    fraction.bytes().zip(tenths).map(|(digit, step)| u64::from(digit - b'0') * step).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::testing::run;
    use proptest::prelude::*;

    const BAD: [&str; 16] = [
        "",
        " ",
        "x",
        "-1",
        "5x",
        "5 x",
        "1.",
        "1.s",
        ".",
        "1.2.3",
        "s",
        "5s x",
        "infinity 5s",
        "infinit",
        "99999999999999999999",
        "600000y",
    ];

    const GOOD: [(&str, u64); 24] = [
        ("0", 0),
        ("5", 5_000_000),
        ("5s 200ms", 5_200_000),
        ("5s200ms", 5_200_000),
        ("1.5s", 1_500_000),
        (".5s", 500_000),
        ("+3", 3_000_000),
        ("1.5", 1_500_000),
        ("0.1us 1us", 1),
        ("0.0000019s", 1),
        ("1min", 60_000_000),
        ("2 min 3 sec", 123_000_000),
        ("1h 1hr", 7_200_000_000),
        ("1m", 60_000_000),
        ("1M", 2_629_800_000_000),
        ("1d", 86_400_000_000),
        ("1w", 604_800_000_000),
        ("1y", 31_557_600_000_000),
        ("1 2", 3_000_000),
        ("7usec", 7),
        ("7\u{3bc}s 1\u{b5}s", 8),
        ("55ms", 55_000),
        ("1.12345678s", 1_123_456),
        ("12.34 .56", 12_900_000),
    ];

    #[test]
    fn refuses_what_is_no_time_span() {
        for text in BAD {
            let expected = format!(
                "expected a time span such as 5s, 1min 30s, 200ms or infinity (a bare number is seconds), found {text:?}"
            );
            assert_eq!(span(text).map_err(|invalid| invalid.to_string()), Err(expected));
        }
        assert_eq!(
            finite("infinity").unwrap_err().to_string(),
            r#"expected a time span other than infinity, found "infinity""#
        );
    }

    #[test]
    fn reads_time_spans() {
        for (text, micros) in GOOD {
            assert_eq!(span(text), Ok(Some(Duration::from_micros(micros))), "{text}");
        }
        assert_eq!(span(" infinity "), Ok(None));
    }

    /// The microseconds `systemd-analyze timespan` prints, or `None` when it refuses.
    fn theirs(text: &str) -> Option<u64> {
        let output = run("systemd-analyze", &["timespan", "--", text]);
        let printed = String::from_utf8(output.stdout).unwrap();
        let line = printed.lines().find_map(|line| line.trim().strip_prefix("\u{3bc}s:").map(str::trim));
        output.status.success().then(|| line.expect("a line of microseconds").parse().unwrap())
    }

    #[test]
    fn agrees_with_systemd_analyze_on_every_case() {
        for (text, micros) in GOOD {
            assert_eq!(theirs(text), Some(micros), "{text}");
        }
        for text in BAD {
            assert_eq!(theirs(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let _ = span(&text);
        }

        #[test]
        fn parsing_text_that_looks_right_never_panics(text in "([0-9]{1,20}|[.+ ]|usec|µs|ms|s|min|M|y|infinity){0,6}") {
            let _ = span(&text);
        }

        #[test]
        fn microseconds_come_back(micros in 0..u64::MAX / 2) {
            prop_assert_eq!(span(&format!("{micros}us")), Ok(Some(Duration::from_micros(micros))));
        }
    }
}
