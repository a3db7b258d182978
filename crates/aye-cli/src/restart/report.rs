//! What a run has to tell, once, in types; `progress` tells it to people and `json` to programs.

use std::time::Duration;

use crate::exit::Exit;

/// One unit of the plan, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The full name, with its suffix.
    pub(crate) name: String,
    /// Its `TimeoutStartUSec`; `None` when infinite or unknown.
    pub(crate) limit: Option<Duration>,
}

/// Why a unit failed, and what it said last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    /// One sentence: `exited with 1 after 2.0 s`.
    pub(crate) reason: String,
    /// The unit's `Result`, such as exit-code; empty when it has none.
    pub(crate) result: String,
    /// Its status text; empty when it has none.
    pub(crate) status: String,
    /// Its last log lines, oldest first.
    pub(crate) log: Vec<String>,
}

/// How the run went: each unit is in exactly one of the lists, by its index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) ready: Vec<usize>,
    pub(crate) failed: Vec<usize>,
    /// Left behind in the middle: the job goes on without us.
    pub(crate) in_flight: Vec<usize>,
    pub(crate) not_attempted: Vec<usize>,
    pub(crate) took: Duration,
    pub(crate) exit: Exit,
    /// The command that restarts what was not attempted; `None` when nothing is left.
    pub(crate) resume: Option<String>,
}

/// Something to tell. Units are indices into the plan; `elapsed` counts from the enqueuing of the unit's job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happening<'a> {
    /// What will be done, in this order; `ungated` have no readiness to wait for.
    Plan { ungated: &'a [usize] },
    /// The job was enqueued; the stamp is `CLOCK_MONOTONIC` when the manager's reply was read.
    Start { index: usize, enqueued: Duration },
    /// The unit's status text is new.
    Status { index: usize, elapsed: Duration, text: &'a str },
    /// Active with a new invocation, since this instant of `CLOCK_MONOTONIC`.
    Ready { index: usize, elapsed: Duration, became_active: Duration },
    /// Nothing more is wanted of this unit.
    Ok { index: usize, elapsed: Duration },
    /// It failed.
    Failed { index: usize, elapsed: Duration, failure: &'a Failure },
    /// The first interrupt: what is in flight will be finished.
    Interrupted { in_flight: &'a [usize] },
    /// Always the last.
    Summary(&'a Summary),
}
