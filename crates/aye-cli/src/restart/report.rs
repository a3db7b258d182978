//! What a run has to tell, once, in types; `progress` tells it to people, `json` to programs, and `page` keeps it for the
//! report. Units are indices into the plan.

use std::fmt;
use std::time::Duration;

use aye_bus::ActiveState;

use crate::exit::Exit;

/// One unit of the plan, as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The full name, with its suffix.
    pub(crate) name: String,
    /// The host or machine it runs on, as it was typed; `None` for a manager of this machine.
    pub(crate) host: Option<String>,
    /// Its `TimeoutStartUSec`, or `--ready-timeout`; `None` when infinite or unknown.
    pub(crate) limit: Option<Duration>,
}

/// The commands that a user adds around each unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Hook {
    /// `--before`: before the job is enqueued.
    Before,
    /// `--check`: after the unit is ready, again and again until it succeeds.
    Check,
    /// `--after`: when nothing more is wanted of the unit.
    After,
    /// `--on-fail`: when the unit has failed.
    OnFail,
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::Check => "check",
            Self::After => "after",
            Self::OnFail => "on-fail",
        })
    }
}

/// How a hook ended. Of a check, only the last run is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HookEnd {
    pub(crate) hook: Hook,
    pub(crate) ok: bool,
    /// `exited with 1`, `killed by SIGKILL`, `cannot be started: ...`; empty when it succeeded.
    pub(crate) outcome: String,
    pub(crate) took: Duration,
    /// The last lines it wrote, on either stream, oldest first.
    pub(crate) output: Vec<String>,
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
    /// Why units were not attempted, as a sentence: `1 failed and --max-failures is 0`; `None` when all were, and after an
    /// interrupt.
    pub(crate) stopped: Option<String>,
    /// The command that restarts what was not attempted; `None` when nothing is left.
    pub(crate) resume: Option<String>,
}

/// Something to tell. `elapsed` counts from the enqueuing of the unit's job, and is zero before that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happening<'a> {
    /// What will be done (`restarting`, `reloading`), in this order; `ungated` have no readiness to wait for; `fresh` are left out because they run a
    /// new start already (`--only-stale`, `--started-before`).
    Plan { doing: &'static str, ungated: &'a [usize], fresh: &'a [String] },
    /// The job was enqueued; the stamp is `CLOCK_MONOTONIC` when the manager's reply was read.
    Start { index: usize, enqueued: Duration },
    /// The unit, in flight, is in another state: for the timeline.
    State { index: usize, elapsed: Duration, state: ActiveState },
    /// The unit's status text is new.
    Status { index: usize, elapsed: Duration, text: &'a str },
    /// Active with a new invocation, since this instant of the manager's `CLOCK_MONOTONIC`.
    Ready { index: usize, elapsed: Duration, became_active: Duration },
    /// Its check has begun.
    Check { index: usize, elapsed: Duration },
    /// It has to stay as it is for this long now.
    Soak { index: usize, elapsed: Duration, lasts: Duration },
    /// A hook has ended.
    Hook { index: usize, elapsed: Duration, end: &'a HookEnd },
    /// Nothing more is wanted of this unit.
    Ok { index: usize, elapsed: Duration },
    /// It failed.
    Failed { index: usize, elapsed: Duration, failure: &'a Failure },
    /// The link to a host (or to the local manager: `None`) is down; it is being made again.
    Lost { host: Option<&'a str>, reason: &'a str },
    /// The link is back.
    Regained { host: Option<&'a str>, after: Duration },
    /// `--on-failure ask` is about to read the terminal: nothing may be drawn until `Answered`.
    Asking { index: usize },
    /// The answer has been read.
    Answered { go_on: bool },
    /// The first interrupt: what is in flight will be finished.
    Interrupted { in_flight: &'a [usize] },
    /// Always the last.
    Summary(&'a Summary),
}
