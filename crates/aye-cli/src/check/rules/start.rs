//! Rules on the start: how long it may take, how often it is tried, and what stands in its own way.

use std::time::Duration;

use aye_manager::unit::value;

use crate::check::command::{Command, names_the_instance};
use crate::check::finding::Found;
use crate::check::rule::{Rule, Severity};
use crate::check::subject::{Subject, Type};
use crate::words::shortest;

pub(crate) const TIMEOUT: Rule = Rule {
    id: "start-timeout",
    title: "TimeoutStartSec= is too short for what the starts took",
    severity: Severity::Warning,
    what: "The longest start that the journal knows took more than half of TimeoutStartSec=.",
    why: "A service that has not said READY=1 when TimeoutStartSec= is over is killed, and the result is timeout \
(systemd.service(5)). A start takes longer on a busy machine, after a reboot, or with more data. Three times the longest start \
is room enough.",
    write: "TimeoutStartSec= with three times the longest start",
    look: timeout,
};

pub(crate) const INFINITY: Rule = Rule {
    id: "start-infinity",
    title: "a start that may take for ever",
    severity: Severity::Warning,
    what: "TimeoutStartSec=infinity or 0 where systemd waits for the program.",
    why: "A program that hangs before it says READY=1 is never killed and never started again; its unit is activating, and \
whatever is ordered after it waits, for ever. A program that knows it needs longer can ask for it: EXTEND_TIMEOUT_USEC= \
(sd_notify(3)).",
    write: "TimeoutStartSec=90s",
    look: infinity,
};

pub(crate) const LIMIT: Rule = Rule {
    id: "start-limit",
    title: "a few crashes in a row end it for good",
    severity: Severity::Advice,
    what: "Restart= with a RestartSec= so short that StartLimitBurst= is used up within StartLimitIntervalSec=.",
    why: "systemd starts a unit at most StartLimitBurst= times, 5, within StartLimitIntervalSec=, 10 s (systemd.unit(5)). When \
the program crashes at once, RestartSec= apart, 100 ms unless it is set, the limit is reached, the unit has failed with the \
result start-limit-hit, and Restart= tries no more, not even when the database is back.",
    write: "RestartSec=5s",
    look: limit,
};

pub(crate) const POST_DEADLOCK: Rule = Rule {
    id: "start-post-deadlock",
    title: "the start waits for itself",
    severity: Severity::Error,
    what: "A command of the start waits for the unit that is being started, or says READY=1 where it is awaited first.",
    why: "A unit is activating until ExecStartPost= has ended (systemd.service(5)): a command there that waits until it is \
active, or has systemctl start or reload it and waits for that job, waits for itself until TimeoutStartSec=. One that restarts \
or stops it is killed with the start that it is part of; the next start does the same, until start-limit-hit. With Type=notify \
ExecStartPost= begins only after READY=1, so it cannot be what says it.",
    write: "the command without waiting, or READY=1 said by the program",
    look: post_deadlock,
};

pub(crate) const TEMPLATE_PORT: Rule = Rule {
    id: "template-port",
    title: "instances share a port",
    severity: Severity::Warning,
    what: "A template gives every instance the same port.",
    why: "Each instance of name@.service runs the same command; only specifiers such as %i tell them apart \
(systemd.unit(5)). The second instance to bind(2) the port gets EADDRINUSE.",
    write: "Environment=PORT=30%i",
    look: template_port,
};

/// `DefaultTimeoutStartSec=`, unless it was changed (systemd-system.conf(5)).
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(90);

fn timeout(subject: &Subject) -> Vec<Found> {
    let Some(longest) = subject.longest_start() else { return Vec::new() };
    if !matches!(subject.kind(), Type::Notify | Type::NotifyReload | Type::Forking | Type::Dbus) {
        return Vec::new();
    }
    let set = subject.timeout("TimeoutStartSec");
    let limit = match set {
        Some(timeout) => timeout.limit,
        None => Some(DEFAULT_TIMEOUT),
    };
    let (Some(limit), Some(line)) = (limit, set.map(|set| set.setting).or_else(|| subject.main_line()))
    else {
        return Vec::new();
    };
    if longest * 2 <= limit {
        return Vec::new();
    }
    let what = format!(
        "the longest of {} starts took {}, and the timeout is {}",
        subject.starts.len(),
        rounded(longest),
        shortest(limit)
    );
    let found = Found::at(line, what).write(format!("TimeoutStartSec={}s", (longest * 3).as_secs().max(1)));
    vec![if longest >= limit { found.with_severity(Severity::Error) } else { found }]
}

