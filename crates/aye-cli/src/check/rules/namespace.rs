//! Rules on namespaces: what a private network and private process ids do to a service.

use crate::check::finding::Found;
use crate::check::look::said;
use crate::check::rule::{Rule, Severity};
use crate::check::subject::{Access, Subject, Type};

pub(crate) const NETWORK: Rule = Rule {
    id: "private-network",
    title: "a server that nobody can reach",
    severity: Severity::Error,
    what: "PrivateNetwork=yes, and the program listens on a network address of its own.",
    why: "PrivateNetwork= gives the service a network with a loopback device alone (systemd.exec(5)): it starts, says \
READY=1, and nobody outside can connect. The notify socket is a path and works in it. A socket that systemd listens on, by \
socket activation, belongs to the outside and works, too.",
    write: "a socket unit with ListenStream=, or PrivateNetwork=no",
    look: network,
};

pub(crate) const PIDS: Rule = Rule {
    id: "private-pids",
    title: "process ids of its own",
    severity: Severity::Warning,
    what: "PrivatePIDs=yes with a program that cannot be process 1.",
    why: "With PrivatePIDs= the main process is process 1 of its namespace (systemd.exec(5)). The kernel drops a signal for \
such a process, also one from outside, unless the process has a handler for it (pid_namespaces(7)): SIGTERM does nothing, and \
every stop ends by SIGKILL after TimeoutStopSec=. A MAINPID= that it says is a number that means another process outside. systemd-notify \
speaks in its own name there, also as root, and not in that of its parent, process 1: NotifyAccess=main refuses it. With \
Type=forking systemd refuses the unit, as the namespace ends with its first process.",
    write: "a handler for SIGTERM in the program, or PrivatePIDs=no",
    look: pids,
};

fn network(subject: &Subject) -> Vec<Found> {
    if !subject.yes("PrivateNetwork") || subject.has_socket || subject.get("Sockets").is_some() {
        return Vec::new();
    }
    if subject.settings.of("Unit", "JoinsNamespaceOf").is_some() || subject.is_vendors {
        return Vec::new();
    }
    let Some(setting) = subject.get("PrivateNetwork") else { return Vec::new() };
    let evidence = match (&subject.signs.listens, &subject.main) {
        (Some(sign), _) => said(sign),
        (None, Some(main))
            if main
                .arguments()
                .iter()
                .any(|word| word.starts_with("--port") || word.starts_with("--listen")) =>
        {
            format!("{}:{}: {}", main.setting.file, main.setting.line, main.setting.text())
        }
        _ => return Vec::new(),
    };
    vec![
        Found::at(setting, "nobody outside the service can connect to it")
            .seen(evidence)
            .write("PrivateNetwork=no"),
    ]
}

fn pids(subject: &Subject) -> Vec<Found> {
    let Some(setting) = subject.get("PrivatePIDs").filter(|_| subject.yes("PrivatePIDs")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if subject.kind() == Type::Forking {
        let what = "systemd refuses PrivatePIDs= with Type=forking";
        found.push(Found::at(setting, what).write("PrivatePIDs=no").with_severity(Severity::Error));
        return found;
    }
    let signs = &subject.signs;
    if let Some(sign) =
        signs.helper.as_ref().filter(|_| subject.must_speak() && subject.access() != Access::All)
    {
        let what = "systemd-notify speaks in its own name below process 1, and is refused";
        let refused = Found::at(setting, what).seen(said(sign)).write("NotifyAccess=all");
        found.push(refused.with_severity(Severity::Error));
    }
    if let Some(sign) = &signs.main_pid {
        let what = "MAINPID= is a number of the inner namespace, which is another process outside";
        found.push(Found::at(setting, what).seen(said(sign)).write("PrivatePIDs=no"));
    }
    let is_script =
        signs.shell.is_some() || signs.files.iter().any(|file| file.contains('.') && !file.contains(".so"));
    if signs.handles_term.is_none() && is_script && subject.value("KillSignal").is_empty() {
        let what =
            "as process 1 of its namespace the program does not get SIGTERM, for which it has no handler";
        found.push(
            Found::at(setting, what).seen(format!("no SIGTERM in {}", signs.read())).write("PrivatePIDs=no"),
        );
    }
    found
}
