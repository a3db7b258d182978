//! Heartbeats summed up: those of one kind in a row become one line, as soon as something else happens, or at intervals
//! that grow.

use std::collections::VecDeque;
use std::time::Duration;

use super::course::Gap;
use super::words::tenths;

/// The first summary comes after so long; each time nothing else happened, the next takes twice as long.
const SHORTEST: Duration = Duration::from_secs(10);

/// And at most this long.
const LONGEST: Duration = Duration::from_secs(600);

/// How many kinds are kept apart; of more, the oldest is shown and forgotten.
const KINDS: usize = 16;

/// Of how many senders it is known that a heartbeat was their last word.
const SENDERS: usize = 64;

/// What makes two heartbeats one of a kind: who says them, and what comes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind {
    /// The sender without its pid, which may be another one each time.
    pub(super) program: String,
    pub(super) role: &'static str,
    /// Why it does not count; `None` where it does.
    pub(super) refusal: Option<String>,
}

/// Heartbeats of a kind that are not shown yet.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) kind: Kind,
    pub(super) pid: Option<u32>,
    pub(super) several_pids: bool,
    pub(super) count: u64,
    pub(super) last: Duration,
    between: Gaps,
    /// The longest time without a heartbeat as a part of the interval: what was left of it.
    margin: Option<Margin>,
}

/// Spans between heartbeats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::trace) struct Gaps {
    sum: Duration,
    count: u32,
}

impl Gaps {
    pub(super) fn add(&mut self, gap: Duration) {
        self.sum = self.sum.saturating_add(gap);
        self.count = self.count.saturating_add(1);
    }

    pub(in crate::trace) fn mean(self) -> Option<Duration> {
        self.sum.checked_div(self.count)
    }
}

/// What was left of the watchdog's interval at the longest gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trace) enum Margin {
    Late(Duration),
    Left(Duration),
}

impl Margin {
    pub(super) fn of(gap: Gap) -> Option<Self> {
        let limit = gap.limit?;
        Some(match limit.checked_sub(gap.span) {
            Some(left) => Self::Left(left),
            None => Self::Late(gap.span.saturating_sub(limit)),
        })
    }

    /// The smaller of the two.
    pub(super) fn worse(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(Self::Late(one)), Some(Self::Late(other))) => Some(Self::Late(one.max(other))),
            (Some(late @ Self::Late(_)), _) | (_, Some(late @ Self::Late(_))) => Some(late),
            (Some(Self::Left(one)), Some(Self::Left(other))) => Some(Self::Left(one.min(other))),
            (one, other) => one.or(other),
        }
    }

    /// In microseconds, below zero where it was late.
    pub(in crate::trace) fn micros(self) -> i64 {
        let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        match self {
            Self::Left(left) => micros(left),
            Self::Late(by) => -micros(by),
        }
    }

    pub(super) fn words(self) -> String {
        match self {
            Self::Left(left) => format!("margin {}", tenths(left)),
            Self::Late(by) => format!("late by {}", tenths(by)),
        }
    }
}

impl Run {
    fn of(kind: Kind) -> Self {
        let between = Gaps::default();
        Self { kind, pid: None, several_pids: false, count: 0, last: Duration::ZERO, between, margin: None }
    }

    /// `WATCHDOG=1 x 42, every 5.0 s, margin 5.0 s`
    pub(super) fn words(&self) -> String {
        let several = self.count > 1;
        let count = if several { format!(" x {}", self.count) } else { String::new() };
        let how = if several { "every" } else { "after" };
        let mean = self.between.mean().map(|mean| format!(", {how} {}", tenths(mean)));
        let margin = self.margin.map(|margin| format!(", {}", margin.words()));
        format!("WATCHDOG=1{count}{}{}", mean.unwrap_or_default(), margin.unwrap_or_default())
    }
}

/// All that is not shown yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Beats {
    runs: Vec<Run>,
    /// The pids whose last message was a heartbeat: the barrier of such a one belongs to it.
    open: VecDeque<u32>,
    due: Option<Duration>,
    pause: Duration,
}

impl Beats {
    /// Takes a heartbeat; what it pushes out is to be shown.
    pub(super) fn take(
        &mut self,
        at: Duration,
        kind: Kind,
        pid: Option<u32>,
        gap: Option<Gap>,
    ) -> Option<Run> {
        let known = self.runs.iter().position(|run| run.kind == kind);
        let pushed_out =
            if known.is_none() && self.runs.len() >= KINDS { Some(self.runs.remove(0)) } else { None };
        let index = known.unwrap_or_else(|| {
            self.runs.push(Run::of(kind));
            self.runs.len() - 1
        });
        let run = &mut self.runs[index];
        // Of those that do not count, the time between them is all there is to know.
        let own = (run.kind.refusal.is_some() && run.pid.is_some()).then(|| at.saturating_sub(run.last));
        if let Some(span) = own.or(gap.filter(|gap| gap.between).map(|gap| gap.span)) {
            run.between.add(span);
        }
        run.margin = Margin::worse(run.margin, gap.and_then(Margin::of));
        run.several_pids |= run.count > 0 && run.pid != pid;
        (run.pid, run.last, run.count) = (pid, at, run.count + 1);
        if self.due.is_none() {
            self.pause = self.pause.max(SHORTEST);
            self.due = Some(at.saturating_add(self.pause));
        }
        pushed_out.filter(|run| run.count > 0)
    }

    /// Hears of a message, and whether it is a heartbeat.
    pub(super) fn hear(&mut self, pid: Option<u32>, is_heartbeat: bool) {
        self.end(pid);
        if let Some(pid) = pid.filter(|_| is_heartbeat) {
            if self.open.len() >= SENDERS {
                self.open.pop_front();
            }
            self.open.push_back(pid);
        }
    }

    /// Ends what a sender's heartbeat began; says whether that was its last message.
    pub(super) fn end(&mut self, pid: Option<u32>) -> bool {
        let index = self.open.iter().position(|open| Some(*open) == pid);
        index.and_then(|index| self.open.remove(index)).is_some()
    }

    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// What is to be shown because time has passed.
    pub(super) fn wake(&mut self, at: Duration) -> Vec<Run> {
        if self.due.is_none_or(|due| at < due) {
            return Vec::new();
        }
        let pause = self.pause.saturating_mul(2).min(LONGEST);
        let runs = self.flush();
        self.pause = pause;
        runs
    }

    /// What is to be shown because something else happens.
    pub(super) fn flush(&mut self) -> Vec<Run> {
        (self.due, self.pause) = (None, SHORTEST);
        let shown: Vec<_> = self.runs.iter().filter(|run| run.count > 0).cloned().collect();
        for run in &mut self.runs {
            (run.count, run.several_pids) = (0, false);
            (run.between, run.margin) = (Gaps::default(), None);
        }
        shown
    }
}
