//! The order of a rolling restart, as a state machine without I/O: what happened goes in with the time, what to
//! do next comes out. It knows units and hosts by their numbers in the plan and nothing else about them.
//!
//! | state | meaning | what leads out | action on the way out |
//! |---|---|---|---|
//! | Waiting | not touched | its turn: the first of the plan that may go | `Hook(Before)`, or `Enqueue` |
//! | Before | its before-hook runs | the hook succeeded | `Enqueue` |
//! | Enqueuing | the manager is asked for a job | `Enqueued` | |
//! | | | `Denied`: back to Waiting, and nothing new starts | |
//! | Starting | the manager has the job | `Ready` | `Hook(Check)`, or `Soak` |
//! | Checking | the check runs, or pauses | the check succeeded | `Soak` |
//! | | | the pause after a failed run is over: stays | `Hook(Check)` |
//! | Soaking | has to stay as it is | the time is over | `Hook(After)`, or `Succeeded` |
//! | After | its after-hook runs | the hook succeeded | `Succeeded` |
//! | any of Before to After | | a failure of any kind | `Diagnose` |
//! | Diagnosing | what there is to know is read | `Diagnosed` | `Hook(OnFail)`, or `Failed` |
//! | OnFail | its on-fail hook runs | the hook ended, either way | `Failed` |
//! | Ok, Failed | final | | |
//!
//! A state whose hook, check or soak was not asked for is passed through at once. Failures are `Failed`, `Broke`
//! (from Checking on), a before- or after-hook that failed, a ready timeout (Starting, Checking), the deadline, and a
//! host that was given up. A failure counts against the budget when it is known, not when it is diagnosed.
//!
//! A unit may go when the run has begun, nothing has stopped it, no question is open, the link to its host is up, the
//! window (or the batch) of its host has room, all canaries have ended or it is one itself, and, with
//! `min_available`, enough others are active. The first such unit of the plan goes. The run is over when nothing is in
//! flight and waiting would not change that.
//!
//! While the link to a host is down nothing is enqueued there and nothing succeeds there: a soak or an after-hook that
//! ends meanwhile is concluded at `Regained`. So a driver that has a link back tells first what it found out
//! (`Enqueued`, `Ready`, `Failed`, `Broke`, `Health`), then `Regained`.
//!
//! When news and the clock meet, bad news comes before the clock and good news after it: a unit that breaks at the end
//! of its soak is broken, and one that is ready at the end of its timeout is late.

mod flight;
mod host;
mod order;
mod plan;
mod queue;
mod timers;
mod unit;

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

pub(crate) use plan::{Health, Limits, Plan, Planned};
pub(crate) use unit::Phase;

use super::report::Hook;
use host::{Host, Link};
use queue::Queue;
use timers::{Timers, Waiter};
use unit::Unit;

/// What happened. One for a unit that is in another phase, or for something that is not in the plan, changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The run may begin; the deadline counts from here.
    Begin,
    /// A hook that was asked for has ended; of a check, this run of it.
    HookEnded { index: usize, hook: Hook, ok: bool },
    /// The manager has taken the unit's job.
    Enqueued(usize),
    /// The unit is active, with a new invocation.
    Ready(usize),
    /// The unit failed: its job was refused, its job failed, or it is not what it should be after that.
    Failed(usize),
    /// The unit was ready and is so no more: it left active, has another invocation, or was restarted.
    Broke(usize),
    /// What there is to know of a failure has been read.
    Diagnosed(usize),
    /// The manager does not let us; the unit was not touched.
    Denied(usize),
    /// A unit, in flight or not, is like this now.
    Health { index: usize, health: Health },
    /// The link to a host is down.
    Lost { host: usize },
    /// The link is back, and all has been told that was missed.
    Regained { host: usize },
    /// The link will not come back.
    GivenUp { host: usize },
    /// The answer to `Ask`.
    Answered { go_on: bool },
    /// Somebody asked to stop: start nothing new.
    Interrupted,
    /// End now, whatever is in flight.
    Abandoned,
    /// Time has passed.
    Tick,
}

