//! What became of a unit after a job: ready, or failed and why, in one sentence a person can act on. Pure: two
//! readings of the unit and the job's result go in.

use crate::reason::{job_failure, load_failure, never_started, service_failure};
use crate::{ActiveState, JobResult, Unit};

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

/// Why a unit is not what it should be, from one reading of it: the result of its last start, or why it could not be
/// loaded; `None` when nothing is wrong.
pub fn failed_because(unit: &Unit) -> Option<String> {
    load_failure(unit).or_else(|| unit.service.as_ref().and_then(service_failure))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::{Invocation, Service};

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
            stamps: crate::Stamps::default(),
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
            main_start: crate::Stamp::default(),
            heartbeat: crate::Stamp::default(),
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

    fn reload_sentence(before: &Unit, after: &Unit, job: &JobResult) -> String {
        match judge_reload(before, after, job) {
            Verdict::Failed(sentence) => sentence,
            Verdict::Ready => panic!("judged ready"),
        }
    }

    #[test]
    fn says_why_a_reload_failed() {
        let running = || unit(1, ActiveState::Active, service("success"));
        let stopped = || unit(1, ActiveState::Inactive, service("success"));
        let died = Service { exit_status: 7, ..service("exit-code") };
        let table = [
            (
                running(),
                running(),
                JobResult::Failed,
                "the unit is active and has not taken it up: its log says why",
            ),
            (running(), unit(1, ActiveState::Failed, died), JobResult::Failed, "exited with 7 after 2.0 s"),
            (running(), stopped(), JobResult::Done, "not active after it, but dead"),
            (running(), running(), JobResult::Timeout, "the job timed out (JobTimeoutSec=)"),
            (stopped(), stopped(), JobResult::Skipped, "the unit was not active"),
            (running(), running(), JobResult::Skipped, "skipped: there was nothing to do"),
        ];
        for (before, after, job, expected) in table {
            assert_eq!(reload_sentence(&before, &after, &job), format!("reload failed: {expected}"));
        }
    }

    #[test]
    fn a_reload_that_is_done_is_ready_with_the_old_invocation_and_with_a_new_one() {
        let before = unit(1, ActiveState::Active, service("success"));
        for invocation in [1, 2] {
            let after = unit(invocation, ActiveState::Active, service("success"));
            assert_eq!(judge_reload(&before, &after, &JobResult::Done), Verdict::Ready);
        }
    }

    #[test]
    fn what_was_not_seen_is_a_failure_unless_it_can_be_proved() {
        let before = unit(1, ActiveState::Active, service("success"));
        let died = Service { exit_status: 7, ..service("exit-code") };
        let forgotten = Unit { invocation: None, ..unit(1, ActiveState::Inactive, service("success")) };
        let retried =
            Unit { sub: "auto-restart".to_owned(), ..unit(2, ActiveState::Activating, service("success")) };
        let table = [
            (before.clone(), "still runs its old start: the invocation did not change"),
            (unit(2, ActiveState::Failed, died), "exited with 7 after 2.0 s"),
            (unit(2, ActiveState::Inactive, service("success")), "not active after its start, but dead"),
            (retried, "not active after its start, but auto-restart"),
            (forgotten, "its end was not seen, and the manager has unloaded it since"),
        ];
        for (after, expected) in table {
            assert_eq!(judge_unseen(&before, &after), Some(Verdict::Failed(expected.to_owned())));
        }
    }

    #[test]
    fn what_was_not_seen_is_ready_when_a_new_start_runs_and_undecided_while_a_job_is_pending() {
        let before = unit(1, ActiveState::Active, service("success"));
        let mut after = unit(2, ActiveState::Active, service("success"));
        assert_eq!(judge_unseen(&before, &after), Some(Verdict::Ready));
        after.job = Some("/org/freedesktop/systemd1/job/7".try_into().unwrap());
        assert_eq!(judge_unseen(&before, &after), None);
    }
}
