//! Carries a rollout out: its actions become calls and commands, and what comes of those becomes its events. Everything that
//! takes time is a task that reports back over one channel, so this is one loop around one value. Between the end of one job
//! and the next enqueuing stands no round trip, where signals alone can prove the unit ready.

mod act;
mod input;
mod member;
mod sentence;
mod site;

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use aye_bus::{Error, JobResult, OwnedObjectPath, Verb};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until};

use super::interrupt::Interrupts;
use super::report::Happening;
use super::reporter::Reporter;
use super::rollout::{Action, Event, Final, Phase, Plan, Rollout};
use super::select::Chosen;
use super::{Refusal, exit_of};
use crate::exit::Exit;
use input::Input;
use member::Member;
pub(super) use site::{Site, connect};

/// The commands around each unit, as they were given.
#[derive(Debug, Clone, Default)]
pub(super) struct Commands {
    pub(super) before: Option<String>,
    pub(super) check: Option<String>,
    pub(super) after: Option<String>,
    pub(super) on_fail: Option<String>,
}

/// What a run does, apart from its plan.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) verb: Verb,
    pub(super) commands: Commands,
    pub(super) ready_timeout: Option<Duration>,
}

/// A run in progress.
pub(super) struct Run<'a> {
    task: Task,
    sites: Vec<Site>,
    members: Vec<Member>,
    /// Units by their managers and objects, jobs by their managers and paths.
    by_path: HashMap<(usize, OwnedObjectPath), usize>,
    by_job: HashMap<(usize, OwnedObjectPath), usize>,
    /// Jobs whose end was told before the answer that names them, anybody's, kept as long as one of ours may be among them.
    early: HashMap<(usize, OwnedObjectPath), JobResult>,
    /// Calls whose answer may name a job of ours: enqueuings, and readings after a link was lost.
    unanswered: usize,
    /// Units that are being asked whether they are still what they were; until they have answered the clock brings nothing.
    confirming: HashSet<usize>,
    /// When which soak ends.
    soaks: HashMap<usize, Instant>,
    rollout: Rollout,
    actions: VecDeque<Action>,
    reporter: Reporter<'a>,
    inputs: UnboundedReceiver<Input>,
    sender: UnboundedSender<Input>,
    interrupted: Option<Exit>,
    denied: Option<Error>,
    unreachable: Option<Error>,
    over: bool,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        task: Task,
        sites: Vec<Site>,
        units: Vec<Chosen>,
        plan: Plan,
        reporter: Reporter<'a>,
    ) -> Self {
        let (sender, inputs) = unbounded_channel();
        let by_path = units
            .iter()
            .enumerate()
            .map(|(i, chosen)| ((chosen.site, chosen.unit.path.clone()), i))
            .collect();
        let mut run = Self {
            task,
            sites,
            members: units.into_iter().map(Member::new).collect(),
            by_path,
            by_job: HashMap::new(),
            early: HashMap::new(),
            unanswered: 0,
            confirming: HashSet::new(),
            soaks: HashMap::new(),
            rollout: Rollout::new(plan),
            actions: VecDeque::new(),
            reporter,
            inputs,
            sender,
            interrupted: None,
            denied: None,
            unreachable: None,
            over: false,
        };
        for site in 0..run.sites.len() {
            run.sites[site].listen(site, &run.sender);
        }
        run
    }

    /// Runs until everything that will be done is done, or a second interrupt.
    pub(super) async fn finish(mut self) -> Result<Exit, Refusal> {
        let mut interrupts = Interrupts::new()
            .map_err(|error| (Exit::Failed, format!("cannot listen for signals: {error}")))?;
        let mut ticks = seconds();
        self.reporter.plan();
        self.step(Event::Begin);
        self.act();
        while !self.over {
            let wake = self.rollout.next_wake().filter(|_| self.confirming.is_empty());
            tokio::select! {
                biased;
                exit = interrupts.next() => self.interrupt(exit),
                Some(input) = self.inputs.recv() => self.take(input),
                () = until(wake) => self.wake(),
                _ = ticks.tick(), if self.reporter.moves() => self.tick(),
            }
            self.act();
        }
        Ok(self.conclude())
    }

    /// Tells the rollout, and puts down what it wants done.
    fn step(&mut self, event: Event) {
        let now = Instant::now();
        let actions = self.rollout.step(event, now);
        for action in &actions {
            if let Action::Soak(index, lasts) = action {
                self.soaks.insert(*index, now + *lasts);
            }
        }
        self.actions.extend(actions);
    }

    /// Time has passed. That a soak was quiet proves nothing where a link died unnoticed, so its unit is asked first.
    fn wake(&mut self) {
        let now = Instant::now();
        let due: Vec<usize> = self.soaks.extract_if(|_, end| *end <= now).map(|(index, _)| index).collect();
        for index in due {
            if self.rollout.phase(index) == Phase::Soaking {
                self.confirm(index);
            }
        }
        if self.confirming.is_empty() {
            self.step(Event::Tick);
        }
    }

    fn interrupt(&mut self, exit: Exit) {
        if self.interrupted.replace(exit).is_some() {
            return self.step(Event::Abandoned);
        }
        let in_flight = self.in_flight();
        self.reporter.tell(&Happening::Interrupted { in_flight: &in_flight });
        self.step(Event::Interrupted);
    }

    fn in_flight(&self) -> Vec<usize> {
        (0..self.members.len()).filter(|&index| self.rollout.phase(index).is_in_flight()).collect()
    }

    fn tick(&mut self) {
        let now = Instant::now();
        for index in self.in_flight() {
            self.reporter.tick(index, self.rollout.elapsed(index, now));
        }
    }

    fn elapsed(&self, index: usize) -> Duration {
        self.rollout.elapsed(index, Instant::now())
    }

    fn conclude(&mut self) -> Exit {
        let done = (0..self.members.len()).all(|index| self.rollout.outcome(index) == Final::Ok);
        let error = self.denied.take().or(self.unreachable.take());
        if let Some(error) = &error {
            crate::complain(format_args!("aye restart: {error}"));
        }
        let exit = match (&error, self.interrupted) {
            (Some(Error::Denied { .. }), _) => Exit::NotPermitted,
            (_, Some(exit)) => exit,
            (Some(error), None) => exit_of(error),
            (None, None) if done => Exit::Done,
            (None, None) => Exit::Failed,
        };
        self.reporter.summary(&self.rollout, exit);
        exit
    }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(wake) => sleep_until(wake.into()).await,
        None => std::future::pending().await,
    }
}

/// A second is the unit in which waiting is shown; nothing else hangs on it.
fn seconds() -> Interval {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
