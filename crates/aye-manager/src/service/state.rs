//! The words of the machine: states, how processes end, what a run came to, and what there is to report about it.

use std::fmt;
use std::time::Duration;

use aye_bus::duration;
use rustix::process::Signal;

use crate::unit::ExitStatus;
use crate::unit::value::signal_name;

/// A moment on `CLOCK_MONOTONIC`, as the time since the machine booted.
pub type Stamp = Duration;

/// Where a service is. The table of the [module](super) says what leads where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the table says more than a line each could
pub enum State {
    Dead,
    Start,
    Running,
    Reload,
    ReloadSignal,
    ReloadNotify,
    StopWatchdog,
    StopSigterm,
    StopSigkill,
    FinalSigterm,
    FinalSigkill,
    Failed,
    AutoRestart,
}

impl State {
    /// `ActiveState`, as org.freedesktop.systemd1 names it.
    pub fn active(self) -> &'static str {
        match self {
            Self::Dead => "inactive",
            Self::Start | Self::AutoRestart => "activating",
            Self::Running => "active",
            Self::Reload | Self::ReloadSignal | Self::ReloadNotify => "reloading",
            Self::Failed => "failed",
            _ => "deactivating",
        }
    }

    /// `SubState`.
    pub fn sub(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Start => "start",
            Self::Running => "running",
            Self::Reload => "reload",
            Self::ReloadSignal => "reload-signal",
            Self::ReloadNotify => "reload-notify",
            Self::StopWatchdog => "stop-watchdog",
            Self::StopSigterm => "stop-sigterm",
            Self::StopSigkill => "stop-sigkill",
            Self::FinalSigterm => "final-sigterm",
            Self::FinalSigkill => "final-sigkill",
            Self::Failed => "failed",
            Self::AutoRestart => "auto-restart",
        }
    }

    /// Up, reloading included.
    pub fn is_up(self) -> bool {
        matches!(self, Self::Running | Self::Reload | Self::ReloadSignal | Self::ReloadNotify)
    }

    /// On the way down.
    pub fn is_stopping(self) -> bool {
        self.active() == "deactivating"
    }

    /// Down, with nothing of it left to run.
    pub fn is_down(self) -> bool {
        matches!(self, Self::Dead | Self::Failed | Self::AutoRestart)
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// exit(3) with a status.
    Code(i32),
    /// A signal, and whether it left a core.
    Signal(i32, bool),
    /// Not our child, so nobody told us.
    Unknown,
}

impl Exit {
    /// `is_clean_exit()` of systemd for a service: status 0, or one of the signals that politely ask to go.
    pub fn outcome(self, also_clean: &[ExitStatus]) -> Outcome {
        const POLITE: [i32; 4] = [1, 2, 13, 15]; // SIGHUP, SIGINT, SIGPIPE, SIGTERM
        match self {
            Self::Code(0) | Self::Unknown => Outcome::Success,
            _ if also_clean.iter().any(|clean| self.is(*clean)) => Outcome::Success,
            Self::Code(_) => Outcome::ExitCode,
            Self::Signal(number, _) if POLITE.contains(&number) => Outcome::Success,
            Self::Signal(_, true) => Outcome::CoreDump,
            Self::Signal(..) => Outcome::Signal,
        }
    }

    /// The same for a command, such as one of `ExecReload=`: no signal is a clean end of it.
    pub fn outcome_of_command(self) -> Outcome {
        match self {
            Self::Signal(_, true) => Outcome::CoreDump,
            Self::Signal(..) => Outcome::Signal,
            _ => self.outcome(&[]),
        }
    }

    fn is(self, status: ExitStatus) -> bool {
        match (self, status) {
            (Self::Code(found), ExitStatus::Code(code)) => found == i32::from(code),
            (Self::Signal(found, _), ExitStatus::Signal(signal)) => found == signal.as_raw(),
            _ => false,
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with {code}"),
            Self::Signal(number, core) => {
                match Signal::from_named_raw(*number).and_then(signal_name) {
                    Some(name) => write!(f, "killed by {name}")?,
                    None => write!(f, "killed by signal {number}")?,
                }
                if *core { f.write_str(" (core dumped)") } else { Ok(()) }
            }
            Self::Unknown => f.write_str("ended"),
        }
    }
}

/// What a run came to: the `Result` of org.freedesktop.systemd1.Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // systemd's own words
pub enum Outcome {
    Success,
    Resources,
    Protocol,
    Timeout,
    ExitCode,
    Signal,
    CoreDump,
    Watchdog,
    StartLimitHit,
}

impl Outcome {
    /// As systemd writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Resources => "resources",
            Self::Protocol => "protocol",
            Self::Timeout => "timeout",
            Self::ExitCode => "exit-code",
            Self::Signal => "signal",
            Self::CoreDump => "core-dump",
            Self::Watchdog => "watchdog",
            Self::StartLimitHit => "start-limit-hit",
        }
    }
}

/// When the service last passed its landmarks; zero where it never did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamps {
    /// Left `inactive` (or `failed`).
    pub inactive_exit: Stamp,
    /// Became `active`.
    pub active_enter: Stamp,
    /// Left `active`.
    pub active_exit: Stamp,
    /// Became `inactive` (or `failed`).
    pub inactive_enter: Stamp,
    /// The main process started.
    pub main_start: Stamp,
    /// The main process ended.
    pub main_exit: Stamp,
    /// The last heartbeat, or the moment the watchdog was armed.
    pub watchdog: Stamp,
    /// The last change of state.
    pub state_change: Stamp,
}

/// Something a person who watches wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// It began to start.
    Starting,
    /// It is up; how long that took.
    Ready(Duration),
    /// It began to stop.
    Stopping,
    /// It is down, and that is well.
    Stopped,
    /// It is down, and that is not: why, and how long after its start.
    Failed(String, Duration),
    /// It did not say READY=1 in time.
    StartTimedOut(Duration),
    /// It did not stop in time and is killed.
    StopTimedOut(Duration),
    /// It missed its heartbeat.
    WatchdogTimedOut(Duration),
    /// A reload did not end well.
    ReloadFailed(String),
    /// It will be started again after this time; how often that was so.
    RestartScheduled(Duration, u32),
    /// It was started too often.
    StartLimitHit(u32, Duration),
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => write!(f, "starting"),
            Self::Ready(after) => write!(f, "ready in {}", duration(*after)),
            Self::Stopping => write!(f, "stopping"),
            Self::Stopped => write!(f, "stopped"),
            Self::Failed(why, after) => write!(f, "FAILED: {why} after {}", duration(*after)),
            Self::StartTimedOut(limit) => {
                write!(
                    f,
                    "start timed out: no READY=1 within {} (TimeoutStartSec=); terminating",
                    duration(*limit)
                )
            }
            Self::StopTimedOut(limit) => {
                write!(
                    f,
                    "stop timed out: still running after {} (TimeoutStopSec=); killing",
                    duration(*limit)
                )
            }
            Self::WatchdogTimedOut(limit) => {
                write!(f, "watchdog: no WATCHDOG=1 within {} (WatchdogSec=); aborting", duration(*limit))
            }
            Self::ReloadFailed(why) => write!(f, "reload failed: {why}"),
            Self::RestartScheduled(delay, count) => write!(f, "restart {count} in {}", duration(*delay)),
            Self::StartLimitHit(burst, interval) => write!(
                f,
                "not started again: {burst} starts within {} (StartLimitBurst=, StartLimitIntervalSec=)",
                duration(*interval)
            ),
        }
    }
}
