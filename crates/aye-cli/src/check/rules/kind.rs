//! Rules on `Type=`: a program that says READY where nobody waits for it.

use crate::check::finding::Found;
use crate::check::look::said;
use crate::check::rule::{Rule, Severity};
use crate::check::subject::{Subject, TYPES, Type};

pub(crate) const SIMPLE_READY: Rule = Rule {
    id: "simple-ready",
    title: "the program says READY=1, and nobody waits for it",
    severity: Severity::Warning,
    what: "Type=simple, exec or idle, or none, although the program says when it is ready.",
    why: "With Type=simple a service counts as started as soon as its process has been forked, with Type=exec when the program \
has been executed (systemd.service(5)): what is ordered after it, and a deployment that restarts it, goes on before it can \
answer. With Type=notify systemd waits for the READY=1 that it says already.",
    write: "Type=notify",
    look: simple_ready,
};

pub(crate) const ONESHOT: Rule = Rule {
    id: "oneshot-notify",
    title: "Type=oneshot with a program that says READY=1",
    severity: Severity::Error,
    what: "Type=oneshot, although the program says READY=1 and goes on.",
    why: "A oneshot service is activating until its process ends (systemd.service(5)); READY=1 does not end that, and there \
is no timeout unless one is set. A program that stays is activating for ever, and whatever is ordered after it waits as long.",
    write: "Type=notify",
    look: oneshot,
};

pub(crate) const FORKING: Rule = Rule {
    id: "forking-ready",
    title: "Type=forking with a program that says READY=1",
    severity: Severity::Warning,
    what: "Type=forking, although the program says when it is ready.",
    why: "With Type=forking systemd waits for the first process to end and then has to guess the main process or to read \
PIDFile= (systemd.service(5)). A program that stays lets the start end by its timeout, and what it says meanwhile is refused with \
NotifyAccess=main, as no main process is known yet. One that says READY=1 needs no guess: with Type=notify it stays where it was \
started.",
    write: "Type=notify",
    look: forking,
};

fn simple_ready(subject: &Subject) -> Vec<Found> {
    if matches!(subject.kind(), Type::Simple | Type::Exec | Type::Idle) {
        unheard(subject, "nobody waits for the READY=1 it says")
    } else {
        Vec::new()
    }
}

fn oneshot(subject: &Subject) -> Vec<Found> {
    if subject.kind() != Type::Oneshot {
        return Vec::new();
    }
    unheard(subject, "a oneshot is activating until it ends, whatever it says")
}

fn forking(subject: &Subject) -> Vec<Found> {
    if subject.kind() == Type::Forking {
        unheard(subject, "systemd waits for a fork, not for the READY=1 it says")
    } else {
        Vec::new()
    }
}

/// Programs of many verbs, of which few say READY=1.
const MANY_VERBS: [&str; 5] = ["podman", "docker", "aye", "systemctl", "systemd-notify"];

fn unheard(subject: &Subject, what: &str) -> Vec<Found> {
    // What systemd cannot read is a rule of its own.
    let is_read = subject.get("Type").is_none_or(|kind| TYPES.contains(&kind.value.as_str()));
    let Some(ready) = subject.signs.ready.as_ref().filter(|_| is_read && !subject.is_vendors) else {
        return Vec::new();
    };
    let Some(line) = subject.get("Type").or_else(|| subject.main_line()) else { return Vec::new() };
    let found = Found::at(line, what).seen(said(ready)).write("Type=notify");
    if ready.line > 0 {
        return vec![found];
    }
    // A compiled program that has the words need not come to say them in the way it is called here.
    let name = subject.main.as_ref().map_or("", |main| main.program());
    let is_certain = subject.kind() != Type::Oneshot && !MANY_VERBS.contains(&name);
    if is_certain { vec![found.with_severity(Severity::Advice)] } else { Vec::new() }
}
