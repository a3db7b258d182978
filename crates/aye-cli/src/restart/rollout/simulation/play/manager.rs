//! The part of the driver that speaks with managers: it tells what they say while the link is up, and when it is up
//! again what it finds to have happened meanwhile.

use std::time::Duration;

use super::{Answer, Play, Thing};
use crate::restart::rollout::simulation::book::Broken;
use crate::restart::rollout::{Event, Health, Phase};

impl Play<'_> {
    fn host_of(&self, index: usize) -> usize {
        self.scenario.plan.units[self.members[index]].host
    }

    fn is_lost(&self, index: usize) -> bool {
        self.lost[self.host_of(index)]
    }

    /// The call may be answered, refused, or cut off with nobody knowing whether it arrived.
    pub(super) fn enqueue(&mut self, index: usize) {
        let denied = self.chance.percent(self.scenario.denial);
        let refused = self.chance.percent(self.scenario.trouble / 3);
        let cut = self.chance.percent(self.scenario.cuts / 8);
        if cut {
            self.at(self.now, Thing::Cut(self.host_of(index)));
        }
        if denied || refused {
            let answer = if denied { Answer::Denied } else { Answer::Refused };
            return self.later(Thing::Reply { index, answer });
        }
        if !(cut && self.chance.percent(50)) {
            self.accept(index);
        }
        self.later(Thing::Reply { index, answer: Answer::Taken });
    }

    fn accept(&mut self, index: usize) {
        let ok = !self.chance.percent(self.scenario.trouble);
        let limits = &self.scenario.plan.limits;
        let hangs = (limits.ready_timeout.is_some() || limits.deadline.is_some())
            && self.chance.percent(self.scenario.trouble / 3);
        let lasts = if hangs { Duration::from_secs(100_000) } else { self.chance.time() };
        let ends = self.world.restart(self.members[index], self.now, ok, lasts, self.chance);
        self.taken[index] = true;
        self.at(ends, Thing::JobEnds(index));
    }

    /// A reply that comes after the end of the job lets that end be told, too.
    pub(super) fn reply(&mut self, index: usize, answer: Answer) -> Result<(), Broken> {
        if self.is_lost(index) || self.rollout.phase(index) != Phase::Enqueuing {
            return Ok(());
        }
        match answer {
            Answer::Taken if !self.taken[index] => self.step(Event::Failed(index)),
            Answer::Taken => {
                self.step(Event::Enqueued(index))?;
                self.job_ends(index)
            }
            Answer::Refused => self.step(Event::Failed(index)),
            Answer::Denied => self.step(Event::Denied(index)),
        }
    }

    pub(super) fn job_ends(&mut self, index: usize) -> Result<(), Broken> {
        if self.is_lost(index) {
            return Ok(());
        }
        self.tell_health(index)?;
        if self.rollout.phase(index) != Phase::Starting || self.world.job_ends(self.members[index]).is_some()
        {
            return Ok(());
        }
        if self.told[index] == Health::Active {
            self.step(Event::Ready(index))
        } else {
            self.step(Event::Failed(index))
        }
    }

    fn tell_health(&mut self, index: usize) -> Result<(), Broken> {
        let health = self.world.units[self.members[index]].health;
        if self.told[index] == health {
            return Ok(());
        }
        self.told[index] = health;
        self.step(Event::Health { index, health })
    }

    /// A unit changes by itself, and some time later perhaps back.
    pub(super) fn flap(&mut self, index: usize, health: Health) -> Result<(), Broken> {
        let before = self.world.units[self.members[index]].clone();
        self.world.flap(self.members[index], health);
        let after = &self.world.units[self.members[index]];
        if after.health == before.health {
            return Ok(());
        }
        if before.health == Health::Active {
            self.broken[index] = true;
        }
        if after.health == Health::Moving {
            let health = self.chance.pick(&[Health::Active, Health::Active, Health::Down]);
            self.later(Thing::Flap { index, health });
        }
        if self.is_lost(index) {
            return Ok(());
        }
        self.tell_health(index)?;
        self.tell_broken(index)
    }

    fn tell_broken(&mut self, index: usize) -> Result<(), Broken> {
        let watched = matches!(self.rollout.phase(index), Phase::Checking | Phase::Soaking | Phase::After);
        if std::mem::take(&mut self.broken[index]) && watched {
            self.step(Event::Broke(index))
        } else {
            Ok(())
        }
    }

    pub(super) fn cut(&mut self, host: usize) -> Result<(), Broken> {
        if std::mem::replace(&mut self.lost[host], true) {
            return Ok(());
        }
        self.later(Thing::Back(host));
        self.step(Event::Lost { host })
    }

    /// The link is back, or will not be: what was in flight there is judged by what it is now.
    pub(super) fn back(&mut self, host: usize) -> Result<(), Broken> {
        if self.chance.percent(self.scenario.gone) {
            // Nothing is heard from there any more; what is lost stays lost.
            return self.step(Event::GivenUp { host });
        }
        self.lost[host] = false;
        for index in 0..self.members.len() {
            if self.host_of(index) == host {
                self.judge(index)?;
            }
        }
        if self.chance.percent(20) {
            let again = self.chance.time();
            self.at(self.now + again, Thing::Cut(host));
        }
        self.step(Event::Regained { host })
    }

    fn judge(&mut self, index: usize) -> Result<(), Broken> {
        self.tell_health(index)?;
        if self.rollout.phase(index) == Phase::Enqueuing {
            let event = if self.taken[index] { Event::Enqueued(index) } else { Event::Failed(index) };
            self.step(event)?;
        }
        self.job_ends(index)?;
        self.tell_broken(index)
    }
}
