//! Rules on the notify socket itself: whether the program can open it, and what systemd could hand over instead.

use crate::check::finding::Found;
use crate::check::look::said;
use crate::check::rule::{Rule, Severity};
use crate::check::setting::Setting;
use crate::check::subject::Subject;

pub(crate) const FAMILIES: Rule = Rule {
    id: "restrict-families",
    title: "RestrictAddressFamilies= without AF_UNIX",
    severity: Severity::Error,
    what: "A service that has to speak may not open a unix socket.",
    why: "The notify socket is a unix socket. RestrictAddressFamilies= makes socket(2) fail with EAFNOSUPPORT for every family \
that is not listed (systemd.exec(5)), so no library can send READY=1 or a heartbeat. A descriptor that systemd opened itself, by \
OpenFile=, goes on working.",
    write: "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    look: families,
};

pub(crate) const HIDDEN: Rule = Rule {
    id: "socket-hidden",
    title: "the notify socket is hidden from the program",
    severity: Severity::Error,
    what: "A setting of the file system takes the notify socket out of sight of a service that has to speak.",
    why: "$NOTIFY_SOCKET is a path, /run/systemd/notify. InaccessiblePaths= over it and an empty TemporaryFileSystem= above it \
leave nothing there to send to (systemd.exec(5)). With RootDirectory= and RootImage= systemd binds the socket into the new root \
itself.",
    write: "BindPaths=/run/systemd/notify",
    look: hidden,
};

pub(crate) const OPENFILE_SPECIFIER: Rule = Rule {
    id: "openfile-specifier",
    title: "OpenFile= with a specifier",
    severity: Severity::Error,
    what: "OpenFile= is written with %t or another specifier.",
    why: "OpenFile= expands no specifiers (systemd.service(5) names none for it, and systemd 253 to 262 has none): systemd logs \"Failed to parse \
OpenFile= setting, ignoring\", and the service starts without the descriptor.",
    write: "OpenFile=/run/systemd/notify:notify",
    look: openfile_specifier,
};

pub(crate) const OPENFILE_UNUSED: Rule = Rule {
    id: "openfile-unused",
    title: "OpenFile= would hand the socket over",
    severity: Severity::Advice,
    what: "A program of ours could get the notify socket as an open descriptor, and does not.",
    why: "Since version 253 systemd opens a file for a service and passes the descriptor (systemd.service(5)). With the notify \
socket, the package aye needs no native code at all, and goes on speaking under RestrictAddressFamilies= without AF_UNIX.",
    write: "OpenFile=/run/systemd/notify:notify",
    look: openfile_unused,
};

pub(crate) const FDSTORE_OFF: Rule = Rule {
    id: "fdstore-off",
    title: "descriptors are stored where none are kept",
    severity: Severity::Error,
    what: "The program stores descriptors, and FileDescriptorStoreMax= is 0 or not set.",
    why: "FileDescriptorStoreMax= is 0 unless it is set: systemd closes what FDSTORE=1 brings at once (systemd.service(5)), \
and the next start begins without its connections.",
    write: "FileDescriptorStoreMax=16",
    look: fdstore_off,
};

fn families(subject: &Subject) -> Vec<Found> {
    if !subject.must_speak() || subject.has_open_socket() {
        return Vec::new();
    }
    let lines: Vec<&Setting> = subject.settings.list("RestrictAddressFamilies").collect();
    let Some((last, allowed)) = restricted(&lines) else { return Vec::new() };
    let line = match allowed {
        Some(names) => {
            let names: Vec<&str> = std::iter::once("AF_UNIX").chain(names).collect();
            format!("RestrictAddressFamilies={}", names.join(" "))
        }
        None => last.value.replace("AF_UNIX", "").replace("  ", " ").replace("~ ", "~").trim().to_owned(),
    };
    let line = if line.starts_with("Restrict") { line } else { format!("RestrictAddressFamilies={line}") };
    let line =
        if line == "RestrictAddressFamilies=~" { "nothing: remove this line".to_owned() } else { line };
    vec![Found::at(last, "the program may not open a unix socket, so systemd never hears it").write(line)]
}

/// Where unix sockets are forbidden, and the families that are allowed when the list is one of those. The first line says which
/// kind of list it is; a line with a `~` takes from it or adds, and the other way round.
fn restricted<'a>(lines: &[&'a Setting]) -> Option<(&'a Setting, Option<Vec<&'a str>>)> {
    let first = lines.first()?;
    let forbids = first.value.starts_with('~');
    let mut listed: Vec<&str> = Vec::new();
    let mut last = *first;
    for setting in lines {
        let (inverted, value) = match setting.value.strip_prefix('~') {
            Some(rest) => (true, rest),
            None => (false, setting.value.as_str()),
        };
        let names = value.split_ascii_whitespace().filter(|name| *name != "none");
        if inverted == forbids {
            listed.extend(names);
        } else {
            let names: Vec<&str> = names.collect();
            listed.retain(|name| !names.contains(name));
        }
        last = setting;
    }
    let has = listed.iter().any(|name| matches!(*name, "AF_UNIX" | "AF_LOCAL"));
    match (forbids, has) {
        (false, false) => Some((last, Some(listed))),
        (true, true) => Some((last, None)),
        _ => None,
    }
}

