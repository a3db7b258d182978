//! Which unit may start, what has to be asked first, and when the run is over.

use super::host::Link;
use super::plan::Health;
use super::{Action, Phase, Rollout, Stop};

/// What will become of a run in which nothing happens now.
enum Outlook {
    /// Something is still to come: an answer, a link, the clock, a unit on its way.
    Waits,
    Done,
    /// Units are left, and nothing will let them go.
    Stuck(Stop),
}

impl Rollout {
    /// Does whatever may be done now.
    pub(super) fn proceed(&mut self) {
        while let Some(index) = self.next() {
            self.start(index);
        }
        self.ask();
        if !self.over && self.flight.is_empty() {
            match self.outlook() {
                Outlook::Waits => {}
                Outlook::Done => self.end(),
                Outlook::Stuck(stop) => {
                    self.halt(stop);
                    self.end();
                }
            }
        }
    }

    fn next(&self) -> Option<usize> {
        let may = self.begun && !self.over && self.halt.is_none() && !self.is_exceeded();
        let first = || self.queue.first(self.may_miss_one());
        may.then(first).flatten().filter(|&index| self.is_its_turn(index))
    }

    /// Whether an active unit may be taken away.
    fn may_miss_one(&self) -> bool {
        self.limits.min_available.is_none_or(|wanted| self.available > wanted)
    }

    /// Canaries go first, and the others when all of those have ended.
    fn is_its_turn(&self, index: usize) -> bool {
        index < self.limits.canary || self.canaries_left == 0
    }

    pub(super) fn is_exceeded(&self) -> bool {
        self.failures - self.forgiven > self.limits.max_failures
    }

    /// One question at a time, and none when the answer would change nothing.
    fn ask(&mut self) {
        if self.asking.is_none() && self.halt.is_none() && self.is_anybody_left() {
            self.asking = self.questions.pop_front();
            self.actions.extend(self.asking.map(Action::Ask));
        }
    }

    pub(super) fn answered(&mut self, go_on: bool) {
        if self.asking.take().is_none() {
            return;
        }
        if go_on {
            self.forgiven += 1;
        } else {
            self.halt(Stop::Budget { failed: self.failures });
        }
    }

    /// What will become of a run with nothing in flight and nothing that may start.
    fn outlook(&self) -> Outlook {
        if self.halt.is_some() {
            return Outlook::Done;
        }
        if !self.begun {
            return Outlook::Waits;
        }
        if !self.is_anybody_left() {
            let all_done = self.queue.waiting() == 0;
            return if all_done { Outlook::Done } else { Outlook::Stuck(Stop::Unreachable) };
        }
        let awaited = |host: usize| match self.hosts[host].link {
            Link::Up => self.hosts[host].is_resting() && self.queue.has(host),
            Link::Lost => true,
            Link::Gone => false,
        };
        if self.is_exceeded() || (0..self.hosts.len()).any(awaited) {
            return Outlook::Waits;
        }
        // What may go but for the availability; another canary that nobody can reach blocks all others.
        let unavailable = self.queue.first(true).is_some_and(|index| self.is_its_turn(index));
        let moving = self.hosts.iter().any(|host| host.link != Link::Gone && host.moving > 0);
        match (unavailable, moving) {
            (true, true) => Outlook::Waits,
            (true, false) => Outlook::Stuck(Stop::Availability),
            (false, _) => Outlook::Stuck(Stop::Unreachable),
        }
    }

    /// Whether any unit waits on a host that is not given up.
    fn is_anybody_left(&self) -> bool {
        (0..self.hosts.len()).any(|host| self.hosts[host].link != Link::Gone && self.queue.has(host))
    }

    /// Nothing new starts from here on; the first reason stands.
    pub(super) fn halt(&mut self, stop: Stop) {
        self.halt.get_or_insert(stop);
    }

    pub(super) fn end(&mut self) {
        self.over = true;
        self.actions.push(Action::End);
    }

    /// Counts a unit, or no longer, among those that are not in flight.
    pub(super) fn census(&mut self, index: usize, counts: bool) {
        let unit = &self.units[index];
        let count = match unit.health {
            Health::Active => &mut self.available,
            Health::Moving => &mut self.hosts[unit.host].moving,
            Health::Down => return,
        };
        if counts { *count += 1 } else { *count -= 1 }
    }

    pub(super) fn health(&mut self, index: usize, health: Health) {
        let (host, phase) = (self.units[index].host, self.units[index].phase);
        if phase.is_in_flight() {
            self.units[index].health = health;
            return;
        }
        self.census(index, false);
        self.units[index].health = health;
        self.census(index, true);
        if phase == Phase::Waiting {
            self.queue.remove(index, host);
            self.queue.add(index, host, health == Health::Active);
        }
    }

    /// Opens or closes a host's queue, by what has become of the host.
    pub(super) fn refresh(&mut self, host: usize) {
        self.queue.set_open(host, self.hosts[host].is_open());
    }
}
