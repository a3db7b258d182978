//! What a rule is: a trap with a name, how bad it is, what it is, why it happens, and the function that looks for it in a
//! unit. The texts serve `--explain`, SARIF and docs/check.md alike.

use super::finding::Found;
use super::subject::Subject;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// It could be better.
    Advice,
    /// It will fail sooner or later.
    Warning,
    /// It will fail.
    Error,
}

impl Severity {
    /// As it stands in the output.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Advice => "advice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A trap.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Its name, in kebab case; part of the interface.
    pub(crate) id: &'static str,
    /// One line.
    pub(crate) title: &'static str,
    /// Unless what was seen says otherwise.
    pub(crate) severity: Severity,
    /// What is found.
    pub(crate) what: &'static str,
    /// The mechanism behind it, with its source.
    pub(crate) why: &'static str,
    /// What to write instead, as a pattern; a finding has the line for its unit.
    pub(crate) write: &'static str,
    /// Looks for it.
    pub(crate) look: fn(&Subject) -> Vec<Found>,
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}
