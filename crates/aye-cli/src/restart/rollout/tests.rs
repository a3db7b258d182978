//! The rules one by one, as scripts of events and the actions that have to follow.

use super::*;
use Action::{Ask, Diagnose, End, Enqueue, Failed as Over, Soak, Succeeded};
use Event::{Abandoned, Begin, Broke, Denied, Diagnosed, Enqueued, Failed, Interrupted, Ready, Tick};

const SECOND: Duration = Duration::from_secs(1);

fn plan(units: usize, limits: Limits) -> Plan {
    let unit = Planned { host: 0, health: Health::Active, start_timeout: Some(90 * SECOND) };
    Plan { units: vec![unit; units], hosts: 1, limits }
}

fn wide(window: usize) -> Limits {
    Limits { max_parallel: vec![window], ..Limits::default() }
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

    fn begun(units: usize, limits: Limits) -> Self {
        let mut played = Self::new(plan(units, limits));
        played.rollout.step(Begin, played.now);
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

    /// Brings a unit that is being enqueued to the point where it is ready.
    #[track_caller]
    fn starts(&mut self, index: usize, expected: &[Action]) -> &mut Self {
        self.gives(Enqueued(index), &[]).gives(Ready(index), expected)
    }

    /// Ends a unit that has just failed.
    #[track_caller]
    fn fails(&mut self, event: Event, index: usize, expected: &[Action]) -> &mut Self {
        self.gives(event, &[Diagnose(index, Why::Judged)]).gives(Diagnosed(index), expected)
    }

    fn ends(&self) -> Vec<Final> {
        (0..self.rollout.units.len()).map(|index| self.rollout.outcome(index)).collect()
    }
}

#[test]
fn the_first_failure_leaves_the_rest_untouched() {
    let mut played = Played::begun(3, Limits::default());
    played.starts(0, &[Succeeded(0), Enqueue(1)]).gives(Enqueued(1), &[]);
    played.fails(Failed(1), 1, &[Over(1), End]);
    assert_eq!(played.ends(), [Final::Ok, Final::Failed, Final::NotAttempted]);
    assert_eq!(played.rollout.stopped(), Some(Stop::Budget { failed: 1 }));
}

#[test]
fn no_units_is_no_work() {
    Played::new(plan(0, Limits::default())).gives(Begin, &[End]);
}
