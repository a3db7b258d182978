//! Reloading, by commands or, for notify-reload, by a signal and the messages that answer it.

use super::{Action, Machine, Spawn, Target};
use crate::service::job::{JobKind, JobResult};
use crate::service::state::{Exit, Outcome, Report, Stamp, State};
use crate::unit::Type;

impl Machine {
    pub(super) fn reload(&mut self, now: Stamp, out: &mut Vec<Action>) {
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

    pub(super) fn reload_step(&mut self, now: Stamp, out: &mut Vec<Action>) {
        if self.reload_index < self.rules.reload_commands {
            out.push(Action::Spawn(Spawn::Reload(self.reload_index)));
        } else if !self.reload_open {
            self.reload_ended(None, now, out);
        }
    }

    pub(super) fn control_exited(&mut self, exit: Exit, now: Stamp, out: &mut Vec<Action>) {
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

    pub(super) fn reload_ended(&mut self, failure: Option<String>, now: Stamp, out: &mut Vec<Action>) {
        let result = if failure.is_some() || !self.reload_ok { JobResult::Failed } else { JobResult::Done };
        self.enter(State::Running, None, now);
        if let Some(why) = failure {
            out.push(Action::Report(Report::ReloadFailed(why)));
        }
        self.finish_job_if(&[JobKind::Reload], result, out);
        self.finish_job_if(&[JobKind::Start], JobResult::Done, out);
    }
}
