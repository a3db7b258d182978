//! What a rule has found: where, what is wrong there, what that was read from, and the lines to write instead.

use super::rule::{Rule, Severity};
use super::setting::Setting;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// What messages call the file.
    pub(crate) file: String,
    /// From 1; 0 for the file as a whole.
    pub(crate) line: usize,
    /// The line itself.
    pub(crate) text: String,
}

/// What a rule says, without its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) at: Place,
    pub(crate) what: String,
    pub(crate) seen: Vec<String>,
    pub(crate) write: Vec<String>,
    pub(crate) severity: Option<Severity>,
}

impl Found {
    /// Something wrong with a setting.
    pub(crate) fn at(setting: &Setting, what: impl Into<String>) -> Self {
        Self::on(setting.place(), what)
    }

    /// Something wrong with a line of any file.
    pub(crate) fn on(at: Place, what: impl Into<String>) -> Self {
        Self { at, what: what.into(), seen: Vec::new(), write: Vec::new(), severity: None }
    }

    /// What it was read from.
    #[must_use]
    pub(crate) fn seen(mut self, what: impl Into<String>) -> Self {
        self.seen.push(what.into());
        self
    }

    /// A line to write.
    #[must_use]
    pub(crate) fn write(mut self, line: impl Into<String>) -> Self {
        self.write.push(line.into());
        self
    }

    /// Another severity than the rule's.
    #[must_use]
    pub(crate) fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }
}

/// What is shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    pub(crate) unit: String,
    pub(crate) rule: &'static Rule,
    pub(crate) severity: Severity,
    pub(crate) found: Found,
}
