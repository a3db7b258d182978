//! What can be wrong with a unit file, each in one line: [`Invalid`] is about one value, [`Error`] and [`Warning`] add
//! the file and the line.

use std::fmt;

/// A value that is not what its setting takes. Displayed as a fragment: `expected yes or no, found "maybe"`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

impl Invalid {
    /// `expected WHAT, found "FOUND"`; a long `found` is cut.
    pub fn expected(what: impl fmt::Display, found: &str) -> Self {
        Self(format!("expected {what}, found {}", quoted(found)))
    }

    /// Any other fragment.
    pub fn because(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// A file that cannot be used as a unit. Displayed as `web@.service:7: expected KEY=VALUE, found "ExecStart"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The file, as it was named to us.
    pub file: String,
    /// The line, from 1; `None` when the file as a whole is meant.
    pub line: Option<usize>,
    /// What was expected and what was found, as a lower-case fragment.
    pub what: String,
}

impl Error {
    pub(super) fn at(file: &str, line: usize, what: impl fmt::Display) -> Self {
        Self { file: file.to_owned(), line: Some(line), what: what.to_string() }
    }

    pub(super) fn in_file(file: &str, what: impl fmt::Display) -> Self {
        Self { file: file.to_owned(), line: None, what: what.to_string() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

impl std::error::Error for Error {}

/// A setting that has no effect here. Displayed as `web@.service:12: PrivateTmp= is not honoured by aye run`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The file, as it was named to us.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What has no effect.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

/// `found` in quotes with control characters escaped, cut after 60 characters.
pub(super) fn quoted(found: &str) -> String {
    const MOST: usize = 60;
    if found.chars().count() <= MOST {
        return format!("{found:?}");
    }
    let cut: String = found.chars().take(MOST).collect();
    format!("{cut:?}...")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_a_long_value_and_escapes_control_characters() {
        let text = Invalid::expected("a number", &"x".repeat(61)).to_string();
        assert_eq!(text, format!("expected a number, found \"{}\"...", "x".repeat(60)));
        assert!(!Invalid::expected("a number", &"x".repeat(60)).to_string().ends_with("..."));
        assert_eq!(
            Invalid::expected("a number", "\x1b[2J\n").to_string(),
            r#"expected a number, found "\u{1b}[2J\n""#
        );
    }

    #[test]
    fn names_file_and_line_or_the_file_alone() {
        assert_eq!(Error::at("web.service", 7, "expected x").to_string(), "web.service:7: expected x");
        assert_eq!(Error::in_file("web.service", "expected x").to_string(), "web.service: expected x");
    }
}
