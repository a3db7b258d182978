//! A trace as NDJSON: one object a line, versioned.

use std::time::{Duration, SystemTime};

use super::scene::{Event, Scene};
use super::timeline::Tally;

/// An event as one object, without a line break.
pub(crate) fn line(_event: &Event, _scene: &Scene) -> String {
    String::new()
}

/// The last object: what was said how often, and what was never said. `at` is on the clock of [`Event::at`].
pub(crate) fn summary(_tally: &Tally, _at: Duration, _time: SystemTime) -> String {
    String::new()
}
