//! Why a unit did not start, in one sentence each: what the manager's words of a load state, a job's result and a
//! service's result mean to a person.

use crate::span::duration;
use crate::{JobResult, Service, Unit};

pub(crate) fn load_failure(after: &Unit) -> Option<String> {
    Some(match after.load.as_str() {
        "masked" => "masked: `systemctl unmask` allows it to start again".to_owned(),
        "not-found" => "its unit file was not found".to_owned(),
        "bad-setting" | "error" => {
            "its unit file could not be loaded: `systemctl status` says why".to_owned()
        }
        _ => return None,
    })
}

pub(crate) fn job_failure(job: &JobResult) -> String {
    match job {
        JobResult::Dependency => "dependency failed: a unit that it requires did not start".to_owned(),
        JobResult::Timeout => "the job timed out (JobTimeoutSec=)".to_owned(),
        JobResult::Canceled => "canceled: another job took the place of this one".to_owned(),
        JobResult::Skipped => "skipped: there was nothing to do".to_owned(),
        JobResult::Failed => "failed to start".to_owned(),
        JobResult::Other(word) if word == "assert" => {
            "an assertion of the unit (Assert...=) failed".to_owned()
        }
        other => format!("the job ended with {other}"),
    }
}

/// `Result` of the service, as a sentence; `None` for `success`.
pub(crate) fn service_failure(service: &Service) -> Option<String> {
    let after = service.ran_for.map(|ran| format!(" after {}", duration(ran))).unwrap_or_default();
    Some(match service.result.as_str() {
        "success" | "" => return None,
        "exit-code" => exited(service, &after),
        "signal" => format!("killed by {}{after}", signal(service.exit_status)),
        "core-dump" => format!("killed by {}{after} (core dumped)", signal(service.exit_status)),
        "timeout" => start_timed_out(service),
        "watchdog" => watchdog(service),
        "protocol" => protocol(service, &after),
        "start-limit-hit" => never_started(),
        "oom-kill" => format!("killed for want of memory{after} (oom-kill)"),
        "exec-condition" => "skipped: ExecCondition= said no".to_owned(),
        "resources" => "could not be started (resources): its log says why".to_owned(),
        other => format!("failed ({other})"),
    })
}

/// Failed without a new invocation: the `Result` there is that of an earlier start. systemd 252 keeps it when it
/// refuses to start a unit that was started too often, so that `start-limit-hit` is seen only after a success.
pub(crate) fn never_started() -> String {
    "was not started: most likely it was started too often (start limit), which `systemctl reset-failed` lifts".to_owned()
}

/// An exit status; from 200 on, those of systemd's own steps before exec (`man systemd.exec`, process exit codes).
fn exited(service: &Service, after: &str) -> String {
    if service.exit_code != 1 {
        return "one of its start commands exited with an error".to_owned();
    }
    match service.exit_status {
        200 => "could not be executed: WorkingDirectory= is not accessible (200/CHDIR)".to_owned(),
        203 => "could not be executed: ExecStart= is missing or not executable (203/EXEC)".to_owned(),
        216 => "could not be executed: no such group (216/GROUP)".to_owned(),
        217 => "could not be executed: no such user (217/USER)".to_owned(),
        status => format!("exited with {status}{after}"),
    }
}

fn start_timed_out(service: &Service) -> String {
    let limit = service.start_timeout.map(|limit| format!(" after {}", duration(limit))).unwrap_or_default();
    let missing = match service.kind.as_str() {
        "notify" | "notify-reload" => ": no READY=1 was received",
        _ => "",
    };
    format!("start timed out{limit}{missing}")
}

fn watchdog(service: &Service) -> String {
    let limit = service.watchdog.map(|limit| format!(" for {}", duration(limit))).unwrap_or_default();
    format!("killed by the watchdog: no WATCHDOG=1{limit}")
}

fn protocol(service: &Service, after: &str) -> String {
    match service.kind.as_str() {
        "notify" | "notify-reload" => format!("exited{after} without sending READY=1"),
        _ => "broke the protocol of its Type=".to_owned(),
    }
}

/// The name of a signal; numbers as on every Linux but MIPS and SPARC (`man 7 signal`).
fn signal(number: i32) -> String {
    const NAMES: [&str; 16] = [
        "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM",
    ];
    let name =
        usize::try_from(number).ok().and_then(|index| NAMES.get(index)).filter(|name| !name.is_empty());
    match (name, number) {
        (Some(name), _) => format!("SIG{name}"),
        (None, 24) => "SIGXCPU".to_owned(),
        (None, 31) => "SIGSYS".to_owned(),
        (None, other) => format!("signal {other}"),
    }
}
