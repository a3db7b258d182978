//! Findings for people, in the way of a compiler: where, the line itself, what is wrong with it, why, and what to write.

use std::io::{self, IsTerminal as _};

use unicode_width::UnicodeWidthStr as _;

use super::finding::Finding;
use super::rule::Severity;

/// The narrowest and the widest page.
const WIDTHS: (usize, usize) = (40, 100);

/// How findings are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    pub(super) width: usize,
    pub(super) colour: bool,
}

impl Page {
    /// As wide as the terminal, and coloured where that is wanted; 80 columns without one.
    pub(super) fn of_this_terminal() -> Self {
        let out = io::stdout();
        let size = rustix::termios::tcgetwinsize(&out).map_or(80, |size| usize::from(size.ws_col));
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let width = if size == 0 { 80 } else { size };
        Self { width: width.clamp(WIDTHS.0, WIDTHS.1), colour: out.is_terminal() && !plain }
    }

    /// All findings, each rule's reason once, and a line with the sum.
    pub(super) fn render(self, units: &[String], findings: &[Finding]) -> String {
        let mut page = String::new();
        let mut explained: Vec<&str> = Vec::new();
        for finding in findings {
            let is_new = !explained.contains(&finding.rule.id);
            explained.push(finding.rule.id);
            page.push_str(&self.finding(finding, is_new));
            page.push('\n');
        }
        page.push_str(&self.sum(units, findings));
        page
    }

    fn finding(self, finding: &Finding, explains: bool) -> String {
        let found = &finding.found;
        let colour = match finding.severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
            Severity::Advice => "1;36",
        };
        let head = format!("{}[{}]", finding.severity.word(), finding.rule.id);
        let width = self.width.saturating_sub(head.width() + 2).max(20);
        let title = filled(&found.what, width, &" ".repeat(head.width() + 2));
        let number = found.at.line.max(1).to_string();
        let gutter = " ".repeat(number.len());
        let bar = self.painted("2", "|");
        let mut lines = vec![format!("{}: {}", self.painted(colour, &head), self.painted("1", &title))];
        let place = if found.at.line == 0 {
            found.at.file.clone()
        } else {
            format!("{}:{}", found.at.file, found.at.line)
        };
        lines.push(format!("{gutter}{} {place}", self.painted("2", "-->")));
        lines.push(format!("{} {bar} {}", self.painted("2", &number), found.at.text));
        let mut notes: Vec<(&str, &str)> = found.seen.iter().map(|seen| ("seen", seen.as_str())).collect();
        if explains {
            notes.push(("why", finding.rule.why));
        }
        for (name, note) in notes {
            lines.push(self.note(&gutter, name, note));
        }
        for (at, line) in found.write.iter().enumerate() {
            // Never broken: it is to be copied.
            let name = if at == 0 { "write:" } else { "      " };
            lines.push(format!("{gutter} {} {}", self.painted("32", name), self.painted("1", line)));
        }
        lines.join("\n") + "\n"
    }

    fn note(self, gutter: &str, name: &str, text: &str) -> String {
        let indent = gutter.len() + 1 + 7;
        let text = filled(text, self.width.saturating_sub(indent).max(20), &" ".repeat(indent));
        format!("{gutter} {} {text}", self.painted("2", &format!("{:6}", format!("{name}:"))))
    }

    fn sum(self, units: &[String], findings: &[Finding]) -> String {
        let of = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
        let plural =
            |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        let checked = plural(units.len(), "unit") + " checked";
        let counts = [(of(Severity::Error), "error"), (of(Severity::Warning), "warning")];
        let mut parts: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| plural(*count, word)).collect();
        let advice = of(Severity::Advice);
        parts.extend((advice > 0).then(|| format!("{advice} advice")));
        if parts.is_empty() {
            return format!("{checked}: {}\n", self.painted("32", "nothing found"));
        }
        format!("{checked}: {}\n", parts.join(", "))
    }

    fn painted(self, colour: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A text in lines of at most this many cells; those after the first begin with an indent, which is not counted.
pub(super) fn filled(text: &str, width: usize, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_ascii_whitespace() {
        let line = lines.last().map_or(0, |line| line.width());
        if line > 0 && line + 1 + word.width() > width {
            lines.push(word.to_owned());
        } else if let Some(last) = lines.last_mut() {
            if line > 0 {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines.join(&format!("\n{indent}"))
}
