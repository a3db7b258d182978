//! The transitions. Every public call is one event; what comes back is what the driver has to do about it, in order.

use std::collections::VecDeque;
use std::time::Duration;

use rustix::process::Signal;

use super::job::{Job, JobId, JobKind, JobResult};
use super::notification::{Heartbeat, Notification};
use super::rules::Rules;
use super::state::{Exit, Outcome, Report, Span, Stamp, Stamps, State};
use crate::unit::Type;

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
    control: Option<u32>,
    reload_index: usize,
    reload_began: Stamp,
    reload_ok: bool,
    /// RELOADING=1 was said and READY=1 was not, since.
    reload_open: bool,
    deadline: Option<Stamp>,
    watchdog_interval: Option<Duration>,
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
            rules,
            state: State::Dead,
            outcome: Outcome::Success,
            job: None,
            main: None,
            control: None,
            reload_index: 0,
            reload_began: Stamp::ZERO,
            reload_ok: true,
            reload_open: false,
            deadline: None,
            begun: false,
            stop_asked: false,
            fresh: true,
            starts: VecDeque::new(),
            restarts: 0,
            status: String::new(),
            errno: 0,
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

    /// The job under way.
    pub fn job(&self) -> Option<Job> {
        self.job
    }

    /// The main process.
    pub fn main_pid(&self) -> Option<u32> {
        self.main
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

    /// Why the last run did not end well, for a person, such as `exited with 1 before READY=1`; empty when it did.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// When [`Event::Elapsed`] is due.
    pub fn deadline(&self) -> Option<Stamp> {
        [self.deadline, self.watchdog_due()].into_iter().flatten().min()
    }

    fn watchdog_due(&self) -> Option<Stamp> {
        let interval = self.watchdog_interval.filter(|_| self.state.is_up())?;
        Some(self.stamps.watchdog + interval)
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
            Event::SpawnFailed(Spawn::Reload(_), why) => self.reload_ended(Some(why), now, out),
            Event::Executed if self.rules.kind == Type::Exec && self.state == State::Start => {
                self.run(now, out);
            }
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
        self.finish_job(JobResult::Canceled, out);
        self.job = Some(job);
        self.begun = false;
        match job.kind {
            JobKind::Start if self.state.is_up() => self.finish_job(JobResult::Done, out),
            JobKind::Start | JobKind::Restart if self.state.is_down() => self.start(now, out),
            JobKind::Start => {} // on its way up: wait; on its way down: start when there
            JobKind::Restart | JobKind::Stop => self.stop(now, out),
            JobKind::Reload if self.state == State::Running => self.reload(now, out),
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

    // Up.

    fn start(&mut self, now: Stamp, out: &mut Vec<Action>) {
        if !self.rules.allows_start(&mut self.starts, now) {
            self.outcome = Outcome::StartLimitHit;
            "started too often".clone_into(&mut self.why);
            self.enter(State::Failed, None, now);
            out.push(Action::Report(Report::StartLimitHit(
                self.rules.start_limit_burst,
                self.rules.start_limit_interval,
            )));
            return self.finish_job(JobResult::Failed, out);
        }
        if self.fresh {
            self.restarts = 0;
        }
        self.outcome = Outcome::Success;
        self.status.clear();
        self.errno = 0;
        self.main_exit = None;
        self.why.clear();
        self.begun = true;
        self.reload_open = false;
        self.stop_asked = false;
        self.fresh = true;
        self.watchdog_interval = self.rules.watchdog;
        self.enter(State::Start, self.rules.timeout_start, now);
        out.extend([Action::Report(Report::Starting), Action::Spawn(Spawn::Main)]);
    }

    fn spawned(&mut self, pid: u32, now: Stamp, out: &mut Vec<Action>) {
        self.main = Some(pid);
        self.stamps.main_start = now;
        if self.rules.kind == Type::Simple && self.state == State::Start {
            self.run(now, out);
        }
    }

    fn not_spawned(&mut self, why: String, now: Stamp, out: &mut Vec<Action>) {
        self.fail(Outcome::Resources, why);
        self.down(now, out);
    }

    fn run(&mut self, now: Stamp, out: &mut Vec<Action>) {
        self.enter(State::Running, None, now);
        self.stamps.watchdog = now;
        out.push(Action::Report(Report::Ready(now.saturating_sub(self.stamps.main_start))));
        self.finish_job_if(&[JobKind::Start, JobKind::Restart], JobResult::Done, out);
    }

    // Reload.

    fn reload(&mut self, now: Stamp, out: &mut Vec<Action>) {
        self.reload_ok = true;
        self.reload_open = false;
        self.reload_began = now;
        if self.rules.kind == Type::NotifyReload {
            self.enter(State::ReloadSignal, self.rules.timeout_start, now);
            out.push(Action::Signal(self.rules.reload_signal, Target::Main));
        } else {
            self.enter(State::Reload, self.rules.timeout_start, now);
            self.reload_index = 0;
            self.reload_step(now, out);
        }
    }

    fn reload_step(&mut self, now: Stamp, out: &mut Vec<Action>) {
        if self.reload_index < self.rules.reload_commands {
            out.push(Action::Spawn(Spawn::Reload(self.reload_index)));
        } else if !self.reload_open {
            self.reload_ended(None, now, out);
        }
    }

    fn control_exited(&mut self, exit: Exit, now: Stamp, out: &mut Vec<Action>) {
        self.control = None;
        if self.state != State::Reload {
            return;
        }
        if exit.outcome(&[]) != Outcome::Success {
            return self.reload_ended(Some(format!("ExecReload= {exit}")), now, out);
        }
        self.reload_index += 1;
        self.reload_step(now, out);
    }

    fn reload_ended(&mut self, failure: Option<String>, now: Stamp, out: &mut Vec<Action>) {
        let result = if failure.is_some() || !self.reload_ok { JobResult::Failed } else { JobResult::Done };
        self.enter(State::Running, None, now);
        if let Some(why) = failure {
            out.push(Action::Report(Report::ReloadFailed(why)));
        }
        self.finish_job_if(&[JobKind::Reload], result, out);
        self.finish_job_if(&[JobKind::Start], JobResult::Done, out);
    }

    // Messages.

    fn notified(&mut self, said: &Notification, now: Stamp, out: &mut Vec<Action>) {
        if let Some(status) = &said.status {
            self.status.clone_from(status);
        }
        if let Some(errno) = said.errno {
            self.errno = errno;
        }
        if let Some(pid) = said.main_pid.filter(|_| self.state == State::Start || self.state.is_up()) {
            self.main = Some(pid);
        }
        // STOPPING beats READY, which beats RELOADING; both of the latter in one message are a reload that is over.
        if said.stopping {
            self.said_stopping(now, out);
        } else {
            if said.reloading {
                self.said_reloading(said, now);
            }
            if said.ready {
                self.said_ready(now, out);
            }
        }
        self.extend(said, now);
        self.heartbeat(said, now, out);
    }

    fn said_ready(&mut self, now: Stamp, out: &mut Vec<Action>) {
        self.reload_open = false;
        match self.state {
            State::Start if self.rules.kind.is_notify() => self.run(now, out),
            State::ReloadNotify => self.reload_ended(None, now, out),
            State::Reload if self.control.is_none() && self.reload_index >= self.rules.reload_commands => {
                self.reload_ended(None, now, out);
            }
            _ => {}
        }
    }

    fn said_reloading(&mut self, said: &Notification, now: Stamp) {
        match self.state {
            State::Running => {
                self.reload_ok = true;
                self.enter(State::ReloadNotify, self.rules.timeout_start, now);
            }
            State::ReloadSignal if said.monotonic.is_some_and(|at| at >= self.reload_began) => {
                self.enter(State::ReloadNotify, self.rules.timeout_start, now);
            }
            State::Reload => self.reload_open = true,
            _ => {}
        }
    }

    fn said_stopping(&mut self, now: Stamp, out: &mut Vec<Action>) {
        if self.state.is_up() {
            self.finish_job_if(&[JobKind::Reload], JobResult::Failed, out);
            self.enter(State::StopSigterm, self.rules.timeout_stop, now);
            out.push(Action::Report(Report::Stopping));
        }
    }

    fn extend(&mut self, said: &Notification, now: Stamp) {
        let Some(more) = said.extend_timeout else {
            return;
        };
        self.deadline = self.deadline.map(|deadline| deadline.max(now + more));
        if let Some(interval) = self.watchdog_interval.filter(|_| self.state.is_up()) {
            let armed = (now + more).saturating_sub(interval);
            self.stamps.watchdog = self.stamps.watchdog.max(armed);
        }
    }

    fn heartbeat(&mut self, said: &Notification, now: Stamp, out: &mut Vec<Action>) {
        if let Some(interval) = said.watchdog_interval {
            self.watchdog_interval = interval;
            self.stamps.watchdog = now;
        }
        match said.heartbeat {
            Some(Heartbeat::Alive) => self.stamps.watchdog = self.stamps.watchdog.max(now),
            Some(Heartbeat::Trigger) if self.state.is_up() => self.bite(now, out),
            _ => {}
        }
    }

    // Down.

    fn stop(&mut self, now: Stamp, out: &mut Vec<Action>) {
        self.stop_asked = true;
        match self.state {
            State::Dead | State::Failed => self.rest(now, out),
            State::AutoRestart => {
                self.enter(State::Dead, None, now);
                self.rest(now, out);
            }
            state if state.is_stopping() => {}
            _ => {
                out.push(Action::Report(Report::Stopping));
                self.terminate(State::StopSigterm, now, out);
            }
        }
    }

    fn terminate(&mut self, state: State, now: Stamp, out: &mut Vec<Action>) {
        self.enter(state, self.rules.timeout_stop, now);
        out.push(Action::Signal(self.rules.kill_signal, Target::All));
    }

    fn kill(&mut self, state: State, now: Stamp, out: &mut Vec<Action>) {
        self.enter(state, self.rules.timeout_stop, now);
        out.push(Action::Signal(Signal::KILL, Target::All));
    }

    fn bite(&mut self, now: Stamp, out: &mut Vec<Action>) {
        let limit = self.watchdog_interval.unwrap_or_default();
        self.fail(Outcome::Watchdog, format!("killed by the watchdog: no WATCHDOG=1 within {}", Span(limit)));
        out.push(Action::Report(Report::WatchdogTimedOut(limit)));
        self.enter(State::StopWatchdog, self.rules.timeout_stop, now);
        out.push(Action::Signal(Signal::ABORT, Target::All));
    }

    /// The first thing that went wrong is what the run came to.
    fn fail(&mut self, outcome: Outcome, why: String) {
        if self.outcome == Outcome::Success && outcome != Outcome::Success {
            self.outcome = outcome;
            self.why = why;
        }
    }

    fn main_exited(&mut self, exit: Exit, now: Stamp, out: &mut Vec<Action>) {
        self.main = None;
        self.main_exit = Some(exit);
        self.stamps.main_exit = now;
        let early = self.state == State::Start && self.rules.kind.is_notify();
        let why = if early { format!("{exit} before READY=1") } else { exit.to_string() };
        if !self.rules.ignores_failure {
            self.fail(exit.outcome(&self.rules.success_exit_status), why.clone());
        }
        match self.state {
            State::Start => {
                if early {
                    self.fail(Outcome::Protocol, why);
                }
                self.terminate(State::FinalSigterm, now, out);
            }
            state if state.is_up() => {
                self.finish_job_if(&[JobKind::Reload], JobResult::Failed, out);
                self.terminate(State::StopSigterm, now, out);
            }
            _ => {}
        }
    }

    fn down(&mut self, now: Stamp, out: &mut Vec<Action>) {
        self.main = None;
        self.control = None;
        let failed = self.outcome != Outcome::Success;
        self.enter(if failed { State::Failed } else { State::Dead }, None, now);
        out.push(Action::Report(if failed {
            Report::Failed(self.why.clone(), now.saturating_sub(self.stamps.main_start))
        } else {
            Report::Stopped
        }));
        self.rest(now, out);
    }

    /// Down: what now?
    fn rest(&mut self, now: Stamp, out: &mut Vec<Action>) {
        match self.job.map(|job| job.kind) {
            Some(JobKind::Stop) => self.finish_job(JobResult::Done, out),
            // A start or restart that waited for the end of the run before.
            Some(JobKind::Start | JobKind::Restart) if !self.begun => return self.start(now, out),
            Some(_) => self.finish_job(JobResult::Failed, out),
            None => {}
        }
        if !self.stop_asked && self.rules.restarts_after(self.outcome) {
            self.enter(State::AutoRestart, Some(self.rules.restart_delay), now);
            out.push(Action::Report(Report::RestartScheduled(self.rules.restart_delay, self.restarts + 1)));
        }
    }

    fn reset(&mut self, now: Stamp) {
        self.starts.clear();
        self.restarts = 0;
        if self.state == State::Failed {
            self.outcome = Outcome::Success;
            self.enter(State::Dead, None, now);
        }
    }

    // Time.

    fn elapsed(&mut self, now: Stamp, out: &mut Vec<Action>) {
        if self.watchdog_due().is_some_and(|due| due <= now) {
            return self.bite(now, out);
        }
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        let stop_limit = self.rules.timeout_stop.unwrap_or_default();
        match self.state {
            State::Start => {
                let limit = self.rules.timeout_start.unwrap_or_default();
                self.fail(Outcome::Timeout, format!("start timed out: no READY=1 within {}", Span(limit)));
                out.push(Action::Report(Report::StartTimedOut(limit)));
                self.terminate(State::StopSigterm, now, out);
            }
            State::Reload | State::ReloadSignal | State::ReloadNotify => {
                self.reload_ok = false;
                if self.control.is_some() {
                    out.push(Action::Signal(Signal::KILL, Target::Control));
                }
                self.reload_ended(Some("it did not end within TimeoutStartSec=".to_owned()), now, out);
            }
            State::StopWatchdog => self.kill(State::StopSigkill, now, out),
            State::StopSigterm | State::FinalSigterm => {
                self.fail(Outcome::Timeout, format!("stop timed out after {}", Span(stop_limit)));
                out.push(Action::Report(Report::StopTimedOut(stop_limit)));
                let next =
                    if self.state == State::StopSigterm { State::StopSigkill } else { State::FinalSigkill };
                self.kill(next, now, out);
            }
            // Not even SIGKILL removed it (a process in uninterruptible sleep): go on without it.
            State::StopSigkill | State::FinalSigkill => {
                self.fail(Outcome::Timeout, "processes are left even after SIGKILL".to_owned());
                self.down(now, out);
            }
            State::AutoRestart => {
                self.restarts += 1;
                self.fresh = false;
                self.start(now, out);
            }
            State::Dead | State::Running | State::Failed => {}
        }
    }

    /// The id of a job of this kind that is under way: asking again joins it.
    pub fn pending(&self, kind: JobKind) -> Option<JobId> {
        self.job.filter(|job| job.kind == kind).map(|job| job.id)
    }
}
