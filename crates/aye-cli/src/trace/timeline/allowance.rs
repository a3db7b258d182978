//! A span that must not run out: a start, a reload, a stop, the time between two heartbeats. It knows when to warn.

use std::time::Duration;

/// How far it has come, when that is worth a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// Half of it is over.
    Half,
    /// Little of it is left.
    Near,
    /// Nothing is left.
    Over,
}

/// What is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// Enough, or there is no limit.
    Enough,
    /// Only so much.
    Little(Duration),
    /// It was over so long ago.
    Over(Duration),
}

#[derive(Debug, Clone)]
pub(super) struct Allowance {
    pub(super) began: Duration,
    /// As it is set; `None` for infinity.
    pub(super) limit: Option<Duration>,
    /// By `EXTEND_TIMEOUT_USEC=`: when it came, and how much more time it gave from there.
    pub(super) extended: Option<(Duration, Duration)>,
    /// The percentage from which little is left.
    near: u32,
    /// The last mark that was taken.
    taken: Option<Mark>,
    /// Whether half of it is worth a line.
    half: bool,
}

impl Allowance {
    pub(super) fn new(began: Duration, limit: Option<Duration>, near: u32) -> Self {
        Self { began, limit, extended: None, near, taken: None, half: false }
    }

    pub(super) fn with_half(self) -> Self {
        Self { half: true, ..self }
    }

    /// So much more from now, where that is later than before: systemd never shortens (`service_extend_timeout()`).
    pub(super) fn extend(&mut self, at: Duration, more: Duration) {
        if self.deadline().is_some_and(|deadline| at.saturating_add(more) > deadline) {
            self.extended = Some((at, more));
            self.taken = None;
            self.half = false;
        }
    }

    pub(super) fn waited(&self, at: Duration) -> Duration {
        at.saturating_sub(self.began)
    }

    fn deadline(&self) -> Option<Duration> {
        let (from, span) = self.part()?;
        Some(from.saturating_add(span))
    }

    /// What the marks are parts of: all of it, or what the last extension gave.
    fn part(&self) -> Option<(Duration, Duration)> {
        self.extended.or(Some((self.began, self.limit?)))
    }

    fn near_at(&self) -> Option<Duration> {
        let (from, span) = self.part()?;
        let near = if self.extended.is_some() { 80 } else { self.near };
        Some(from.saturating_add(part_of(span, near)))
    }

    fn when(&self, mark: Mark) -> Option<Duration> {
        match mark {
            Mark::Half if !self.half => None,
            Mark::Half => self.part().map(|(from, span)| from.saturating_add(span / 2)),
            Mark::Near => self.near_at(),
            Mark::Over => self.deadline(),
        }
    }

    fn to_come(&self) -> impl DoubleEndedIterator<Item = (Mark, Duration)> {
        let marks = [Mark::Half, Mark::Near, Mark::Over].into_iter();
        let coming = marks.filter(|mark| self.taken.is_none_or(|taken| *mark > taken));
        coming.filter_map(|mark| Some((mark, self.when(mark)?)))
    }

    /// When the next mark is passed.
    pub(super) fn due(&self) -> Option<Duration> {
        self.to_come().next().map(|(_, when)| when)
    }

    /// The mark that was passed by now; of several the last.
    pub(super) fn take(&mut self, at: Duration) -> Option<Mark> {
        let (mark, _) = self.to_come().rev().find(|(_, when)| *when <= at)?;
        self.taken = Some(mark);
        Some(mark)
    }

    pub(super) fn left(&self, at: Duration) -> Left {
        match (self.deadline(), self.near_at()) {
            (Some(deadline), _) if at >= deadline => Left::Over(at.saturating_sub(deadline)),
            (Some(deadline), Some(near)) if at >= near => Left::Little(deadline.saturating_sub(at)),
            _ => Left::Enough,
        }
    }
}

fn part_of(span: Duration, percent: u32) -> Duration {
    span / 100 * percent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn without_a_limit_nothing_is_ever_due() {
        let mut endless = Allowance::new(seconds(5), None, 80).with_half();
        endless.extend(seconds(6), seconds(10));
        assert_eq!((endless.due(), endless.take(Duration::MAX)), (None, None));
        assert_eq!(endless.left(Duration::MAX), Left::Enough);
    }

    #[test]
    fn marks_come_once_and_in_their_order() {
        let mut start = Allowance::new(seconds(10), Some(seconds(90)), 90).with_half();
        let mut seen = Vec::new();
        while let Some(due) = start.due() {
            assert_eq!(start.take(due.saturating_sub(Duration::from_micros(1))), None);
            seen.push((due, start.take(due).unwrap()));
        }
        assert_eq!(seen, [(seconds(55), Mark::Half), (seconds(91), Mark::Near), (seconds(100), Mark::Over)]);
    }

    #[test]
    fn who_wakes_late_sees_the_last_mark_alone() {
        let mut start = Allowance::new(seconds(0), Some(seconds(90)), 90).with_half();
        assert_eq!(start.take(seconds(85)), Some(Mark::Near));
        assert_eq!(start.due(), Some(seconds(90)));
    }

    #[test]
    fn an_extension_never_shortens_and_has_marks_of_its_own() {
        let mut start = Allowance::new(seconds(0), Some(seconds(90)), 90).with_half();
        start.extend(seconds(10), seconds(20));
        assert_eq!(start.due(), Some(seconds(45)), "it would have shortened");
        start.extend(seconds(80), seconds(30));
        assert_eq!(start.due(), Some(seconds(104)));
        assert_eq!(start.left(seconds(103)), Left::Enough);
        assert_eq!(start.left(seconds(105)), Left::Little(seconds(5)));
        assert_eq!(start.left(seconds(111)), Left::Over(seconds(1)));
    }
}
