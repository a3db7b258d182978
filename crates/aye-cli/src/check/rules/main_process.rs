//! Rules on the main process: under `NotifyAccess=main`, systemd takes messages only from the process it started itself.

use crate::check::command::{Command, base, line};
use crate::check::finding::{Found, Place};
use crate::check::rule::{Rule, Severity};
use crate::check::subject::{Access, Subject, Type};

pub(crate) const NPM: Rule = Rule {
    id: "notify-npm",
    title: "npm, yarn or pnpm is the main process",
    severity: Severity::Error,
    what: "A service that has to say READY=1 is started through a package manager.",
    why: "npm, npx, yarn and pnpm stay, and run the program as a child, most of them through a shell. systemd counts npm as the \
main process and, with NotifyAccess=main, which Type=notify implies, refuses what the child says (systemd.service(5)). \
WATCHDOG_PID and LISTEN_PID name npm, too, so the child takes neither the watchdog nor passed sockets for its own. The start \
ends by its timeout, and since systemd 256 the refusal is not even logged.",
    write: "ExecStart=/usr/bin/node server.js",
    look: npm,
};

pub(crate) const SHELL: Rule = Rule {
    id: "notify-shell",
    title: "a shell stays in front of the program",
    severity: Severity::Error,
    what: "A service that has to say READY=1 is started by a shell that does not exec it.",
    why: "A shell with something left to do runs a program as its child and waits. The shell is the main process, and with \
NotifyAccess=main systemd refuses what the child says (systemd.service(5)). It also keeps SIGTERM to itself until the child has \
ended. exec gives the shell's process to the program.",
    write: "exec in front of the last command",
    look: shell,
};

pub(crate) const SUDO: Rule = Rule {
    id: "notify-sudo",
    title: "sudo, su or runuser is the main process",
    severity: Severity::Error,
    what: "A service that has to say READY=1 changes its user by sudo, su or runuser.",
    why: "They stay as the parent of the program, to close its PAM session (sudo(8), su(1), runuser(1)), so with \
NotifyAccess=main systemd refuses the program's messages. sudo also empties the environment, and NOTIFY_SOCKET with it. \
systemd changes the user itself, before it starts the program.",
    write: "User=web",
    look: sudo,
};

pub(crate) const WRAPPER: Rule = Rule {
    id: "notify-wrapper",
    title: "a helper stays in front of the program",
    severity: Severity::Error,
    what: "A service that has to say READY=1 runs as the child of a helper such as timeout, flock, tini or nodemon.",
    why: "A helper that starts a program and waits for it is the main process; with NotifyAccess=main systemd refuses what \
the program says (systemd.service(5)).",
    write: "ExecStart= with the program itself",
    look: wrapper,
};

pub(crate) const DAEMONIZE: Rule = Rule {
    id: "daemonize",
    title: "the program goes into the background",
    severity: Severity::Error,
    what: "A program is told to become a daemon, and Type= expects it to stay.",
    why: "With Type=simple, exec, notify or notify-reload the process that systemd starts is the service (systemd.service(5)). \
When it forks and ends, systemd takes the service for ended and kills what is left in its control group; with Type=notify the \
start fails with the result protocol.",
    write: "ExecStart= without the option that makes a daemon of it",
    look: daemonize,
};

/// The main command, where its messages count and only those of the main process are taken.
fn refused(subject: &Subject) -> Option<&Command> {
    let strict = subject.must_speak() && subject.access() != Access::All;
    subject.main.as_ref().filter(|_| strict)
}

fn npm(subject: &Subject) -> Vec<Found> {
    let Some(main) = refused(subject).filter(|main| manages_packages(main.program())) else {
        return Vec::new();
    };
    let name = main.program();
    let found = Found::at(
        &main.setting,
        format!("{name} is the main process, and what the program under it says is refused"),
    );
    let Some(script) = &subject.script else {
        return vec![
            found.write(format!("ExecStart= with what {name} runs, such as /usr/bin/node server.js")),
        ];
    };
    let folder = main.inner[0].strip_suffix(name).unwrap_or_default();
    let folder = if folder.is_empty() { "/usr/bin/" } else { folder };
    let mut words = aye_words(script);
    if let Some(first) = words.first_mut().filter(|first| !first.contains('/')) {
        *first = format!("{folder}{first}");
    }
    vec![found.seen(format!("package.json runs: {script}")).write(main.with(&words))]
}

fn aye_words(text: &str) -> Vec<String> {
    crate::words::split(text).unwrap_or_else(|| text.split(' ').map(str::to_owned).collect())
}

