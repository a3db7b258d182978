//! What of a unit's settings the machine goes by, and the two policies in them: whether to start again, and when that
//! has been too often.

use std::collections::VecDeque;
use std::time::Duration;

use rustix::process::Signal;

use super::state::{Outcome, Stamp};
use crate::unit::{ExitStatus, Restart, Service, Type};

/// The settings that decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// `Type=`
    pub kind: Type,
    /// `TimeoutStartSec=`; `None` waits for ever.
    pub timeout_start: Option<Duration>,
    /// `TimeoutStopSec=`; `None` waits for ever.
    pub timeout_stop: Option<Duration>,
    /// `WatchdogSec=`
    pub watchdog: Option<Duration>,
    /// `Restart=`
    pub restart: Restart,
    /// `RestartSec=`
    pub restart_delay: Duration,
    /// `KillSignal=`
    pub kill_signal: Signal,
    /// `ReloadSignal=`
    pub reload_signal: Signal,
    /// The lines of `ExecReload=`: whether a failure of each counts as success.
    pub reload_commands: Vec<bool>,
    /// `SuccessExitStatus=`
    pub success_exit_status: Vec<ExitStatus>,
    /// `ExecStart=-...`: however the main process ends, it is well.
    pub ignores_failure: bool,
    /// `StartLimitIntervalSec=`
    pub start_limit_interval: Duration,
    /// `StartLimitBurst=`
    pub start_limit_burst: u32,
}

impl From<&Service> for Rules {
    fn from(service: &Service) -> Self {
        Self {
            kind: service.kind,
            timeout_start: service.timeout_start,
            timeout_stop: service.timeout_stop,
            watchdog: service.watchdog,
            restart: service.restart,
            restart_delay: service.restart_delay,
            kill_signal: service.kill_signal,
            reload_signal: service.reload_signal,
            reload_commands: service.exec_reload.iter().map(|command| command.ignore_failure).collect(),
            success_exit_status: service.success_exit_status.clone(),
            ignores_failure: service.exec_start.ignore_failure,
            start_limit_interval: service.start_limit_interval,
            start_limit_burst: service.start_limit_burst,
        }
    }
}

impl Rules {
    /// Whether a run that came to `outcome` is followed by another (the table of `Restart=` in systemd.service(5)).
    pub(super) fn restarts_after(&self, outcome: Outcome) -> bool {
        use Outcome::{CoreDump, ExitCode, Signal, StartLimitHit, Success, Watchdog};
        if outcome == StartLimitHit {
            return false;
        }
        match self.restart {
            Restart::No => false,
            Restart::Always => true,
            Restart::OnSuccess => outcome == Success,
            Restart::OnFailure => outcome != Success,
            Restart::OnAbnormal => !matches!(outcome, Success | ExitCode),
            Restart::OnWatchdog => outcome == Watchdog,
            Restart::OnAbort => matches!(outcome, Signal | CoreDump),
        }
    }

    /// Whether one more start now is within the limit; `starts` then counts it.
    pub(super) fn allows_start(&self, starts: &mut VecDeque<Stamp>, now: Stamp) -> bool {
        if self.start_limit_interval.is_zero() || self.start_limit_burst == 0 {
            return true;
        }
        while starts.front().is_some_and(|first| now.saturating_sub(*first) >= self.start_limit_interval) {
            starts.pop_front();
        }
        if starts.len() >= self.start_limit_burst as usize {
            return false;
        }
        starts.push_back(now);
        true
    }
}
