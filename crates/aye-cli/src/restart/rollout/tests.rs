//! The rules one by one, as scripts of events and the actions that have to follow.

mod limits;
mod links;
mod stops;

use super::*;
use Action::{Diagnose, End, Enqueue, Failed as Over, Soak, Succeeded};
use Event::{Begin, Broke, Diagnosed, Enqueued, Failed, HookEnded, Ready, Tick};

const SECOND: Duration = Duration::from_secs(1);

fn plan(units: usize, limits: Limits) -> Plan {
    let unit = Planned { host: 0, health: Health::Active, start_timeout: Some(90 * SECOND) };
    Plan { units: vec![unit; units], hosts: 1, limits }
}

fn wide(window: usize) -> Limits {
    Limits { max_parallel: vec![window], max_failures: 9, ..Limits::default() }
}

/// A run under test, at a time that passes only when it is told to.
struct Played {
    rollout: Rollout,
    now: Instant,
}

impl Played {
    fn new(plan: Plan) -> Self {
        Self { rollout: Rollout::new(plan), now: Instant::now() }
    }

    /// One that has begun with these actions.
    #[track_caller]
    fn begun(plan: Plan, expected: &[Action]) -> Self {
        let mut played = Self::new(plan);
        played.gives(Begin, expected);
        played
    }

    #[track_caller]
    fn gives(&mut self, event: Event, expected: &[Action]) -> &mut Self {
        assert_eq!(self.rollout.step(event, self.now), expected, "after {event:?}");
        self
    }

    #[track_caller]
    fn after(&mut self, time: Duration, expected: &[Action]) -> &mut Self {
        self.now += time;
        self.gives(Tick, expected)
    }

    /// A unit that is being enqueued becomes ready.
    #[track_caller]
    fn starts(&mut self, index: usize, expected: &[Action]) -> &mut Self {
        self.gives(Enqueued(index), &[]).gives(Ready(index), expected)
    }

    /// A unit fails by this event, and is diagnosed.
    #[track_caller]
    fn fails(&mut self, event: Event, index: usize, expected: &[Action]) -> &mut Self {
        self.gives(event, &[Diagnose(index, Why::Judged)]).gives(Diagnosed(index), expected)
    }

    fn ends(&self) -> Vec<Final> {
        (0..self.rollout.units.len()).map(|index| self.rollout.outcome(index)).collect()
    }
}

fn hooked(hook: Hook, limits: Limits) -> Limits {
    match hook {
        Hook::Before => Limits { before: true, ..limits },
        Hook::Check => Limits { check: true, ..limits },
        Hook::After => Limits { after: true, ..limits },
        Hook::OnFail => Limits { on_fail: true, ..limits },
    }
}

fn ended(index: usize, hook: Hook, ok: bool) -> Event {
    HookEnded { index, hook, ok }
}

#[test]
fn a_failed_before_hook_leaves_the_unit_untouched_and_is_a_failure() {
    let mut played = Played::begun(plan(1, hooked(Hook::Before, wide(1))), &[Action::Hook(0, Hook::Before)]);
    let failed = ended(0, Hook::Before, false);
    played.gives(failed, &[Diagnose(0, Why::Hook(Hook::Before))]).gives(Diagnosed(0), &[Over(0), End]);
}

#[test]
fn a_failed_after_hook_is_a_failure() {
    let mut played = Played::begun(plan(1, hooked(Hook::After, wide(1))), &[Enqueue(0)]);
    played.starts(0, &[Action::Hook(0, Hook::After)]);
    played.gives(ended(0, Hook::After, false), &[Diagnose(0, Why::Hook(Hook::After))]);
}

#[test]
fn a_unit_that_fails_runs_its_on_fail_hook_once_it_is_diagnosed() {
    let mut played = Played::begun(plan(1, hooked(Hook::OnFail, wide(1))), &[Enqueue(0)]);
    played.gives(Enqueued(0), &[]).fails(Failed(0), 0, &[Action::Hook(0, Hook::OnFail)]);
    played.gives(ended(0, Hook::OnFail, false), &[Over(0), End]);
}

