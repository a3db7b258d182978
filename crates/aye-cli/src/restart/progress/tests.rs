//! The plain lines, as they would be read in a log.

use super::*;
use crate::restart::report::{Failure, Hook, HookEnd, Summary};

fn units() -> Vec<Shown> {
    let unit = |name: &str| Shown { name: format!("{name}.service"), ..Shown::default() };
    ["web@1", "web@2", "web@10"].map(unit).to_vec()
}

fn summary(exit: Exit) -> Summary {
    Summary {
        ready: vec![],
        failed: vec![],
        in_flight: vec![],
        not_attempted: vec![],
        stopped: None,
        took: Duration::ZERO,
        exit,
        resume: None,
    }
}

/// All that is written of these happenings.
fn written(quiet: bool, happenings: &[Happening<'_>]) -> String {
    let (mut plain, units, now) = (Plain::new(quiet), units(), Instant::now());
    happenings.iter().map(|happening| plain.tell(&units, happening, now)).collect()
}

fn hook(hook: Hook, ok: bool) -> HookEnd {
    let (outcome, output) = ("exited with 1".to_owned(), vec!["no\troute\x1b[2J".to_owned()]);
    HookEnd { hook, ok, outcome, took: Duration::from_millis(20), output }
}

const ZERO: Duration = Duration::ZERO;

#[test]
fn what_was_left_in_the_middle_is_named() {
    let summary = Summary {
        in_flight: vec![0],
        not_attempted: vec![1],
        resume: Some("aye restart web@2".to_owned()),
        ..summary(Exit::Interrupted)
    };
    let expected = "\
Interrupted: 0 ready, 0 failed, 1 not attempted.
Left in the middle: web@1.service. The manager goes on with it; it was not cancelled.
Resume: aye restart web@2
";
    assert_eq!(written(false, &[Happening::Summary(&summary)]), expected);
}

#[test]
fn an_unknown_outcome_is_no_failure_and_no_success() {
    let summary = Summary { in_flight: vec![0, 2], ..summary(Exit::Unreachable) };
    let text = written(false, &[Happening::Summary(&summary)]);
    assert!(text.contains("\nOutcome unknown: web@1.service web@10.service. "), "{text}");
}

#[test]
fn why_it_stopped_is_a_sentence() {
    let stopped = Some("1 failed and --max-failures is 0".to_owned());
    let summary = Summary { failed: vec![0], not_attempted: vec![1, 2], stopped, ..summary(Exit::Failed) };
    let expected = "\
Stopped: 0 ready, 1 failed, 2 not attempted.
Not attempted because 1 failed and --max-failures is 0.
";
    assert_eq!(written(true, &[Happening::Summary(&summary)]), expected);
}

#[test]
fn a_run_that_left_nothing_out_has_not_stopped() {
    let summary = Summary { ready: vec![0, 2], failed: vec![1], ..summary(Exit::Failed) };
    assert_eq!(written(true, &[Happening::Summary(&summary)]), "Finished: 2 ready, 1 failed.\n");
}

#[test]
fn a_failed_hook_shows_what_it_wrote_and_one_that_succeeded_does_not() {
    let (bad, good) = (hook(Hook::Before, false), hook(Hook::Before, true));
    let told = |end| written(false, &[Happening::Hook { index: 0, elapsed: ZERO, end }]);
    let expected = "\
web@1.service: before hook exited with 1 after 20 ms
web@1.service | no route\u{fffd}[2J
";
    assert_eq!(told(&bad), expected);
    assert_eq!(told(&good), "web@1.service: before hook done in 20 ms\n");
}

#[test]
fn a_lost_link_and_its_return_are_told() {
    let happenings = [
        Happening::Lost { host: Some("b.example"), reason: "ssh: Connection\r\nclosed" },
        Happening::Regained { host: Some("b.example"), after: Duration::from_secs(3) },
        Happening::Lost { host: None, reason: "gone" },
    ];
    let expected = "\
lost b.example, connecting again: ssh: Connection closed
b.example is back after 3 s
lost the manager, connecting again: gone
";
    assert_eq!(written(false, &happenings), expected);
}

#[test]
fn nothing_is_written_between_question_and_answer() {
    let (mut plain, units, now) = (Plain::new(false), units(), Instant::now());
    let mut told = |happening| plain.tell(&units, &happening, now);
    assert_eq!(told(Happening::Asking { index: 0 }), "web@1 failed. Go on with the rest? [y/N] ");
    assert_eq!(told(Happening::Start { index: 1, enqueued: ZERO }), "");
    assert_eq!(told(Happening::Answered { go_on: true }), "web@2.service: starting (2/3)\n");
    assert_eq!(told(Happening::Start { index: 2, enqueued: ZERO }), "web@10.service: starting (3/3)\n");
}

#[test]
fn a_summary_comes_below_a_question_nobody_answered() {
    let (mut plain, units, now) = (Plain::new(true), units(), Instant::now());
    let _ = plain.tell(&units, &Happening::Asking { index: 0 }, now);
    let text = plain.tell(&units, &Happening::Summary(&summary(Exit::Interrupted)), now);
    assert_eq!(text, "\nInterrupted: 0 ready, 0 failed, 0 not attempted.\n");
}

#[test]
fn quiet_tells_of_failures_alone() {
    let failure = Failure { reason: "exited with 1".to_owned(), ..Failure::default() };
    let (good, bad) = (hook(Hook::Check, true), hook(Hook::Check, false));
    let text = written(
        true,
        &[
            Happening::Plan { doing: "restarting", ungated: &[0], fresh: &[] },
            Happening::Start { index: 0, enqueued: ZERO },
            Happening::Ready { index: 0, elapsed: ZERO, became_active: ZERO },
            Happening::Hook { index: 0, elapsed: ZERO, end: &good },
            Happening::Soak { index: 0, elapsed: ZERO, lasts: ZERO },
            Happening::Ok { index: 0, elapsed: ZERO },
            Happening::Hook { index: 1, elapsed: ZERO, end: &bad },
            Happening::Failed { index: 1, elapsed: ZERO, failure: &failure },
            Happening::Summary(&summary(Exit::Done)),
        ],
    );
    let expected = "\
web@2.service: check hook exited with 1 after 20 ms
web@2.service | no route\u{fffd}[2J
web@2.service: FAILED: exited with 1 (2/3)
";
    assert_eq!(text, expected);
}

#[test]
fn a_unit_with_more_to_pass_than_readiness_has_an_end_of_its_own() {
    let check = hook(Hook::Check, true);
    let second = Duration::from_secs(1);
    let text = written(
        false,
        &[
            Happening::Start { index: 0, enqueued: ZERO },
            Happening::Ready { index: 0, elapsed: second, became_active: ZERO },
            Happening::Check { index: 0, elapsed: second },
            Happening::Hook { index: 0, elapsed: second, end: &check },
            Happening::Soak { index: 0, elapsed: second, lasts: Duration::from_secs(5) },
            Happening::Ok { index: 0, elapsed: Duration::from_secs(6) },
            Happening::Start { index: 1, enqueued: ZERO },
            Happening::Ready { index: 1, elapsed: second, became_active: ZERO },
            Happening::Ok { index: 1, elapsed: second },
            Happening::Ready { index: 2, elapsed: second, became_active: ZERO },
            Happening::Hook { index: 2, elapsed: second, end: &hook(Hook::After, true) },
            Happening::Ok { index: 2, elapsed: second },
        ],
    );
    let expected = "\
web@1.service: starting (1/3)
web@1.service: ready in 1 s (1/3)
web@1.service: checking
web@1.service: check hook done in 20 ms
web@1.service: soaking for 5 s
web@1.service: done in 6 s (1/3)
web@2.service: starting (2/3)
web@2.service: ready in 1 s (2/3)
web@10.service: ready in 1 s (3/3)
web@10.service: after hook done in 20 ms
web@10.service: done in 1 s (3/3)
";
    assert_eq!(text, expected);
}

#[test]
fn what_is_left_out_and_what_cannot_be_waited_for_is_said_with_the_plan() {
    let fresh = ["web@3.service".to_owned()];
    let expected = "\
restarting 3 units: web@1.service web@2.service web@10.service
left alone, with a new start already: web@3.service
warning: no readiness to wait for (Type=notify gives one): web@2.service
";
    assert_eq!(
        written(false, &[Happening::Plan { doing: "restarting", ungated: &[1], fresh: &fresh }]),
        expected
    );
}
