//! The way up: from a start to running.

use super::{Action, Machine, Spawn};
use crate::service::job::{JobKind, JobResult};
use crate::service::state::{Outcome, Report, Stamp, State};
use crate::unit::Type;

impl Machine {
    pub(super) fn start(&mut self, now: Stamp, out: &mut Vec<Action>) {
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
        self.bus_error.clear();
        self.varlink_error.clear();
        self.access = None;
        self.main_exit = None;
        self.why.clear();
        self.begun = true;
        self.reload_open = false;
        self.stop_said = false;
        self.stop_asked = false;
        self.fresh = true;
        self.watchdog_interval = self.rules.watchdog;
        self.watched_early = false;
        self.enter(State::Start, self.rules.timeout_start, now);
        out.extend([Action::Report(Report::Starting), Action::Spawn(Spawn::Main)]);
    }

    /// A start that `Restart=` has been waiting for, by itself or because it was asked for.
    pub(super) fn start_again(&mut self, now: Stamp, out: &mut Vec<Action>) {
        self.restarts += 1;
        self.fresh = false;
        self.start(now, out);
    }

    /// A process becomes the main one: by `ExecStart=` or, later, by `MAINPID=`.
    pub(super) fn has_main(&mut self, pid: u32, now: Stamp) {
        self.main = Some(pid);
        if self.last_main != Some(pid) {
            self.last_main = Some(pid);
            self.main_exit = None;
            self.stamps.main_start = now;
        }
    }

    pub(super) fn spawned(&mut self, pid: u32, now: Stamp, out: &mut Vec<Action>) {
        self.last_main = None;
        self.has_main(pid, now);
        if self.rules.kind == Type::Simple && self.state == State::Start {
            self.run(now, out);
        }
    }

    pub(super) fn not_spawned(&mut self, why: String, now: Stamp, out: &mut Vec<Action>) {
        self.stamps.main_start = now;
        self.fail(Outcome::Resources, why);
        self.down(now, out);
    }

    pub(super) fn run(&mut self, now: Stamp, out: &mut Vec<Action>) {
        self.enter(State::Running, None, now);
        self.stamps.watchdog = now;
        out.push(Action::Report(Report::Ready(now.saturating_sub(self.stamps.main_start))));
        self.finish_job_if(&[JobKind::Start, JobKind::Restart], JobResult::Done, out);
        self.reload_if_waiting(now, out);
    }
}
