//! The manager's signals, in the order it sent them: which job ended how, and what changed about a unit
//! meanwhile. Following a job means reading these until its own path is removed; nothing is polled.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use zbus::message::{Message, Type};
use zbus::{Connection, MessageStream, ObjectPath, OwnedObjectPath, Variant};

use crate::ending::Ending;
use crate::unit::{ActiveState, Invocation, Properties, Unit};
use crate::{Error, Result};

/// How a job ended, in the manager's words (`man org.freedesktop.systemd1`, `JobRemoved`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobResult {
    /// It did what it was asked to. For `Type=simple` that proves nothing.
    Done,
    /// The unit failed; a start that timed out is this, with the service's Result `timeout`.
    Failed,
    /// `JobTimeoutSec=` of the unit ran out.
    Timeout,
    /// Another job took its place, or somebody cancelled it.
    Canceled,
    /// A unit this one requires failed.
    Dependency,
    /// There was nothing to do.
    Skipped,
    /// Any other word: invalid, assert, unsupported, collected, once, frozen, concurrency, or a later one.
    Other(String),
}

impl JobResult {
    /// Reads the manager's word.
    pub fn parse(word: &str) -> Self {
        match word {
            "done" => Self::Done,
            "failed" => Self::Failed,
            "timeout" => Self::Timeout,
            "canceled" => Self::Canceled,
            "dependency" => Self::Dependency,
            "skipped" => Self::Skipped,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for JobResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Canceled => "canceled",
            Self::Dependency => "dependency",
            Self::Skipped => "skipped",
            Self::Other(word) => word,
        })
    }
}

/// What a `PropertiesChanged` said about a unit, as far as it is of use during a wait. systemd sends what is new
/// about a unit before it sends the end of the job that made it so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The new `ActiveState`.
    pub active: Option<ActiveState>,
    /// The new `InvocationID`.
    pub invocation: Option<Invocation>,
    /// The new `ActiveEnterTimestampMonotonic`, since boot.
    pub became_active: Option<Duration>,
    /// The new `SubState`, such as auto-restart.
    pub sub: Option<String>,
    /// The new `NRestarts`, which only a service has.
    pub restarts: Option<u32>,
    /// The new `ConditionResult`.
    pub conditions_met: Option<bool>,
    /// The new `StatusText`; empty when it was cleared.
    pub status: Option<String>,
}

impl Change {
    /// Brings an earlier reading of the unit up to date.
    pub fn apply(&self, unit: &mut Unit) {
        unit.active = self.active.unwrap_or(unit.active);
        unit.invocation = self.invocation.or(unit.invocation);
        if let Some(sub) = &self.sub {
            unit.sub.clone_from(sub);
        }
        if let (Some(restarts), Some(service)) = (self.restarts, &mut unit.service) {
            service.restarts = restarts;
        }
        unit.conditions_met = self.conditions_met.unwrap_or(unit.conditions_met);
        unit.became_active = self.became_active.unwrap_or(unit.became_active);
    }
}

/// One signal of the manager.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// A job ended: anybody's, so compare the path with that of your own.
    JobRemoved {
        /// The job's object path, as the enqueuing call returned it.
        job: OwnedObjectPath,
        /// How it ended.
        result: JobResult,
    },
    /// A unit was loaded; nothing else is said of it in that moment.
    Loaded {
        /// Its name.
        name: String,
    },
    /// A unit was unloaded.
    Unloaded {
        /// Its name.
        name: String,
    },
    /// A unit changed.
    Changed {
        /// The unit's object path.
        unit: OwnedObjectPath,
        /// What is new.
        change: Change,
    },
}

/// The flow of signals from one manager. Unread ones wait here without bound, so that a full queue can never
/// hold up the replies to calls on the same connection.
#[derive(Debug)]
pub struct Signals {
    receiver: UnboundedReceiver<Signal>,
    reader: JoinHandle<()>,
    ending: Ending,
}

impl Signals {
    pub(crate) fn of(connection: &Connection, ending: Ending) -> Self {
        let (sender, receiver) = unbounded_channel();
        // Made here, not in the task: what arrives from now on is seen even if the task starts later.
        let messages = MessageStream::from(connection);
        let reader = tokio::spawn(forward(messages, sender, ending.clone()));
        Self { receiver, reader, ending }
    }

    /// The next signal, in the order the manager sent them. Cancelling the wait loses nothing.
    ///
    /// # Errors
    /// [`Error::Lost`] once the connection has ended and every signal has been read.
    pub async fn next(&mut self) -> Result<Signal> {
        if let Some(signal) = self.receiver.recv().await {
            return Ok(signal);
        }
        let reason = self.ending.reason().unwrap_or_default();
        Err(Error::Lost { doing: "follow its jobs".to_owned(), reason })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn forward(mut messages: MessageStream, sender: UnboundedSender<Signal>, ending: Ending) {
    while let Some(Ok(message)) = messages.next().await {
        if let Some(signal) = read(&message)
            && sender.send(signal).is_err()
        {
            return;
        }
    }
    ending.note("the connection ended".to_owned()).await;
}

/// The signal a message is, if it is one of ours. A malformed body is as good as another signal: it is not ours.
fn read(message: &Message) -> Option<Signal> {
    if message.message_type() != Type::Signal {
        return None;
    }
    let header = message.header();
    match header.member()?.as_str() {
        "JobRemoved" => job_removed(message),
        "UnitNew" => Some(Signal::Loaded { name: unit_name(message)? }),
        "UnitRemoved" => Some(Signal::Unloaded { name: unit_name(message)? }),
        "PropertiesChanged" => changed(message, header.path()?),
        _ => None,
    }
}

fn job_removed(message: &Message) -> Option<Signal> {
    let body = message.body();
    let (_, job, _, result): (u32, ObjectPath<'_>, &str, &str) = body.deserialize().ok()?;
    Some(Signal::JobRemoved { job: job.into(), result: JobResult::parse(result) })
}

/// `UnitNew` and `UnitRemoved`: the name and the object.
fn unit_name(message: &Message) -> Option<String> {
    let body = message.body();
    let (name, _): (&str, ObjectPath<'_>) = body.deserialize().ok()?;
    Some(name.to_owned())
}

fn changed(message: &Message, path: &ObjectPath<'_>) -> Option<Signal> {
    let body = message.body();
    let (_, changed, _): (&str, HashMap<&str, Variant<'_>>, Vec<&str>) = body.deserialize().ok()?;
    let change = Properties::of(changed).change();
    let unit = path.to_owned().into();
    (change != Change::default()).then_some(Signal::Changed { unit, change })
}
