//! What a run is to do: the units in their order, and the limits it has to keep. Everything here is known before the
//! first step; a limit given in percent is a number by now.

use std::fmt;
use std::time::Duration;

/// A run, before it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The units, in the order in which they are to go.
    pub(crate) units: Vec<Planned>,
    /// How many hosts there are; units name theirs by a number below this.
    pub(crate) hosts: usize,
    /// What the run has to keep to.
    pub(crate) limits: Limits,
}

/// One unit of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Planned {
    /// Where it runs.
    pub(crate) host: usize,
    /// How it was when the plan was made.
    pub(crate) health: Health,
    /// Its `TimeoutStartSec=`, which bounds the check when there is no `--ready-timeout`; `None` when infinite.
    pub(crate) start_timeout: Option<Duration>,
}

/// What a unit is worth to those who use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// Active, or reloading, which is active as well.
    Active,
    /// On its way: activating, deactivating, waiting for its automatic restart.
    Moving,
    /// Inactive or failed.
    Down,
}

/// How much may happen at once, how long it may take, and how much may go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Units in flight at a time, for each host; at least 1 is taken for 0 and for a host without a number.
    pub(crate) max_parallel: Vec<usize>,
    /// So many of the plan's first units end before any other begins.
    pub(crate) canary: usize,
    /// The soak: for so long a unit has to stay as it is.
    pub(crate) min_ready: Duration,
    /// From the enqueuing to readiness and through the check; without it the manager's own timeouts end the job.
    pub(crate) ready_timeout: Option<Duration>,
    /// For the whole run, from its beginning.
    pub(crate) deadline: Option<Duration>,
    /// Between the end of one batch of a host and the start of its next; zero lets the window slide.
    pub(crate) stagger: Duration,
    /// Failures that do not stop the run yet.
    pub(crate) max_failures: usize,
    /// Whether to ask, instead of stopping, when there are more.
    pub(crate) ask: bool,
    /// Never fewer active units than this, over all hosts.
    pub(crate) min_available: Option<usize>,
    /// Whether there is a before-hook.
    pub(crate) before: bool,
    /// Whether there is a check.
    pub(crate) check: bool,
    /// Whether there is an after-hook.
    pub(crate) after: bool,
    /// Whether there is an on-fail hook.
    pub(crate) on_fail: bool,
    /// Between the end of one run of the check and the start of the next.
    pub(crate) check_pause: Duration,
}

impl Default for Limits {
    /// One after another, no hooks, and stop at the first failure.
    fn default() -> Self {
        Self {
            max_parallel: Vec::new(),
            canary: 0,
            min_ready: Duration::ZERO,
            ready_timeout: None,
            deadline: None,
            stagger: Duration::ZERO,
            max_failures: 0,
            ask: false,
            min_available: None,
            before: false,
            check: false,
            after: false,
            on_fail: false,
            check_pause: Duration::from_millis(500),
        }
    }
}

/// Why a run may not even begin: nothing can be restarted without going below `--min-available`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spent {
    /// Units that are active now.
    pub(crate) active: usize,
    /// Units that have to be.
    pub(crate) wanted: usize,
    /// Units of the plan.
    pub(crate) total: usize,
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { active, wanted, total } = self;
        if active < wanted {
            write!(f, "{active} of {total} units are active and --min-available asks for {wanted}")
        } else {
            write!(f, "--min-available asks for {wanted} of {total} units, which leaves none to restart")
        }
    }
}

impl Plan {
    /// Whether the availability budget is spent before the start: fewer units are active than it asks for, or it
    /// allows none to be missing.
    pub(crate) fn spent(&self) -> Option<Spent> {
        let wanted = self.limits.min_available.filter(|&wanted| wanted > 0)?;
        let total = self.units.len();
        let active = self.units.iter().filter(|unit| unit.health == Health::Active).count();
        (active < wanted || wanted >= total).then_some(Spent { active, wanted, total })
    }
}
