//! What comes back to the driver, and what it means for the rollout: signals, answers to calls, ends of hooks, links lost and
//! regained.

use std::time::Duration;

use aye_bus::{Change, Error, JobResult, OwnedObjectPath, Signal, Unit, Verdict};

use super::super::report::{Failure, Happening, Hook, HookEnd};
use super::super::rollout::{Event, Phase};
use super::super::select::health;
use super::Run;
use super::site::{Back, Link};

/// Something that has happened.
pub(super) enum Input {
    Signal {
        site: usize,
        signal: Signal,
    },
    /// The link of that number has ended.
    Lost {
        site: usize,
        epoch: usize,
        error: Error,
    },
    /// It was made again, or could not be.
    Back {
        site: usize,
        epoch: usize,
        outcome: Result<Back, Error>,
    },
    /// The units of a site, after its link came back.
    Reread {
        site: usize,
        epoch: usize,
        units: Result<Vec<Unit>, Error>,
    },
    /// The answer to an enqueuing call.
    Enqueued {
        index: usize,
        epoch: usize,
        outcome: Result<OwnedObjectPath, Error>,
    },
    /// The unit after its job has ended with `result`.
    Settled {
        index: usize,
        epoch: usize,
        result: JobResult,
        outcome: Result<Unit, Error>,
    },
    /// The unit that seems to have broken.
    Confirmed {
        index: usize,
        epoch: usize,
        outcome: Result<Unit, Error>,
    },
    Diagnosed {
        index: usize,
        failure: Failure,
    },
    HookEnded {
        index: usize,
        end: HookEnd,
    },
    Answered(bool),
}

