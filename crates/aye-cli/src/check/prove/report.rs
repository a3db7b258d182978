//! What was proved, as text, as JSON and as JUnit XML. Pure.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    Fail,
    Skip,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::Skip => "skip",
        }
    }
}

/// One check and what it showed.
#[derive(Debug, Clone)]
pub(super) struct Proof {
    pub(super) check: &'static str,
    pub(super) verdict: Verdict,
    /// What was seen, with figures; of a skipped one, why.
    pub(super) seen: String,
    /// What to do about it; empty when there is nothing.
    pub(super) advice: String,
    pub(super) took: Duration,
}

/// Where the text of a line begins.
const INDENT: usize = 23;

/// The list, broken at this width.
pub(super) fn text(unit: &str, proofs: &[Proof], width: usize) -> String {
    let mut text = format!("{unit}\n");
    for proof in proofs {
        let head = format!("  {:<4} {:<15} ", proof.verdict.as_str(), proof.check);
        let body = if proof.advice.is_empty() {
            proof.seen.clone()
        } else {
            format!("{}\n{}", proof.seen, proof.advice)
        };
        for (index, line) in
            body.lines().flat_map(|line| wrapped(line, width.saturating_sub(INDENT))).enumerate()
        {
            let before = if index == 0 { head.clone() } else { " ".repeat(INDENT) };
            let _ = writeln!(text, "{before}{line}");
        }
    }
    let count = |verdict| proofs.iter().filter(|proof| proof.verdict == verdict).count();
    let _ = writeln!(
        text,
        "{} passed, {} failed, {} skipped",
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::Skip)
    );
    text
}

/// Breaks a line at its blanks; a word that is too long keeps a line of its own.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let last = lines.last_mut().expect("there is one");
        if !last.is_empty()
            && unicode_width::UnicodeWidthStr::width(format!("{last} {word}").as_str()) > width
        {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

/// A number of things: one child process, 2 child processes.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

pub(super) fn json(unit: &str, proofs: &[Proof]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let ts = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for proof in proofs {
        let verdict = proof.verdict.as_str().to_lowercase();
        let took = u64::try_from(proof.took.as_micros()).unwrap_or(u64::MAX);
        let line = json!({
            "v": 1, "ts": ts, "event": "check", "unit": unit, "check": proof.check, "verdict": verdict,
            "seen": proof.seen, "advice": proof.advice, "took_usec": took,
        });
        let _ = writeln!(text, "{line}");
    }
    text
}

pub(super) fn junit(unit: &str, proofs: &[Proof], log: &[String]) -> String {
    let count = |verdict| proofs.iter().filter(|proof| proof.verdict == verdict).count();
    let time: f64 = proofs.iter().map(|proof| proof.took.as_secs_f64()).sum();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" \
         errors=\"0\" skipped=\"{}\" time=\"{time:.3}\">\n",
        escaped(unit),
        proofs.len(),
        count(Verdict::Fail),
        count(Verdict::Skip)
    );
    for proof in proofs {
        let (seen, advice) = (escaped(&proof.seen), escaped(&proof.advice));
        let inner = match proof.verdict {
            Verdict::Pass => String::new(),
            Verdict::Fail => format!("<failure message=\"{seen}\">{advice}</failure>"),
            Verdict::Skip => format!("<skipped message=\"{seen}\"/>"),
        };
        let _ = writeln!(
            xml,
            "<testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\">{inner}</testcase>",
            escaped(unit),
            proof.check,
            proof.took.as_secs_f64()
        );
    }
    let _ =
        writeln!(xml, "<system-out>{}</system-out>\n</testsuite>\n</testsuites>", escaped(&log.join("\n")));
    xml
}

/// Text for XML 1.0, which has no place for most control characters, however written (its "Char" production).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(verdict: Verdict, seen: &str) -> Proof {
        Proof { check: "stop", verdict, seen: seen.to_owned(), advice: String::new(), took: Duration::ZERO }
    }

    #[test]
    fn no_byte_of_a_log_breaks_the_xml() {
        let log: String = (0..=127u8).map(char::from).chain(['\u{fffe}', 'ü']).collect();
        let xml = junit("a&b.service", &[proof(Verdict::Fail, "\"<\0>\"")], &[format!("{log}]]>")]);
        assert!(xml.contains("name=\"a&amp;b.service\" tests=\"1\" failures=\"1\""), "{xml}");
        assert!(xml.contains("message=\"&quot;&lt;\u{fffd}&gt;&quot;\""), "{xml}");
        assert!(xml.chars().all(|letter| letter >= ' ' || letter == '\n' || letter == '\t'), "{xml}");
        assert!(!xml.contains("]]>"), "{xml}");
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let proofs = [proof(Verdict::Fail, &"a long story ".repeat(20))];
        for width in [80, 100] {
            let text = text("web.service", &proofs, width);
            assert!(text.lines().all(|line| line.len() <= width), "{text}");
            assert!(text.lines().any(|line| line.len() > width - 10), "{text}");
        }
        let text = text("web.service", &proofs, 80);
        assert!(text.ends_with("0 passed, 1 failed, 0 skipped\n"), "{text}");
    }
}
