//! Rules on containers: the process that speaks is not a child of the client that the unit starts.

use crate::check::command::Command;
use crate::check::finding::Found;
use crate::check::rule::{Rule, Severity};
use crate::check::subject::{Access, Subject};

pub(crate) const DOCKER: Rule = Rule {
    id: "docker-notify",
    title: "docker run under Type=notify",
    severity: Severity::Error,
    what: "A service that has to say READY=1 is a docker client.",
    why: "The docker client only asks the docker daemon for a container; the program in it is the daemon's descendant, in \
another control group, and has neither NOTIFY_SOCKET nor the socket. systemd finds the unit of a message by its sender's control \
group, so even with the socket mounted it finds another unit, or none. The client itself never says READY=1 (docker-run(1)). \
docker-proxy takes connections to a published port before anything in the container does: a probe has to await an answer, as \
aye wrap --ready-on http: does, and tcp: does not. A program that says READY=1 itself can say it to aye wrap --ready-on \
notify:PATH, with that socket mounted: aye hears it from any control group.",
    write: "Type=exec, or aye wrap in front of the client with a probe that awaits an answer or with notify:PATH",
    look: docker,
};

pub(crate) const PODMAN: Rule = Rule {
    id: "podman-sdnotify",
    title: "podman run without a word on who says READY",
    severity: Severity::Warning,
    what: "A container under Type=notify without --sdnotify=, or with one by which nobody says READY=1.",
    why: "podman-run(1): --sdnotify=container, the default, waits until the program in the container says READY=1 itself; \
conmon says it for the container when that has started; healthy when its health check passes; with ignore nobody does. An image \
that knows nothing of systemd never says it, and the start ends by its timeout.",
    write: "ExecStart=/usr/bin/podman run --sdnotify=conmon ...",
    look: podman,
};

fn docker(subject: &Subject) -> Vec<Found> {
    let Some(main) = subject.main.as_ref().filter(|_| subject.awaits_ready()) else { return Vec::new() };
    let runs = match main.program() {
        "docker" | "nerdctl" => ["run", "start", "compose", "container"].iter().any(|verb| main.has(verb)),
        "docker-compose" => true,
        _ => false,
    };
    if !runs {
        return Vec::new();
    }
    let found =
        Found::at(&main.setting, format!("{} never says READY=1, and the container cannot", main.program()));
    vec![match published(main) {
        Some((port, within)) if SPEAKS_HTTP.contains(&within) => {
            let probe = [
                vec![
                    "/usr/bin/aye".to_owned(),
                    "wrap".to_owned(),
                    "--ready-on".to_owned(),
                    format!("http://127.0.0.1:{port}/"),
                    "--".to_owned(),
                ],
                main.inner.clone(),
            ];
            found.write(main.with(&main.inner).replacen(&joined(&main.inner), &joined(&probe.concat()), 1))
        }
        _ => found.write("Type=exec"),
    }]
}

/// Ports on which a container is likely to answer requests.
const SPEAKS_HTTP: [u16; 6] = [80, 3000, 5000, 8000, 8080, 8888];

fn joined(words: &[String]) -> String {
    words.join(" ")
}

/// The port of the host and that of the container in `-p 8080:80` and `-p 127.0.0.1:8080:80`.
fn published(main: &Command) -> Option<(u16, u16)> {
    let words = main.arguments();
    let value = words.iter().enumerate().find_map(|(at, word)| match word.as_str() {
        "-p" | "--publish" => words.get(at + 1).map(String::as_str),
        word => word
            .strip_prefix("--publish=")
            .or_else(|| word.strip_prefix("-p").filter(|rest| !rest.is_empty())),
    })?;
    let mut parts = value.rsplit(':');
    let within = parts.next()?.trim_end_matches("/tcp").parse().ok()?;
    Some((parts.next()?.parse().ok()?, within))
}

fn podman(subject: &Subject) -> Vec<Found> {
    let Some(main) = subject.main.as_ref().filter(|_| subject.awaits_ready()) else { return Vec::new() };
    if main.program() != "podman" || !main.has("run") {
        return Vec::new();
    }
    let given = main.arguments().iter().find_map(|word| word.strip_prefix("--sdnotify="));
    let mut found = Vec::new();
    if !matches!(given, Some("conmon" | "container" | "healthy")) {
        let what = match given {
            Some(other) => format!("with --sdnotify={other} nobody says READY=1"),
            None => "the image has to say READY=1 itself, which most do not".to_owned(),
        };
        found.push(Found::at(&main.setting, what).write(main.with(&with_option(main, "--sdnotify=conmon"))));
    }
    if found.is_empty() && subject.access() != Access::All && (main.has("-d") || main.has("--detach")) {
        let what = "conmon, which stays, is not the process that systemd started, and is refused";
        found.push(Found::at(&main.setting, what).write("NotifyAccess=all"));
    }
    found
}

fn with_option(main: &Command, option: &str) -> Vec<String> {
    let mut words: Vec<String> =
        main.inner.iter().filter(|word| !word.starts_with("--sdnotify")).cloned().collect();
    let at = words.iter().position(|word| word == "run").map_or(words.len(), |at| at + 1);
    words.insert(at, option.to_owned());
    words
}
