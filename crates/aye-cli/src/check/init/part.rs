//! The pieces of a unit file: settings below a comment, comments in lines, and words as systemd reads them. Pure.

use std::fmt::Write as _;

/// Comments are broken here.
const WIDTH: usize = 98;

/// Settings that belong together, below what was seen.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) comment: String,
    pub(super) settings: Vec<String>,
}

impl Part {
    pub(super) fn new<const N: usize>(comment: &str, settings: [&str; N]) -> Self {
        Self { comment: comment.to_owned(), settings: settings.map(str::to_owned).to_vec() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.comment.is_empty() && self.settings.is_empty()
    }

    pub(super) fn text(&self) -> String {
        let mut text = comment(&self.comment);
        for setting in &self.settings {
            let _ = writeln!(text, "{setting}");
        }
        text
    }
}

/// A comment, its lines broken at blanks. No control character of what is quoted may begin a line of the unit.
pub(super) fn comment(words: &str) -> String {
    let (mut text, mut line) = (String::new(), String::new());
    for word in
        words.split(|letter: char| letter == ' ' || letter.is_control()).filter(|word| !word.is_empty())
    {
        if !line.is_empty() && line.len() + word.len() >= WIDTH {
            let _ = writeln!(text, "#{line}");
            line.clear();
        }
        line.push(' ');
        line.push_str(word);
    }
    if !line.is_empty() {
        let _ = writeln!(text, "#{line}");
    }
    text
}

/// A word of a command as systemd.service(5), "COMMAND LINES", has it: arguments have their variables expanded.
pub(super) fn quoted(word: &str, is_argument: bool) -> String {
    let is_plain =
        |letter: char| letter.is_ascii_alphanumeric() || "/._-+=:,@%$".contains(letter) || !letter.is_ascii();
    let mut safe = String::new();
    for letter in word.chars() {
        match letter {
            '"' | '\\' => safe.extend(['\\', letter]),
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            '%' => safe.push_str("%%"),
            '$' if is_argument => safe.push_str("$$"),
            _ => safe.push(letter),
        }
    }
    if !word.is_empty() && word.chars().all(is_plain) { safe } else { format!("\"{safe}\"") }
}
