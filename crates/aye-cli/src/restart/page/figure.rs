//! The numbers of the page: how long units took, what a fixed wait would have been, how much of the run was idle.

use std::time::Duration;

use super::record::Timeline;
use super::row::Row;

/// How times are spread, by the nearest rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spread {
    pub(super) count: usize,
    pub(super) min: Duration,
    pub(super) median: Duration,
    pub(super) p95: Duration,
    pub(super) max: Duration,
}

impl Spread {
    pub(super) fn of(times: impl Iterator<Item = Duration>) -> Option<Self> {
        let mut times: Vec<Duration> = times.collect();
        times.sort_unstable();
        let rank = |hundredths: usize| times[(times.len() * hundredths).div_ceil(100).saturating_sub(1)];
        let (min, max) = (*times.first()?, *times.last()?);
        Some(Self { count: times.len(), min, median: rank(50), p95: rank(95), max })
    }
}

/// The times to ready.
pub(super) fn to_ready(rows: &[Row]) -> impl Iterator<Item = Duration> {
    rows.iter().filter_map(|row| row.ready.map(|(_, took)| took))
}

/// What a script would have done that sleeps after each restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) each: Duration,
    /// How many units it would have moved on from before they were ready.
    pub(super) early: usize,
    /// How long the run would have taken, all else being the same.
    pub(super) total: Duration,
}

/// The run beside fixed waits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) took: Duration,
    /// How many units were in flight together at most; a fixed wait is given the same.
    pub(super) together: usize,
    /// The shortest wait that is safe for the slowest.
    pub(super) safe: Wait,
    /// Round figures: the first one that is safe, and below it those that are not, longest first.
    pub(super) round: Vec<Wait>,
}

impl Comparison {
    /// `None` when fewer than two units were ready: there is nothing to compare.
    pub(super) fn of(timeline: &Timeline) -> Option<Self> {
        let rows = &timeline.rows;
        let spread = Spread::of(to_ready(rows)).filter(|spread| spread.count > 1)?;
        let together = together(rows);
        let rounds = u32::try_from(spread.count.div_ceil(together.max(1))).ok()?;
        let other = timeline.end.saturating_sub(waiting(rows));
        let wait = |each: Duration| Wait {
            each,
            early: to_ready(rows).filter(|took| *took > each).count(),
            total: other + each * rounds,
        };
        let mut round: Vec<Wait> = round_figures(spread).map(wait).collect();
        round.reverse();
        Some(Self { took: timeline.end, together, safe: wait(spread.max), round })
    }
}

/// Round figures of one digit, from the first that is not shorter than the fastest to the first that is not shorter than the slowest; at most four.
fn round_figures(spread: Spread) -> impl Iterator<Item = Duration> {
    let all =
        (0..9).flat_map(|power| [1, 2, 5].map(|digit| Duration::from_millis(digit * 10_u64.pow(power))));
    let last = all.clone().find(|figure| *figure >= spread.max);
    let wanted: Vec<Duration> =
        all.filter(|figure| *figure >= spread.min && last.is_some_and(|last| *figure <= last)).collect();
    let skip = wanted.len().saturating_sub(4);
    wanted.into_iter().skip(skip)
}

/// For how long at least one unit was awaited that became ready.
fn waiting(rows: &[Row]) -> Duration {
    let span = |row: &Row| Some((row.started?, row.ready?.0));
    let mut spans: Vec<_> = rows.iter().filter_map(span).collect();
    spans.sort_unstable();
    let mut until = Duration::ZERO;
    let mut sum = Duration::ZERO;
    for (from, to) in spans {
        sum += to.saturating_sub(from.max(until));
        until = until.max(to);
    }
    sum
}

/// How many units were in flight together at most.
pub(super) fn together(rows: &[Row]) -> usize {
    let extents = || rows.iter().filter_map(Row::extent);
    let mut turns: Vec<(Duration, bool)> =
        extents().flat_map(|(from, to)| [(from, true), (to, false)]).collect();
    // Where one ends and another begins at the same instant, the end comes first.
    turns.sort_unstable();
    let (mut now, mut most) = (0_usize, 0);
    for (_, begins) in turns {
        now = if begins { now + 1 } else { now.saturating_sub(1) };
        most = most.max(now);
    }
    most.max(usize::from(extents().next().is_some()))
}

/// The times between the end of one unit and the beginning of the next on the same host, where units went one by one.
pub(super) fn gaps(timeline: &Timeline) -> Vec<Duration> {
    let mut gaps = Vec::new();
    for host in 0..timeline.hosts.len() {
        let here = timeline.rows.iter().filter(|row| row.host == host);
        let mut extents: Vec<_> = here.filter_map(Row::extent).collect();
        extents.sort_unstable();
        let pairs = extents.windows(2).map(|pair| pair[1].0.checked_sub(pair[0].1));
        gaps.extend(pairs.collect::<Option<Vec<_>>>().unwrap_or_default());
    }
    gaps
}

/// The distance of the marks on a time axis: a figure that reads well, with at most eight marks on it.
pub(super) fn step(whole: Duration) -> Duration {
    let millis = (0..4).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
    let seconds = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];
    let steps = millis.chain(seconds.map(|second| second * 1000)).map(Duration::from_millis);
    let fits = |step: &Duration| *step * 8 >= whole;
    steps.clone().find(fits).unwrap_or_else(|| whole / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn no_times_have_no_spread() {
        assert_eq!(Spread::of(std::iter::empty()), None);
    }

    #[test]
    fn a_spread_is_of_times_that_were_there() {
        let spread = Spread::of((1..=20).rev().map(|n| SECOND * n)).unwrap();
        assert_eq!((spread.min, spread.median), (SECOND, SECOND * 10));
        assert_eq!((spread.p95, spread.max, spread.count), (SECOND * 19, SECOND * 20, 20));
    }

    #[test]
    fn an_axis_has_at_most_eight_marks_and_reads_well() {
        for (whole, expected) in [(3, 1), (8, 1), (9, 2), (900, 200), (8_001, 2_000), (100_000, 15_000)] {
            assert_eq!(step(Duration::from_millis(whole)), Duration::from_millis(expected), "{whole} ms");
        }
        assert_eq!(step(SECOND * 86_400 * 80), SECOND * 864_000);
    }

    #[test]
    fn the_round_figures_end_with_the_first_that_is_safe() {
        let times = [700, 1_100, 4_200].map(Duration::from_millis);
        let figures: Vec<_> = round_figures(Spread::of(times.into_iter()).unwrap()).collect();
        assert_eq!(figures, [SECOND, SECOND * 2, SECOND * 5]);
    }
}