#[test]
fn a_unit_that_is_not_ready_in_time_fails_and_its_readiness_comes_too_late() {
    let limits = Limits { ready_timeout: Some(3 * SECOND), ..wide(1) };
    let mut played = Played::begun(plan(1, limits), &[Enqueue(0)]);
    played.gives(Enqueued(0), &[]).after(2 * SECOND, &[]);
    played.now += SECOND;
    played.gives(Ready(0), &[Diagnose(0, Why::ReadyTimeout)]).gives(Ready(0), &[]);
}

#[test]
fn a_unit_without_a_ready_timeout_is_the_managers_to_end() {
    let mut played = Played::begun(plan(1, wide(1)), &[Enqueue(0)]);
    played.gives(Enqueued(0), &[]).after(9999 * SECOND, &[]);
    assert_eq!(played.rollout.next_wake(), None);
}

#[test]
fn a_check_has_the_start_timeout_from_the_enqueuing() {
    let mut played = Played::begun(plan(1, hooked(Hook::Check, wide(1))), &[Enqueue(0)]);
    played.gives(Enqueued(0), &[]).after(80 * SECOND, &[]).gives(Ready(0), &[Action::Hook(0, Hook::Check)]);
    played.after(9 * SECOND, &[]).after(SECOND, &[Diagnose(0, Why::CheckTimeout)]);
}

#[test]
fn a_unit_that_extended_its_start_has_the_start_timeout_again_for_its_check() {
    let mut played = Played::begun(plan(1, hooked(Hook::Check, wide(1))), &[Enqueue(0)]);
    played.gives(Enqueued(0), &[]).after(100 * SECOND, &[]).gives(Ready(0), &[Action::Hook(0, Hook::Check)]);
    played.after(89 * SECOND, &[]).after(SECOND, &[Diagnose(0, Why::CheckTimeout)]);
}

#[test]
fn a_check_that_fails_runs_again_after_a_pause() {
    let mut played = Played::begun(plan(1, hooked(Hook::Check, wide(1))), &[Enqueue(0)]);
    played.starts(0, &[Action::Hook(0, Hook::Check)]).gives(ended(0, Hook::Check, false), &[]);
    played.after(SECOND / 4, &[]).after(SECOND / 4, &[Action::Hook(0, Hook::Check)]);
    played.gives(ended(0, Hook::Check, true), &[Succeeded(0), End]);
}

#[test]
fn a_unit_that_breaks_at_the_end_of_its_soak_is_broken() {
    let mut played = Played::begun(plan(1, Limits { min_ready: SECOND, ..wide(1) }), &[Enqueue(0)]);
    played.starts(0, &[Soak(0, SECOND)]);
    played.now += SECOND;
    played.fails(Broke(0), 0, &[Over(0), End]);
}

#[test]
fn a_unit_goes_through_all_its_phases_in_order() {
    let limits = Limits { before: true, check: true, after: true, min_ready: SECOND, ..wide(1) };
    let mut played = Played::begun(plan(1, limits), &[Action::Hook(0, Hook::Before)]);
    played.gives(ended(0, Hook::Before, true), &[Enqueue(0)]);
    played.starts(0, &[Action::Hook(0, Hook::Check)]);
    played.gives(ended(0, Hook::Check, true), &[Soak(0, SECOND)]);
    played.after(SECOND, &[Action::Hook(0, Hook::After)]);
    played.gives(ended(0, Hook::After, true), &[Succeeded(0), End]);
}

#[test]
fn the_time_of_a_unit_counts_from_its_enqueuing_and_stands_still_at_its_end() {
    let mut played = Played::begun(plan(1, wide(1)), &[Enqueue(0)]);
    played.after(SECOND, &[]);
    assert_eq!(played.rollout.elapsed(0, played.now), Duration::ZERO);
    played.gives(Enqueued(0), &[]).after(2 * SECOND, &[]).gives(Ready(0), &[Succeeded(0), End]);
    assert_eq!(played.rollout.elapsed(0, played.now + SECOND), 2 * SECOND);
}

#[test]
fn an_event_out_of_place_changes_nothing() {
    let mut played = Played::begun(plan(2, wide(1)), &[Enqueue(0)]);
    let misplaced =
        [Ready(0), Ready(1), Broke(0), Diagnosed(0), ended(0, Hook::Before, false), Begin, Ready(7), Tick];
    for event in misplaced {
        played.gives(event, &[]);
    }
    played.starts(0, &[Succeeded(0), Enqueue(1)]).gives(Ready(0), &[]).gives(Failed(0), &[]);
}
