//! The way of one unit, from its start to its final state, through the phases of the table in `rollout`.

use std::time::{Duration, Instant};

use super::host::Link;
use super::plan::Health;
use super::timers::Waiter;
use super::unit::Phase;
use super::{Action, Rollout, Stop, Why};
use crate::restart::report::Hook;

/// Longer than any run; a time that the clock cannot hold is as far away as this.
const FAR: Duration = Duration::from_secs(100 * 365 * 86_400);

pub(super) fn after(now: Instant, time: Duration) -> Instant {
    now.checked_add(time.min(FAR)).unwrap_or(now)
}

impl Rollout {
    pub(super) fn start(&mut self, index: usize) {
        let host = self.units[index].host;
        self.queue.remove(index, host);
        self.census(index, false);
        self.flight.insert(index);
        self.hosts[host].start();
        self.refresh(host);
        if self.limits.before {
            self.enter(index, Phase::Before);
            self.actions.push(Action::Hook(index, Hook::Before));
        } else {
            self.enqueue(index);
        }
        self.schedule(index);
    }

    fn enqueue(&mut self, index: usize) {
        self.enter(index, Phase::Enqueuing);
        self.actions.push(Action::Enqueue(index));
    }

    /// From now on its old start is gone, until the manager says otherwise.
    pub(super) fn enqueued(&mut self, index: usize, now: Instant) {
        self.enter(index, Phase::Starting);
        let bound = self.limits.ready_timeout.map(|timeout| after(now, timeout));
        let unit = &mut self.units[index];
        (unit.since, unit.bound, unit.health) = (Some(now), bound, Health::Down);
        self.schedule(index);
    }

    pub(super) fn ready(&mut self, index: usize, now: Instant) {
        self.units[index].health = Health::Active;
        if self.limits.check {
            self.enter(index, Phase::Checking);
            self.bound_check(index, now);
            self.actions.push(Action::Hook(index, Hook::Check));
            self.schedule(index);
        } else {
            self.soak(index, now);
        }
    }

    /// Without `--ready-timeout` the check has the unit's own start timeout. A unit that took longer than that to
    /// start, as EXTEND_TIMEOUT_USEC= allows, has it once more for its check.
    fn bound_check(&mut self, index: usize, now: Instant) {
        let unit = &mut self.units[index];
        if let (None, Some(since), Some(timeout)) =
            (self.limits.ready_timeout, unit.since, unit.start_timeout)
        {
            let bound = after(since, timeout);
            unit.bound = Some(if bound <= now { after(now, timeout) } else { bound });
        }
    }

    /// A soak of no length ends at once, unless the link to the host is down: then nobody knows how the unit is.
    fn soak(&mut self, index: usize, now: Instant) {
        let lasts = self.limits.min_ready;
        self.enter(index, Phase::Soaking);
        self.units[index].next = Some(after(now, lasts));
        if !lasts.is_zero() {
            self.actions.push(Action::Soak(index, lasts));
        }
        self.schedule(index);
    }

    pub(super) fn hook_ended(&mut self, index: usize, hook: Hook, ok: bool, now: Instant) {
        let unit = &mut self.units[index];
        match (unit.phase, hook, ok) {
            // Has ended before, and is not running.
            _ if unit.next.is_some() => {}
            (Phase::Before, Hook::Before, true) | (Phase::After, Hook::After, true) => {
                unit.next = Some(now);
                self.schedule(index);
            }
            (Phase::Before, Hook::Before, false) | (Phase::After, Hook::After, false) => {
                self.fail(index, Why::Hook(hook));
            }
            (Phase::Checking, Hook::Check, true) => self.soak(index, now),
            (Phase::Checking, Hook::Check, false) => {
                unit.next = Some(after(now, self.limits.check_pause));
                self.schedule(index);
            }
            (Phase::OnFail, Hook::OnFail, _) => self.failed(index, now),
            _ => {}
        }
    }

    /// What the clock has brought to this unit.
    pub(super) fn woken(&mut self, index: usize, now: Instant) {
        let unit = &self.units[index];
        match unit.phase {
            Phase::Starting if unit.is_late(now) => self.fail(index, Why::ReadyTimeout),
            Phase::Checking if unit.is_late(now) => self.fail(index, Why::CheckTimeout),
            Phase::Before => self.enqueue(index),
            Phase::Checking => {
                self.enter(index, Phase::Checking);
                self.actions.push(Action::Hook(index, Hook::Check));
            }
            Phase::Soaking if self.limits.after => {
                self.enter(index, Phase::After);
                self.actions.push(Action::Hook(index, Hook::After));
            }
            Phase::Soaking | Phase::After => return self.succeed(index, now),
            _ => {}
        }
        self.schedule(index);
    }

    fn succeed(&mut self, index: usize, now: Instant) {
        self.units[index].health = Health::Active;
        self.actions.push(Action::Succeeded(index));
        self.land(index, Phase::Ok, now);
    }

    /// It counts as a failure from here on, before anything is known about it.
    pub(super) fn fail(&mut self, index: usize, why: Why) {
        self.enter(index, Phase::Diagnosing);
        self.schedule(index);
        self.actions.push(Action::Diagnose(index, why));
        self.failures += 1;
        if self.is_exceeded() && self.limits.ask {
            self.units[index].exceeding = true;
        } else if self.is_exceeded() {
            let unreachable = why == Why::Unreachable;
            self.halt(if unreachable { Stop::Unreachable } else { Stop::Budget { failed: self.failures } });
        }
    }

    pub(super) fn diagnosed(&mut self, index: usize, now: Instant) {
        if self.limits.on_fail {
            self.enter(index, Phase::OnFail);
            self.actions.push(Action::Hook(index, Hook::OnFail));
        } else {
            self.failed(index, now);
        }
    }

    fn failed(&mut self, index: usize, now: Instant) {
        self.actions.push(Action::Failed(index));
        self.land(index, Phase::Failed, now);
        if self.units[index].exceeding {
            self.questions.push_back(index);
        }
    }

    /// The manager does not let us: the unit is as it was.
    pub(super) fn denied(&mut self, index: usize, now: Instant) {
        self.halt(Stop::Denied);
        self.land(index, Phase::Waiting, now);
        let unit = &mut self.units[index];
        unit.took = None;
        self.queue.add(index, unit.host, unit.health == Health::Active);
    }

    /// Ends the flight of a unit.
    fn land(&mut self, index: usize, phase: Phase, now: Instant) {
        self.enter(index, phase);
        self.schedule(index);
        let unit = &mut self.units[index];
        unit.took = Some(unit.elapsed(now));
        let host = unit.host;
        self.flight.remove(&index);
        self.census(index, true);
        if index < self.limits.canary && phase != Phase::Waiting {
            self.canaries_left -= 1;
        }
        if self.hosts[host].end() && self.queue.has(host) {
            self.hosts[host].rest();
            self.timers.set(Waiter::Host(host), Some(after(now, self.limits.stagger)));
        }
        self.refresh(host);
    }

    fn enter(&mut self, index: usize, phase: Phase) {
        self.units[index].enter(phase);
    }

    pub(super) fn schedule(&mut self, index: usize) {
        let unit = &self.units[index];
        let linked = self.hosts[unit.host].link == Link::Up;
        let at = unit.wake(linked);
        self.timers.set(Waiter::Unit(index), at);
    }
}