fn manages_packages(program: &str) -> bool {
    matches!(program, "npm" | "npx" | "yarn" | "yarnpkg" | "pnpm" | "pnpx" | "bunx")
}

fn shell(subject: &Subject) -> Vec<Found> {
    let Some(main) = refused(subject) else { return Vec::new() };
    // A shell that speaks itself is a matter of notify-access.
    if subject.signs.helper.is_some() || subject.signs.ready.is_some() {
        return Vec::new();
    }
    let Some((label, text)) = &subject.signs.shell else { return Vec::new() };
    let inline = main.words.iter().any(|word| word == text);
    if inline {
        vec![shell_text(main, text)].into_iter().flatten().collect()
    } else {
        shell_script(label, text)
    }
}

/// `sh -c 'cd x && node y'`. One command alone is taken over by the shells of today without being told.
fn shell_text(main: &Command, text: &str) -> Option<Found> {
    let at =
        ["&&", ";", "|", "\n"].iter().filter_map(|mark| text.rfind(mark).map(|at| at + mark.len())).max()?;
    let last = text[at..].trim();
    if last.is_empty() || last.starts_with("exec ") || last == "wait" {
        return None;
    }
    let better = format!("{} exec {last}", text[..at].trim_end());
    let words: Vec<String> =
        main.inner.iter().map(|word| if word == text { better.clone() } else { word.clone() }).collect();
    let pipes = text[..at].ends_with('|') && !text[..at].ends_with("||");
    let program = last.split_whitespace().next().unwrap_or(last);
    let what = format!("the shell waits for {program}, and what that says is refused");
    let found = Found::at(&main.setting, what);
    Some(if pipes {
        found.write(format!("ExecStart= without the pipe: {last} runs in a process of its own"))
    } else {
        found.write(main.with(&words))
    })
}

fn shell_script(label: &str, text: &str) -> Vec<Found> {
    let lines: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let execs = lines
        .iter()
        .any(|(_, line)| line.starts_with("exec ") || line.contains(" exec ") && !line.contains("exec >"));
    let Some((at, last)) = lines.last().filter(|_| !execs) else { return Vec::new() };
    let closes = ["fi", "done", "esac", "}", "wait", "exit"]
        .iter()
        .any(|word| last.split([' ', ';']).next() == Some(word));
    let place = Place { file: label.to_owned(), line: *at, text: (*last).to_owned() };
    let found = Found::on(place, "the shell stays in front of the program, and what that says is refused");
    vec![if closes {
        found.write("exec in front of the command that runs the service")
    } else {
        found.write(format!("exec {last}"))
    }]
}

fn sudo(subject: &Subject) -> Vec<Found> {
    let Some(main) = subject.main.as_ref().filter(|_| subject.must_speak()) else { return Vec::new() };
    let name = main.program();
    if !matches!(name, "sudo" | "su" | "runuser" | "doas")
        || subject.access() == Access::All && name != "sudo"
    {
        return Vec::new();
    }
    let (user, rest) = other_user(name, main.arguments());
    let found = Found::at(
        &main.setting,
        format!("{name} is the main process, and what the program under it says is lost"),
    );
    let found = found.write(format!("User={}", user.unwrap_or_else(|| "root".to_owned())));
    vec![if rest.is_empty() { found } else { found.write(line("ExecStart", &rest)) }]
}

/// The user that sudo, su and runuser are to change to, and the command they are to run.
fn other_user(name: &str, arguments: &[String]) -> (Option<String>, Vec<String>) {
    let (mut user, mut command) = (None, Vec::new());
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-u" | "--user" => user = words.next().cloned(),
            "-g" | "-s" | "--shell" | "--group" => drop(words.next()),
            "-c" | "--command" => command = shell_words(words.next()),
            "--" => return (user, words.cloned().collect()),
            option if option.starts_with('-') => {}
            named if name == "su" || name == "runuser" && user.is_none() => user = Some(named.to_owned()),
            program => return (user, [vec![program.to_owned()], words.cloned().collect()].concat()),
        }
    }
    (user, command)
}

fn shell_words(text: Option<&String>) -> Vec<String> {
    let Some(text) = text else { return Vec::new() };
    if text.contains(['&', ';', '|', '$', '<', '>']) {
        return vec!["/bin/sh".to_owned(), "-c".to_owned(), format!("exec {text}")];
    }
    aye_words(text)
}

