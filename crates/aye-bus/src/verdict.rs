//! What became of a unit after a job: ready, or failed and why, in one sentence a person can act on. Pure: two
//! readings of the unit and the job's result go in.

use crate::span::duration;
use crate::{ActiveState, JobResult, Service, Unit};

/// The outcome of one restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Active, with a new invocation (or, for a oneshot, run to its end).
    Ready,
    /// Not: the sentence says what happened, as in `exited with 1 after 2.0 s`.
    Failed(String),
}

/// Judges a unit by what it was `before` the job was enqueued, what it is `after` the job was removed, and how
/// the job ended. Only an active unit with a new invocation is ready, whatever the job says: `done` proves
/// nothing for `Type=simple`, and a unit still running its old start has not been restarted.
pub fn judge(before: &Unit, after: &Unit, job: &JobResult) -> Verdict {
    let renewed = after.invocation != before.invocation && after.invocation.is_some();
    if *job == JobResult::Done && renewed && (after.active == ActiveState::Active || ran_to_its_end(after)) {
        return Verdict::Ready;
    }
    Verdict::Failed(failure(after, job, renewed))
}

/// Judges a unit whose job was a reload: done, and active, is all that can be asked of one. A reload keeps the
/// invocation, and a `ReloadOrRestart` may have given it a new one.
pub fn judge_reload(before: &Unit, after: &Unit, job: &JobResult) -> Verdict {
    if *job == JobResult::Done && after.active == ActiveState::Active {
        return Verdict::Ready;
    }
    Verdict::Failed(format!("reload failed: {}", reload_failure(before, after, job)))
}

fn reload_failure(before: &Unit, after: &Unit, job: &JobResult) -> String {
    let stopped = |unit: &Unit| matches!(unit.active, ActiveState::Inactive | ActiveState::Failed);
    if let Some(reason) = load_failure(after) {
        return reason;
    }
    match job {
        JobResult::Dependency | JobResult::Timeout | JobResult::Canceled => job_failure(job),
        _ if stopped(before) && after.invocation == before.invocation => "the unit was not active".to_owned(),
        _ if after.active != ActiveState::Active => {
            let of_service = after.service.as_ref().and_then(service_failure);
            of_service.unwrap_or_else(|| format!("not active after it, but {}", after.sub))
        }
        JobResult::Failed => "the unit is active and has not taken it up: its log says why".to_owned(),
        job => job_failure(job),
    }
}

/// Judges a restart whose end was not seen, because the link was lost meanwhile: `None` while a job is pending,
/// then by the invocation and the state alone. What it cannot prove, it calls a failure.
pub fn judge_unseen(before: &Unit, after: &Unit) -> Option<Verdict> {
    if after.job.is_some() {
        return None;
    }
    if after.invocation.is_none() && after.active == ActiveState::Inactive && before.invocation.is_some() {
        let reason = "its end was not seen, and the manager has unloaded it since";
        return Some(Verdict::Failed(reason.to_owned()));
    }
    let job = match after.active {
        ActiveState::Failed => JobResult::Failed,
        _ => JobResult::Done,
    };
    Some(judge(before, after, &job))
}

fn ran_to_its_end(after: &Unit) -> bool {
    let oneshot = after.service.as_ref().filter(|service| service.kind == "oneshot");
    after.active == ActiveState::Inactive && oneshot.is_some_and(|service| service.result == "success")
}

fn failure(after: &Unit, job: &JobResult, renewed: bool) -> String {
    if let Some(reason) = load_failure(after) {
        return reason;
    }
    match job {
        JobResult::Failed | JobResult::Canceled if !renewed && after.active == ActiveState::Failed => {
            never_started()
        }
        JobResult::Done | JobResult::Failed | JobResult::Canceled => {
            let of_service = after.service.as_ref().and_then(service_failure);
            of_service.unwrap_or_else(|| unexplained(after, job, renewed))
        }
        job => job_failure(job),
    }
}

fn unexplained(after: &Unit, job: &JobResult, renewed: bool) -> String {
    if *job == JobResult::Done { not_active(after, renewed) } else { job_failure(job) }
}

/// Failed without a new invocation: the `Result` there is that of an earlier start. systemd 252 keeps it when it
/// refuses to start a unit that was started too often, so that `start-limit-hit` is seen only after a success.
fn never_started() -> String {
    "was not started: most likely it was started too often (start limit), which `systemctl reset-failed` lifts".to_owned()
}

fn load_failure(after: &Unit) -> Option<String> {
    Some(match after.load.as_str() {
        "masked" => "masked: `systemctl unmask` allows it to start again".to_owned(),
        "not-found" => "its unit file was not found".to_owned(),
        "bad-setting" | "error" => {
            "its unit file could not be loaded: `systemctl status` says why".to_owned()
        }
        _ => return None,
    })
}

fn not_active(after: &Unit, renewed: bool) -> String {
    if !after.conditions_met {
        return "skipped: a condition of the unit was not met".to_owned();
    }
    if after.active != ActiveState::Active {
        return format!("not active after its start, but {}", after.sub);
    }
    debug_assert!(!renewed, "an active unit with a new invocation is ready");
    "still runs its old start: the invocation did not change".to_owned()
}

