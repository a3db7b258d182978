//! The order of a rolling restart, as a state machine without I/O: what happened goes in with the time, what to
//! do next comes out. It knows units by their index in the plan and nothing else about them.

use std::time::{Duration, Instant};

/// How much may happen at once, and how much may go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Units in flight at a time; at least 1.
    pub(crate) max_parallel: usize,
    /// Failures that do not stop the run yet.
    pub(crate) max_failures: usize,
}

impl Default for Limits {
    /// One after another, and stop at the first failure.
    fn default() -> Self {
        Self { max_parallel: 1, max_failures: 0 }
    }
}

/// How far one unit has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not touched.
    Waiting,
    /// Being restarted since then.
    InFlight(Instant),
    /// Restarted, in this time.
    Ready(Duration),
    /// Failed, after this time.
    Failed(Duration),
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The run may begin.
    Begin,
    /// The unit of this index is ready.
    Ready(usize),
    /// The unit of this index failed.
    Failed(usize),
    /// Somebody asked to stop: start nothing new.
    Interrupted,
    /// The unit of this index was not touched after all: the manager does not let us.
    Withdrawn(usize),
    /// Nothing can be learned or done any more: end now, whatever is in flight.
    Abandoned,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Restart the unit of this index.
    Start(usize),
    /// The run is over.
    End,
}

/// A run in progress.
#[derive(Debug)]
pub(crate) struct Rollout {
    standings: Vec<Standing>,
    limits: Limits,
    interrupted: bool,
    over: bool,
}

impl Rollout {
    pub(crate) fn new(units: usize, limits: Limits) -> Self {
        let standings = vec![Standing::Waiting; units];
        Self { standings, limits, interrupted: false, over: false }
    }

    /// Takes in what happened at `now`, and says what to do. An ending that was reported already, or that no
    /// start led to, changes nothing.
    pub(crate) fn step(&mut self, event: Event, now: Instant) -> Vec<Action> {
        match event {
            Event::Begin => {}
            Event::Ready(index) => self.settle(index, now, Standing::Ready),
            Event::Failed(index) => self.settle(index, now, Standing::Failed),
            Event::Withdrawn(index) => {
                self.standings[index] = Standing::Waiting;
                return self.end();
            }
            Event::Interrupted => self.interrupted = true,
            Event::Abandoned => return self.end(),
        }
        self.proceed(now)
    }

    /// How far the unit of this index has come.
    pub(crate) fn standing(&self, index: usize) -> Standing {
        self.standings[index]
    }

    /// For how long the unit of this index has been in flight.
    pub(crate) fn elapsed(&self, index: usize, now: Instant) -> Duration {
        match self.standings[index] {
            Standing::Waiting => Duration::ZERO,
            Standing::InFlight(since) => now.saturating_duration_since(since),
            Standing::Ready(took) | Standing::Failed(took) => took,
        }
    }

    /// The units in this standing, in the order of the plan.
    pub(crate) fn indices(&self, wanted: impl Fn(Standing) -> bool) -> Vec<usize> {
        (0..self.standings.len()).filter(|&index| wanted(self.standings[index])).collect()
    }

    fn settle(&mut self, index: usize, now: Instant, standing: fn(Duration) -> Standing) {
        if let Standing::InFlight(since) = self.standings[index] {
            self.standings[index] = standing(now.saturating_duration_since(since));
        }
    }

    fn proceed(&mut self, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        while let Some(next) = self.next() {
            self.standings[next] = Standing::InFlight(now);
            actions.push(Action::Start(next));
        }
        if self.in_flight() == 0 {
            actions.extend(self.end());
        }
        actions
    }

    fn next(&self) -> Option<usize> {
        let failures = self.indices(|s| matches!(s, Standing::Failed(_))).len();
        let stopped = self.interrupted || self.over || failures > self.limits.max_failures;
        let room = self.in_flight() < self.limits.max_parallel.max(1);
        let waiting = || self.standings.iter().position(|s| *s == Standing::Waiting);
        if stopped || !room { None } else { waiting() }
    }