impl Event {
    /// Whether it lets something succeed, or go on.
    fn is_good_news(self) -> bool {
        match self {
            Self::HookEnded { ok, .. } => ok,
            Self::Enqueued(_) | Self::Ready(_) | Self::Regained { .. } => true,
            _ => false,
        }
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Run the hook; `HookEnded` answers.
    Hook(usize, Hook),
    /// Ask the manager to restart the unit; `Enqueued`, `Failed` or `Denied` answers.
    Enqueue(usize),
    /// The soak has begun, and lasts for so long. Nothing to do but to watch, and to say `Broke`.
    Soak(usize, Duration),
    /// The unit failed: end a hook of it that still runs, read what there is to know; `Diagnosed` answers.
    Diagnose(usize, Why),
    /// The unit is in its final state, and well.
    Succeeded(usize),
    /// The unit is in its final state, and failed.
    Failed(usize),
    /// More failures than allowed, this unit's among them: ask whether to go on; `Answered` answers. A question that is
    /// open at `End` has no use any more.
    Ask(usize),
    /// The run is over.
    End,
}

/// Why a unit failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// `Event::Failed` or `Event::Broke` said so.
    Judged,
    /// This hook failed.
    Hook(Hook),
    /// It was not ready in time.
    ReadyTimeout,
    /// It was ready, and its check did not succeed in time.
    CheckTimeout,
    /// The run's time is over.
    Deadline,
    /// Its host was given up: the outcome is unknown.
    Unreachable,
}

/// How a unit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Final {
    /// Not touched.
    NotAttempted,
    /// Restarted, and well.
    Ok,
    /// Failed.
    Failed,
    /// Left in the middle by `Abandoned`; its phase says where.
    Left,
}

/// Why units were not attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// So many failed, which is more than allowed.
    Budget { failed: usize },
    /// Somebody asked to stop.
    Interrupted,
    /// The run's time was over.
    Deadline,
    /// Too few units are active to let one more be missing.
    Availability,
    /// The manager does not let us.
    Denied,
    /// A host was given up: it has the units that are left, or its failures were more than allowed.
    Unreachable,
}

/// A run in progress.
#[derive(Debug)]
pub(crate) struct Rollout {
    limits: Limits,
    units: Vec<Unit>,
    hosts: Vec<Host>,
    queue: Queue,
    flight: BTreeSet<usize>,
    timers: Timers,
    /// Active units that are not in flight.
    available: usize,
    canaries_left: usize,
    failures: usize,
    forgiven: usize,
    /// Failed units that still have to be asked about.
    questions: VecDeque<usize>,
    asking: Option<usize>,
    halt: Option<Stop>,
    begun: bool,
    over: bool,
    /// What the step in progress has decided so far.
    actions: Vec<Action>,
}

impl Rollout {
    pub(crate) fn new(plan: Plan) -> Self {
        let Plan { units, hosts, limits } = plan;
        let hosts = units.iter().map(|unit| unit.host + 1).max().unwrap_or(0).max(hosts);
        let window = |host: usize| limits.max_parallel.get(host).copied().unwrap_or(1);
        let staggered = !limits.stagger.is_zero();
        let mut rollout = Self {
            units: units.iter().map(Unit::new).collect(),
            hosts: (0..hosts).map(|host| Host::new(window(host), staggered)).collect(),
            queue: Queue::new(hosts),
            flight: BTreeSet::new(),
            timers: Timers::default(),
            available: 0,
            canaries_left: limits.canary.min(units.len()),
            failures: 0,
            forgiven: 0,
            questions: VecDeque::new(),
            asking: None,
            halt: None,
            begun: false,
            over: false,
            actions: Vec::new(),
            limits,
        };
        rollout.line_up();
        rollout
    }

    fn line_up(&mut self) {
        for index in 0..self.units.len() {
            self.census(index, true);
            let unit = &self.units[index];
            self.queue.add(index, unit.host, unit.health == Health::Active);
        }
        (0..self.hosts.len()).for_each(|host| self.refresh(host));
    }

    /// Takes in what happened at `now`, and says what to do, in this order.
    pub(crate) fn step(&mut self, event: Event, now: Instant) -> Vec<Action> {
        if !self.over {
            if event.is_good_news() {
                self.wake(now);
            }
            self.take(event, now);
            self.wake(now);
            self.proceed();
        }
        std::mem::take(&mut self.actions)
    }

    /// When to step with `Event::Tick`, if nothing happens before.
    pub(crate) fn next_wake(&self) -> Option<Instant> {
        self.timers.next().filter(|_| !self.over)
    }

