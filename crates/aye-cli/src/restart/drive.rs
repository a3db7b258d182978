//! Carries a rollout out: its actions become calls, the manager's signals become its events. Between the end of
//! one job and the next enqueuing stands no round trip, where signals alone can prove the unit ready.

use std::time::{Duration, Instant};

use aye_bus::{
    Change, Error, JobResult, Manager, Service, Signal, Signals, Unit, Verb, Verdict, Where, judge,
};
use tokio::sync::Notify;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::interrupt::Interrupts;
use super::report::{Failure, Happening};
use super::reporter::Reporter;
use super::rollout::{Action, Event, Final, Health, Limits, Phase, Plan, Planned, Rollout};
use super::{Refusal, exit_of, log};
use crate::exit::Exit;

/// One unit of the run.
struct Member {
    /// As it was when its job was enqueued; kept up to date by signals until then.
    before: Unit,
    /// As it is by the signals received since.
    latest: Unit,
    /// The path of its job, while that is in flight.
    job: Option<String>,
    /// The status text that was shown last.
    status: String,
}

/// A run in progress.
pub(super) struct Run<'a> {
    manager: Manager,
    signals: Signals,
    place: Where,
    verb: Verb,
    members: Vec<Member>,
    rollout: Rollout,
    reporter: Reporter<'a>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        manager: Manager,
        signals: Signals,
        place: Where,
        units: Vec<Unit>,
        reporter: Reporter<'a>,
    ) -> Self {
        let rollout = Rollout::new(plan(units.len()));
        let member = |before: Unit| {
            let status = before.service.as_ref().map(|s| s.status.clone()).unwrap_or_default();
            Member { latest: before.clone(), before, job: None, status }
        };
        let members = units.into_iter().map(member).collect();
        Self { manager, signals, place, verb: reporter.verb(), members, rollout, reporter }
    }

    /// Runs until everything that will be done is done, or a second interrupt.
    pub(super) async fn finish(mut self) -> Result<Exit, Refusal> {
        let mut interrupts = Interrupts::new()
            .map_err(|error| (Exit::Failed, format!("cannot listen for signals: {error}")))?;
        let wind_up = Notify::new();
        let mut interrupted = None;
        self.reporter.plan();
        let outcome = {
            let mut driving = std::pin::pin!(self.drive(&wind_up));
            loop {
                tokio::select! {
                    outcome = &mut driving => break outcome,
                    exit = interrupts.next() => {
                        if interrupted.replace(exit).is_some() {
                            break Ok(());
                        }
                        wind_up.notify_one();
                    }
                }
            }
        };
        Ok(self.conclude(&outcome, interrupted))
    }

    fn conclude(&mut self, outcome: &Result<(), Error>, interrupted: Option<Exit>) -> Exit {
        let _ = self.rollout.step(Event::Abandoned, Instant::now());
        let failed = (0..self.members.len()).any(|index| self.rollout.outcome(index) == Final::Failed);
        let exit = match (outcome, interrupted) {
            (Err(error), _) => exit_of(error),
            (Ok(()), Some(exit)) => exit,
            (Ok(()), None) if failed => Exit::Failed,
            (Ok(()), None) => Exit::Done,
        };
        if let Err(error) = outcome {
            crate::complain(format_args!("aye restart: {error}"));
        }
        self.reporter.summary(&self.rollout, exit);
        exit
    }

    async fn drive(&mut self, wind_up: &Notify) -> Result<(), Error> {
        let mut ticks = seconds();
        let mut actions = self.rollout.step(Event::Begin, Instant::now());
        loop {
            for action in std::mem::take(&mut actions) {
                match action {
                    Action::Enqueue(index) => actions.extend(self.start(index).await?),
                    Action::End => return Ok(()),
                    _ => {}
                }
            }
            if !actions.is_empty() {
                continue;
            }
            tokio::select! {
                signal = self.signals.next() => actions = self.take(signal?).await?,
                () = wind_up.notified() => actions = self.wind_up(),
                _ = ticks.tick(), if self.reporter.moves() => self.tick(),
            }
        }
    }

    /// Enqueues a unit's job. A refusal that concerns this unit alone is its failure; any other ends the run.
    async fn start(&mut self, index: usize) -> Result<Vec<Action>, Error> {
        let name = &self.members[index].before.name;
        match self.manager.enqueue(self.verb, name).await {
            Ok(job) => {
                let enqueued = Duration::from_micros(aye::monotonic_usec());
                self.members[index].job = Some(job.to_string());
                self.reporter.tell(&Happening::Start { index, enqueued });
                Ok(self.rollout.step(Event::Enqueued(index), Instant::now()))
            }
            Err(Error::Refused { message, .. }) => {
                let failure = Failure { reason: message, ..Failure::default() };
                Ok(self.fail(index, &failure))
            }
            Err(error) => {
                // Lost in the middle, the job may be enqueued: only a clear no means untouched.
                if let Error::Denied { .. } = error {
                    let _ = self.rollout.step(Event::Denied(index), Instant::now());
                }
                Err(error)
            }
        }
    }

    async fn take(&mut self, signal: Signal) -> Result<Vec<Action>, Error> {
        match signal {
            Signal::JobRemoved { job, result } => {
                let ours = |member: &Member| member.job.as_deref() == Some(job.as_str());
                match self.members.iter().position(ours) {
                    Some(index) => self.settle(index, &result).await,
                    None => Ok(Vec::new()),
                }
            }
            Signal::Changed { unit, change } => {
                if let Some(index) = self.members.iter().position(|m| m.before.path == unit) {
                    self.changed(index, change);
                }
                Ok(Vec::new())
            }
            _ => Ok(Vec::new()),
        }
    }

    fn changed(&mut self, index: usize, change: Change) {
        let waiting = self.rollout.phase(index) == Phase::Waiting;
        let member = &mut self.members[index];
        change.apply(&mut member.latest);
        if waiting {
            change.apply(&mut member.before);
        }
        let Some(text) = change.status.filter(|text| *text != member.status) else {
            return;
        };
        member.status.clone_from(&text);
        if member.job.is_some() && !text.is_empty() {
            let elapsed = self.rollout.elapsed(index, Instant::now());
            self.reporter.tell(&Happening::Status { index, elapsed, text: &text });
        }
    }

    /// Our job has ended: look at the unit, and believe only that. Where the unit itself said READY, the manager's
    /// signals have told it all before the job's end; without that gate it is read again, as it may be dead already.
    async fn settle(&mut self, index: usize, result: &JobResult) -> Result<Vec<Action>, Error> {
        let member = &mut self.members[index];
        member.job = None;
        let (before, latest) = (&member.before, &member.latest);
        let gated = before.service.as_ref().is_some_and(Service::says_when_ready);
        if gated && judge(before, latest, result) == Verdict::Ready {
            let became_active = latest.became_active;
            return Ok(self.ready(index, became_active));
        }
        let mut after = self.manager.unit(&before.path).await?;
        if after.invocation.is_none() {
            // Stopped and wanted by nobody, the unit was unloaded, and a fresh one knows nothing of its past.
            after = Unit { service: after.service, ..latest.clone() };
        }
        match judge(before, &after, result) {
            Verdict::Ready => Ok(self.ready(index, after.became_active)),
            Verdict::Failed(reason) => {
                let failure = self.diagnose(&after, reason).await;
                Ok(self.fail(index, &failure))
            }
        }
    }

    async fn diagnose(&self, after: &Unit, reason: String) -> Failure {
        let log = log::tail(&self.place, &self.manager, after).await;
        let service = after.service.as_ref();
        let result = service.map(|service| service.result.clone()).unwrap_or_default();
        let status = service.map(|service| service.status.clone()).unwrap_or_default();
        Failure { reason, result, status, log }
    }

    fn ready(&mut self, index: usize, became_active: Duration) -> Vec<Action> {
        let actions = self.rollout.step(Event::Ready(index), Instant::now());
        let elapsed = self.rollout.elapsed(index, Instant::now());
        self.reporter.tell(&Happening::Ready { index, elapsed, became_active });
        self.reporter.tell(&Happening::Ok { index, elapsed });
        actions
    }

    fn fail(&mut self, index: usize, failure: &Failure) -> Vec<Action> {
        let mut actions = self.rollout.step(Event::Failed(index), Instant::now());
        actions.extend(self.rollout.step(Event::Diagnosed(index), Instant::now()));
        let elapsed = self.rollout.elapsed(index, Instant::now());
        self.reporter.tell(&Happening::Failed { index, elapsed, failure });
        actions
    }

    fn wind_up(&mut self) -> Vec<Action> {
        let in_flight = self.in_flight();
        self.reporter.tell(&Happening::Interrupted { in_flight: &in_flight });
        self.rollout.step(Event::Interrupted, Instant::now())
    }

    fn in_flight(&self) -> Vec<usize> {
        (0..self.members.len()).filter(|&index| self.rollout.phase(index).is_in_flight()).collect()
    }

    fn tick(&mut self) {
        let now = Instant::now();
        for index in self.in_flight() {
            let elapsed = self.rollout.elapsed(index, now);
            self.reporter.tick(index, elapsed);
        }
    }
}

/// One after another, and stop at the first failure.
pub(super) fn plan(units: usize) -> Plan {
    let unit = Planned { host: 0, health: Health::Active, start_timeout: None };
    Plan { units: vec![unit; units], hosts: 1, limits: Limits::default() }
}

/// A second is the unit in which waiting is shown; nothing else hangs on it.
fn seconds() -> Interval {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
