//! One run: a driver that has no manager, but a world made of chance. It answers every action, loses links and gets
//! them back, lets units change by themselves, and says many things that have no place.

mod manager;
mod noise;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::book::{Book, Broken};
use super::chance::Chance;
use super::lines::Lines;
use super::log::Log;
use super::scenario::Scenario;
use super::world::World;
use crate::restart::report::Hook;
use crate::restart::rollout::{Action, Event, Health, Phase, Plan, Rollout};

/// More than any run takes; a machine that goes round in circles reaches it.
const MOST_STEPS: usize = 20_000;

/// Something that will happen.
#[derive(Debug, Clone, Copy)]
enum Thing {
    HookEnds {
        index: usize,
        hook: Hook,
    },
    /// The manager's answer to the enqueuing.
    Reply {
        index: usize,
        answer: Answer,
    },
    /// The job of a unit is at its end.
    JobEnds(usize),
    Diagnosed(usize),
    Flap {
        index: usize,
        health: Health,
    },
    Cut(usize),
    Back(usize),
    Answered,
    Interrupt,
    Leave,
    Noise,
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Taken,
    Refused,
    Denied,
}

/// A run in progress.
pub(super) struct Play<'a> {
    scenario: &'a Scenario,
    chance: &'a mut Chance,
    world: &'a mut World,
    /// Which units of the world the plan has.
    members: Vec<usize>,
    rollout: Rollout,
    book: Book,
    lines: Option<Lines>,
    log: &'a mut Log,
    things: BTreeMap<(Instant, usize), Thing>,
    things_so_far: usize,
    lost: Vec<bool>,
    /// How each member is as the machine was told.
    told: Vec<Health>,
    /// Members that were found not to be as they were, while they should have been.
    broken: Vec<bool>,
    /// Members whose job the manager has taken in this run.
    taken: Vec<bool>,
    killed: bool,
    /// Whether the last step had any consequence.
    acted: bool,
    began: Instant,
    now: Instant,
    pub(super) steps: usize,
}

impl<'a> Play<'a> {
    /// A run over these members of the world.
    pub(super) fn new(
        scenario: &'a Scenario,
        members: Vec<usize>,
        world: &'a mut World,
        chance: &'a mut Chance,
        log: &'a mut Log,
        now: Instant,
    ) -> Self {
        let planned = |&member: &usize| {
            let mut planned = scenario.plan.units[member];
            planned.health = world.units[member].health;
            planned
        };
        let units: Vec<_> = members.iter().map(planned).collect();
        let told = units.iter().map(|planned| planned.health).collect();
        let plan = Plan { units, ..scenario.plan.clone() };
        log.write(format_args!("{plan:?}"));
        let (count, hosts) = (members.len(), plan.hosts);
        Self {
            lines: chance.percent(5).then(|| Lines::new(count, now)),
            rollout: Rollout::new(plan.clone()),
            book: Book::new(plan, now),
            scenario,
            chance,
            world,
            members,
            log,
            things: BTreeMap::new(),
            things_so_far: 0,
            lost: vec![false; hosts],
            told,
            broken: vec![false; count],
            taken: vec![false; count],
            killed: false,
            acted: false,
            began: now,
            now,
            steps: 0,
        }
    }

    /// Plays it to its end, and gives the time of that.
    pub(super) fn play(&mut self) -> Result<Instant, Broken> {
        self.foresee();
        if self.chance.percent(self.scenario.interrupts / 10) {
            self.step(Event::Interrupted)?;
        }
        if !self.rollout.is_over() {
            self.step(Event::Begin)?;
        }
        while !self.rollout.is_over() && !self.killed {
            self.go_on()?;
        }
        if !self.killed {
            self.audit()?;
        }
        Ok(self.now)
    }

    /// What happens at random, from the beginning.
    fn foresee(&mut self) {
        for index in 0..self.members.len() {
            if let Some(ends) = self.world.job_ends(self.members[index]) {
                self.at(ends, Thing::JobEnds(index));
            } else if self.told[index] == Health::Moving {
                let health = self.chance.pick(&[Health::Active, Health::Down]);
                self.later(Thing::Flap { index, health });
            }
            if self.chance.percent(self.scenario.flapping) {
                let health = self.chance.pick(&[Health::Active, Health::Moving, Health::Down]);
                self.much_later(Thing::Flap { index, health });
            }
        }
        for host in 0..self.lost.len() {
            if self.chance.percent(self.scenario.cuts) {
                self.much_later(Thing::Cut(host));
            }
        }
        if self.chance.percent(self.scenario.interrupts) {
            self.much_later(Thing::Interrupt);
        }
        if self.chance.percent(self.scenario.leaves) && self.scenario.interrupts > 0 {
            self.much_later(Thing::Leave);
        }
        for _ in 0..self.chance.below(6) {
            self.much_later(Thing::Noise);
        }
    }