    fn in_flight(&self) -> usize {
        self.indices(|s| matches!(s, Standing::InFlight(_))).len()
    }

    fn end(&mut self) -> Vec<Action> {
        let first = !std::mem::replace(&mut self.over, true);
        first.then_some(Action::End).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::{End, Start};
    use Event::{Abandoned, Begin, Failed, Interrupted, Ready};

    /// Runs a script of (event, expected actions), one second apart.
    fn play(units: usize, limits: Limits, script: &[(Event, &[Action])]) -> Rollout {
        let mut rollout = Rollout::new(units, limits);
        let mut now = Instant::now();
        for (event, expected) in script {
            assert_eq!(rollout.step(*event, now), *expected, "after {event:?}");
            now += Duration::from_secs(1);
        }
        rollout
    }

    fn waiting(rollout: &Rollout) -> Vec<usize> {
        rollout.indices(|s| s == Standing::Waiting)
    }

    #[test]
    fn the_first_failure_leaves_the_rest_untouched() {
        let script = [(Begin, &[Start(0)][..]), (Ready(0), &[Start(1)]), (Failed(1), &[End])];
        assert_eq!(waiting(&play(4, Limits::default(), &script)), [2, 3]);
    }

    #[test]
    fn an_interrupt_finishes_what_is_in_flight_and_starts_nothing() {
        let script = [(Begin, &[Start(0)][..]), (Interrupted, &[]), (Ready(0), &[End])];
        assert_eq!(waiting(&play(3, Limits::default(), &script)), [1, 2]);
    }

    #[test]
    fn an_abandoned_run_ends_at_once_and_keeps_its_units_in_flight() {
        let script = [(Begin, &[Start(0)][..]), (Interrupted, &[]), (Abandoned, &[End])];
        let rollout = play(2, Limits::default(), &script);
        assert_eq!(rollout.indices(|s| matches!(s, Standing::InFlight(_))), [0]);
    }

    #[test]
    fn an_interrupt_before_the_beginning_touches_nothing() {
        play(2, Limits::default(), &[(Interrupted, &[End]), (Begin, &[])]);
    }

    #[test]
    fn a_unit_that_may_not_be_touched_ends_the_run_as_not_attempted() {
        let script = [(Begin, &[Start(0)][..]), (Event::Withdrawn(0), &[End])];
        assert_eq!(waiting(&play(2, Limits::default(), &script)), [0, 1]);
    }

    #[test]
    fn no_units_is_no_work() {
        play(0, Limits::default(), &[(Begin, &[End])]);
    }

    #[test]
    fn an_ending_reported_twice_counts_once() {
        let script = [(Begin, &[Start(0)][..]), (Ready(0), &[Start(1)]), (Ready(0), &[]), (Ready(1), &[End])];
        play(2, Limits::default(), &script);
    }

    #[test]
    fn one_unit_follows_another_and_each_has_its_time() {
        let script = [(Begin, &[Start(0)][..]), (Ready(0), &[Start(1)]), (Ready(1), &[End])];
        let rollout = play(2, Limits::default(), &script);
        assert_eq!(rollout.standing(1), Standing::Ready(Duration::from_secs(1)));
    }

    #[test]
    fn a_wider_limit_keeps_that_many_in_flight() {
        let limits = Limits { max_parallel: 2, max_failures: 0 };
        let script = [
            (Begin, &[Start(0), Start(1)][..]),
            (Ready(1), &[Start(2)]),
            (Failed(0), &[]),
            (Ready(2), &[End]),
        ];
        assert_eq!(waiting(&play(4, limits, &script)), [3]);
    }

    #[test]
    fn a_failure_within_the_budget_does_not_stop_the_run() {
        let limits = Limits { max_parallel: 1, max_failures: 1 };
        let script = [(Begin, &[Start(0)][..]), (Failed(0), &[Start(1)]), (Failed(1), &[End])];
        assert_eq!(waiting(&play(3, limits, &script)), [2]);
    }
}
