//! What the service says of itself.

use super::{Action, Machine};
use crate::service::notification::{Heartbeat, Notification};
use crate::service::state::{Outcome, Report, Stamp, State};

impl Machine {
    pub(super) fn notified(&mut self, said: &Notification, now: Stamp, out: &mut Vec<Action>) {
        if let Some(status) = &said.status {
            self.status.clone_from(status);
        }
        if let Some(errno) = said.errno {
            self.errno = errno;
        }
        if let Some(pid) = said.main_pid.filter(|_| self.state == State::Start || self.state.is_up()) {
            self.has_main(pid, now);
        }
        // STOPPING beats READY, which beats RELOADING; both of the latter in one message are a reload that is over.
        // STOPPING is also the last word of a run, as since systemd 259.
        if said.stopping {
            self.stop_said = true;
            self.said_stopping(now, out);
        } else if !self.stop_said {
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

    pub(super) fn said_ready(&mut self, now: Stamp, out: &mut Vec<Action>) {
        self.reload_open = false;
        match self.state {
            State::Start if self.rules.kind.is_notify() => self.run(now, out),
            State::ReloadNotify => self.reloaded(now, out),
            _ => {}
        }
    }

    pub(super) fn said_reloading(&mut self, said: &Notification, now: Stamp) {
        match self.state {
            State::Running => {
                self.reload_outcome = Outcome::Success;
                self.enter(State::ReloadNotify, self.rules.timeout_start, now);
            }
            State::ReloadSignal if said.monotonic.is_some_and(|at| at >= self.reload_began) => {
                self.enter(State::ReloadNotify, self.rules.timeout_start, now);
            }
            State::Reload => self.reload_open = true,
            _ => {}
        }
    }

    pub(super) fn said_stopping(&mut self, now: Stamp, out: &mut Vec<Action>) {
        if self.state.is_up() {
            self.enter(State::StopSigterm, self.rules.timeout_stop, now);
            out.push(Action::Report(Report::Stopping));
        }
    }

    pub(super) fn extend(&mut self, said: &Notification, now: Stamp) {
        let Some(more) = said.extend_timeout else {
            return;
        };
        self.deadline = self.deadline.map(|deadline| deadline.max(now + more));
        if let Some(interval) = self.watchdog_interval.filter(|_| self.state.is_up()) {
            let armed = (now + more).saturating_sub(interval);
            self.stamps.watchdog = self.stamps.watchdog.max(armed);
        }
    }

    pub(super) fn heartbeat(&mut self, said: &Notification, now: Stamp, out: &mut Vec<Action>) {
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
}