    /// How far the unit has come. Left in the middle, it stays in that phase.
    pub(crate) fn phase(&self, index: usize) -> Phase {
        self.units[index].phase
    }

    /// For how long the unit has been in flight, from the enqueuing of its job; fixed once that is over.
    pub(crate) fn elapsed(&self, index: usize, now: Instant) -> Duration {
        self.units[index].elapsed(now)
    }

    /// How the unit ended, or would if the run ended now.
    pub(crate) fn outcome(&self, index: usize) -> Final {
        match self.phase(index) {
            Phase::Waiting => Final::NotAttempted,
            Phase::Ok => Final::Ok,
            Phase::Failed => Final::Failed,
            _ => Final::Left,
        }
    }

    /// Why units were not attempted, or will not be; `None` when there are no such units.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        let stop = self.halt.filter(|_| self.queue.waiting() > 0)?;
        Some(match stop {
            Stop::Budget { .. } => Stop::Budget { failed: self.failures },
            other => other,
        })
    }

    /// Whether `Action::End` has been given.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    fn take(&mut self, event: Event, now: Instant) {
        let in_phase = |index: usize, phase| self.units.get(index).is_some_and(|unit| unit.phase == phase);
        let may = |index: usize, may: fn(Phase) -> bool| self.units.get(index).is_some_and(|u| may(u.phase));
        match event {
            Event::Begin if !self.begun => self.begin(now),
            Event::HookEnded { index, hook, ok } if may(index, Phase::is_in_flight) => {
                self.hook_ended(index, hook, ok, now);
            }
            Event::Enqueued(index) if in_phase(index, Phase::Enqueuing) => self.enqueued(index, now),
            Event::Ready(index) if in_phase(index, Phase::Starting) => self.ready(index, now),
            Event::Failed(index) if may(index, Phase::may_fail) => self.fail(index, Why::Judged),
            Event::Broke(index) if may(index, Phase::may_break) => self.fail(index, Why::Judged),
            Event::Diagnosed(index) if in_phase(index, Phase::Diagnosing) => self.diagnosed(index, now),
            Event::Denied(index) if in_phase(index, Phase::Enqueuing) => self.denied(index, now),
            Event::Health { index, health } if index < self.units.len() => self.health(index, health),
            Event::Lost { host } => self.relink(host, Link::Lost),
            Event::Regained { host } => self.relink(host, Link::Up),
            Event::GivenUp { host } => self.relink(host, Link::Gone),
            Event::Answered { go_on } => self.answered(go_on),
            Event::Interrupted => self.halt(Stop::Interrupted),
            Event::Abandoned => self.abandon(now),
            _ => {}
        }
    }

    fn begin(&mut self, now: Instant) {
        self.begun = true;
        let deadline = self.limits.deadline.map(|deadline| flight::after(now, deadline));
        self.timers.set(Waiter::Run, deadline);
    }

    fn relink(&mut self, host: usize, link: Link) {
        if self.hosts.get(host).is_none_or(|host| host.link == Link::Gone) {
            return;
        }
        self.hosts[host].link = link;
        self.refresh(host);
        let there: Vec<_> = self.flight.iter().copied().filter(|&i| self.units[i].host == host).collect();
        for index in there {
            if link == Link::Gone && self.phase(index).may_fail() {
                self.fail(index, Why::Unreachable);
            } else {
                self.schedule(index);
            }
        }
    }

    fn abandon(&mut self, now: Instant) {
        self.halt(Stop::Interrupted);
        for &index in &self.flight {
            let unit = &mut self.units[index];
            unit.took = Some(unit.elapsed(now));
        }
        self.end();
    }

    /// Lets the clock do what is due, in the order of time.
    fn wake(&mut self, now: Instant) {
        while !self.over
            && let Some(waiter) = self.timers.pop(now)
        {
            match waiter {
                Waiter::Unit(index) => self.woken(index, now),
                Waiter::Host(host) => {
                    self.hosts[host].rested();
                    self.refresh(host);
                }
                Waiter::Run => self.expire(),
            }
        }
    }

    /// The deadline has passed: nothing new, and what is in flight has failed.
    fn expire(&mut self) {
        self.halt(Stop::Deadline);
        for index in self.flight.clone() {
            if self.phase(index).may_fail() {
                self.fail(index, Why::Deadline);
            }
        }
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
