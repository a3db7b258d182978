//! The rules: what forbids a start, what is owed after a step, and when a run is done.

use super::{Book, Broken, rule};
use crate::restart::rollout::Health;

impl Book {
    /// Why this unit, which waits, may not start now.
    pub(super) fn forbids(&self, index: usize) -> Option<&'static str> {
        let (host, limits) = (self.plan.units[index].host, &self.plan.limits);
        let wide = limits.max_parallel[host].max(1);
        let batch_is_full = !limits.stagger.is_zero() && self.hosts[host].batch >= wide;
        let reasons: [(&dyn Fn() -> bool, _); 9] = [
            (&|| self.begun.is_none(), "the run had not begun"),
            (&|| self.is_stopped(), "the run had been stopped"),
            (&|| self.is_exceeded(), "more had failed than allowed"),
            (&|| self.is_cut(index), "its host could not be reached"),
            (&|| batch_is_full, "the batch was full"),
            (&|| self.flying(host) >= wide, "as many as allowed were in flight"),
            (&|| self.is_resting(host), "the time between batches was not over"),
            (&|| !self.may_follow_canaries(index), "the canaries had not ended"),
            (&|| !self.is_spared(index), "too few others were active"),
        ];
        reasons.into_iter().find(|(holds, _)| holds()).map(|(_, reason)| reason)
    }

    /// For good, and not by the budget of a run that asks.
    pub(super) fn is_stopped(&self) -> bool {
        let spent = self.is_exceeded() && !self.plan.limits.ask;
        self.interrupted || self.abandoned || self.denied || self.refused || spent || self.is_deadline_over()
    }

    pub(super) fn is_exceeded(&self) -> bool {
        self.failures > self.plan.limits.max_failures + self.forgiven
    }

    pub(super) fn is_deadline_over(&self) -> bool {
        let deadline = self.begun.zip(self.plan.limits.deadline);
        deadline.is_some_and(|(begun, deadline)| self.now >= begun + deadline)
    }

    pub(super) fn is_cut(&self, index: usize) -> bool {
        let host = &self.hosts[self.plan.units[index].host];
        host.lost || host.gone
    }

    pub(super) fn flying(&self, host: usize) -> usize {
        let there = self.entries.iter().zip(&self.plan.units).filter(|(_, planned)| planned.host == host);
        there.filter(|(entry, _)| entry.flying).count()
    }

    fn is_resting(&self, host: usize) -> bool {
        let until = self.hosts[host].emptied.map(|emptied| emptied + self.plan.limits.stagger);
        self.flying(host) == 0 && until.is_some_and(|until| self.now < until)
    }

    fn may_follow_canaries(&self, index: usize) -> bool {
        let canary = self.plan.limits.canary;
        index < canary || !self.entries.iter().take(canary).any(|entry| entry.waits() || entry.flying)
    }

    /// Whether enough would be active without it.
    fn is_spared(&self, index: usize) -> bool {
        let Some(wanted) = self.plan.limits.min_available else {
            return true;
        };
        let idle =
            self.entries.iter().filter(|entry| !entry.flying && entry.health == Health::Active).count();
        self.entries[index].health != Health::Active || idle > wanted
    }

    pub(super) fn has_passed_its_check(&self, index: usize) -> bool {
        let entry = &self.entries[index];
        entry.is_sound() && entry.passed.is_some()
    }

    /// Ready, checked, and quiet for as long as it has to be, on a host that can be seen.
    pub(super) fn has_soaked(&self, index: usize) -> bool {
        let until = self.entries[index].passed.map(|passed| passed + self.plan.limits.min_ready);
        self.has_passed_its_check(index)
            && until.is_some_and(|until| self.now >= until)
            && !self.is_cut(index)
    }

    /// After a step, nothing may be left that should have been done in it.
    pub(super) fn nothing_is_owed(&self) -> Result<(), Broken> {
        for index in 0..self.entries.len() {
            if let Some(owed) = self.owed(index).filter(|_| !self.ended) {
                return Err(format!("unit {index}: {owed}"));
            }
        }
        let done = self.abandoned || self.is_done();
        rule(self.ended == done, "nothing was left to wait for, and it did not end")
    }

    fn owed(&self, index: usize) -> Option<&'static str> {
        let (entry, limits) = (&self.entries[index], &self.plan.limits);
        if entry.waits() {
            return self.forbids(index).is_none().then_some("it might have started");
        }
        if !entry.flying {
            return None;
        }
        if entry.diagnosed.is_some() {
            return (entry.known && entry.running.is_none()).then_some("all about its failure is known");
        }
        let checking = limits.check && entry.ready.is_some() && entry.may_check(limits, self.now);
        let soaked = self.has_soaked(index) && (entry.after_ok || !entry.after_begun);
        let due = [
            (entry.doomed, "it has failed"),
            (entry.is_late(limits, self.now), "its time is over"),
            (self.is_deadline_over(), "the deadline has passed"),
            (self.hosts[self.plan.units[index].host].gone, "its host was given up"),
            (entry.before_ok && !entry.enqueuing && !self.is_cut(index), "it might have been enqueued"),
            (checking, "its check might have run"),
            (soaked, "its soak is over"),
        ];
        due.into_iter().find(|(holds, _)| *holds).map(|(_, owed)| owed)
    }

    /// Whether the run is over: nothing in flight, and nothing to wait for.
    pub(super) fn is_done(&self) -> bool {
        if self.entries.iter().any(|entry| entry.flying) {
            return false;
        }
        let gone = |index: usize| self.hosts[self.plan.units[index].host].gone;
        let left = || (0..self.entries.len()).filter(|&index| self.entries[index].waits() && !gone(index));
        if self.is_stopped() || (self.begun.is_some() && left().count() == 0) {
            return true;
        }
        let resting = left().any(|index| self.is_resting(self.plan.units[index].host));
        let lost = self.hosts.iter().any(|host| host.lost && !host.gone);
        if self.begun.is_none() || self.is_exceeded() || lost || resting {
            return false;
        }
        if left().any(|index| self.forbids(index).is_none()) {
            return false;
        }
        let moving = (0..self.entries.len()).any(|i| self.entries[i].health == Health::Moving && !gone(i));
        !(moving && left().any(|index| self.may_follow_canaries(index)))
    }
}
