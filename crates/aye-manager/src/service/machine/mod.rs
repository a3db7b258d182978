//! The machine's values and its entrance. Every public call is one event; what comes back is what the driver has to do about it, in order.

mod down;
mod message;
mod reload;
mod up;

use std::collections::VecDeque;
use std::time::Duration;

use rustix::process::Signal;

use super::job::{Job, JobKind, JobResult, Meeting};
use super::notification::Notification;
use super::rules::Rules;
use super::state::{Exit, Outcome, Report, Stamp, Stamps, State};
use crate::unit::{NotifyAccess, Type};

/// Something that happened to the service.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Someone asks for something.
    Request(Job),
    /// The process asked for by [`Action::Spawn`] exists.
    Spawned(Spawn, u32),
    /// It could not be made, and why.
    SpawnFailed(Spawn, String),
    /// The main process became its program.
    Executed,
    /// The main process could not become its program, and why; its exit follows.
    NotExecuted(String),
    /// The main process ended.
    MainExited(Exit),
    /// The control process ended.
    ControlExited(Exit),
    /// No process of the service is left.
    Empty,
    /// A message whose sender may speak for the service.
    Notified(Notification),
    /// The deadline passed.
    Elapsed,
    /// `systemctl reset-failed`.
    Reset,
}

/// Which process to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spawn {
    /// `ExecStart=`
    Main,
    /// The line of `ExecReload=` with this index.
    Reload(usize),
}

/// Whom to signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The main process.
    Main,
    /// The control process.
    Control,
    /// Every process of the service (`KillMode=control-group`).
    All,
}

/// What the driver has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Start a process and say so by [`Event::Spawned`] or [`Event::SpawnFailed`].
    Spawn(Spawn),
    /// Send a signal.
    Signal(Signal, Target),
    /// A job has ended.
    JobRemoved(Job, JobResult),
    /// Tell whoever watches.
    Report(Report),
}

/// One service.
#[derive(Debug, Clone)]
pub struct Machine {
    rules: Rules,
    state: State,
    outcome: Outcome,
    job: Option<Job>,
    main: Option<u32>,
    /// `ExecMainPID`: the last main process there was.
    last_main: Option<u32>,
    control: Option<u32>,
    reload_index: usize,
    reload_began: Stamp,
    /// `ReloadResult`
    reload_outcome: Outcome,
    /// A reload is asked for that cannot begin yet: the service starts, or an earlier reload goes on.
    reload_waits: bool,
    /// RELOADING=1 was said and READY=1 was not, since.
    reload_open: bool,
    /// STOPPING=1 was said in this run.
    stop_said: bool,
    deadline: Option<Stamp>,
    watchdog_interval: Option<Duration>,
    /// It has sent a heartbeat, so that it is watched though it is still starting.
    watched_early: bool,
    /// The job's start has begun, so that the next end of a run is the end of the job.
    begun: bool,
    /// A stop was asked for: the policy of `Restart=` does not apply.
    stop_asked: bool,
    /// The next start is not one of that policy: `NRestarts` begins anew.
    fresh: bool,
    starts: VecDeque<Stamp>,
    restarts: u32,
    status: String,
    errno: i32,
    bus_error: String,
    varlink_error: String,
    /// What NOTIFYACCESS= said in this run.
    access: Option<NotifyAccess>,
    main_exit: Option<Exit>,
    /// Why the run did not end well, for a person.
    why: String,
    stamps: Stamps,
}

impl Machine {
    /// A service that is down.
    pub fn new(rules: Rules) -> Self {
        Self {
            watchdog_interval: rules.watchdog,
            watched_early: false,
            rules,
            state: State::Dead,
            outcome: Outcome::Success,
            job: None,
            main: None,
            last_main: None,
            control: None,
            reload_index: 0,
            reload_began: Stamp::ZERO,
            reload_outcome: Outcome::Success,
            reload_waits: false,
            reload_open: false,
            stop_said: false,
            deadline: None,
            begun: false,
            stop_asked: false,
            fresh: true,
            starts: VecDeque::new(),
            restarts: 0,
            status: String::new(),
            errno: 0,
            bus_error: String::new(),
            varlink_error: String::new(),
            access: None,
            main_exit: None,
            why: String::new(),
            stamps: Stamps::default(),
        }
    }

    /// Where it is.
    pub fn state(&self) -> State {
        self.state
    }

    /// What the last run came to, as far as is known.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// `ReloadResult`: what the last reload came to.
    pub fn reload_outcome(&self) -> Outcome {
        self.reload_outcome
    }

    /// The job under way.
    pub fn job(&self) -> Option<Job> {
        self.job
    }

    /// The main process.
    pub fn main_pid(&self) -> Option<u32> {
        self.main
    }

    /// `ExecMainPID`: the main process or, when there is none, the last one.
    pub fn last_main_pid(&self) -> Option<u32> {
        self.last_main
    }

    /// The control process.
    pub fn control_pid(&self) -> Option<u32> {
        self.control
    }

    /// How the main process last ended.
    pub fn main_exit(&self) -> Option<Exit> {
        self.main_exit
    }

    /// `NRestarts`: how often `Restart=` started it again.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// The last `STATUS=`.
    pub fn status(&self) -> &str {
        &self.status
    }

    /// The last `ERRNO=`.
    pub fn errno(&self) -> i32 {
        self.errno
    }

    /// The last `BUSERROR=`.
    pub fn bus_error(&self) -> &str {
        &self.bus_error
    }

    /// The last `VARLINKERROR=`.
    pub fn varlink_error(&self) -> &str {
        &self.varlink_error
    }