fn rounded(span: Duration) -> String {
    format!("{:.1} s", span.as_secs_f64())
}

fn infinity(subject: &Subject) -> Vec<Found> {
    let waits = matches!(subject.kind(), Type::Notify | Type::NotifyReload | Type::Forking | Type::Dbus);
    let Some(timeout) = subject
        .timeout("TimeoutStartSec")
        .filter(|timeout| waits && timeout.limit.is_none() && !subject.is_vendors)
    else {
        return Vec::new();
    };
    let span =
        subject.longest_start().map_or(DEFAULT_TIMEOUT, |longest| (longest * 3).max(Duration::from_secs(10)));
    let what = "a program that hangs before READY=1 is waited for without end";
    vec![Found::at(timeout.setting, what).write(format!("TimeoutStartSec={}s", span.as_secs()))]
}

fn limit(subject: &Subject) -> Vec<Found> {
    let Some(restart) = subject.get("Restart") else { return Vec::new() };
    if subject.is_vendors
        || !matches!(restart.value.as_str(), "always" | "on-failure")
        || subject.get("RestartSteps").is_some()
    {
        return Vec::new();
    }
    let unit = |key: &str| subject.settings.of("Unit", key);
    let span = |text: &str| value::span(text).ok();
    let interval = unit("StartLimitIntervalSec")
        .map_or(Some(Some(Duration::from_secs(10))), |setting| span(&setting.value));
    let burst = unit("StartLimitBurst").map_or(Some(5), |setting| setting.value.parse::<u32>().ok());
    let delay = subject
        .get("RestartSec")
        .map_or(Some(Some(Duration::from_millis(100))), |setting| span(&setting.value));
    let (Some(Some(interval)), Some(burst), Some(Some(delay))) = (interval, burst, delay) else {
        return Vec::new();
    };
    // A limit that was set was meant.
    if interval.is_zero()
        || burst == 0
        || unit("StartLimitBurst").is_some()
        || unit("StartLimitIntervalSec").is_some()
        || delay * burst >= interval
    {
        return Vec::new();
    }
    let what = format!("{burst} crashes in a row, {} apart, and it is not started again", shortest(delay));
    let seconds = interval.as_secs() / u64::from(burst) + 1;
    vec![
        Found::at(subject.get("RestartSec").unwrap_or(restart), what).write(format!("RestartSec={seconds}s")),
    ]
}

fn post_deadlock(subject: &Subject) -> Vec<Found> {
    let mut found = Vec::new();
    // With these the start is over when ExecStart= begins.
    let begins_at_last = matches!(subject.kind(), Type::Simple | Type::Exec | Type::Idle);
    let keys = ["ExecStartPre", "ExecStart", "ExecStartPost"];
    for key in keys.into_iter().filter(|key| *key != "ExecStart" || !begins_at_last) {
        for command in subject.commands(key) {
            found.extend(waits_for_itself(subject, key, &command));
        }
    }
    found
}

