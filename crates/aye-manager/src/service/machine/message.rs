//! What the service says of itself, as far as the verdict accepts it, and what the verdict has to know of the machine.

use aye::verdict::{self, Context, Effect};

use super::{Action, Machine};
use crate::service::notification::{Heartbeat, Notification};
use crate::service::state::{Outcome, Report, Stamp, State};
use crate::unit::Type;

impl Machine {
    /// What a verdict on a message depends on, as far as the machine knows; the sender is the caller's to add.
    pub fn context(&self) -> Context {
        Context {
            kind: match self.rules.kind {
                Type::Simple => verdict::Type::Simple,
                Type::Exec => verdict::Type::Exec,
                Type::Notify => verdict::Type::Notify,
                Type::NotifyReload => verdict::Type::NotifyReload,
            },
            state: verdict::State::parse(self.state.sub()).unwrap_or(verdict::State::Dead),
            controlled: self.control.is_some(),
            stopping_said: self.stop_said,
            reload_began: u64::try_from(self.reload_began.as_micros()).ok(),
            watchdog: self.watchdog_interval.is_some(),
            ..Context::default()
        }
    }

    pub(super) fn notified(&mut self, said: &Notification, now: Stamp, out: &mut Vec<Action>) {
        if let Some(status) = &said.status {
            self.status.clone_from(status);
        }
        if let Some(errno) = said.errno {
            self.errno = errno;
        }
        if let Some(name) = &said.bus_error {
            self.bus_error.clone_from(name);
        }
        if let Some(name) = &said.varlink_error {
            self.varlink_error.clone_from(name);
        }
        self.access = said.access.or(self.access);
        if let Some(pid) = said.main_pid {
            self.has_main(pid, now);
        }
        self.said_stopping(said.stopping, now, out);
        self.said_reloading(said.reloading, now);
        self.said_ready(said.ready, now, out);
        if said.restart_reset {
            self.restarts = 0;
        }
        self.extend(said, now);
        self.heartbeat(said, now, out);
    }

    fn said_ready(&mut self, does: Option<Effect>, now: Stamp, out: &mut Vec<Action>) {
        match does {
            Some(Effect::EndsStart) => self.run(now, out),
            Some(Effect::EndsReload) => self.reloaded(now, out),
            Some(Effect::Waits) => self.reload_open = false,
            _ => {}
        }
    }

    fn said_reloading(&mut self, does: Option<Effect>, now: Stamp) {
        match does {
            Some(Effect::BeginsReload) => {
                self.reload_outcome = Outcome::Success;
                self.enter(State::ReloadNotify, self.rules.timeout_start, now);
            }
            Some(Effect::AnswersReload) => self.enter(State::ReloadNotify, self.rules.timeout_start, now),
            Some(Effect::Waits) => self.reload_open = true,
            _ => {}
        }
    }

    fn said_stopping(&mut self, does: Option<Effect>, now: Stamp, out: &mut Vec<Action>) {
        self.stop_said |= does.is_some();
        if does == Some(Effect::BeginsStop) {
            self.stops_by_itself(now, out);
        }
    }

    /// The service said that it stops: it is given its time, as after a signal.
    pub(super) fn stops_by_itself(&mut self, now: Stamp, out: &mut Vec<Action>) {
        self.enter(State::StopSigterm, self.rules.timeout_stop, now);
        out.push(Action::Report(Report::Stopping));
    }

    pub(super) fn extend(&mut self, said: &Notification, now: Stamp) {
        let Some(more) = said.extend_timeout else {
            return;
        };
        self.deadline = self.deadline.map(|deadline| deadline.max(now + more));
        if let Some(interval) = self.watchdog_interval.filter(|_| self.is_watched()) {
            let armed = (now + more).saturating_sub(interval);
            self.stamps.watchdog = self.stamps.watchdog.max(armed);
        }
    }

    pub(super) fn heartbeat(&mut self, said: &Notification, now: Stamp, out: &mut Vec<Action>) {
        if let Some(interval) = said.watchdog_interval {
            self.watchdog_interval = interval;
            self.stamps.watchdog = now;
            self.watched_early = true;
        }
        match said.heartbeat {
            Some(Heartbeat::Alive) => {
                self.stamps.watchdog = self.stamps.watchdog.max(now);
                self.watched_early = true;
            }
            Some(Heartbeat::Trigger) if !self.state.is_down() => self.bite(now, out),
            _ => {}
        }
    }
}
