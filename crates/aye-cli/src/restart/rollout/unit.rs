//! One unit on its way: which phase it is in, and what the clock will do to it next.

use std::time::{Duration, Instant};

use super::plan::{Health, Planned};

/// How far a unit has come. The table in `rollout` says what leads from one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not touched.
    Waiting,
    /// Its before-hook runs.
    Before,
    /// The manager is being asked for its job.
    Enqueuing,
    /// Its job is in the manager's hands.
    Starting,
    /// It is ready, and its check runs, or will run again after a pause.
    Checking,
    /// It has to stay as it is.
    Soaking,
    /// Its after-hook runs.
    After,
    /// It has failed, and what there is to know is being read.
    Diagnosing,
    /// It has failed, and its on-fail hook runs.
    OnFail,
    /// Nothing more is wanted of it.
    Ok,
    /// It failed, and all about that is done.
    Failed,
}

impl Phase {
    /// Touched, and not in its final state.
    pub(crate) fn is_in_flight(self) -> bool {
        !matches!(self, Self::Waiting | Self::Ok | Self::Failed)
    }

    /// In flight, and not failed yet.
    pub(super) fn may_fail(self) -> bool {
        self.is_in_flight() && !matches!(self, Self::Diagnosing | Self::OnFail)
    }

    /// Active as far as is known, and watched for leaving that.
    pub(crate) fn may_break(self) -> bool {
        matches!(self, Self::Checking | Self::Soaking | Self::After)
    }
}

/// One unit.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) host: usize,
    pub(super) phase: Phase,
    pub(super) health: Health,
    pub(super) start_timeout: Option<Duration>,
    /// When its job was enqueued.
    pub(super) since: Option<Instant>,
    /// How long it was in flight from then on; known at the end.
    pub(super) took: Option<Duration>,
    /// When Starting or Checking has lasted too long.
    pub(super) bound: Option<Instant>,
    /// When its phase goes on by itself: the soak is over, the check may run again, or the hook has ended.
    pub(super) next: Option<Instant>,
    /// It failed when the failures were more than allowed.
    pub(super) exceeding: bool,
}

impl Unit {
    pub(super) fn new(planned: &Planned) -> Self {
        Self {
            host: planned.host,
            phase: Phase::Waiting,
            health: planned.health,
            start_timeout: planned.start_timeout,
            since: None,
            took: None,
            bound: None,
            next: None,
            exceeding: false,
        }
    }

    /// Enters a phase, with nothing to come from the clock but the bound that was set.
    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.next = None;
        if !matches!(phase, Phase::Starting | Phase::Checking) {
            self.bound = None;
        }
    }

    /// When to look at it again. Without a link to its host it cannot go on, except to another run of its check.
    pub(super) fn wake(&self, linked: bool) -> Option<Instant> {
        let next = self.next.filter(|_| linked || self.phase == Phase::Checking);
        self.bound.into_iter().chain(next).min()
    }

    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.bound.is_some_and(|bound| bound <= now)
    }

    pub(super) fn elapsed(&self, now: Instant) -> Duration {
        let running = || self.since.map(|since| now.saturating_duration_since(since));
        self.took.or_else(running).unwrap_or_default()
    }
}
