//! The bookkeeper: it sees the plan, the events and the actions, never the machine, and says no when a rule was
//! broken. It counts everything anew each time instead of keeping counters, so that it has no mistake in common with
//! the machine.

mod entry;
mod rules;

use std::time::Instant;

use entry::Entry;

use crate::restart::report::Hook;
use crate::restart::rollout::{Action, Event, Final, Health, Plan, Stop, Why};

/// A rule that was broken, in words.
pub(super) type Broken = String;

/// What is known of a host.
#[derive(Debug, Default)]
struct Host {
    lost: bool,
    gone: bool,
    /// Units started since it was last without any in flight.
    batch: usize,
    /// When it was last left without any in flight.
    emptied: Option<Instant>,
}

/// All that happened so far, as far as the rules need it.
#[derive(Debug)]
pub(super) struct Book {
    plan: Plan,
    entries: Vec<Entry>,
    hosts: Vec<Host>,
    begun: Option<Instant>,
    interrupted: bool,
    abandoned: bool,
    denied: bool,
    /// Somebody said that it is enough.
    refused: bool,
    failures: usize,
    forgiven: usize,
    asked: Option<usize>,
    ended: bool,
    now: Instant,
}

impl Book {
    pub(super) fn new(plan: Plan, now: Instant) -> Self {
        Self {
            entries: plan.units.iter().map(Entry::new).collect(),
            hosts: (0..plan.hosts).map(|_| Host::default()).collect(),
            plan,
            begun: None,
            interrupted: false,
            abandoned: false,
            denied: false,
            refused: false,
            failures: 0,
            forgiven: 0,
            asked: None,
            ended: false,
            now,
        }
    }

    /// Takes in one step of the machine.
    pub(super) fn check(&mut self, event: Event, actions: &[Action], now: Instant) -> Result<(), Broken> {
        self.now = now;
        if self.ended {
            return if actions.is_empty() { Ok(()) } else { Err("it acted after its end".to_owned()) };
        }
        self.note(event);
        for action in actions {
            if self.ended {
                return Err("something came after the end".to_owned());
            }
            self.act(event, *action)?;
        }
        self.nothing_is_owed()
    }

    /// Good news that comes when the time is over is no news.
    fn note(&mut self, event: Event) {
        let (now, late, limits) = (self.now, self.is_deadline_over(), &self.plan.limits);
        match event {
            Event::Begin => {
                self.begun.get_or_insert(now);
            }
            Event::HookEnded { index, hook, ok } => {
                if let Some(entry) = self.entries.get_mut(index) {
                    entry.hook_ended(hook, ok, now, late, limits);
                }
            }
            Event::Enqueued(index) => self.entry(index, |entry| entry.enqueued(now, late)),
            Event::Ready(index) => {
                if let Some(entry) = self.entries.get_mut(index) {
                    entry.is_ready(now, late, limits);
                }
            }
            Event::Failed(index) => self.entry(index, |entry| entry.doomed |= entry.is_sound()),
            Event::Broke(index) => {
                self.entry(index, |entry| entry.doomed |= entry.is_sound() && entry.ready.is_some());
            }
            Event::Diagnosed(index) => self.entry(index, |entry| entry.known |= entry.diagnosed.is_some()),
            Event::Denied(index) => {
                let denied = self.entries.get_mut(index).is_some_and(Entry::deny);
                self.denied |= denied;
                if denied {
                    self.landed(index);
                }
            }
            Event::Health { index, health } => self.entry(index, |entry| entry.health = health),
            Event::Lost { host } => self.host(host, |host| host.lost = true),
            Event::Regained { host } => self.host(host, |host| host.lost = false),
            Event::GivenUp { host } => self.host(host, |host| host.gone = true),
            Event::Answered { go_on } => {
                if self.asked.take().is_some() {
                    self.forgiven += usize::from(go_on);
                    self.refused |= !go_on;
                }
            }
            Event::Interrupted => self.interrupted = true,
            Event::Abandoned => self.abandoned = true,
            Event::Tick => {}
        }
    }

    fn entry(&mut self, index: usize, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries.get_mut(index) {
            change(entry);
        }
    }

    fn host(&mut self, host: usize, change: impl FnOnce(&mut Host)) {
        if let Some(host) = self.hosts.get_mut(host) {
            change(host);
        }
    }

    fn act(&mut self, event: Event, action: Action) -> Result<(), Broken> {
        match action {
            Action::Hook(index, Hook::Before) => self.starts(index).map(|()| self.run(index, Hook::Before)),
            Action::Hook(index, hook) => self.hook(index, hook),
            Action::Enqueue(index) => self.enqueues(index),
            Action::Soak(index, time) => {
                let passed = self.has_passed_its_check(index) && time == self.plan.limits.min_ready;
                rule(passed && !time.is_zero(), "a soak that was not due, or of another length")
            }
            Action::Diagnose(index, why) => self.diagnoses(event, index, why),
            Action::Succeeded(index) => self.succeeds(index),
            Action::Failed(index) => self.fails(index),
            Action::Ask(index) => self.asks(index),
            Action::End => {
                self.ended = true;
                rule(self.abandoned || self.is_done(), "it ended too early")
            }
        }
    }

    fn starts(&mut self, index: usize) -> Result<(), Broken> {
        rule(self.entries[index].waits(), "a unit was started that was started before")?;
        if let Some(reason) = self.forbids(index) {
            return Err(format!("unit {index} was started, but {reason}"));
        }
        let earlier = (0..index).find(|&other| self.entries[other].waits() && self.forbids(other).is_none());
        rule(earlier.is_none(), "a unit was started before one that had its turn")?;
        self.entries[index].flying = true;
        let host = &mut self.hosts[self.plan.units[index].host];
        host.batch += 1;
        Ok(())
    }

