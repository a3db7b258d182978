//! What a run adds up to while it goes on: how many are ready or failed, how long one takes, how long the rest may take,
//! and what a fixed wait would have taken instead. Nothing here costs more with more units, but for a logarithm.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::time::{Duration, Instant};

use aye_bus::duration;

use crate::restart::report::{Happening, Summary};

/// The counts of a run so far.
#[derive(Debug, Default)]
pub(in crate::restart) struct Tally {
    ready: usize,
    failed: usize,
    times: Median,
    slowest: Duration,
    in_flight: HashSet<usize>,
    /// The most units that were in flight at once.
    widest: usize,
    /// The first start.
    began: Option<Instant>,
    /// Whether nothing more will be started, so that there is no time left to tell.
    ending: bool,
}

impl Tally {
    pub(in crate::restart) fn take(&mut self, happening: &Happening<'_>, now: Instant) {
        match happening {
            Happening::Start { index, .. } => {
                self.began.get_or_insert(now);
                self.in_flight.insert(*index);
                self.widest = self.widest.max(self.in_flight.len());
            }
            Happening::Ready { elapsed, .. } => {
                self.times.insert(*elapsed);
                self.slowest = self.slowest.max(*elapsed);
            }
            Happening::Ok { index, .. } => {
                self.ready += 1;
                self.in_flight.remove(index);
            }
            Happening::Failed { index, .. } => {
                self.failed += 1;
                self.in_flight.remove(index);
            }
            Happening::Interrupted { .. } | Happening::Answered { go_on: false } => self.ending = true,
            _ => {}
        }
    }

    /// `412 of 1000 ready, 2 failed, median 1.2 s, about 3 min left`
    pub(in crate::restart) fn line(&self, total: usize, now: Instant) -> String {
        let failed = (self.failed > 0).then(|| format!("{} failed", self.failed));
        let median = self.times.get().map(|median| format!("median {}", duration(median)));
        let left = self.left(total, now).map(|left| format!("about {} left", duration(left)));
        let parts = [Some(format!("{} of {total} ready", self.ready)), failed, median, left];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// By the pace so far, in steps that do not pretend to know it better. With few units done there is no pace yet.
    fn left(&self, total: usize, now: Instant) -> Option<Duration> {
        let done = self.ready + self.failed;
        let rest = total.saturating_sub(done);
        if self.ending || done < 5 || rest == 0 {
            return None;
        }
        let spent = now.saturating_duration_since(self.began?);
        let seconds = spent.as_millis() * rest as u128 / done as u128 / 1000;
        let step = if seconds < 100 { 10 } else { 60 };
        let rounded = seconds.div_ceil(step) * step;
        (seconds >= 5).then(|| Duration::from_secs(u64::try_from(rounded).unwrap_or(u64::MAX)))
    }

    /// What the same run would have taken with a fixed wait, which has to be as long as the slowest unit needs: told only
    /// where the difference is worth a line.
    pub(in crate::restart) fn comparison(&self, summary: &Summary) -> Option<String> {
        let batches = u32::try_from(self.ready.div_ceil(self.widest.max(1))).ok()?;
        let fixed = self.slowest.checked_mul(batches)?;
        let worth = fixed >= summary.took * 3 / 2 && fixed >= summary.took + Duration::from_secs(2);
        (self.ready >= 3 && self.failed == 0 && worth).then(|| {
            let (wait, all) = (duration(self.slowest), duration(fixed));
            format!("A fixed wait of {wait} each (the slowest) would have taken {all}.")
        })
    }
}

/// The median of all that was put in: the lower half and the upper half, each with its innermost on top.
#[derive(Debug, Default)]
struct Median {
    lower: BinaryHeap<Duration>,
    upper: BinaryHeap<Reverse<Duration>>,
}

impl Median {
    fn insert(&mut self, value: Duration) {
        self.lower.push(value);
        self.upper.extend(self.lower.pop().map(Reverse));
        if self.upper.len() > self.lower.len() {
            self.lower.extend(self.upper.pop().map(|Reverse(value)| value));
        }
    }

    fn get(&self) -> Option<Duration> {
        self.lower.peek().copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exit::Exit;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A tally of units one after another that took this many seconds each.
    fn after(times: &[u64], window: usize) -> (Tally, Instant) {
        let (mut tally, mut now) = (Tally::default(), Instant::now());
        for (batch, times) in times.chunks(window).enumerate() {
            let indices = || (0..times.len()).map(|place| batch * window + place);
            for index in indices() {
                tally.take(&Happening::Start { index, enqueued: Duration::ZERO }, now);
            }
            now += seconds(*times.iter().max().unwrap());
            for (index, &took) in indices().zip(times) {
                let became_active = Duration::ZERO;
                tally.take(&Happening::Ready { index, elapsed: seconds(took), became_active }, now);
                tally.take(&Happening::Ok { index, elapsed: seconds(took) }, now);
            }
        }
        (tally, now)
    }

    fn summary(took: u64) -> Summary {
        Summary {
            ready: vec![],
            failed: vec![],
            in_flight: vec![],
            not_attempted: vec![],
            took: seconds(took),
            exit: Exit::Done,
            stopped: None,
            resume: None,
        }
    }

    #[test]
    fn a_fixed_wait_is_told_of_only_where_it_would_have_been_much_longer() {
        assert_eq!(after(&[3, 3, 3, 3], 1).0.comparison(&summary(12)), None);
        assert_eq!(after(&[1, 9], 1).0.comparison(&summary(10)), None, "two units prove little");
        let (tally, _) = after(&[1, 1, 9, 1], 1);
        let expected = "A fixed wait of 9 s each (the slowest) would have taken 36 s.";
        assert_eq!(tally.comparison(&summary(12)).as_deref(), Some(expected));
    }

    #[test]
    fn a_fixed_wait_would_have_had_the_same_window() {
        let (tally, _) = after(&[1, 1, 9, 1, 1, 1, 1], 2);
        let expected = "A fixed wait of 9 s each (the slowest) would have taken 36 s.";
        assert_eq!(tally.comparison(&summary(12)).as_deref(), Some(expected));
    }

    #[test]
    fn the_time_left_is_by_the_pace_so_far_and_ends_with_an_interrupt() {
        let (mut tally, now) = after(&[2; 10], 1);
        assert_eq!(tally.line(100, now), "10 of 100 ready, median 2 s, about 3 min left");
        tally.take(&Happening::Interrupted { in_flight: &[] }, now);
        assert_eq!(tally.line(100, now), "10 of 100 ready, median 2 s");
    }

    #[test]
    fn too_few_units_make_no_pace() {
        let (tally, now) = after(&[2; 4], 1);
        assert_eq!(tally.line(100, now), "4 of 100 ready, median 2 s");
    }

    proptest! {
        #[test]
        fn the_median_is_the_middle_one(values in prop::collection::vec(0u64..1000, 1..60)) {
            let mut median = Median::default();
            for &value in &values {
                median.insert(seconds(value));
            }
            let mut sorted = values.clone();
            sorted.sort_unstable();
            prop_assert_eq!(median.get(), Some(seconds(sorted[(sorted.len() - 1) / 2])));
        }
    }
}