fn job_failure(job: &JobResult) -> String {
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
fn service_failure(service: &Service) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::Invocation;

    fn unit(invocation: u8, active: ActiveState, service: Service) -> Unit {
        Unit {
            name: "web@1.service".to_owned(),
            path: "/org/freedesktop/systemd1/unit/web_401_2eservice".try_into().unwrap(),
            load: "loaded".to_owned(),
            active,
            sub: "dead".to_owned(),
            invocation: Some(Invocation([invocation; 16])),
            became_active: Duration::ZERO,
            became_inactive: Duration::ZERO,
            started: Duration::ZERO,
            can_reload: true,
            job: None,
            conditions_met: true,
            service: Some(service),
        }
    }

    fn service(result: &str) -> Service {
        Service {
            kind: "notify".to_owned(),
            main_pid: 0,
            restarts: 0,
            result: result.to_owned(),
            exit_code: 1,
            exit_status: 0,
            ran_for: Some(Duration::from_millis(2040)),
            status: String::new(),
            status_errno: 0,
            notify_access: "main".to_owned(),
            watchdog: Some(Duration::from_secs(2)),
            start_timeout: Some(Duration::from_secs(90)),
        }
    }

    fn failed(job: &JobResult, service: Service) -> String {
        sentence(&unit(2, ActiveState::Failed, service), job)
    }

    fn sentence(after: &Unit, job: &JobResult) -> String {
        match judge(&unit(1, ActiveState::Active, service("success")), after, job) {
            Verdict::Failed(sentence) => sentence,
            Verdict::Ready => panic!("judged ready"),
        }
    }

    #[test]
    fn says_what_each_result_means() {
        let table = [
            (Service { exit_status: 1, ..service("exit-code") }, "exited with 1 after 2.0 s"),
            (
                Service { exit_status: 203, ..service("exit-code") },
                "could not be executed: ExecStart= is missing or not executable (203/EXEC)",
            ),
            (
                Service { exit_code: 0, ..service("exit-code") },
                "one of its start commands exited with an error",
            ),
            (Service { exit_status: 11, ..service("signal") }, "killed by SIGSEGV after 2.0 s"),
            (Service { exit_status: 34, ..service("signal") }, "killed by signal 34 after 2.0 s"),
            (
                Service { exit_status: 6, ..service("core-dump") },
                "killed by SIGABRT after 2.0 s (core dumped)",
            ),
            (service("timeout"), "start timed out after 90 s: no READY=1 was received"),
            (Service { kind: "forking".to_owned(), ..service("timeout") }, "start timed out after 90 s"),
            (service("watchdog"), "killed by the watchdog: no WATCHDOG=1 for 2 s"),
            (service("protocol"), "exited after 2.0 s without sending READY=1"),
            (service("oom-kill"), "killed for want of memory after 2.0 s (oom-kill)"),
            (service("novelty"), "failed (novelty)"),
            (service("success"), "failed to start"),
        ];
        for (service, expected) in table {
            assert_eq!(failed(&JobResult::Failed, service), expected);
        }
    }

    #[test]
    fn says_how_a_job_ended_when_the_unit_itself_says_nothing() {
        let table = [
            (JobResult::Dependency, "dependency failed: a unit that it requires did not start"),
            (JobResult::Timeout, "the job timed out (JobTimeoutSec=)"),
            (JobResult::Canceled, "canceled: another job took the place of this one"),
            (JobResult::Skipped, "skipped: there was nothing to do"),
            (JobResult::Other("frozen".to_owned()), "the job ended with frozen"),
        ];
        for (job, expected) in table {
            assert_eq!(failed(&job, service("success")), expected);
        }
    }

    #[test]
    fn a_failure_of_an_earlier_start_does_not_explain_this_one() {
        for (job, result) in [(JobResult::Failed, "exit-code"), (JobResult::Canceled, "start-limit-hit")] {
            let after = unit(1, ActiveState::Failed, service(result));
            let sentence = sentence(&after, &job);
            assert!(
                sentence.starts_with("was not started: most likely it was started too often"),
                "{sentence}"
            );
        }
    }

    #[test]
    fn a_stale_result_does_not_explain_a_dependency() {
        let sentence = failed(&JobResult::Dependency, service("exit-code"));
        assert!(sentence.starts_with("dependency failed"), "{sentence}");
    }

    #[test]
    fn the_old_invocation_is_a_failure_though_active_and_done() {
        let after = unit(1, ActiveState::Active, service("success"));
        let expected = "still runs its old start: the invocation did not change";
        assert_eq!(sentence(&after, &JobResult::Done), expected);
    }

    #[test]
    fn a_simple_service_that_died_at_once_is_a_failure_though_done() {
        let dead = Service { kind: "simple".to_owned(), exit_status: 3, ..service("exit-code") };
        let after = unit(2, ActiveState::Failed, dead);
        assert_eq!(sentence(&after, &JobResult::Done), "exited with 3 after 2.0 s");
    }

    #[test]
    fn a_masked_or_missing_unit_is_named_as_such() {
        let mut after = unit(1, ActiveState::Inactive, service("success"));
        after.load = "masked".to_owned();
        assert!(sentence(&after, &JobResult::Failed).starts_with("masked"));
        after.load = "not-found".to_owned();
        assert_eq!(sentence(&after, &JobResult::Failed), "its unit file was not found");
    }

    #[test]
    fn an_unmet_condition_is_named() {
        let mut after = unit(1, ActiveState::Inactive, service("success"));
        after.conditions_met = false;
        assert_eq!(sentence(&after, &JobResult::Done), "skipped: a condition of the unit was not met");
    }

    #[test]
    fn a_oneshot_that_ran_to_its_end_is_ready() {
        let oneshot = Service { kind: "oneshot".to_owned(), ..service("success") };
        let before = unit(1, ActiveState::Inactive, oneshot.clone());
        let after = unit(2, ActiveState::Inactive, oneshot);
        assert_eq!(judge(&before, &after, &JobResult::Done), Verdict::Ready);
    }

    #[test]
    fn active_with_a_new_invocation_is_ready() {
        let before = unit(1, ActiveState::Failed, service("exit-code"));
        let after = unit(2, ActiveState::Active, service("success"));
        assert_eq!(judge(&before, &after, &JobResult::Done), Verdict::Ready);
    }
}
