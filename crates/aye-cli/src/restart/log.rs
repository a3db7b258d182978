//! The last lines a failed unit wrote: from the journal where systemd is the manager, from the manager itself
//! where it is ours.

use std::process::Stdio;

use aye_bus::{Manager, Unit, Where};
use tokio::process::Command;

const LINES: &str = "10";

/// The unit's last log lines, oldest first. When there is none to be had, one line says why: a failure is shown
/// with or without its log.
pub(crate) async fn tail(place: &Where, manager: &Manager, unit: &Unit) -> Vec<String> {
    if let Where::Embedded(_) = place {
        let lines = manager.log_tail(&unit.path).await;
        return lines.unwrap_or_else(|error| vec![format!("(no log: {error})")]);
    }
    sync().await;
    let output = Command::new("journalctl").args(arguments(place, unit)).stdin(Stdio::null()).output().await;
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
        }
        Ok(output) => {
            vec![format!("(no log: journalctl: {})", String::from_utf8_lossy(&output.stderr).trim())]
        }
        Err(error) => vec![format!("(no log: cannot run journalctl: {error})")],
    }
}

/// Has journald write what it has received: the last words of a process that just died may still be on their way.
/// Only root may ask for it; without it the lines are merely a little less certain to be complete.
async fn sync() {
    let mut command = Command::new("journalctl");
    command.arg("--sync").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _ = command.status().await;
}

/// `_SYSTEMD_INVOCATION_ID` marks what the unit's own processes wrote, `INVOCATION_ID` what PID 1 wrote about it
/// (`man systemd.journal-fields`). A user's units are asked for without `--user`, which looks only into journals
/// that are split by user, and a volatile journal is not.
fn arguments(place: &Where, unit: &Unit) -> Vec<String> {
    let mut arguments: Vec<String> =
        vec!["-q", "--no-pager", "-o", "cat", "-n", LINES].into_iter().map(str::to_owned).collect();
    match (place, unit.invocation) {
        (Where::System, Some(invocation)) => arguments.extend([
            format!("_SYSTEMD_INVOCATION_ID={invocation}"),
            "+".to_owned(),
            format!("INVOCATION_ID={invocation}"),
        ]),
        (Where::User, _) => arguments.push(format!("--user-unit={}", unit.name)),
        _ => arguments.extend(["-u".to_owned(), unit.name.clone()]),
    }
    arguments
}
