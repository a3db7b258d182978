//! Rules on the watchdog.

use std::time::Duration;

use crate::check::finding::Found;
use crate::check::rule::{Rule, Severity};
use crate::check::subject::{Subject, Type};
use crate::words::shortest;

pub(crate) const SILENT: Rule = Rule {
    id: "watchdog-silent",
    title: "a watchdog, and no heartbeat",
    severity: Severity::Error,
    what: "WatchdogSec= is set, and the program shows no sign of WATCHDOG=1.",
    why: "From the moment it is ready, the program has to say WATCHDOG=1 more often than every WatchdogSec=; when it does not, \
systemd kills it with SIGABRT and the result is watchdog (systemd.service(5)). A program that never says it is killed again and \
again.",
    write: "heartbeats in the program, or no WatchdogSec=",
    look: silent,
};

pub(crate) const SIMPLE_START: Rule = Rule {
    id: "watchdog-simple-start",
    title: "the watchdog runs while the program still starts",
    severity: Severity::Warning,
    what: "WatchdogSec= with a Type= that does not wait for READY=1.",
    why: "With Type=simple, exec and idle a service counts as started at once, and the watchdog runs from then on \
(systemd.service(5)): the first heartbeat is due before WatchdogSec= is over, the whole start included. With Type=notify the \
watchdog begins after READY=1.",
    write: "Type=notify",
    look: simple_start,
};

pub(crate) const NO_RESTART: Rule = Rule {
    id: "watchdog-no-restart",
    title: "the watchdog kills, and nothing starts again",
    severity: Severity::Warning,
    what: "WatchdogSec= without a Restart= that covers a watchdog timeout.",
    why: "The watchdog only ends a program that hangs. Restart= says what comes next, and starts again after a watchdog timeout \
with on-failure, on-abnormal, on-watchdog and always; without it, or with on-success and on-abort, the service stays down \
(systemd.service(5), table of exit causes).",
    write: "Restart=on-failure",
    look: no_restart,
};

/// A start that takes longer than this is nothing unusual, so a watchdog below it is a risk.
const USUAL_START: Duration = Duration::from_secs(30);

fn silent(subject: &Subject) -> Vec<Found> {
    let Some((setting, period)) = subject.watchdog() else { return Vec::new() };
    let signs = &subject.signs;
    if signs.watchdog.is_some() || signs.files.is_empty() || !signs.complete {
        return Vec::new();
    }
    let what = format!("the program is killed {} after it is ready: it sends no heartbeat", shortest(period));
    let found = Found::at(setting, what).seen(format!("no WATCHDOG=1 in {}", signs.read()));
    let line = if signs.ours.is_some() {
        "watchdog.start() in the program"
    } else {
        "nothing: remove this line until the program says WATCHDOG=1"
    };
    vec![found.write(line)]
}

fn simple_start(subject: &Subject) -> Vec<Found> {
    let Some((setting, period)) = subject.watchdog() else { return Vec::new() };
    if !matches!(subject.kind(), Type::Simple | Type::Exec | Type::Idle) || subject.is_vendors {
        return Vec::new();
    }
    let longest = subject.longest_start();
    if period >= longest.map_or(USUAL_START, |longest| longest * 2) {
        return Vec::new();
    }
    let what = format!("the first heartbeat is due {} after the process was started", shortest(period));
    let found = Found::at(setting, what);
    vec![if subject.signs.ready.is_some() || longest.is_none() {
        found.write("Type=notify")
    } else {
        found.write(format!("WatchdogSec={}", shortest(longest.unwrap_or(USUAL_START) * 3)))
    }]
}

fn no_restart(subject: &Subject) -> Vec<Found> {
    let Some((setting, _)) = subject.watchdog() else { return Vec::new() };
    if matches!(subject.value("Restart"), "always" | "on-failure" | "on-abnormal" | "on-watchdog") {
        return Vec::new();
    }
    // What is started by the next request, or has another plan for a failure, is not left down.
    let has_plan = subject.get("BusName").is_some()
        || subject.has_socket
        || subject.get("Sockets").is_some()
        || subject.settings.of("Unit", "OnFailure").is_some()
        || subject.settings.of("Unit", "FailureAction").is_some()
        || subject.kind() == Type::Oneshot;
    // Whether a container of systemd-nspawn@.service comes back, say, is for its owner to choose.
    if has_plan || subject.is_vendors {
        return Vec::new();
    }
    let restart = subject.get("Restart");
    let what = match restart {
        Some(restart) => {
            format!("Restart={} leaves the service down after a watchdog timeout", restart.value)
        }
        None => "without Restart= the service stays down after a watchdog timeout".to_owned(),
    };
    vec![Found::at(restart.unwrap_or(setting), what).write("Restart=on-failure")]
}
