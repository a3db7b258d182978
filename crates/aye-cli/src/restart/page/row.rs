//! One unit of the timeline: the spans of what it was doing, one after another.

use std::time::Duration;

use aye_bus::ActiveState;

use crate::restart::report::Hook;

/// How many spans a unit may have; one that changes its state more often has its last span go on.
const SPANS: usize = 40;

/// What a unit was doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Before,
    /// Its job is enqueued, and nothing is known of its state yet.
    Job,
    Stopping,
    /// Neither stopping nor starting: between two attempts of its manager, or failed for good.
    Down,
    Starting,
    Reloading,
    Check,
    Soak,
    After,
    OnFail,
}

impl Kind {
    pub(super) const ALL: [Self; 10] = [
        Self::Before,
        Self::Job,
        Self::Stopping,
        Self::Down,
        Self::Starting,
        Self::Reloading,
        Self::Check,
        Self::Soak,
        Self::After,
        Self::OnFail,
    ];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Before => "before-hook",
            Self::Job => "job under way",
            Self::Stopping => "stopping",
            Self::Down => "down",
            Self::Starting => "starting",
            Self::Reloading => "reloading",
            Self::Check => "check",
            Self::Soak => "soak",
            Self::After => "after-hook",
            Self::OnFail => "on-fail hook",
        }
    }

    fn of(state: ActiveState) -> Option<Self> {
        match state {
            ActiveState::Deactivating => Some(Self::Stopping),
            ActiveState::Activating => Some(Self::Starting),
            ActiveState::Reloading => Some(Self::Reloading),
            ActiveState::Inactive | ActiveState::Failed => Some(Self::Down),
            _ => None,
        }
    }

    pub(super) fn of_hook(hook: Hook) -> Self {
        match hook {
            Hook::Before => Self::Before,
            Hook::Check => Self::Check,
            Hook::After => Self::After,
            Hook::OnFail => Self::OnFail,
        }
    }
}

/// A stretch of the run, counted from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) kind: Kind,
    pub(super) from: Duration,
    pub(super) to: Duration,
}

impl Span {
    pub(super) fn length(self) -> Duration {
        self.to.saturating_sub(self.from)
    }
}

/// How a unit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Ok,
    Failed,
}

/// One unit.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    /// Its place in `Timeline::hosts`.
    pub(super) host: usize,
    pub(super) spans: Vec<Span>,
    /// When its job was enqueued.
    pub(super) started: Option<Duration>,
    /// When it was ready, and how long that took from the enqueuing.
    pub(super) ready: Option<(Duration, Duration)>,
    pub(super) ended: Option<(Duration, End)>,
    open: Option<(Kind, Duration)>,
}

impl Row {
    /// A unit that nothing was done about yet.
    pub(super) fn new(name: &str, host: usize) -> Self {
        let name = name.to_owned();
        Self { name, host, spans: Vec::new(), started: None, ready: None, ended: None, open: None }
    }

    /// From the first thing done about it to the last; `None` when it was not touched.
    pub(super) fn extent(&self) -> Option<(Duration, Duration)> {
        let first = self.spans.first().map(|span| span.from);
        let last = self.spans.last().map(|span| span.to);
        let from = [first, self.started].into_iter().flatten().min()?;
        let to =
            [last, self.ready.map(|(at, _)| at), self.ended.map(|(at, _)| at)].into_iter().flatten().max();
        Some((from, to.unwrap_or(from)))
    }

    /// Whether it is doing this now.
    pub(super) fn is(&self, kind: Kind) -> bool {
        self.open.is_some_and(|(now, _)| now == kind)
    }

    /// How long it was doing this, in all.
    pub(super) fn spent(&self, kind: Kind) -> Duration {
        self.spans.iter().filter(|span| span.kind == kind).map(|span| span.length()).sum()
    }

    pub(super) fn open(&mut self, kind: Kind, at: Duration) {
        self.close(at);
        self.open = Some((kind, at));
    }

    pub(super) fn close(&mut self, at: Duration) {
        if let Some((kind, from)) = self.open.take() {
            self.add(kind, from, at);
        }
    }

    /// Spans follow one another: what would begin before the last one ended begins there.
    pub(super) fn add(&mut self, kind: Kind, from: Duration, to: Duration) {
        let after = self.spans.last().map_or(Duration::ZERO, |span| span.to);
        let (from, to) = (from.max(after), to.max(from).max(after));
        let full = self.spans.len() >= SPANS;
        match self.spans.last_mut() {
            Some(last) if last.kind == kind && last.to == from => last.to = to,
            Some(last) if full => last.to = to,
            _ => self.spans.push(Span { kind, from, to }),
        }
    }

    /// A unit is stopping from the moment its job is enqueued, though the first it says of itself comes later.
    pub(super) fn turn(&mut self, state: ActiveState, at: Duration) {
        let Some(kind) = Kind::of(state).filter(|_| self.ready.is_none() && self.ended.is_none()) else {
            return;
        };
        if let Some((first @ Kind::Job, _)) = &mut self.open {
            *first = if kind == Kind::Reloading { kind } else { Kind::Stopping };
        }
        if !self.is(kind) {
            self.open(kind, at);
        }
    }
}