impl Run<'_> {
    pub(super) fn take(&mut self, input: Input) {
        match input {
            Input::Signal { site, signal } => self.signal(site, signal),
            Input::Lost { site, epoch, error } => self.lost(site, epoch, &error),
            Input::Back { site, epoch, outcome } => self.back(site, epoch, outcome),
            Input::Reread { site, epoch, units } => {
                self.reread(site, epoch, units);
                self.answered();
            }
            Input::Enqueued { index, epoch, outcome } => self.enqueued(index, epoch, outcome),
            Input::Settled { index, epoch, result, outcome } => self.settled(index, epoch, &result, outcome),
            Input::Confirmed { index, epoch, outcome } => self.confirmed(index, epoch, outcome),
            Input::Diagnosed { index, failure } => self.diagnosed(index, &failure),
            Input::HookEnded { index, end } => self.hook_ended(index, end),
            Input::Answered(go_on) => {
                self.reporter.tell(&Happening::Answered { go_on });
                self.step(Event::Answered { go_on });
            }
        }
    }

    fn signal(&mut self, site: usize, signal: Signal) {
        match signal {
            Signal::JobRemoved { job, result } => self.removed((site, job), result),
            Signal::Changed { unit, change } => {
                if let Some(&index) = self.by_path.get(&(site, unit)) {
                    self.changed(index, change);
                }
            }
            _ => {}
        }
    }

    fn removed(&mut self, job: (usize, OwnedObjectPath), result: JobResult) {
        match self.by_job.remove(&job) {
            Some(index) => self.settle(index, result),
            None if self.unanswered > 0 => {
                self.early.insert(job, result);
            }
            None => {}
        }
    }

    fn changed(&mut self, index: usize, change: Change) {
        let phase = self.rollout.phase(index);
        let member = &mut self.members[index];
        let (was, healthy) = (member.latest.active, health(&member.latest));
        member.apply(&change, !matches!(phase, Phase::Waiting | Phase::Before));
        let (state, healthy_now) = (member.latest.active, health(&member.latest));
        let news = member.news(change);
        let suspect = phase.may_break() && member.is_suspect();
        if healthy_now != healthy {
            self.step(Event::Health { index, health: healthy_now });
        }
        if phase.is_in_flight() && phase != Phase::Before {
            let elapsed = self.elapsed(index);
            if state != was {
                self.reporter.tell(&Happening::State { index, elapsed, state });
            }
            if let Some(text) = news {
                self.reporter.tell(&Happening::Status { index, elapsed, text: &text });
            }
        }
        if suspect {
            self.confirm(index);
        }
    }

    fn enqueued(&mut self, index: usize, epoch: usize, outcome: Result<OwnedObjectPath, Error>) {
        match outcome {
            Ok(job) => self.follow(index, job),
            Err(Error::Refused { message, .. }) => self.fail(index, message),
            Err(error @ Error::Denied { .. }) => {
                self.denied.get_or_insert(error);
                self.step(Event::Denied(index));
            }
            // Lost in the middle, the job may be enqueued: what became of it is seen when the link is back.
            Err(error @ Error::Lost { .. }) => self.lost(self.members[index].site, epoch, &error),
            Err(error) => self.fail(index, error.to_string()),
        }
        self.answered();
    }

    fn answered(&mut self) {
        self.unanswered -= 1;
        if self.unanswered == 0 {
            self.early.clear();
        }
    }

    /// Our job is enqueued; it may even have ended.
    fn follow(&mut self, index: usize, job: OwnedObjectPath) {
        // What a lost link has answered already, its successor has told better.
        if self.rollout.phase(index) != Phase::Enqueuing {
            return;
        }
        let key = (self.members[index].site, job);
        self.begun(index);
        self.await_end(index, key);
    }

    /// Its end may have been told already.
    fn await_end(&mut self, index: usize, job: (usize, OwnedObjectPath)) {
        if let Some(result) = self.early.remove(&job) {
            self.settle(index, result);
        } else {
            self.by_job.insert(job, index);
        }
    }

    fn begun(&mut self, index: usize) {
        let enqueued = Duration::from_micros(aye::monotonic_usec());
        self.members[index].touched = true;
        self.step(Event::Enqueued(index));
        self.reporter.tell(&Happening::Start { index, enqueued });
    }

    /// The job has ended: look at the unit, and believe only that.
    fn settle(&mut self, index: usize, result: JobResult) {
        match self.members[index].proof(&result) {
            Some(_) => self.ready(index),
            None => self.read(index, move |epoch, outcome| Input::Settled { index, epoch, result, outcome }),
        }
    }

    fn settled(&mut self, index: usize, epoch: usize, result: &JobResult, outcome: Result<Unit, Error>) {
        match outcome {
            Ok(after) => match self.members[index].judge(after, result) {
                Verdict::Ready => self.ready(index),
                Verdict::Failed(reason) => self.fail(index, reason),
            },
            Err(error @ Error::Lost { .. }) => self.lost(self.members[index].site, epoch, &error),
            Err(error) => self.fail(index, error.to_string()),
        }
    }

    fn ready(&mut self, index: usize) {
        let member = &mut self.members[index];
        member.hold();
        let became_active = member.latest.became_active;
        let in_time = self.rollout.phase(index) == Phase::Starting;
        self.step(Event::Ready(index));
        if in_time {
            let elapsed = self.elapsed(index);
            self.reporter.tell(&Happening::Ready { index, elapsed, became_active });
        }
    }

    fn fail(&mut self, index: usize, reason: String) {
        self.members[index].verdict.get_or_insert(reason);
        self.step(Event::Failed(index));
    }

    fn confirmed(&mut self, index: usize, epoch: usize, outcome: Result<Unit, Error>) {
        self.confirming.remove(&index);
        match outcome {
            Ok(unit) => self.hold_to(index, &unit),
            Err(error @ Error::Lost { .. }) => self.lost(self.members[index].site, epoch, &error),
            Err(error) => self.broke(index, error.to_string()),
        }
    }

    /// Compares a unit that has to stay as it is with what it is.
    fn hold_to(&mut self, index: usize, unit: &Unit) {
        if self.rollout.phase(index).may_break()
            && let Some(reason) = self.members[index].breach(unit)
        {
            self.members[index].latest = unit.clone();
            self.broke(index, reason);
        }
    }

    fn broke(&mut self, index: usize, reason: String) {
        self.members[index].verdict.get_or_insert(reason);
        self.step(Event::Broke(index));
    }

    fn diagnosed(&mut self, index: usize, failure: &Failure) {
        let elapsed = self.elapsed(index);
        self.reporter.tell(&Happening::Failed { index, elapsed, failure });
        self.step(Event::Diagnosed(index));
    }

    fn hook_ended(&mut self, index: usize, end: HookEnd) {
        let (hook, ok) = (end.hook, end.ok);
        let elapsed = self.elapsed(index);
        self.members[index].running = None;
        // Of a check that goes on, nothing is told yet.
        if ok || hook != Hook::Check {
            self.reporter.tell(&Happening::Hook { index, elapsed, end: &end });
        }
        self.members[index].hook = Some(end);
        self.step(Event::HookEnded { index, hook, ok });
    }

    pub(super) fn lost(&mut self, site: usize, epoch: usize, error: &Error) {
        let reason = match error {
            Error::Lost { reason, .. } => reason.clone(),
            other => other.to_string(),
        };
        if self.sites[site].lose(site, epoch, reason.clone(), &self.sender) {
            self.by_job.retain(|(of, _), _| *of != site);
            let host = self.sites[site].place.host().map(str::to_owned);
            self.reporter.tell(&Happening::Lost { host: host.as_deref(), reason: &reason });
            self.step(Event::Lost { host: site });
        }
    }

    fn back(&mut self, site: usize, epoch: usize, outcome: Result<Back, Error>) {
        if epoch != self.sites[site].epoch {
            return;
        }
        match outcome {
            Ok(back) => {
                let after = self.sites[site].regain(site, back, &self.sender);
                let host = self.sites[site].place.host().map(str::to_owned);
                self.reporter.tell(&Happening::Regained { host: host.as_deref(), after });
                self.read_all(site);
            }
            Err(error) => self.give_up(site, error),
        }
    }

    fn give_up(&mut self, site: usize, error: Error) {
        if let Link::Down { reason, .. } = &mut self.sites[site].link {
            *reason = format!("{reason}; then {error}");
        }
        self.unreachable.get_or_insert(error);
        self.step(Event::GivenUp { host: site });
    }

    /// The link is back and the units have been read: compare, and never repeat.
    fn reread(&mut self, site: usize, epoch: usize, units: Result<Vec<Unit>, Error>) {
        if epoch != self.sites[site].epoch {
            return;
        }
        let units = match units {
            Ok(units) => units,
            Err(error @ Error::Lost { .. }) => return self.lost(site, epoch, &error),
            // What it answers now it would answer again.
            Err(error) => return self.give_up(site, error),
        };
        for unit in units {
            if let Some(&index) = self.by_path.get(&(site, unit.path.clone())) {
                self.seen_again(index, unit);
            }
        }
        self.step(Event::Regained { host: site });
    }

    fn seen_again(&mut self, index: usize, unit: Unit) {
        let health = health(&unit);
        match self.rollout.phase(index) {
            Phase::Waiting | Phase::Before => {
                self.members[index].before = unit.clone();
                self.members[index].latest = unit;
            }
            Phase::Enqueuing => self.answer_of_the_lost_call(index, unit),
            Phase::Starting => self.end_of_the_lost_job(index, unit),
            phase if phase.may_break() => self.hold_to(index, &unit),
            _ => self.members[index].latest = unit,
        }
        self.step(Event::Health { index, health });
    }

    /// Whether the call arrived is seen by the unit alone: a pending job or another start. Where there is neither, it may still
    /// be on its way through a link that is half dead, so it is not made again.
    fn answer_of_the_lost_call(&mut self, index: usize, unit: Unit) {
        let arrived = unit.job.is_some() || unit.invocation != self.members[index].before.invocation;
        if !arrived {
            let reason = "the link was lost before the manager answered; it runs its old start, no job is pending, and nothing was \
                          repeated";
            return self.fail(index, reason.to_owned());
        }
        self.begun(index);
        self.end_of_the_lost_job(index, unit);
    }

    fn end_of_the_lost_job(&mut self, index: usize, unit: Unit) {
        let member = &mut self.members[index];
        let job = unit.job.clone();
        match (member.judge_unseen(unit), job) {
            (Some(Verdict::Ready), _) => self.ready(index),
            (Some(Verdict::Failed(reason)), _) => self.fail(index, reason),
            (None, Some(job)) => {
                let site = member.site;
                self.await_end(index, (site, job));
            }
            (None, None) => self.fail(index, "what became of its job could not be seen".to_owned()),
        }
    }
}