fn wrapper(subject: &Subject) -> Vec<Found> {
    let waits = [
        "timeout",
        "flock",
        "tini",
        "dumb-init",
        "strace",
        "ltrace",
        "time",
        "xvfb-run",
        "dbus-run-session",
        "ssh-agent",
        "nodemon",
        "pm2-runtime",
        "forever",
        "concurrently",
        "tsx",
        "script",
        "unbuffer",
        "watch",
        "catatonit",
        "multilog",
        "foreman",
        "honcho",
        "supervisord",
        "dotenv",
        "cross-env",
        "nsenter",
        "faketime",
    ];
    let Some(main) = refused(subject).filter(|main| waits.contains(&main.program())) else {
        return Vec::new();
    };
    let name = main.program();
    let found = Found::at(
        &main.setting,
        format!("{name} is the main process, and what the program under it says is refused"),
    );
    let rest = under(main.arguments());
    vec![if rest.is_empty() { found.write("NotifyAccess=all") } else { found.write(main.with(&rest)) }]
}

/// The command after a helper's own options.
fn under(arguments: &[String]) -> Vec<String> {
    let after = arguments.iter().position(|word| word == "--").map(|at| &arguments[at + 1..]);
    let from = || {
        arguments
            .iter()
            .position(|word| word.starts_with('/') && !word.ends_with("lock") || base(word) == "node")
    };
    after.or_else(|| from().map(|at| &arguments[at..])).unwrap_or_default().to_vec()
}

fn daemonize(subject: &Subject) -> Vec<Found> {
    if matches!(subject.kind(), Type::Forking | Type::Oneshot | Type::Dbus) {
        return Vec::new();
    }
    let Some(main) = &subject.main else { return Vec::new() };
    let Some((what, words)) = goes_away(main, subject) else { return Vec::new() };
    vec![Found::at(&main.setting, what).write(main.with(&words))]
}

/// Why a program would not stay, and the words with which it does.
fn goes_away(main: &Command, subject: &Subject) -> Option<(String, Vec<String>)> {
    let name = main.program();
    let text = main.arguments().join(" ");
    let without = |words: &[&str]| -> Vec<String> {
        main.inner.iter().filter(|word| !words.contains(&word.as_str())).cloned().collect()
    };
    let with =
        |words: &[&str]| [main.inner.clone(), words.iter().map(|word| (*word).to_owned()).collect()].concat();
    let forks = |words: Vec<String>| {
        Some((format!("{name} goes into the background, and systemd takes it for ended"), words))
    };
    match name {
        "nginx" if !text.contains("daemon off") => forks(with(&["-g", "daemon off;"])),
        "pm2" if main.has("start") && !main.has("--no-daemon") => forks(with(&["--no-daemon"])),
        "forever" if main.has("start") => forks(without(&["start"])),
        "redis-server" | "valkey-server" if text.contains("--daemonize yes") => {
            let words = text.replace("--daemonize yes", "--daemonize no --supervised systemd");
            forks([vec![main.inner[0].clone()], aye_words(&words)].concat())
        }
        "gunicorn" | "unicorn" | "haproxy" if main.has("-D") => forks(without(&["-D"])),
        "memcached" | "puma" | "mosquitto" | "uvicorn" | "lighttpd" if main.has("-d") => {
            forks(without(&["-d"]))
        }
        "apache2ctl" | "apachectl" | "httpd" | "apache2"
            if main.has("start") && !main.has("-DFOREGROUND") =>
        {
            forks(with(&["-DFOREGROUND"]))
        }
        "tmux" | "screen" if main.has("-d") || main.has("-dm") || main.has("-dmS") => Some((
            format!("{name} leaves the program behind in a session of its own"),
            under(main.arguments()),
        ))
        .filter(|(_, words)| !words.is_empty()),
        // A program that says READY=1 may well know when not to fork, as openvpn does.
        _ if subject.signs.ready.is_some() => None,
        _ => {
            let flags = ["--daemon", "--daemonize", "--background", "--detach", "--daemon=true", "--fork"];
            let at = main.arguments().iter().position(|word| flags.contains(&word.as_str()))?;
            let given = &main.arguments()[at];
            // `--daemonize no` says the opposite, and `--daemonize yes` has a word more to go.
            let next = main.arguments().get(at + 1).map_or("", String::as_str);
            if matches!(next, "no" | "false" | "0" | "off") {
                return None;
            }
            let next = if matches!(next, "yes" | "true" | "1" | "on") { next } else { given };
            let is_container = matches!(name, "docker" | "podman");
            (!is_container).then(|| forks(without(&[given.as_str(), next])))?
        }
    }
}