    /// Lets the next thing happen, or the clock do its part, which may be late.
    fn go_on(&mut self) -> Result<(), Broken> {
        let late = if self.chance.percent(10) { self.chance.time() } else { Duration::ZERO };
        let wake = self.rollout.next_wake().map(|wake| wake.max(self.now) + late);
        let thing = self.things.keys().next().copied();
        let first = thing.map(|(at, _)| at).into_iter().chain(wake).min();
        self.now = first.ok_or("it waits for nothing that will ever happen")?;
        self.world.advance(self.now);
        match thing
            .filter(|(at, _)| wake.is_none_or(|wake| *at < wake || (*at == wake && self.chance.percent(50))))
        {
            Some(key) => {
                let thing = self.things.remove(&key).unwrap();
                self.happen(thing)
            }
            None => self.step(Event::Tick),
        }
    }

    fn happen(&mut self, thing: Thing) -> Result<(), Broken> {
        match thing {
            Thing::HookEnds { index, hook } => {
                let ok = !self.chance.percent(self.scenario.bad_hooks);
                self.step(Event::HookEnded { index, hook, ok })
            }
            Thing::Reply { index, answer } => self.reply(index, answer),
            Thing::JobEnds(index) => self.job_ends(index),
            Thing::Diagnosed(index) => self.step(Event::Diagnosed(index)),
            Thing::Flap { index, health } => self.flap(index, health),
            Thing::Cut(host) => self.cut(host),
            Thing::Back(host) => self.back(host),
            Thing::Answered => {
                let go_on = self.chance.percent(self.scenario.forgiving);
                self.step(Event::Answered { go_on })
            }
            Thing::Interrupt => self.step(Event::Interrupted),
            Thing::Leave if self.chance.percent(50) => self.step(Event::Abandoned),
            Thing::Leave => {
                self.killed = true;
                Ok(())
            }
            Thing::Noise => self.noise(),
        }
    }

    /// One step of the machine, under the bookkeeper's eyes.
    fn step(&mut self, event: Event) -> Result<(), Broken> {
        self.steps += 1;
        let actions = self.rollout.step(event, self.now);
        let time = self.now.saturating_duration_since(self.began);
        self.log.write(format_args!("{time:>9.3?}  {event:?} -> {actions:?}"));
        self.acted = !actions.is_empty();
        self.book.check(event, &actions, self.now)?;
        if let Some(lines) = &mut self.lines {
            lines.tell(event, &actions, &self.rollout, self.now);
        }
        if self.steps > MOST_STEPS {
            return Err("it does not come to an end".to_owned());
        }
        for action in actions {
            self.perform(action);
        }
        Ok(())
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Hook(index, hook) => self.run(index, hook),
            Action::Enqueue(index) => self.enqueue(index),
            Action::Diagnose(index, _) => self.later(Thing::Diagnosed(index)),
            Action::Ask(_) => self.later(Thing::Answered),
            Action::Soak(..) | Action::Succeeded(_) | Action::Failed(_) => {
                if let Action::Soak(index, _) = action
                    && self.chance.percent(self.scenario.trouble)
                {
                    let health = self.chance.pick(&[Health::Moving, Health::Down]);
                    self.later(Thing::Flap { index, health });
                }
            }
            Action::End => {}
        }
    }

    /// A hook that never ends is only for a run that has a way out of it.
    fn run(&mut self, index: usize, hook: Hook) {
        let limits = &self.scenario.plan.limits;
        let bounded = limits.deadline.is_some() || (hook == Hook::Check && limits.ready_timeout.is_some());
        if hook != Hook::OnFail && bounded && self.chance.percent(self.scenario.bad_hooks / 3) {
            return;
        }
        self.later(Thing::HookEnds { index, hook });
    }

    fn later(&mut self, thing: Thing) {
        let time = self.chance.time();
        self.at(self.now + time, thing);
    }

    fn much_later(&mut self, thing: Thing) {
        let time = self.chance.time() * u32::try_from(self.chance.between(1, 8)).unwrap();
        self.at(self.now + time, thing);
    }

    fn at(&mut self, at: Instant, thing: Thing) {
        self.things_so_far += 1;
        self.things.insert((at, self.things_so_far), thing);
    }

    /// What the machine says of itself at its end, against what was seen of it.
    fn audit(&mut self) -> Result<(), Broken> {
        for index in 0..self.members.len() {
            let ended = matches!(self.rollout.phase(index), Phase::Ok | Phase::Failed);
            self.book.audit(index, self.rollout.outcome(index), ended)?;
            let (then, later) = (self.now, self.now + Duration::from_secs(9));
            if self.rollout.elapsed(index, then) != self.rollout.elapsed(index, later) {
                return Err(format!("the time of unit {index} goes on after the end"));
            }
        }
        self.book.audit_stop(self.rollout.stopped())?;
        if self.rollout.next_wake().is_some() {
            return Err("it wants to be woken after its end".to_owned());
        }
        for _ in 0..3 {
            self.noise()?;
        }
        self.lines.take().map_or(Ok(()), |lines| lines.check(&self.rollout))
    }
}
