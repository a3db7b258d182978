//! The units as they really are, whoever looks: jobs go on without a driver, as they do in PID 1.

use std::time::{Duration, Instant};

use super::chance::Chance;
use super::scenario::Scenario;
use crate::restart::rollout::Health;

/// A restart in the manager's hands.
#[derive(Debug, Clone, Copy)]
struct Job {
    /// When the old start has ended, and the new one begins.
    begins: Instant,
    ends: Instant,
    ok: bool,
    begun: bool,
}

/// One unit.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) health: Health,
    /// New with each start, whoever asked for it.
    pub(super) invocation: u64,
    /// Starts that were ours.
    pub(super) restarts: u32,
    job: Option<Job>,
}

/// All units.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) units: Vec<Unit>,
}

impl World {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let unit = |health| Unit { health, invocation: 1, restarts: 0, job: None };
        Self { units: scenario.plan.units.iter().map(|planned| unit(planned.health)).collect() }
    }

    /// Takes a restart in, and gives the time of its end.
    pub(super) fn restart(
        &mut self,
        index: usize,
        now: Instant,
        ok: bool,
        lasts: Duration,
        c: &mut Chance,
    ) -> Instant {
        let unit = &mut self.units[index];
        let begins = now + c.time();
        let ends = begins + lasts;
        unit.job = Some(Job { begins, ends, ok, begun: false });
        unit.health = Health::Moving;
        ends
    }

    /// When the unit's job ends, if it has one.
    pub(super) fn job_ends(&self, index: usize) -> Option<Instant> {
        self.units[index].job.map(|job| job.ends)
    }

    /// Lets time pass.
    pub(super) fn advance(&mut self, now: Instant) {
        for unit in &mut self.units {
            unit.advance(now);
        }
    }

    /// A unit changes by itself; what has a job does what the job does.
    pub(super) fn flap(&mut self, index: usize, health: Health) {
        let unit = &mut self.units[index];
        if unit.job.is_some() || unit.health == health {
            return;
        }
        if health == Health::Active {
            unit.invocation += 1;
        }
        unit.health = health;
    }

    /// What was about to change by itself has changed.
    pub(super) fn settle(&mut self) {
        for index in 0..self.units.len() {
            if self.units[index].health == Health::Moving {
                self.flap(index, Health::Active);
            }
        }
    }
}

impl Unit {
    fn advance(&mut self, now: Instant) {
        let Some(job) = &mut self.job else {
            return;
        };
        if job.begins <= now && !job.begun {
            job.begun = true;
            self.invocation += 1;
            self.restarts += 1;
        }
        if job.ends <= now {
            self.health = if job.ok { Health::Active } else { Health::Down };
            self.job = None;
        }
    }
}
