//! Rules on the stop.

use std::time::Duration;

use crate::check::finding::Found;
use crate::check::look::said;
use crate::check::rule::{Rule, Severity};
use crate::check::subject::{Subject, Type};
use crate::words::shortest;

pub(crate) const KILL_MODE: Rule = Rule {
    id: "killmode-process",
    title: "KillMode=process leaves children behind",
    severity: Severity::Warning,
    what: "A stop ends the main process alone.",
    why: "With KillMode=process and none, other processes of the service survive its stop (systemd.kill(5)). They keep its \
port and its files, the next start finds both taken, and nobody supervises them.",
    write: "KillMode=mixed",
    look: kill_mode,
};

pub(crate) const SHORT: Rule = Rule {
    id: "stop-short",
    title: "hardly any time to stop",
    severity: Severity::Warning,
    what: "TimeoutStopSec= of a second or less.",
    why: "TimeoutStopSec= after SIGTERM systemd sends SIGKILL (systemd.service(5)). Requests that are under way are cut off, \
and the result of the stop is timeout: the unit has failed.",
    write: "TimeoutStopSec=30s",
    look: short,
};

pub(crate) const KILL: Rule = Rule {
    id: "stop-kill",
    title: "a stop by SIGKILL",
    severity: Severity::Error,
    what: "KillSignal=SIGKILL, which no program can handle.",
    why: "KillSignal= is the first signal of a stop (systemd.kill(5)). With SIGKILL the program cannot finish what it is doing, \
say STOPPING=1, or write anything down, and death by SIGKILL is no clean end: after each stop the unit has failed, with the \
result signal (systemd.service(5)).",
    write: "KillSignal=SIGTERM",
    look: kill,
};

pub(crate) const INFINITY: Rule = Rule {
    id: "stop-infinity",
    title: "a stop that may take for ever",
    severity: Severity::Warning,
    what: "TimeoutStopSec=0 or infinity.",
    why: "0 is no timeout, like infinity (systemd.service(5)). A program that does not end on SIGTERM is waited for without \
end: systemctl stop and restart hang, and so does a shutdown.",
    write: "TimeoutStopSec=90s",
    look: infinity,
};

pub(crate) const EXIT_143: Rule = Rule {
    id: "exit-143",
    title: "a stop that counts as a failure",
    severity: Severity::Warning,
    what: "The program ends with 143 on SIGTERM, and SuccessExitStatus= does not know it.",
    why: "systemd takes death by SIGTERM for a success, but the exit status 143, which is 128 and the number of that signal, \
for a failure (systemd.service(5), SuccessExitStatus=). Java ends so, and programs that handle the signal and end by it as a \
shell would. After each stop the unit has failed, and OnFailure= is triggered.",
    write: "SuccessExitStatus=143",
    look: exit_143,
};

/// Programs whose children are sessions and jobs of others, which are to outlive it.
const CHILDREN_OUTLIVE: [&str; 14] = [
    "sshd",
    "cron",
    "crond",
    "atd",
    "anacron",
    "agetty",
    "dockerd",
    "containerd",
    "kubelet",
    "libvirtd",
    "salt-minion",
    "systemd-sulogin-shell",
    "tmux",
    "screen",
];

fn kill_mode(subject: &Subject) -> Vec<Found> {
    let Some(setting) =
        subject.get("KillMode").filter(|mode| matches!(mode.value.as_str(), "process" | "none"))
    else {
        return Vec::new();
    };
    let main = subject.main.as_ref().map_or("", |main| main.program());
    if CHILDREN_OUTLIVE.contains(&main) || subject.kind() == Type::Oneshot || subject.is_vendors {
        return Vec::new();
    }
    let what = "processes that the program started survive a stop";
    vec![Found::at(setting, what).write("KillMode=mixed")]
}

fn short(subject: &Subject) -> Vec<Found> {
    let Some(timeout) = subject.timeout("TimeoutStopSec") else { return Vec::new() };
    let Some(limit) = timeout.limit.filter(|limit| *limit <= Duration::from_secs(1)) else {
        return Vec::new();
    };
    if subject.kind() == Type::Oneshot || subject.is_vendors {
        return Vec::new();
    }
    let what = format!("{} after SIGTERM comes SIGKILL", shortest(limit));
    vec![Found::at(timeout.setting, what).write("TimeoutStopSec=30s")]
}

fn kill(subject: &Subject) -> Vec<Found> {
    let Some(setting) = subject.get("KillSignal").filter(|_| !subject.is_vendors) else { return Vec::new() };
    if !matches!(setting.value.as_str(), "SIGKILL" | "KILL" | "9") {
        return Vec::new();
    }
    vec![Found::at(setting, "the program cannot stop in order").write("KillSignal=SIGTERM")]
}

fn infinity(subject: &Subject) -> Vec<Found> {
    let Some(timeout) = subject.timeout("TimeoutStopSec").filter(|timeout| timeout.limit.is_none()) else {
        return Vec::new();
    };
    if matches!(subject.kind(), Type::Oneshot) || subject.is_vendors {
        return Vec::new();
    }
    let line = if timeout.setting.written == "TimeoutSec" { "TimeoutSec=90s" } else { "TimeoutStopSec=90s" };
    vec![
        Found::at(timeout.setting, "a program that does not end on SIGTERM is waited for without end")
            .write(line),
    ]
}

fn exit_143(subject: &Subject) -> Vec<Found> {
    let Some(main) = &subject.main else { return Vec::new() };
    let known = subject
        .settings
        .list("SuccessExitStatus")
        .any(|line| line.value.split([' ', '-']).any(|word| word == "143"));
    if known || subject.kind() == Type::Oneshot || !subject.value("KillSignal").is_empty() {
        return Vec::new();
    }
    let found = Found::at(&main.setting, "after each stop the unit has failed: the program ends with 143");
    match &subject.signs.exits_143 {
        Some(sign) => vec![found.seen(said(sign)).write("SuccessExitStatus=143")],
        None if main.program() == "java" => {
            vec![found.seen("the JVM ends with 143 on SIGTERM").write("SuccessExitStatus=143")]
        }
        None => Vec::new(),
    }
}
