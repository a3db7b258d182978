//! What the bookkeeper has seen of one unit.

use std::time::{Duration, Instant};

use crate::restart::report::Hook;
use crate::restart::rollout::{Final, Health, Limits, Planned, Why};

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) health: Health,
    start_timeout: Option<Duration>,
    pub(super) flying: bool,
    pub(super) before_ok: bool,
    pub(super) enqueuing: bool,
    pub(super) since: Option<Instant>,
    pub(super) ready: Option<Instant>,
    /// The hook that runs.
    pub(super) running: Option<Hook>,
    /// When a run of the check failed.
    check_failed: Option<Instant>,
    /// When its check succeeded, or it became ready without one.
    pub(super) passed: Option<Instant>,
    pub(super) after_begun: bool,
    pub(super) after_ok: bool,
    /// It was told that this unit is not well, and has to say so.
    pub(super) doomed: bool,
    pub(super) diagnosed: Option<Why>,
    /// All about its failure has been read.
    pub(super) known: bool,
    pub(super) on_fail_ended: bool,
    pub(super) asked: bool,
    ended: Option<Final>,
}

impl Entry {
    pub(super) fn new(planned: &Planned) -> Self {
        Self {
            health: planned.health,
            start_timeout: planned.start_timeout,
            flying: false,
            before_ok: false,
            enqueuing: false,
            since: None,
            ready: None,
            running: None,
            check_failed: None,
            passed: None,
            after_begun: false,
            after_ok: false,
            doomed: false,
            diagnosed: None,
            known: false,
            on_fail_ended: false,
            asked: false,
            ended: None,
        }
    }

    pub(super) fn waits(&self) -> bool {
        !self.flying && !matches!(self.ended, Some(Final::Ok | Final::Failed))
    }

    pub(super) fn ended(&self) -> bool {
        self.ended.is_some()
    }

    pub(super) fn outcome(&self) -> Final {
        self.ended.unwrap_or(if self.flying { Final::Left } else { Final::NotAttempted })
    }

    /// In flight, and nothing said against it.
    pub(super) fn is_sound(&self) -> bool {
        self.flying && self.diagnosed.is_none() && !self.doomed
    }

    pub(super) fn enqueued(&mut self, now: Instant, late: bool) {
        if self.is_sound() && self.enqueuing && self.since.is_none() && !late {
            (self.since, self.health) = (Some(now), Health::Down);
        }
    }

    pub(super) fn is_ready(&mut self, now: Instant, late: bool, limits: &Limits) {
        if self.is_sound()
            && self.since.is_some()
            && self.ready.is_none()
            && !late
            && !self.is_late(limits, now)
        {
            (self.ready, self.health) = (Some(now), Health::Active);
            self.passed = (!limits.check).then_some(now);
        }
    }

    pub(super) fn hook_ended(&mut self, hook: Hook, ok: bool, now: Instant, late: bool, limits: &Limits) {
        let in_time = !ok || hook == Hook::OnFail || !(late || self.is_late(limits, now));
        if self.running != Some(hook) || !in_time {
            return;
        }
        self.running = None;
        match (hook, ok) {
            (Hook::Before, true) => self.before_ok = true,
            (Hook::After, true) => self.after_ok = true,
            (Hook::Before | Hook::After, false) => self.doomed = true,
            (Hook::Check, true) => self.passed = Some(now),
            (Hook::Check, false) => self.check_failed = Some(now),
            (Hook::OnFail, _) => self.on_fail_ended = true,
        }
    }

    /// Whether the time to become ready, and to pass the check, is over.
    pub(super) fn is_late(&self, limits: &Limits, now: Instant) -> bool {
        let (Some(since), None) = (self.since, self.passed) else {
            return false;
        };
        if let Some(timeout) = limits.ready_timeout {
            return now >= since + timeout;
        }
        let (Some(timeout), Some(ready)) = (self.start_timeout, self.ready) else {
            return false;
        };
        now >= if ready >= since + timeout { ready + timeout } else { since + timeout }
    }

    /// Whether a run of the check may begin.
    pub(super) fn may_check(&self, limits: &Limits, now: Instant) -> bool {
        let rested = self.check_failed.is_none_or(|at| now >= at + limits.check_pause);
        self.passed.is_none() && self.running.is_none() && rested
    }

    pub(super) fn fail(&mut self, why: Why) {
        (self.diagnosed, self.running) = (Some(why), None);
    }

    pub(super) fn end(&mut self, how: Final) {
        (self.flying, self.ended) = (false, Some(how));
    }

    /// Whether that could be denied at all.
    pub(super) fn deny(&mut self) -> bool {
        let may = self.is_sound() && self.enqueuing && self.since.is_none();
        if may {
            (self.flying, self.ended) = (false, Some(Final::NotAttempted));
        }
        may
    }
}
