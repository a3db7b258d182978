//! What was said how often, by whom, and what came of it: the ground of a trace's summary, in lines and in JSON.

use crate::trace::scene::{Event, Scene};

/// Counts of a trace.
#[derive(Debug)]
pub(crate) struct Tally {
    scene: Scene,
}

impl Tally {
    pub(crate) fn new(scene: Scene) -> Self {
        Self { scene }
    }

    /// Takes an event into account.
    pub(crate) fn feed(&mut self, _event: &Event) {
        let _ = &self.scene;
    }
}