fn hidden(subject: &Subject) -> Vec<Found> {
    if !subject.must_speak() || subject.has_open_socket() || subject.is_users || is_bound(subject) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for setting in subject.settings.list("InaccessiblePaths") {
        if setting
            .value
            .split_ascii_whitespace()
            .any(|path| covers(path.trim_start_matches(['-', '+']), true))
        {
            found.push(
                Found::at(setting, "the notify socket is made inaccessible to the program")
                    .write(kept(setting)),
            );
        }
    }
    for setting in subject.settings.list("TemporaryFileSystem") {
        let mut paths = setting.value.split_ascii_whitespace();
        if paths.any(|path| covers(path.split(':').next().unwrap_or_default(), false)) {
            let found_here = Found::at(setting, "an empty file system covers the notify socket");
            found.push(found_here.write("BindPaths=/run/systemd/notify"));
        }
    }
    found
}

/// Whether the notify socket is at or below a path.
fn covers(path: &str, itself: bool) -> bool {
    matches!(path.trim_end_matches('/'), "/run" | "/run/systemd" | "/var/run" | "")
        || itself && path == "/run/systemd/notify"
}

fn is_bound(subject: &Subject) -> bool {
    let bound = ["BindPaths", "BindReadOnlyPaths"].into_iter().flat_map(|key| subject.settings.list(key));
    bound.into_iter().any(|setting| {
        setting.value.split_ascii_whitespace().any(|path| {
            let from = path.trim_start_matches('-').split(':').next().unwrap_or_default();
            matches!(from.trim_end_matches('/'), "/run" | "/run/systemd" | "/run/systemd/notify")
        })
    })
}

fn kept(setting: &Setting) -> String {
    let rest: Vec<&str> = setting
        .value
        .split_ascii_whitespace()
        .filter(|path| !covers(path.trim_start_matches(['-', '+']), true))
        .collect();
    if rest.is_empty() {
        "nothing: remove this line".to_owned()
    } else {
        format!("{}={}", setting.written, rest.join(" "))
    }
}

fn openfile_specifier(subject: &Subject) -> Vec<Found> {
    let runtime = if subject.is_users { "/run/user/1000" } else { "/run" };
    let with = |setting: &&Setting| setting.value.contains('%');
    let files = subject.settings.list("OpenFile").filter(with);
    let name = subject.name.to_string();
    let instance = subject.name.instance().unwrap_or_default();
    files
        .map(|setting| {
            let value = setting.value.replace("%t", runtime).replace("%n", &name).replace("%i", instance);
            Found::at(setting, "OpenFile= expands no specifiers: systemd ignores this line")
                .write(format!("OpenFile={value}"))
        })
        .collect()
}

fn openfile_unused(subject: &Subject) -> Vec<Found> {
    let Some(ours) = subject.signs.ours.as_ref().filter(|_| subject.must_speak() && !subject.is_vendors)
    else {
        return Vec::new();
    };
    // A line with a specifier is another rule's.
    if subject.settings.list("OpenFile").any(|file| file.value.contains("notify")) {
        return Vec::new();
    }
    let Some(line) = subject.main_line() else { return Vec::new() };
    let socket = if subject.is_users { "/run/user/1000/systemd/notify" } else { "/run/systemd/notify" };
    let found = Found::at(line, "systemd 253 and later would hand the notify socket over");
    vec![found.seen(said(ours)).write(format!("OpenFile={socket}:notify"))]
}

fn fdstore_off(subject: &Subject) -> Vec<Found> {
    // systemd itself knows the word, too: it is who stores.
    let Some(stores) = subject.signs.stores.as_ref().filter(|_| !subject.stores() && !subject.is_vendors)
    else {
        return Vec::new();
    };
    let Some(line) = subject.get("FileDescriptorStoreMax").or_else(|| subject.main_line()) else {
        return Vec::new();
    };
    let found = Found::at(line, "the program stores descriptors, and systemd keeps none for it");
    let found = found.seen(said(stores)).write("FileDescriptorStoreMax=16");
    // A compiled program that has the word need not come to say it.
    vec![if stores.line == 0 { found.with_severity(Severity::Warning) } else { found }]
}
