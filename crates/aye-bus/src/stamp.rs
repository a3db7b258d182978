//! The moments a manager keeps of a unit, each by two clocks.

use std::time::Duration;

/// One moment by both clocks of the manager's machine; zero for what never happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamp {
    /// `CLOCK_MONOTONIC`, since boot.
    pub monotonic: Duration,
    /// `CLOCK_REALTIME`, since 1970.
    pub realtime: Duration,
}

impl Stamp {
    /// The moment, if there was one.
    pub fn some(self) -> Option<Self> {
        (!self.monotonic.is_zero()).then_some(self)
    }
}

/// The moments of a unit and, for a service, of its main process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamps {
    /// `InactiveExitTimestamp`: the last start began.
    pub inactive_exit: Stamp,
    /// `ActiveEnterTimestamp`: it became active.
    pub active_enter: Stamp,
    /// `InactiveEnterTimestamp`: it was stopped, or failed.
    pub inactive_enter: Stamp,
    /// `StateChangeTimestamp`: its last change, whichever.
    pub state_change: Stamp,
}
