//! The manager itself: turns sockets, exits and timers into events for the machines of [`service`](crate::service) and
//! performs the actions they ask for. One thread, no locks: every source of events is a local task that calls in.

mod environment;
mod hearing;
mod listener;
mod load;
mod log;
mod manager;
mod reap;
mod spawning;
mod tasks;
mod unit;

use std::path::PathBuf;

use crate::service::{JobId, JobKind, JobResult, Report};
use crate::unit::{Error as LoadError, FindError, Name, Warning};

pub(crate) use listener::describe;
pub(crate) use manager::{Manager, Shared};
pub use tasks::{Ended, Setup, StartError, What, run};
pub(crate) use unit::{ServiceUnit, SocketUnit, Unit};

/// Whoever watches a manager at work.
pub trait Observer {
    /// A setting that is not honoured.
    fn warning(&mut self, warning: &Warning);
    /// Something happened to a unit.
    fn report(&mut self, unit: &str, report: &Report);
    /// A unit's message was refused or not understood, or the like.
    fn notice(&mut self, unit: &str, text: &str);
    /// A message came from a process, whatever becomes of it.
    fn message(&mut self, unit: &str, pid: u32, text: &str) {
        let _ = (unit, pid, text);
    }
    /// A unit wrote a line.
    fn line(&mut self, unit: &str, line: &str);
    /// Whether to wait a little before reading more of what units write. Their pipes fill meanwhile, and they wait.
    fn is_congested(&mut self) -> bool {
        false
    }
}

/// Something to tell the clients on the control socket.
#[derive(Debug)]
pub(crate) enum Broadcast {
    /// A job began.
    JobNew { id: JobId, unit: String },
    /// A job ended.
    JobRemoved { id: JobId, unit: String, result: JobResult },
    /// A unit was loaded.
    UnitNew { unit: String },
    /// Properties of a unit changed.
    Changed { unit: String },
    /// Answer when everything before has been sent.
    Flush(tokio::sync::oneshot::Sender<()>),
}

/// Why a unit cannot do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// The text is no unit name.
    #[error("{0}")]
    Name(#[from] crate::unit::name::ParseError),
    /// Its files are not there or cannot be read.
    #[error(transparent)]
    Find(#[from] FindError),
    /// Its files do not say what a unit must.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Its notify socket or output could not be made.
    #[error("cannot set up {unit}: {source}")]
    Setup {
        /// The unit.
        unit: Name,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// A socket cannot listen.
    #[error("{unit} cannot listen on {address}: {source}")]
    Listen {
        /// The socket unit.
        unit: Name,
        /// The address, as the unit file has it.
        address: String,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// The manager is on its way out.
    #[error("cannot start {unit}: the manager is stopping everything")]
    Closing {
        /// The unit.
        unit: String,
    },
    /// The job does not fit the unit.
    #[error("job type {} is not applicable for unit {unit}", kind.as_str())]
    NotApplicable {
        /// The unit.
        unit: String,
        /// The job.
        kind: JobKind,
    },
}

/// Where unit files are looked for, and by what name they are called in messages.
pub(crate) type SearchPath = Vec<PathBuf>;
