//! What is seen while a program is traced, as plain values: the ground on which messages are judged, and what happens one
//! after another. The relay makes them, the timeline and the others show them.

use std::process::ExitStatus;
use std::time::{Duration, SystemTime};

use aye::verdict::{Effect, Role, Type};
use aye::{Dropped, NotifyAccess, Sender};

/// Who is traced, and what its manager holds it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scene {
    /// The command as typed, or the unit's name.
    pub(crate) subject: String,
    /// The unit whose manager gets the messages; `None` where there is no `$NOTIFY_SOCKET` to pass them on to.
    pub(crate) unit: Option<String>,
    /// systemd's version, for the verdicts.
    pub(crate) version: u16,
    /// `Type=`
    pub(crate) kind: Type,
    /// `NotifyAccess=`
    pub(crate) access: NotifyAccess,
    /// `TimeoutStartSec=`; `None` for infinity.
    pub(crate) timeout_start: Option<Duration>,
    /// `TimeoutStopSec=`; `None` for infinity.
    pub(crate) timeout_stop: Option<Duration>,
    /// `WatchdogSec=`
    pub(crate) watchdog: Option<Duration>,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// Since the trace began, on the monotonic clock.
    pub(crate) at: Duration,
    /// By the clock on the wall.
    pub(crate) time: SystemTime,
    /// What.
    pub(crate) what: Happening,
}

/// What happened.
#[derive(Debug, Clone)]
pub(crate) enum Happening {
    /// The main process runs.
    Began { pid: u32 },
    /// A datagram came.
    Said(Said),
    /// A signal for the program was handed on, or seen by its unit's state (a reload, a stop).
    Signalled(i32),
    /// The unit's state changed, in systemd's words (`ActiveState`, `SubState`, `Result`); a traced unit only.
    State { active: String, sub: String, result: String },
    /// The main process ended; `None` where how is not known.
    Ended(Option<ExitStatus>),
    /// Something that is worth a line: what could not be done, and what it means.
    Note(String),
}

/// One datagram.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// As sent.
    pub(crate) bytes: Vec<u8>,
    /// By whom, as the kernel attests it.
    pub(crate) sender: Option<Sender>,
    /// The sender's command line, when it could still be read.
    pub(crate) command: Option<String>,
    /// What the sender is to the service.
    pub(crate) role: Role,
    /// What each descriptor is, such as `tcp 127.0.0.1:8080` or `pipe`.
    pub(crate) fds: Vec<String>,
    /// What a manager makes of it.
    pub(crate) outcome: Outcome,
    /// Whether it was passed on.
    pub(crate) passed: Passed,
}

/// What a manager makes of a datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing: a rule drops it whole.
    Dropped(Dropped),
    /// Each of its lines.
    Judged(Vec<Line>),
}

/// One line of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// As it was read: without the backslashes that systemd takes away.
    pub(crate) text: Vec<u8>,
    /// What comes of it.
    pub(crate) verdict: Word,
    /// Why, or what it does, as the verdict says it.
    pub(crate) why: String,
}

/// A verdict in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Accepted(Effect),
    Ignored,
    Refused,
}

/// What became of a datagram on its way to the manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Passed {
    /// There is no manager.
    Nowhere,
    /// It was passed on under its sender's name.
    AsSender,
    /// The same, but its sender had ended by then: the manager may have reaped it before it reads this, and does not know
    /// any more whose it is.
    AsEnded,
    /// It was passed on under this process' name, which is the unit's main process.
    AsTracer,
    /// It was not passed on, because under this process' name it would fare otherwise than under its sender's.
    Withheld,
    /// It could not be passed on, and why.
    Failed(String),
}