fn waits_for_itself(subject: &Subject, key: &str, command: &Command) -> Option<Found> {
    let text = command.inner.join(" ");
    let says = text.contains("systemd-notify") || text.contains("aye notify");
    if key == "ExecStartPost"
        && subject.awaits_ready()
        && says
        && (text.contains("--ready") || text.contains("READY=1"))
        && subject.signs.ready.is_none()
    {
        let what = "ExecStartPost= begins after READY=1, and this is what says it";
        return Some(
            Found::at(&command.setting, what)
                .write("READY=1 said by the program of ExecStart=, or Type=exec"),
        );
    }
    let stem = subject.name.stem();
    let names_itself = text.split([' ', ';', '"', '\'', ')']).any(|word| {
        let word = word.strip_suffix(".service").unwrap_or(word);
        word == stem
            || matches!(word, "%n" | "%N" | "%p@%i")
            || subject.name.instance().is_some() && word == format!("{}@%i", subject.name.prefix())
    });
    if !text.contains("systemctl") || !names_itself {
        return None;
    }
    let asks = |verb: &str| text.contains(&format!(" {verb} "));
    let can_reload = subject.get("ExecReload").is_some() || subject.kind() == Type::NotifyReload;
    let restarts = ["restart", "stop", "try-restart"].into_iter().any(asks)
        || asks("kill") && !text.contains("--kill-who")
        || !can_reload && (asks("reload-or-restart") || asks("try-reload-or-restart"));
    if restarts {
        let what = format!("{key}= ends the very start that it is part of, and the next one does it again");
        return Some(Found::at(&command.setting, what).write("nothing: remove this line"));
    }
    let waits = asks("start") || can_reload && (asks("reload") || asks("reload-or-restart"));
    if waits && !text.contains("--no-block") {
        let what = format!("{key}= waits for a job of its own unit, which waits for {key}=");
        let line = command.setting.text().replacen("systemctl", "systemctl --no-block", 1);
        return Some(Found::at(&command.setting, what).write(line));
    }
    let polls = text.contains("is-active") && (text.contains("until ") || text.contains("while "));
    polls.then(|| {
        let what = format!("the unit is not active before {key}= has ended");
        Found::at(&command.setting, what)
            .write("a probe of what the program serves, or Type=notify and nothing here")
    })
}

fn template_port(subject: &Subject) -> Vec<Found> {
    if subject.name.instance().is_none()
        || subject.has_socket
        || subject.get("Sockets").is_some()
        || subject.is_vendors
    {
        return Vec::new();
    }
    let Some(main) = &subject.main else { return Vec::new() };
    let could_differ = subject.settings.list("EnvironmentFile").any(|file| names_the_instance(&file.value))
        || subject.yes("PrivateNetwork")
        || names_the_instance(&main.words.join(" "))
        || subject
            .settings
            .list("Environment")
            .any(|line| names_the_instance(&line.value) && line.value.contains("PORT"));
    if could_differ {
        return Vec::new();
    }
    if let Some((port, word)) = port_of(main.arguments()) {
        let words: Vec<String> = main
            .inner
            .iter()
            .map(
                |given| {
                    if *given == word { word.replace(&port, &per_instance(&port)) } else { given.clone() }
                },
            )
            .collect();
        return vec![
            Found::at(&main.setting, format!("every instance listens on port {port}"))
                .write(main.with(&words)),
        ];
    }
    for line in subject.settings.list("Environment") {
        let port = line.value.split([' ', '"', '\'']).find_map(|word| word.strip_prefix("PORT="));
        if let Some(port) = port.filter(|port| is_port(port)) {
            let better =
                line.text().replace(&format!("PORT={port}"), &format!("PORT={}", per_instance(port)));
            return vec![Found::at(line, format!("every instance listens on port {port}")).write(better)];
        }
    }
    if let Some((port, sign)) = &subject.signs.port {
        let found = Found::at(&main.setting, format!("every instance listens on port {port}"));
        let line = format!(
            "Environment=PORT={} and process.env.PORT in the program",
            per_instance(&port.to_string())
        );
        return vec![found.seen(crate::check::look::said(sign)).write(line)];
    }
    Vec::new()
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port != 0)
}

/// The port in `--port 3000`, `--port=3000`, `-p 3000` and `--listen HOST:3000`, and the word that it stands in.
fn port_of(words: &[String]) -> Option<(String, String)> {
    words.iter().enumerate().find_map(|(at, word)| {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option, Some((value, word))),
            None => (word.as_str(), words.get(at + 1).map(|next| (next.as_str(), next))),
        };
        let takes_one = matches!(
            option,
            "--port" | "-p" | "-P" | "--listen" | "--bind" | "-b" | "-l" | "--http-port" | "--addr"
        );
        let (value, word) = value.filter(|_| takes_one)?;
        let port = value.rsplit(':').next().filter(|port| is_port(port))?;
        Some((port.to_owned(), word.clone()))
    })
}

/// 3000 becomes 300%i.
fn per_instance(port: &str) -> String {
    format!("{}%i", &port[..port.len() - 1])
}
