//! What will happen by the clock alone. Whatever can wait has one place here at most, so that setting it again
//! forgets what was set before.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

/// Who waits for the clock. At the same instant units come first: what a unit has reached by the deadline it has
/// reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Waiter {
    /// A unit, for its timeout, for its next check, or for the end of its soak.
    Unit(usize),
    /// A host, for its next batch.
    Host(usize),
    /// The run, for its deadline.
    Run,
}

/// The waiters, by time.
#[derive(Debug, Default)]
pub(super) struct Timers {
    order: BTreeSet<(Instant, Waiter)>,
    times: HashMap<Waiter, Instant>,
}

impl Timers {
    /// Wakes `waiter` at that time, and at no other; `None` not at all.
    pub(super) fn set(&mut self, waiter: Waiter, at: Option<Instant>) {
        if let Some(old) = self.times.remove(&waiter) {
            self.order.remove(&(old, waiter));
        }
        if let Some(at) = at {
            self.times.insert(waiter, at);
            self.order.insert((at, waiter));
        }
    }

    /// The earliest time that was set.
    pub(super) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes out the earliest waiter whose time has come.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Waiter> {
        let (at, waiter) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.set(waiter, None);
        Some(waiter)
    }
}
