//! Reloading: for notify-reload a signal and the messages that answer it, and commands for whoever has them.

use super::{Action, Machine, Spawn, Target};
use crate::service::job::{JobKind, JobResult};
use crate::service::state::{Exit, Outcome, Report, Stamp, State};
use crate::unit::Type;

impl Machine {
    pub(super) fn reload(&mut self, now: Stamp, out: &mut Vec<Action>) {
        self.reload_outcome = Outcome::Success;
        self.reload_open = false;
        self.reload_began = now;
        self.reload_index = 0;
        let by_signal = self.rules.kind == Type::NotifyReload;
        if by_signal {
            out.push(Action::Signal(self.rules.reload_signal, Target::Main));
        }
        if by_signal && self.rules.reload_commands.is_empty() {
            return self.enter(State::ReloadSignal, self.rules.timeout_start, now);
        }
        self.enter(State::Reload, self.rules.timeout_start, now);
        self.reload_step(now, out);
    }

    /// One that was asked for when it could not begin.
    pub(super) fn reload_if_waiting(&mut self, now: Stamp, out: &mut Vec<Action>) {
        if std::mem::take(&mut self.reload_waits) {
            self.reload(now, out);
        }
    }

    fn reload_step(&mut self, now: Stamp, out: &mut Vec<Action>) {
        if self.reload_index < self.rules.reload_commands.len() {
            out.push(Action::Spawn(Spawn::Reload(self.reload_index)));
        } else if self.reload_open {
            let left = self.deadline.map(|deadline| deadline.saturating_sub(now));
            self.enter(State::ReloadNotify, left, now);
        } else {
            self.reloaded(now, out);
        }
    }

    pub(super) fn control_exited(&mut self, exit: Exit, now: Stamp, out: &mut Vec<Action>) {
        self.control = None;
        let ignored = self.rules.reload_commands.get(self.reload_index).is_some_and(|ignored| *ignored);
        let outcome = if ignored { Outcome::Success } else { exit.outcome_of_command() };
        if self.state.is_stopping() {
            return self.fail(outcome, format!("ExecReload= {exit}"));
        }
        if self.state != State::Reload {
            return; // killed when its time was over
        }
        if outcome != Outcome::Success {
            return self.reload_ended(outcome, &format!("ExecReload= {exit}"), now, out);
        }
        self.reload_index += 1;
        self.reload_step(now, out);
    }

    pub(super) fn reloaded(&mut self, now: Stamp, out: &mut Vec<Action>) {
        self.reload_ended(Outcome::Success, "", now, out);
    }

    pub(super) fn reload_ended(&mut self, outcome: Outcome, why: &str, now: Stamp, out: &mut Vec<Action>) {
        self.reload_outcome = outcome;
        if self.stop_said {
            // While commands reload, STOPPING=1 waits.
            self.stops_by_itself(now, out);
            return self.finish_job_if(&[JobKind::Reload], JobResult::Failed, out);
        }
        self.enter(State::Running, None, now);
        if outcome != Outcome::Success {
            out.push(Action::Report(Report::ReloadFailed(why.to_owned())));
        }
        if self.reload_waits {
            return self.reload_if_waiting(now, out);
        }
        let result = if outcome == Outcome::Success { JobResult::Done } else { JobResult::Failed };
        self.finish_job_if(&[JobKind::Reload], result, out);
        self.finish_job_if(&[JobKind::Start], JobResult::Done, out);
    }
}
