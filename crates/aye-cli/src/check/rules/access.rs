//! Rules on whose messages are taken, and whether the address of the notify socket reaches the program.

use crate::check::command::Command;
use crate::check::finding::Found;
use crate::check::look::said;
use crate::check::rule::{Rule, Severity};
use crate::check::subject::{Access, Subject};

pub(crate) const ACCESS: Rule = Rule {
    id: "notify-access",
    title: "NotifyAccess= refuses who speaks",
    severity: Severity::Error,
    what: "A helper says something to systemd, and NotifyAccess= does not let it.",
    why: "NotifyAccess=main, which Type=notify and WatchdogSec= imply, takes messages from the main process alone; exec also \
from those of ExecStartPre=, ExecStartPost=, ExecReload= and ExecStop=; all from any process of the service. A process that is \
not let in by exec or all has no NOTIFY_SOCKET either (systemd.service(5)). systemd-notify speaks in its parent's name only with \
the rights to (systemd-notify(1)). Since systemd 256 a refusal is logged at debug level only.",
    write: "NotifyAccess=all",
    look: access,
};

pub(crate) const ENVIRONMENT: Rule = Rule {
    id: "notify-socket-env",
    title: "NOTIFY_SOCKET is taken from the program",
    severity: Severity::Error,
    what: "The environment of a service that has to speak loses or replaces NOTIFY_SOCKET.",
    why: "The program finds the notify socket by $NOTIFY_SOCKET alone (sd_notify(3)). Environment= and EnvironmentFile= \
override what systemd sets, UnsetEnvironment= removes it at last (systemd.exec(5)), and env -i starts with nothing. The program \
then sends elsewhere or takes itself for unmanaged, and the start ends by its timeout.",
    write: "the line without NOTIFY_SOCKET",
    look: environment,
};

fn speaks(command: &Command) -> bool {
    let text = command.inner.join(" ");
    command.program() == "systemd-notify"
        || command.program() == "aye" && command.arguments().first().is_some_and(|verb| verb == "notify")
        || text.contains("systemd-notify ")
        || text.contains("aye notify ")
}

fn access(subject: &Subject) -> Vec<Found> {
    let mut found = Vec::new();
    let access = subject.access();
    if access < Access::Exec {
        for key in
            ["ExecCondition", "ExecStartPre", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost"]
        {
            for command in subject.commands(key).iter().filter(|command| speaks(command)) {
                let what = format!("{key}= speaks to systemd, and NotifyAccess={} refuses it", word(access));
                let line = if through_a_shell(command) && subject.is_unprivileged() {
                    "NotifyAccess=all"
                } else {
                    "NotifyAccess=exec"
                };
                found.push(Found::at(&command.setting, what).write(line));
            }
        }
    }
    found.extend(child(subject, access));
    found
}

fn through_a_shell(command: &Command) -> bool {
    command.program() != "systemd-notify" && command.program() != "aye"
}

/// A main program that has systemd-notify speak for it: as root in its own name, as anyone else not.
fn child(subject: &Subject, access: Access) -> Option<Found> {
    let main = subject.main.as_ref()?;
    let helper = subject.signs.helper.as_ref().filter(|_| subject.must_speak())?;
    let refused = match access {
        Access::All => false,
        Access::None => true,
        Access::Main | Access::Exec => subject.is_unprivileged(),
    };
    if !refused || main.program() == "systemd-notify" || speaks(main) && !through_a_shell(main) {
        return None;
    }
    let at = subject.get("NotifyAccess").or_else(|| subject.get("Type")).unwrap_or(&main.setting);
    let what = format!(
        "systemd-notify is a child of the main process, and NotifyAccess={} refuses it",
        word(access)
    );
    let user = if subject.is_users {
        "a user's manager runs it".to_owned()
    } else {
        format!("User={}", subject.value("User"))
    };
    Some(
        Found::at(at, what)
            .seen(said(helper))
            .seen(format!("without root's rights it cannot speak in its parent's name: {user}"))
            .write("NotifyAccess=all"),
    )
}

fn word(access: Access) -> &'static str {
    match access {
        Access::None => "none",
        Access::Main => "main",
        Access::Exec => "exec",
        Access::All => "all",
    }
}

fn environment(subject: &Subject) -> Vec<Found> {
    if !subject.must_speak() {
        return Vec::new();
    }
    let names = |value: &str| {
        value
            .split([' ', '"', '\''])
            .any(|word| word == "NOTIFY_SOCKET" || word.starts_with("NOTIFY_SOCKET="))
    };
    let mut found = Vec::new();
    for key in ["Environment", "UnsetEnvironment"] {
        for setting in subject.settings.list(key).filter(|setting| names(&setting.value)) {
            let does = if key == "Environment" { "replaces" } else { "removes" };
            let rest: Vec<&str> = setting
                .value
                .split(' ')
                .filter(|word| !word.trim_matches(['"', '\'']).starts_with("NOTIFY_SOCKET"))
                .collect();
            let what = format!("{key}= {does} the address of the notify socket");
            let line = if rest.is_empty() {
                "nothing: remove this line".to_owned()
            } else {
                format!("{key}={}", rest.join(" "))
            };
            found.push(Found::at(setting, what).write(line));
        }
    }
    found.extend(subject.main.as_ref().and_then(emptied));
    found
}

fn emptied(main: &Command) -> Option<Found> {
    let removes = main.removes.iter().any(|name| name == "NOTIFY_SOCKET");
    let hands_on = main.words.iter().any(|word| word.starts_with("NOTIFY_SOCKET="));
    if !(removes || main.empties_environment) || hands_on {
        return None;
    }
    let how = if removes { "env -u NOTIFY_SOCKET" } else { "env -i" };
    let at = main.words.len() - main.inner.len();
    let assigned: Vec<String> = main.words[..at].iter().filter(|word| word.contains('=')).cloned().collect();
    let kept = if assigned.is_empty() {
        main.inner.clone()
    } else {
        [vec![main.words[0].clone()], assigned, main.inner.clone()].concat()
    };
    let line = crate::check::command::line("ExecStart", &kept);
    Some(Found::at(&main.setting, format!("{how} takes NOTIFY_SOCKET from the program")).write(line))
}
