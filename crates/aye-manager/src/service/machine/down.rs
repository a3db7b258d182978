//! The way down: stops, ends, limits of time that ran out, and what follows.

use aye_bus::duration;
use rustix::process::Signal;

use super::{Action, Machine, Target};
use crate::service::job::{JobKind, JobResult};
use crate::service::state::{Exit, Outcome, Report, Stamp, State};

impl Machine {
    pub(super) fn stop(&mut self, now: Stamp, out: &mut Vec<Action>) {
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

    pub(super) fn terminate(&mut self, state: State, now: Stamp, out: &mut Vec<Action>) {
        self.enter(state, self.rules.timeout_stop, now);
        out.push(Action::Signal(self.rules.kill_signal, Target::All));
    }

    pub(super) fn kill(&mut self, state: State, now: Stamp, out: &mut Vec<Action>) {
        self.enter(state, self.rules.timeout_stop, now);
        out.push(Action::Signal(Signal::KILL, Target::All));
    }

    pub(super) fn bite(&mut self, now: Stamp, out: &mut Vec<Action>) {
        let limit = self.watchdog_interval.unwrap_or_default();
        self.fail(
            Outcome::Watchdog,
            format!("killed by the watchdog: no WATCHDOG=1 within {}", duration(limit)),
        );
        out.push(Action::Report(Report::WatchdogTimedOut(limit)));
        self.enter(State::StopWatchdog, self.rules.timeout_stop, now);
        out.push(Action::Signal(Signal::ABORT, Target::All));
    }

    /// The first thing that went wrong is what the run came to.
    pub(super) fn fail(&mut self, outcome: Outcome, why: String) {
        if self.outcome == Outcome::Success && outcome != Outcome::Success {
            self.outcome = outcome;
            self.why = why;
        }
    }

    pub(super) fn main_exited(&mut self, exit: Exit, now: Stamp, out: &mut Vec<Action>) {
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
                self.terminate(State::StopSigterm, now, out);
            }
            _ => {}
        }
    }

    pub(super) fn down(&mut self, now: Stamp, out: &mut Vec<Action>) {
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
    pub(super) fn rest(&mut self, now: Stamp, out: &mut Vec<Action>) {
        match self.job.map(|job| job.kind) {
            Some(JobKind::Stop) => self.finish_job(JobResult::Done, out),
            // A start or restart that waited for the end of the run before.
            Some(JobKind::Start | JobKind::Restart) if !self.begun => return self.start(now, out),
            // The service ended by itself, and well.
            Some(JobKind::Reload) if self.outcome == Outcome::Success => {
                self.finish_job(JobResult::Done, out);
            }
            Some(_) => self.finish_job(JobResult::Failed, out),
            None => {}
        }
        if !self.stop_asked && self.rules.restarts_after(self.outcome) {
            self.enter(State::AutoRestart, Some(self.rules.restart_delay), now);
            out.push(Action::Report(Report::RestartScheduled(self.rules.restart_delay, self.restarts + 1)));
        }
    }

    pub(super) fn reset(&mut self, now: Stamp) {
        self.starts.clear();
        self.restarts = 0;
        self.outcome = Outcome::Success;
        self.reload_outcome = Outcome::Success;
        if self.state == State::Failed {
            self.enter(State::Dead, None, now);
        }
    }

    pub(super) fn elapsed(&mut self, now: Stamp, out: &mut Vec<Action>) {
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
                self.fail(
                    Outcome::Timeout,
                    format!("start timed out: no READY=1 within {}", duration(limit)),
                );
                out.push(Action::Report(Report::StartTimedOut(limit)));
                self.terminate(State::StopSigterm, now, out);
            }
            State::Reload | State::ReloadSignal | State::ReloadNotify => {
                if self.control.is_some() {
                    out.push(Action::Signal(Signal::KILL, Target::Control));
                }
                self.reload_ended(Outcome::Timeout, "it did not end within TimeoutStartSec=", now, out);
            }
            State::StopWatchdog => self.kill(State::StopSigkill, now, out),
            State::StopSigterm | State::FinalSigterm => {
                self.fail(Outcome::Timeout, format!("stop timed out after {}", duration(stop_limit)));
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
            State::AutoRestart => self.start_again(now, out),
            State::Dead | State::Running | State::Failed => {}
        }
    }
}
