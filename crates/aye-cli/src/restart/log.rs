//! The last lines a failed unit wrote: from the journal where systemd is the manager, on the machine it runs on; from the
//! manager itself where it is ours.

use std::time::Duration;

use aye_bus::{Invocation, Manager, Unit, Where};
use serde::Deserialize;
use tokio::process::Command;
use tokio::time::timeout;

/// Of a stack trace, the line that says what happened is the first.
const LINES: usize = 20;

/// A journal that takes longer is not waited for: a failure is shown with or without its log.
const PATIENCE: Duration = Duration::from_secs(10);

/// The unit's last log lines, oldest first. When there is none to be had, one line says why.
pub(super) async fn tail(place: &Where, manager: &Manager, unit: &Unit) -> Vec<String> {
    let reading = async {
        if let Where::Embedded(_) = place {
            let lines = manager.log_tail(&unit.path).await;
            return lines.unwrap_or_else(|error| vec![format!("(no log: {error})")]);
        }
        journal(place, unit).await
    };
    let late = |_| vec![format!("(no log: the journal did not answer within {} s)", PATIENCE.as_secs())];
    timeout(PATIENCE, reading).await.unwrap_or_else(late)
}

async fn journal(place: &Where, unit: &Unit) -> Vec<String> {
    // What a process that just died has said last may still be on its way. Only root may ask journald to write what it has;
    // for others the lines are merely a little less certain to be complete.
    let _ = command(place, &["--sync"]).output().await;
    let arguments = arguments(place, unit);
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match command(place, &words).output().await {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            match unit.invocation.filter(|_| !place.is_user()) {
                Some(invocation) => own(&text, invocation, unit.started),
                None => text.lines().map(str::to_owned).collect(),
            }
        }
        Ok(output) => {
            vec![format!("(no log: journalctl: {})", String::from_utf8_lossy(&output.stderr).trim())]
        }
        Err(error) => vec![format!("(no log: cannot run journalctl: {error})")],
    }
}

/// `journalctl` on the host of the manager, and for the machine that it is in.
fn command(place: &Where, arguments: &[&str]) -> Command {
    let machine = place.machine().map(|machine| format!("--machine={machine}"));
    let machine: Vec<&str> = machine.as_deref().into_iter().collect();
    place.command("journalctl", &[&machine[..], arguments].concat())
}

/// `_SYSTEMD_INVOCATION_ID` marks what the unit's own processes wrote, `INVOCATION_ID` what PID 1 wrote about it
/// (`man systemd.journal-fields`). Of a process that was gone when journald read its last words, the entry has the unit alone,
/// so those are asked for, too, and sorted out by `own`. A user's units are asked for without `--user`, which looks only into
/// journals that are split by user, and a volatile journal is not.
fn arguments(place: &Where, unit: &Unit) -> Vec<String> {
    let mut arguments = vec!["-q".to_owned(), "--no-pager".to_owned()];
    match unit.invocation {
        _ if place.is_user() => {
            arguments.extend(["-o", "cat", "-n"].map(str::to_owned));
            arguments.extend([LINES.to_string(), format!("--user-unit={}", unit.name)]);
        }
        Some(invocation) => {
            arguments.extend(["-o", "json", "-n"].map(str::to_owned));
            arguments.extend([
                (3 * LINES).to_string(),
                "--output-fields=MESSAGE,INVOCATION_ID,_SYSTEMD_INVOCATION_ID".to_owned(),
                format!("_SYSTEMD_INVOCATION_ID={invocation}"),
                "+".to_owned(),
                format!("INVOCATION_ID={invocation}"),
                "+".to_owned(),
                format!("_SYSTEMD_UNIT={}", unit.name),
            ]);
        }
        None => {
            arguments.extend(["-o", "cat", "-n"].map(str::to_owned));
            arguments.extend([LINES.to_string(), "-u".to_owned(), unit.name.clone()]);
        }
    }
    arguments
}

/// An entry of `journalctl -o json`, as far as it was asked for.
#[derive(Debug, Deserialize)]
struct Entry {
    /// Text, bytes where it is none, or null where it is too long.
    #[serde(rename = "MESSAGE")]
    message: Option<Message>,
    #[serde(rename = "INVOCATION_ID")]
    about: Option<String>,
    #[serde(rename = "_SYSTEMD_INVOCATION_ID")]
    of: Option<String>,
    /// Microseconds since the epoch.
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    stamp: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Message {
    Text(String),
    Bytes(Vec<u8>),
}

/// The lines of this start of the unit: its own by their mark, and those without any that came after it began.
fn own(output: &str, invocation: Invocation, started: Duration) -> Vec<String> {
    let invocation = invocation.to_string();
    let since = |entry: &Entry| {
        let stamp = entry.stamp.as_deref().and_then(|stamp| stamp.parse().ok()).map(Duration::from_micros);
        stamp.is_some_and(|stamp| stamp >= started)
    };
    let is_own = |entry: &Entry| match (&entry.of, &entry.about) {
        (None, None) => since(entry),
        (of, about) => of.as_ref() == Some(&invocation) || about.as_ref() == Some(&invocation),
    };
    let entries = output.lines().filter_map(|line| serde_json::from_str::<Entry>(line).ok());
    let mut lines: Vec<String> = entries.filter(is_own).filter_map(|entry| entry.message.map(text)).collect();
    lines.drain(..lines.len().saturating_sub(LINES));
    lines
}

fn text(message: Message) -> String {
    match message {
        Message::Text(text) => text,
        Message::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_words_of_a_process_that_was_gone_are_its_units() {
        let (this, other) = ("ab".repeat(16), "cd".repeat(16));
        let entries = [
            json!({"MESSAGE": "of the start before", "_SYSTEMD_INVOCATION_ID": other, "__REALTIME_TIMESTAMP": "5000000"}),
            json!({"MESSAGE": "about the start before", "INVOCATION_ID": other, "__REALTIME_TIMESTAMP": "5000000"}),
            json!({"MESSAGE": "nobody's, and too early", "__REALTIME_TIMESTAMP": "3999999"}),
            json!({"MESSAGE": "Starting", "INVOCATION_ID": this, "__REALTIME_TIMESTAMP": "4000000"}),
            json!({"MESSAGE": "loading", "_SYSTEMD_INVOCATION_ID": this, "__REALTIME_TIMESTAMP": "4000001"}),
            json!({"MESSAGE": [69, 114, 255], "_SYSTEMD_INVOCATION_ID": this, "__REALTIME_TIMESTAMP": "4000002"}),
            json!({"MESSAGE": null, "_SYSTEMD_INVOCATION_ID": this, "__REALTIME_TIMESTAMP": "4000003"}),
            json!({"MESSAGE": "Error: no such table", "__REALTIME_TIMESTAMP": "4000004"}),
        ];
        let output = entries.map(|entry| entry.to_string()).join("\n");
        let own = own(&output, Invocation([0xab; 16]), Duration::from_secs(4));
        assert_eq!(own, ["Starting", "loading", "Er\u{fffd}", "Error: no such table"]);
    }

    #[test]
    fn the_last_lines_of_many_are_kept() {
        let mark = "ab".repeat(16);
        let line = |n: usize| json!({"MESSAGE": n.to_string(), "_SYSTEMD_INVOCATION_ID": mark}).to_string();
        let output: Vec<String> = (1..=60).map(line).collect();
        let own = own(&output.join("\n"), Invocation([0xab; 16]), Duration::ZERO);
        assert_eq!((own.len(), own.last().map(String::as_str)), (LINES, Some("60")));
    }
}
