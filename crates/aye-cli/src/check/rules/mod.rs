//! The rules, by topic. Each is a value with its texts and a function of a service; all of them in one list.

mod access;
mod container;
mod kind;
mod main_process;
mod namespace;
mod reload;
mod socket;
mod start;
mod stop;
mod syntax;
mod watchdog;

use super::finding::{Finding, Found};
use super::rule::Rule;
use super::subject::Subject;

/// Every rule, in the order of the documentation.
pub(crate) const ALL: &[&Rule] = &[
    &main_process::NPM,
    &main_process::SHELL,
    &main_process::SUDO,
    &main_process::WRAPPER,
    &main_process::DAEMONIZE,
    &container::DOCKER,
    &container::PODMAN,
    &access::ACCESS,
    &access::ENVIRONMENT,
    &socket::FAMILIES,
    &socket::HIDDEN,
    &socket::OPENFILE_SPECIFIER,
    &socket::OPENFILE_UNUSED,
    &socket::FDSTORE_OFF,
    &namespace::NETWORK,
    &namespace::PIDS,
    &kind::SIMPLE_READY,
    &kind::ONESHOT,
    &kind::FORKING,
    &watchdog::SILENT,
    &watchdog::SIMPLE_START,
    &watchdog::NO_RESTART,
    &start::TIMEOUT,
    &start::INFINITY,
    &start::LIMIT,
    &start::POST_DEADLOCK,
    &start::TEMPLATE_PORT,
    &reload::UNSUPPORTED,
    &reload::ASYNC,
    &stop::KILL_MODE,
    &stop::SHORT,
    &stop::KILL,
    &stop::INFINITY,
    &stop::EXIT_143,
    &syntax::VALUE_IGNORED,
    &syntax::SECTION_WRONG,
];

/// The rule of that name.
pub(crate) fn find(id: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|rule| rule.id == id)
}

/// What the rules find in a service, in the order of its lines.
pub(crate) fn judge(subject: &Subject) -> Vec<Finding> {
    let finding = |rule: &'static Rule, found: Found| Finding {
        unit: subject.name.to_string(),
        rule,
        severity: found.severity.unwrap_or(rule.severity),
        found,
    };
    ALL.iter().flat_map(|rule| (rule.look)(subject).into_iter().map(|found| finding(rule, found))).collect()
}