    /// `NotifyAccess` in force, where the unit file has `own`.
    pub fn notify_access(&self, own: NotifyAccess) -> NotifyAccess {
        self.access.unwrap_or(own)
    }

    /// The watchdog interval in force.
    pub fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog_interval
    }

    /// When it passed its landmarks.
    pub fn stamps(&self) -> &Stamps {
        &self.stamps
    }

    /// The settings it goes by.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether it is down because somebody asked for that.
    pub fn was_stopped_on_request(&self) -> bool {
        self.state.is_down() && self.stop_asked
    }

    /// When [`Event::Elapsed`] is due.
    pub fn deadline(&self) -> Option<Stamp> {
        [self.deadline, self.watchdog_due()].into_iter().flatten().min()
    }

    /// What a job of this kind would have to do with the one under way.
    pub fn meeting(&self, kind: JobKind) -> Meeting {
        use JobKind::{Reload, Restart, Start, Stop};
        let Some(Job { id, kind: current }) = self.job else {
            return Meeting::Apart;
        };
        // A restart that has come to its second half is a start.
        let current = if self.begun && current == Restart { Start } else { current };
        match (current, kind) {
            // Whoever starts need not reload.
            (Stop, Stop) | (Start, Start | Reload) | (Restart, Start | Restart) => Meeting::Joins(id),
            (Stop, _) | (_, Stop) => Meeting::Apart,
            (_, Restart) | (Restart, Reload) => Meeting::Becomes(Job { id, kind: Restart }),
            (Reload, Start | Reload) => Meeting::Becomes(Job { id, kind: Reload }),
        }
    }

    fn watchdog_due(&self) -> Option<Stamp> {
        let interval = self.watchdog_interval.filter(|_| self.is_watched())?;
        Some(self.stamps.watchdog + interval)
    }

    /// Whether the next heartbeat is due: of a service that is up, and of one that starts and has sent one already.
    fn is_watched(&self) -> bool {
        self.state.is_up() || self.state == State::Start && self.watched_early
    }

    /// Takes one event at the moment `now`.
    pub fn handle(&mut self, event: Event, now: Stamp) -> Vec<Action> {
        let mut actions = Vec::new();
        let out = &mut actions;
        match event {
            Event::Request(job) => self.request(job, now, out),
            Event::Spawned(Spawn::Main, pid) => self.spawned(pid, now, out),
            Event::Spawned(Spawn::Reload(_), pid) => self.control = Some(pid),
            Event::SpawnFailed(Spawn::Main, why) => self.not_spawned(why, now, out),
            Event::SpawnFailed(Spawn::Reload(_), why) => {
                self.reload_ended(Outcome::Resources, &why, now, out);
            }
            Event::Executed if self.rules.kind == Type::Exec && self.state == State::Start => {
                self.run(now, out);
            }
            Event::NotExecuted(_) if self.rules.ignores_failure => {}
            Event::NotExecuted(why) => self.fail(Outcome::ExitCode, why),
            Event::MainExited(exit) => self.main_exited(exit, now, out),
            Event::ControlExited(exit) => self.control_exited(exit, now, out),
            Event::Empty if self.state.is_stopping() => self.down(now, out),
            Event::Executed | Event::Empty => {}
            Event::Notified(notification) => self.notified(&notification, now, out),
            Event::Elapsed => self.elapsed(now, out),
            Event::Reset => self.reset(now),
        }
        actions
    }

    fn enter(&mut self, state: State, limit: Option<Duration>, now: Stamp) {
        let before = self.state;
        self.state = state;
        self.deadline = limit.map(|limit| now + limit);
        if before == state {
            return;
        }
        let (was, is) = (before.active(), state.active());
        let resting = |active: &str| matches!(active, "inactive" | "failed");
        self.stamps.state_change = now;
        if resting(was) && !resting(is) {
            self.stamps.inactive_exit = now;
        }
        if !resting(was) && resting(is) {
            self.stamps.inactive_enter = now;
        }
        if !before.is_up() && state.is_up() {
            self.stamps.active_enter = now;
        }
        if before.is_up() && !state.is_up() {
            self.stamps.active_exit = now;
        }
    }

    // Requests.

    fn request(&mut self, job: Job, now: Stamp, out: &mut Vec<Action>) {
        if self.job.is_some_and(|current| current.id != job.id) {
            self.finish_job(JobResult::Canceled, out);
        }
        self.job = Some(job);
        self.begun = false;
        self.reload_waits = false;
        match job.kind {
            JobKind::Start if self.state.is_up() => self.finish_job(JobResult::Done, out),
            JobKind::Start if self.state == State::AutoRestart => self.start_again(now, out),
            JobKind::Start | JobKind::Restart if self.state.is_down() => self.start(now, out),
            JobKind::Start => {} // on its way up: wait; on its way down: start when there
            JobKind::Restart | JobKind::Stop => self.stop(now, out),
            JobKind::Reload if self.state == State::Running => self.reload(now, out),
            JobKind::Reload if self.state == State::Start || self.state.is_up() => self.reload_waits = true,
            JobKind::Reload => self.finish_job(JobResult::Invalid, out),
        }
    }

    fn finish_job(&mut self, result: JobResult, out: &mut Vec<Action>) {
        if let Some(job) = self.job.take() {
            out.push(Action::JobRemoved(job, result));
        }
    }

    fn finish_job_if(&mut self, kinds: &[JobKind], result: JobResult, out: &mut Vec<Action>) {
        if self.job.is_some_and(|job| kinds.contains(&job.kind)) {
            self.finish_job(result, out);
        }
    }
}
