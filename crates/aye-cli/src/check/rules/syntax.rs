//! Rules on lines that systemd reads past: it logs a warning and goes on without them.

use aye_manager::unit::{setting, value};

use crate::check::finding::Found;
use crate::check::rule::{Rule, Severity};
use crate::check::setting::Setting;
use crate::check::subject::{Subject, TYPES};

pub(crate) const VALUE_IGNORED: Rule = Rule {
    id: "value-ignored",
    title: "a value that systemd ignores",
    severity: Severity::Error,
    what: "Type=, NotifyAccess=, Restart=, KillMode= or a time has a value that systemd does not know.",
    why: "systemd logs a value that it cannot read as \"Failed to parse ..., ignoring\" and starts the service without the \
line: a misspelt Type=notify is Type=simple, and a misspelt WatchdogSec= no watchdog.",
    write: "a value of systemd.service(5)",
    look: value_ignored,
};

pub(crate) const SECTION_WRONG: Rule = Rule {
    id: "section-wrong",
    title: "a setting in a section where it means nothing",
    severity: Severity::Error,
    what: "A setting of [Service] stands in [Unit] or [Install], or the other way round.",
    why: "systemd knows each setting in its section only, and logs \"Unknown key ..., ignoring\" for any other place \
(systemd.unit(5), systemd.service(5)).",
    write: "the line in its own section",
    look: section_wrong,
};

/// Settings that are one word of a list.
const WORDS: [(&str, &[&str]); 4] = [
    ("Type", &TYPES),
    ("NotifyAccess", &["none", "main", "exec", "all"]),
    ("Restart", &["no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"]),
    ("KillMode", &["control-group", "mixed", "process", "none"]),
];

const TIMES: [&str; 6] =
    ["WatchdogSec", "TimeoutStartSec", "TimeoutStopSec", "TimeoutSec", "RestartSec", "RuntimeMaxSec"];

fn value_ignored(subject: &Subject) -> Vec<Found> {
    let in_service = subject
        .settings
        .written
        .iter()
        .filter(|setting| setting.section == "Service" && !setting.value.is_empty());
    in_service.filter_map(bad_word).chain(subject.settings.written.iter().filter_map(bad_time)).collect()
}

fn bad_word(setting: &Setting) -> Option<Found> {
    let (_, words) = WORDS.iter().find(|(key, _)| *key == setting.key)?;
    if words.contains(&setting.value.as_str()) {
        return None;
    }
    let nearest = words.iter().min_by_key(|word| distance(word, &setting.value))?;
    let what = format!("systemd knows no {}={}, and ignores this line", setting.key, setting.value);
    Some(Found::at(setting, what).write(format!("{}={nearest}", setting.key)))
}

fn bad_time(setting: &Setting) -> Option<Found> {
    let is_time =
        setting.section == "Service" && TIMES.contains(&setting.key.as_str()) && !setting.value.is_empty();
    let error = value::span(&setting.value).err().filter(|_| is_time)?;
    let digits: String = setting.value.chars().take_while(char::is_ascii_digit).collect();
    let digits = if digits.is_empty() { "30" } else { &digits };
    Some(
        Found::at(setting, format!("systemd cannot read this time, and ignores the line: {error}"))
            .write(format!("{}={digits}s", setting.key)),
    )
}

/// How many letters have to be changed, added or removed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let cost = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

fn section_wrong(subject: &Subject) -> Vec<Found> {
    subject.settings.written.iter().filter_map(misplaced).collect()
}

fn misplaced(setting: &Setting) -> Option<Found> {
    let (section, key) = (setting.section.as_str(), setting.key.as_str());
    if section.starts_with("X-")
        || key.starts_with("X-")
        || setting::is_known(section, key)
        || key == "StartLimitIntervalSec"
    {
        return None;
    }
    let home = ["Service", "Unit", "Install"]
        .into_iter()
        .find(|other| *other != section && setting::is_known(other, key))?;
    let what = format!("{key}= belongs in [{home}]: in [{section}] systemd ignores it");
    Some(Found::at(setting, what).write(format!("[{home}]")).write(setting.text()))
}
