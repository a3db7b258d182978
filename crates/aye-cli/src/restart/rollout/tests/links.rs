//! Links that drop, come back, or do not.

use super::*;
use Event::{GivenUp, Lost, Regained};

/// Two units on each of two hosts, one at a time on each.
fn two_hosts(canary: usize) -> Plan {
    let mut plan = plan(4, Limits { max_parallel: vec![1, 1], canary, ..wide(1) });
    (plan.units[1].host, plan.units[3].host, plan.hosts) = (1, 1, 2);
    plan
}

#[test]
fn nothing_starts_on_a_lost_host_and_the_others_go_on() {
    let mut played = Played::begun(two_hosts(0), &[Enqueue(0), Enqueue(1)]);
    played.gives(Enqueued(1), &[]).gives(Lost { host: 1 }, &[]).starts(0, &[Succeeded(0), Enqueue(2)]);
    played.starts(2, &[Succeeded(2)]).gives(Failed(1), &[Diagnose(1, Why::Judged)]);
    played.gives(Diagnosed(1), &[Over(1)]).gives(Regained { host: 1 }, &[Enqueue(3)]);
}

#[test]
fn nothing_is_enqueued_a_second_time_when_the_link_is_back() {
    let mut played = Played::begun(plan(1, wide(1)), &[Enqueue(0)]);
    played.gives(Lost { host: 0 }, &[]).gives(Regained { host: 0 }, &[]).gives(Enqueued(0), &[]);
    played.gives(Lost { host: 0 }, &[]).gives(Regained { host: 0 }, &[]);
    played.gives(Ready(0), &[Succeeded(0), End]);
}

#[test]
fn a_soak_is_concluded_when_the_link_is_back() {
    let mut played = Played::begun(plan(1, Limits { min_ready: SECOND, ..wide(1) }), &[Enqueue(0)]);
    played.starts(0, &[Soak(0, SECOND)]).gives(Lost { host: 0 }, &[]).after(9 * SECOND, &[]);
    assert_eq!(played.rollout.next_wake(), None);
    played.gives(Regained { host: 0 }, &[Succeeded(0), End]);
}

#[test]
fn a_unit_that_broke_while_the_link_was_down_is_broken() {
    let mut played = Played::begun(plan(1, hooked(Hook::After, wide(1))), &[Enqueue(0)]);
    played.starts(0, &[Action::Hook(0, Hook::After)]).gives(Lost { host: 0 }, &[]);
    played.gives(ended(0, Hook::After, true), &[]);
    played.fails(Broke(0), 0, &[Over(0), End]);
}

#[test]
fn a_before_hook_that_ends_while_the_link_is_down_waits_for_it() {
    let mut played = Played::begun(plan(1, hooked(Hook::Before, wide(1))), &[Action::Hook(0, Hook::Before)]);
    played.gives(Lost { host: 0 }, &[]).gives(ended(0, Hook::Before, true), &[]);
    played.gives(Regained { host: 0 }, &[Enqueue(0)]).gives(Regained { host: 0 }, &[]);
}

#[test]
fn a_ready_timeout_runs_on_while_the_link_is_down() {
    let limits = Limits { ready_timeout: Some(SECOND), ..wide(1) };
    let mut played = Played::begun(plan(1, limits), &[Enqueue(0)]);
    played.gives(Enqueued(0), &[]).gives(Lost { host: 0 }, &[]);
    played.after(SECOND, &[Diagnose(0, Why::ReadyTimeout)]);
}

#[test]
fn a_host_that_is_given_up_fails_what_is_in_flight_there_and_leaves_the_rest() {
    let mut played = Played::begun(two_hosts(0), &[Enqueue(0), Enqueue(1)]);
    played.gives(Lost { host: 1 }, &[]).gives(GivenUp { host: 1 }, &[Diagnose(1, Why::Unreachable)]);
    played.gives(Diagnosed(1), &[Over(1)]).gives(Regained { host: 1 }, &[]);
    played.starts(0, &[Succeeded(0), Enqueue(2)]).starts(2, &[Succeeded(2), End]);
    assert_eq!(played.ends(), [Final::Ok, Final::Failed, Final::Ok, Final::NotAttempted]);
    assert_eq!(played.rollout.stopped(), Some(Stop::Unreachable));
}

#[test]
fn a_budget_that_a_lost_host_exceeds_makes_the_host_the_reason() {
    let mut played = Played::begun(plan(2, Limits::default()), &[Enqueue(0)]);
    played.gives(GivenUp { host: 0 }, &[Diagnose(0, Why::Unreachable)]).gives(Diagnosed(0), &[Over(0), End]);
    assert_eq!(played.rollout.stopped(), Some(Stop::Unreachable));
}

#[test]
fn a_canary_that_nobody_can_reach_holds_the_others_for_good() {
    let mut played = Played::begun(two_hosts(3), &[Enqueue(0), Enqueue(1)]);
    played.starts(1, &[Succeeded(1)]).gives(Failed(0), &[Diagnose(0, Why::Judged)]);
    played.gives(GivenUp { host: 0 }, &[]).gives(Diagnosed(0), &[Over(0), End]);
    assert_eq!(played.ends(), [Final::Failed, Final::Ok, Final::NotAttempted, Final::NotAttempted]);
    assert_eq!(played.rollout.stopped(), Some(Stop::Unreachable));
}
