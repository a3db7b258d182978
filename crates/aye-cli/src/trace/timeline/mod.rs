//! A trace as lines for people: what comes in by [`Timeline::feed`] comes out in columns, heartbeats summed up, and what
//! ought to happen and does not is said by [`Timeline::wake`]. Pure: the clock is that of the events.

mod tally;

use std::time::Duration;

use super::scene::{Event, Scene};
pub(crate) use tally::Tally;

/// How lines are to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// How many cells a line may have: the terminal's columns, or `usize::MAX` where nothing is to be wrapped.
    pub(crate) width: usize,
    /// Whether it may have colours.
    pub(crate) colour: bool,
}

/// A trace being shown.
#[derive(Debug)]
pub(crate) struct Timeline {
    look: Look,
    tally: Tally,
}

impl Timeline {
    pub(crate) fn new(scene: Scene, look: Look) -> Self {
        Self { look, tally: Tally::new(scene) }
    }

    /// The lines that an event is worth now; none for a heartbeat that will be summed up.
    pub(crate) fn feed(&mut self, event: &Event) -> Vec<String> {
        self.tally.feed(event);
        let _ = self.look;
        Vec::new()
    }

    /// When [`Timeline::wake`] will have something to say, on the clock of [`Event::at`]; it may have passed.
    pub(crate) fn next_wake(&self) -> Option<Duration> {
        let _ = self.look;
        None
    }

    /// The lines that time itself is worth: what is overdue, heartbeats summed up.
    pub(crate) fn wake(&mut self, _at: Duration) -> Vec<String> {
        let _ = self.look;
        Vec::new()
    }

    /// The last lines: what was said how often, what was never said and what it means.
    pub(crate) fn finish(&mut self, _at: Duration) -> Vec<String> {
        let _ = self.look;
        Vec::new()
    }
}
