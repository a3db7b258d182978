//! What came with which version of systemd: the keys, and the rules that changed. Gathered from the sources of 247, 252,
//! 257 and 262 and from sd_notify(3); the four versions are held against it live (tests/systemd/cases/vectors).

/// The version that a [`Context`](super::Context) assumes unless told.
///
/// ```
/// assert_eq!(aye::verdict::Context::default().version, aye::verdict::NEWEST);
/// ```
pub const NEWEST: u16 = 262;

/// How a key is read when it comes more than once, or with a value that it does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Any line that is exactly this assignment counts, such as `READY=1`.
    Exact,
    /// The first line of the key counts, whatever its value.
    First,
}

/// A key that systemd knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    /// The version that brought it.
    pub(super) since: u16,
    pub(super) reading: Reading,
}

const fn key(name: &'static str, since: u16, reading: Reading) -> Key {
    Key { name, since, reading }
}

/// Those without a version in sd_notify(3) have been there from the beginning.
const KEYS: &[Key] = &[
    key("READY", 1, Reading::Exact),
    key("RELOADING", 217, Reading::Exact),
    key("MONOTONIC_USEC", 253, Reading::First),
    key("STOPPING", 217, Reading::Exact),
    key("STATUS", 1, Reading::First),
    key("NOTIFYACCESS", 254, Reading::First),
    key("ERRNO", 1, Reading::First),
    key("BUSERROR", 257, Reading::First),
    key("VARLINKERROR", 257, Reading::First),
    key("EXIT_STATUS", 254, Reading::First),
    key("MAINPID", 1, Reading::First),
    key("MAINPIDFDID", 257, Reading::First),
    key("MAINPIDFD", 257, Reading::Exact),
    key("WATCHDOG", 1, Reading::First),
    key("WATCHDOG_USEC", 233, Reading::First),
    key("EXTEND_TIMEOUT_USEC", 236, Reading::First),
    key("RESTART_RESET", 258, Reading::Exact),
    key("FDSTORE", 219, Reading::Exact),
    key("FDSTOREREMOVE", 236, Reading::Exact),
    key("FDNAME", 233, Reading::First),
    key("FDPOLL", 246, Reading::Exact),
    key("BARRIER", 246, Reading::Exact),
];

pub(super) fn find(name: &[u8]) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name.as_bytes() == name)
}

/// A rule that was not always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// STOPPING beats READY, which beats RELOADING. Before, the last of them in the message counted.
    Precedence,
    /// A reload has states of its own, `reload-signal` and `reload-notify`, and STOPPING counts in them. Before, a reload by
    /// RELOADING was in `reload`, where no STOPPING counts.
    ReloadStates,
    /// MAINPID counts while the service stops, too.
    MainPidWhileStopping,
    /// STOPPING counts while extensions or credentials are refreshed, and MAINPID does, too.
    RefreshStates,
    /// STOPPING is the last word of a run: neither READY nor RELOADING counts after it.
    StoppingIsFinal,
}

/// Where a version is that of the first of the four in which a rule was found, it may have come in one between.
const RULES: &[(Rule, u16)] = &[
    (Rule::Precedence, 253),
    (Rule::ReloadStates, 253),
    (Rule::MainPidWhileStopping, 257), // not in 252
    (Rule::RefreshStates, 262),        // not in 257
    (Rule::StoppingIsFinal, 259),
];

impl Rule {
    /// Whether it holds in that version.
    pub(super) fn holds(self, version: u16) -> bool {
        RULES.iter().any(|(rule, since)| *rule == self && version >= *since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_version() {
        for rule in [
            Rule::Precedence,
            Rule::ReloadStates,
            Rule::MainPidWhileStopping,
            Rule::RefreshStates,
            Rule::StoppingIsFinal,
        ] {
            assert!(rule.holds(NEWEST) && !rule.holds(252), "{rule:?}");
        }
    }
}
