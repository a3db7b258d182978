//! Text on its way into markup. Units, hosts, statuses and logs are words of others: none of them can become a tag, end an
//! attribute, or change the direction of what stands around it.

use std::fmt::{self, Write as _};
use std::time::Duration;

/// A text that is shown as it is, in an element or in a quoted attribute.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(visible(c)),
        })
    }
}

/// Control characters have no place in HTML, and the marks of Unicode's bidirectional algorithm (UAX #9) could show a text
/// as another one.
fn visible(c: char) -> char {
    match c {
        '\t' => c,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            '\u{fffd}'
        }
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

/// Lines in a `pre`.
pub(super) struct Lines<'a>(pub(super) &'a [String]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A line feed that follows the opening tag directly is dropped by the parser, so that there is always one.
        self.0.iter().try_for_each(|line| write!(f, "\n{}", Text(line)))
    }
}

/// A part of the whole in hundredths, for CSS.
pub(super) struct Percent(pub(super) Duration, pub(super) Duration);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.1.as_secs_f64();
        let percent = if whole > 0.0 { self.0.as_secs_f64() / whole * 100.0 } else { 0.0 };
        let text = format!("{:.3}", percent.clamp(0.0, 100.0));
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A span with the digits that are needed to compare it with others.
pub(super) fn fine(span: Duration) -> String {
    match span.as_micros() {
        0..1_000 => format!("{} µs", span.as_micros()),
        1_000..10_000 => format!("{:.1} ms", span.as_secs_f64() * 1e3),
        1_000_000..10_000_000 => format!("{:.2} s", span.as_secs_f64()),
        _ => aye_bus::duration(span),
    }
}

/// `1 unit`, `2 units`.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Markup that is added to a page. Writing to a `String` cannot fail.
macro_rules! put {
    ($page:expr, $($text:tt)*) => {{
        use ::std::fmt::Write as _;
        let _ = write!($page, $($text)*);
    }};
}
pub(super) use put;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_stays_text() {
        assert_eq!(Text("<script>\"'&").to_string(), "&lt;script&gt;&quot;&#39;&amp;");
    }

    #[test]
    fn a_text_cannot_turn_round_what_follows_it() {
        assert_eq!(Text("a\u{202e}b\u{0}c\nd\te").to_string(), "a\u{fffd}b\u{fffd}c\u{fffd}d\te");
    }

    #[test]
    fn a_part_is_never_outside_of_the_whole() {
        let second = Duration::from_secs(1);
        assert_eq!(Percent(second * 3, second).to_string(), "100%");
        assert_eq!(Percent(second, Duration::ZERO).to_string(), "0%");
        assert_eq!(Percent(second, second * 3).to_string(), "33.333%");
    }
}