    fn enqueues(&mut self, index: usize) -> Result<(), Broken> {
        if self.entries[index].waits() {
            rule(!self.plan.limits.before, "a unit was enqueued without its before-hook")?;
            self.starts(index)?;
        } else {
            rule(self.entries[index].before_ok, "a unit was enqueued whose before-hook had not succeeded")?;
        }
        rule(!self.is_cut(index), "a unit was enqueued on a host that cannot be reached")?;
        rule(!self.entries[index].enqueuing, "a unit was enqueued twice")?;
        self.entries[index].enqueuing = true;
        Ok(())
    }

    fn run(&mut self, index: usize, hook: Hook) {
        self.entries[index].running = Some(hook);
    }

    fn hook(&mut self, index: usize, hook: Hook) -> Result<(), Broken> {
        let (entry, limits) = (&self.entries[index], &self.plan.limits);
        let due = match hook {
            Hook::Before => false,
            Hook::Check => {
                limits.check && entry.is_sound() && entry.ready.is_some() && entry.may_check(limits, self.now)
            }
            Hook::After => limits.after && !entry.after_begun && self.has_soaked(index),
            Hook::OnFail => limits.on_fail && entry.known && !entry.ended() && entry.running.is_none(),
        };
        rule(due, "a hook was run that was not due")?;
        self.entries[index].after_begun |= hook == Hook::After;
        self.run(index, hook);
        Ok(())
    }

    fn diagnoses(&mut self, event: Event, index: usize, why: Why) -> Result<(), Broken> {
        let (entry, limits) = (&self.entries[index], &self.plan.limits);
        let named = match event {
            Event::Failed(named) | Event::Broke(named) => named == index,
            _ => false,
        };
        let due = match why {
            Why::Judged => entry.doomed && named,
            Why::Hook(hook) => entry.doomed && event == (Event::HookEnded { index, hook, ok: false }),
            Why::ReadyTimeout => entry.is_late(limits, self.now) && entry.ready.is_none(),
            Why::CheckTimeout => entry.is_late(limits, self.now) && entry.ready.is_some(),
            Why::Deadline => self.is_deadline_over(),
            Why::Unreachable => self.hosts[self.plan.units[index].host].gone,
        };
        rule(due && entry.flying && entry.diagnosed.is_none(), "a unit failed for no reason")?;
        self.entries[index].fail(why);
        self.failures += 1;
        Ok(())
    }

    fn succeeds(&mut self, index: usize) -> Result<(), Broken> {
        let after = !self.plan.limits.after || self.entries[index].after_ok;
        rule(after && self.has_soaked(index), "a unit succeeded that had more to do")?;
        self.entries[index].health = Health::Active;
        self.entries[index].end(Final::Ok);
        self.landed(index);
        Ok(())
    }

    fn fails(&mut self, index: usize) -> Result<(), Broken> {
        let entry = &self.entries[index];
        let told = entry.known && (!self.plan.limits.on_fail || entry.on_fail_ended);
        rule(told && entry.flying, "a failure was told before it was known, or twice")?;
        self.entries[index].end(Final::Failed);
        self.landed(index);
        Ok(())
    }

    fn asks(&mut self, index: usize) -> Result<(), Broken> {
        let due = self.is_exceeded() && self.plan.limits.ask && self.asked.is_none() && !self.is_stopped();
        let failed = self.entries[index].outcome() == Final::Failed;
        rule(due && failed && !self.entries[index].asked, "a question was asked that was not due")?;
        self.entries[index].asked = true;
        self.asked = Some(index);
        Ok(())
    }

    fn landed(&mut self, index: usize) {
        let host = self.plan.units[index].host;
        if self.flying(host) == 0 {
            (self.hosts[host].batch, self.hosts[host].emptied) = (0, Some(self.now));
        }
    }

    /// Compares the machine's own account of the end with what was seen.
    pub(super) fn audit(&self, index: usize, told: Final, phase_ended: bool) -> Result<(), Broken> {
        let seen = self.entries[index].outcome();
        let agree = told == seen && phase_ended != (seen == Final::Left || seen == Final::NotAttempted);
        rule(agree, &format!("unit {index} is said to be {told:?} and was seen to be {seen:?}"))
    }

    /// Compares the reason that the machine gives with what was seen.
    pub(super) fn audit_stop(&self, stop: Option<Stop>) -> Result<(), Broken> {
        let left = self.entries.iter().any(Entry::waits);
        let seen = match stop {
            None => !left,
            Some(Stop::Budget { failed }) => {
                failed == self.failures && (self.refused || (self.is_exceeded() && !self.plan.limits.ask))
            }
            Some(Stop::Interrupted) => self.interrupted || self.abandoned,
            Some(Stop::Deadline) => self.is_deadline_over(),
            Some(Stop::Denied) => self.denied,
            Some(Stop::Unreachable) => self.hosts.iter().any(|host| host.gone),
            Some(Stop::Availability) => self.plan.limits.min_available.is_some() && !self.is_stopped(),
        };
        rule(seen && (left || stop.is_none()), &format!("{stop:?} is not why it stopped"))
    }
}

fn rule(kept: bool, broken: &str) -> Result<(), Broken> {
    if kept { Ok(()) } else { Err(broken.to_owned()) }
}
