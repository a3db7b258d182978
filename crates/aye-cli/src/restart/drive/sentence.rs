//! The sentences about what went wrong with a unit beyond its job: pure.

use std::time::Duration;

use aye_bus::{JobResult, Unit, Verdict, duration, judge};

use super::super::report::{Failure, Hook, HookEnd};
use super::super::rollout::Why;

/// A unit that was ready and did not stay so.
pub(super) fn breach(before: &Unit, after: &Unit, runs: bool) -> String {
    if runs {
        return "ready, then restarted by itself: it runs another start than the one that was ready"
            .to_owned();
    }
    match judge(before, after, &JobResult::Done) {
        Verdict::Failed(reason) => format!("ready, then {reason}"),
        Verdict::Ready => format!("ready, then {}", after.sub),
    }
}

/// What is known of a failure from the run's own side, without asking anybody.
pub(super) struct Known<'a> {
    pub(super) why: Why,
    pub(super) verdict: Option<&'a str>,
    pub(super) hook: Option<&'a HookEnd>,
    pub(super) elapsed: Duration,
    /// Whether a job was ever enqueued.
    pub(super) touched: bool,
    pub(super) ready_timeout: Option<Duration>,
    /// Why the link is down, if it is.
    pub(super) link: Option<&'a str>,
}

/// The failure, as far as that goes. The output of a hook that failed stands in the place of the unit's log.
pub(super) fn failure(known: &Known<'_>) -> Failure {
    let log = match known.why {
        Why::Hook(_) | Why::CheckTimeout => known.hook.map(|end| end.output.clone()).unwrap_or_default(),
        _ => Vec::new(),
    };
    Failure { reason: reason(known), log, ..Failure::default() }
}

fn reason(known: &Known<'_>) -> String {
    let elapsed = duration(known.elapsed);
    let outcome = known.hook.map(|end| end.outcome.as_str()).filter(|outcome| !outcome.is_empty());
    match known.why {
        Why::Judged => known.verdict.unwrap_or("failed").to_owned(),
        Why::Hook(hook) => of_hook(hook, outcome.unwrap_or("failed")),
        Why::ReadyTimeout => {
            let limit = duration(known.ready_timeout.unwrap_or(known.elapsed));
            format!("not ready within {limit} (--ready-timeout); its job goes on")
        }
        Why::CheckTimeout => format!(
            "its check did not succeed within {elapsed}: {}",
            outcome.map_or("it has not ended yet".to_owned(), |outcome| format!("at last it {outcome}"))
        ),
        Why::Deadline if !known.touched => {
            "the deadline of the run has passed; it was not touched".to_owned()
        }
        Why::Deadline => {
            format!("not ready after {elapsed}, when the deadline of the run passed; its job goes on")
        }
        Why::Unreachable => {
            let link = known.link.unwrap_or("the connection ended");
            format!(
                "outcome unknown: the link was lost and not regained ({link}); if the manager lives, its job goes on"
            )
        }
    }
}

fn of_hook(hook: Hook, outcome: &str) -> String {
    match hook {
        Hook::Before => format!("its before-hook {outcome}; the unit was not touched"),
        Hook::After => format!("ready, but its after-hook {outcome}"),
        Hook::Check => format!("ready, but its check {outcome}"),
        Hook::OnFail => format!("its on-fail hook {outcome}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(why: Why) -> Known<'static> {
        Known {
            why,
            verdict: None,
            hook: None,
            elapsed: Duration::from_secs(4),
            touched: true,
            ready_timeout: Some(Duration::from_secs(3)),
            link: None,
        }
    }

    fn hook(outcome: &str) -> HookEnd {
        let output = vec!["no such backend".to_owned()];
        HookEnd { hook: Hook::Before, ok: false, outcome: outcome.to_owned(), took: Duration::ZERO, output }
    }

    #[test]
    fn every_kind_of_failure_has_its_sentence() {
        let end = hook("exited with 3");
        let table = [
            (
                Known { verdict: Some("exited with 1 after 2.0 s"), ..known(Why::Judged) },
                "exited with 1 after 2.0 s",
            ),
            (
                Known { hook: Some(&end), ..known(Why::Hook(Hook::Before)) },
                "its before-hook exited with 3; the unit was not touched",
            ),
            (
                Known { hook: Some(&end), ..known(Why::Hook(Hook::After)) },
                "ready, but its after-hook exited with 3",
            ),
            (known(Why::ReadyTimeout), "not ready within 3 s (--ready-timeout); its job goes on"),
            (
                Known { hook: Some(&end), ..known(Why::CheckTimeout) },
                "its check did not succeed within 4 s: at last it exited with 3",
            ),
            (known(Why::CheckTimeout), "its check did not succeed within 4 s: it has not ended yet"),
            (
                known(Why::Deadline),
                "not ready after 4 s, when the deadline of the run passed; its job goes on",
            ),
            (
                Known { touched: false, ..known(Why::Deadline) },
                "the deadline of the run has passed; it was not touched",
            ),
            (
                Known { link: Some("Connection reset"), ..known(Why::Unreachable) },
                "outcome unknown: the link was lost and not regained (Connection reset); if the manager lives, its job goes on",
            ),
        ];
        for (known, expected) in table {
            assert_eq!(failure(&known).reason, expected);
        }
    }

    #[test]
    fn a_hook_that_failed_is_shown_with_what_it_wrote() {
        let end = hook("exited with 3");
        let failure = failure(&Known { hook: Some(&end), ..known(Why::Hook(Hook::Before)) });
        assert_eq!(failure.log, ["no such backend"]);
    }
}
