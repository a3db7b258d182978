//! What ends a run, and what it leaves.

use super::*;
use Action::Ask;
use Event::{Abandoned, Answered, Denied, Interrupted};

#[test]
fn the_first_failure_leaves_the_rest_untouched() {
    let mut played = Played::begun(plan(3, Limits::default()), &[Enqueue(0)]);
    played.starts(0, &[Succeeded(0), Enqueue(1)]).gives(Enqueued(1), &[]);
    played.fails(Failed(1), 1, &[Over(1), End]);
    assert_eq!(played.ends(), [Final::Ok, Final::Failed, Final::NotAttempted]);
    assert_eq!(played.rollout.stopped(), Some(Stop::Budget { failed: 1 }));
}

#[test]
fn a_failure_counts_before_it_is_diagnosed() {
    let limits = Limits { max_failures: 0, ..wide(2) };
    let mut played = Played::begun(plan(3, limits), &[Enqueue(0), Enqueue(1)]);
    played.gives(Failed(0), &[Diagnose(0, Why::Judged)]).starts(1, &[Succeeded(1)]);
    played.gives(Diagnosed(0), &[Over(0), End]);
}

#[test]
fn a_failure_within_the_budget_does_not_stop_the_run() {
    let limits = Limits { max_failures: 1, ..wide(1) };
    let mut played = Played::begun(plan(3, limits), &[Enqueue(0)]);
    played.fails(Failed(0), 0, &[Over(0), Enqueue(1)]).fails(Failed(1), 1, &[Over(1), End]);
}

#[test]
fn a_failure_of_the_last_unit_stops_nothing() {
    let mut played = Played::begun(plan(1, Limits::default()), &[Enqueue(0)]);
    played.fails(Failed(0), 0, &[Over(0), End]);
    assert_eq!(played.rollout.stopped(), None);
}

#[test]
fn an_interrupt_finishes_what_is_in_flight_and_starts_nothing() {
    let mut played = Played::begun(plan(2, hooked(Hook::Before, wide(1))), &[Action::Hook(0, Hook::Before)]);
    played.gives(Interrupted, &[]).gives(ended(0, Hook::Before, true), &[Enqueue(0)]);
    played.starts(0, &[Succeeded(0), End]);
    assert_eq!(played.rollout.stopped(), Some(Stop::Interrupted));
}

#[test]
fn an_interrupt_before_the_beginning_touches_nothing() {
    let mut played = Played::new(plan(2, wide(1)));
    played.gives(Interrupted, &[End]).gives(Begin, &[]);
}

#[test]
fn an_abandoned_run_ends_at_once_and_leaves_its_units_in_flight() {
    let mut played = Played::begun(plan(2, wide(1)), &[Enqueue(0)]);
    played.gives(Interrupted, &[]).gives(Abandoned, &[End]).gives(Abandoned, &[]).gives(Ready(0), &[]);
    assert_eq!(played.ends(), [Final::Left, Final::NotAttempted]);
}

#[test]
fn a_unit_that_may_not_be_touched_is_not_attempted_and_what_is_in_flight_is_finished() {
    let mut played = Played::begun(plan(3, wide(2)), &[Enqueue(0), Enqueue(1)]);
    played.gives(Denied(0), &[]).starts(1, &[Succeeded(1), End]);
    assert_eq!(played.ends(), [Final::NotAttempted, Final::Ok, Final::NotAttempted]);
    assert_eq!(played.rollout.stopped(), Some(Stop::Denied));
}

#[test]
fn the_deadline_fails_what_is_in_flight_and_starts_nothing() {
    let limits = Limits { deadline: Some(5 * SECOND), ..wide(1) };
    let mut played = Played::begun(plan(2, limits), &[Enqueue(0)]);
    played.after(5 * SECOND, &[Diagnose(0, Why::Deadline)]).gives(Diagnosed(0), &[Over(0), End]);
    assert_eq!(played.rollout.stopped(), Some(Stop::Deadline));
}

#[test]
fn a_question_waits_for_the_diagnosis_and_yes_forgives_one_failure() {
    let limits = Limits { ask: true, max_failures: 0, ..wide(2) };
    let mut played = Played::begun(plan(3, limits), &[Enqueue(0), Enqueue(1)]);
    played.fails(Failed(0), 0, &[Over(0), Ask(0)]).fails(Failed(1), 1, &[Over(1)]);
    played.gives(Answered { go_on: true }, &[Ask(1)]);
    played.gives(Answered { go_on: true }, &[Enqueue(2)]).starts(2, &[Succeeded(2), End]);
}

#[test]
fn a_no_stops_the_run_and_a_question_that_changes_nothing_is_not_asked() {
    let limits = Limits { ask: true, ..Limits::default() };
    let mut played = Played::begun(plan(2, limits.clone()), &[Enqueue(0)]);
    played.fails(Failed(0), 0, &[Over(0), Ask(0)]).gives(Answered { go_on: false }, &[End]);
    let mut played = Played::begun(plan(1, limits), &[Enqueue(0)]);
    played.fails(Failed(0), 0, &[Over(0), End]);
}

#[test]
fn no_units_is_no_work() {
    Played::begun(plan(0, Limits::default()), &[End]);
}
