//! Past starts, from the journal: how long it took from `Starting` to `Started`, or until a start was given up.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::load::Refusal;

/// systemd's own messages on a start, by their ids (the catalog of systemd, `SD_MESSAGE_UNIT_STARTING` and so on).
const STARTING: &str = "7d4958e842da4a758f6c1cdc7b36dcc5";
const STARTED: &str = "39f53479d3a045ac8e11786248231fbf";

/// As many of the last messages are read.
const MOST: &str = "2000";

/// The starts of a unit of this machine; none where there is no journal to read.
pub(super) fn of_journal(unit: &str, is_user: bool) -> Vec<Duration> {
    let field = if is_user { "USER_UNIT" } else { "UNIT" };
    let mut command = Command::new("journalctl");
    command.args(["-q", "--no-pager", "-o", "json", "-n", MOST]);
    command.arg("--output-fields=MESSAGE_ID,UNIT,USER_UNIT,INVOCATION_ID,USER_INVOCATION_ID,_BOOT_ID");
    // Matches of one field are alternatives (journalctl(1)).
    command.args([
        format!("{field}={unit}"),
        format!("MESSAGE_ID={STARTING}"),
        format!("MESSAGE_ID={STARTED}"),
    ]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    output.map(|output| starts(&String::from_utf8_lossy(&output.stdout), unit)).unwrap_or_default()
}

/// What `journalctl -o json` was made to write to a file.
pub(super) fn export(path: &Path) -> Result<String, Refusal> {
    let failed = |error| Refusal::Usage(format!("cannot read the journal {}: {error}", path.display()));
    std::fs::read_to_string(path).map_err(failed)
}

/// The starts of a unit in such an output, in their order.
pub(super) fn starts(text: &str, unit: &str) -> Vec<Duration> {
    let mut begun: HashMap<String, u64> = HashMap::new();
    let mut starts = Vec::new();
    for entry in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let field = |key: &str| entry[key].as_str().unwrap_or_default();
        if field("UNIT") != unit && field("USER_UNIT") != unit {
            continue;
        }
        let Ok(at) = field("__MONOTONIC_TIMESTAMP").parse::<u64>() else { continue };
        // One start is known by its invocation; a boot has a clock of its own.
        let key = format!("{}{}{}", field("_BOOT_ID"), field("INVOCATION_ID"), field("USER_INVOCATION_ID"));
        match field("MESSAGE_ID") {
            STARTING => drop(begun.insert(key, at)),
            STARTED => starts
                .extend(begun.remove(&key).and_then(|from| at.checked_sub(from)).map(Duration::from_micros)),
            _ => {}
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, unit: &str, invocation: &str, seconds: u64) -> String {
        let at = (seconds * 1_000_000).to_string();
        serde_json::json!({
            "MESSAGE_ID": id, "UNIT": unit, "INVOCATION_ID": invocation, "__MONOTONIC_TIMESTAMP": at, "_BOOT_ID": "b",
        })
        .to_string()
    }

    #[test]
    fn a_start_that_has_not_ended_and_those_of_others_do_not_count() {
        let lines = [
            entry(STARTING, "web.service", "1", 1),
            entry(STARTING, "db.service", "2", 2),
            entry(STARTED, "db.service", "2", 30),
            entry(STARTED, "web.service", "1", 9),
            "no json".to_owned(),
            entry(STARTING, "web.service", "3", 50),
        ];
        assert_eq!(starts(&lines.join("\n"), "web.service"), [Duration::from_secs(8)]);
    }
}
