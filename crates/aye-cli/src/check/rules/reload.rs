//! Rules on reloading.

use crate::check::finding::Found;
use crate::check::look::said;
use crate::check::rule::{Rule, Severity};
use crate::check::subject::{Subject, Type};

pub(crate) const UNSUPPORTED: Rule = Rule {
    id: "reload-unsupported",
    title: "notify-reload, and the program does not answer",
    severity: Severity::Error,
    what: "Type=notify-reload, and the program shows no sign of RELOADING=1.",
    why: "With Type=notify-reload a reload is SIGHUP, answered by RELOADING=1 with MONOTONIC_USEC= and, later, READY=1 \
(systemd.service(5)). A program without a handler is ended by the signal, a clean end for systemd, so the reload even counts as \
done and the service is gone; systemd 262 refuses to start such a program, with the result protocol. One that handles the signal \
and says nothing leaves the reload hanging until TimeoutStartSec=.",
    write: "Type=notify",
    look: unsupported,
};

pub(crate) const ASYNC: Rule = Rule {
    id: "exec-reload-async",
    title: "a reload that is over before it is done",
    severity: Severity::Advice,
    what: "ExecReload= only sends a signal.",
    why: "kill returns when the signal is sent. systemctl reload returns then, too, while the program still reads its \
configuration, and says nothing when that fails (systemd.service(5), ExecReload=). A program that says RELOADING=1 and READY=1 \
is waited for with Type=notify-reload.",
    write: "Type=notify-reload",
    look: asynchronous,
};

fn unsupported(subject: &Subject) -> Vec<Found> {
    let Some(setting) = subject.get("Type").filter(|_| subject.kind() == Type::NotifyReload) else {
        return Vec::new();
    };
    let signs = &subject.signs;
    if signs.reloading.is_some() || signs.files.is_empty() || !signs.complete {
        return Vec::new();
    }
    let found = Found::at(setting, "the program does not answer a reload");
    vec![found.seen(format!("no RELOADING=1 in {}", signs.read())).write("Type=notify")]
}

fn asynchronous(subject: &Subject) -> Vec<Found> {
    if subject.is_vendors || subject.kind() == Type::NotifyReload {
        return Vec::new();
    }
    let sends = |command: &crate::check::command::Command| {
        command.program() == "kill" && command.arguments().iter().any(|word| word.contains("MAINPID"))
    };
    let commands = subject.commands("ExecReload");
    // A second command may well be the one that waits.
    let ([command], true) = (commands.as_slice(), subject.must_speak()) else { return Vec::new() };
    if !sends(command) {
        return Vec::new();
    }
    let found = Found::at(&command.setting, "systemctl reload returns before the program has reloaded");
    vec![match &subject.signs.reloading {
        Some(sign) => found.seen(said(sign)).write("Type=notify-reload").write("ExecReload= removed"),
        None => found.write("Type=notify-reload, once the program says RELOADING=1 and READY=1"),
    }]
}
