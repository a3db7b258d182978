//! One host of a run: whether it can be reached, and whether its window has room.

/// The way to a host's manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Up,
    /// Being made again.
    Lost,
    /// Not being made again.
    Gone,
}

/// One host.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) link: Link,
    window: usize,
    in_flight: usize,
    /// Units that are on their way without us.
    pub(super) moving: usize,
    batches: Option<Batch>,
}

/// The batch of a host, where there is a time between batches.
#[derive(Debug, Default)]
struct Batch {
    begun: usize,
    /// Between two batches.
    resting: bool,
}

impl Host {
    pub(super) fn new(window: usize, staggered: bool) -> Self {
        let batches = staggered.then(Batch::default);
        Self { link: Link::Up, window: window.max(1), in_flight: 0, moving: 0, batches }
    }

    /// Whether another unit may start here.
    pub(super) fn is_open(&self) -> bool {
        let batch = self.batches.as_ref();
        let batch_has_room = batch.is_none_or(|batch| !batch.resting && batch.begun < self.window);
        self.link == Link::Up && self.in_flight < self.window && batch_has_room
    }

    pub(super) fn is_resting(&self) -> bool {
        self.batches.as_ref().is_some_and(|batch| batch.resting)
    }

    pub(super) fn start(&mut self) {
        self.in_flight += 1;
        if let Some(batch) = &mut self.batches {
            batch.begun += 1;
        }
    }

    /// Takes back what `start` counted, and says whether that was the end of a batch.
    pub(super) fn end(&mut self) -> bool {
        self.in_flight -= 1;
        self.in_flight == 0 && self.batches.is_some()
    }

    /// Makes the next batch wait.
    pub(super) fn rest(&mut self) {
        if let Some(batch) = &mut self.batches {
            *batch = Batch { begun: 0, resting: true };
        }
    }

    /// Lets the next batch begin.
    pub(super) fn rested(&mut self) {
        if let Some(batch) = &mut self.batches {
            batch.resting = false;
        }
    }
}
