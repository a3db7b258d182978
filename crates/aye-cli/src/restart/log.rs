//! The last lines a failed unit wrote: from the journal where systemd is the manager, on the machine it runs on; from the
//! manager itself where it is ours.

use std::time::Duration;

use aye_bus::{Manager, Unit, Where};
use tokio::process::Command;
use tokio::time::timeout;

const LINES: &str = "10";

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
            String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
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
/// (`man systemd.journal-fields`). A user's units are asked for without `--user`, which looks only into journals
/// that are split by user, and a volatile journal is not.
fn arguments(place: &Where, unit: &Unit) -> Vec<String> {
    let mut arguments: Vec<String> =
        vec!["-q", "--no-pager", "-o", "cat", "-n", LINES].into_iter().map(str::to_owned).collect();
    match unit.invocation {
        _ if place.is_user() => arguments.push(format!("--user-unit={}", unit.name)),
        Some(invocation) => arguments.extend([
            format!("_SYSTEMD_INVOCATION_ID={invocation}"),
            "+".to_owned(),
            format!("INVOCATION_ID={invocation}"),
        ]),
        None => arguments.extend(["-u".to_owned(), unit.name.clone()]),
    }
    arguments
}
