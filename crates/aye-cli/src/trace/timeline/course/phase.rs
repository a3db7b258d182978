//! What may be under way in a run, and the sentence for each when it takes too long.

use std::time::Duration;

use super::{Gap, Remark, graded};
use crate::trace::timeline::allowance::{Allowance, Mark};
use crate::trace::timeline::words::{limit, set, signal, tenths};

/// A reload that is awaited or has begun.
#[derive(Debug, Clone)]
pub(in crate::trace::timeline) struct Reload {
    /// When its signal came.
    pub(super) asked: Option<Duration>,
    /// When `RELOADING=1` did.
    pub(in crate::trace::timeline) said: Option<Duration>,
    pub(super) clock: Allowance,
}

/// A stop.
#[derive(Debug, Clone)]
pub(super) struct Stop {
    pub(super) at: Duration,
    pub(super) signalled: Option<(Duration, i32)>,
    pub(super) clock: Allowance,
}

/// A heartbeat that is awaited.
#[derive(Debug, Clone)]
pub(super) struct Beat {
    /// What it is counted from.
    pub(super) by: &'static str,
    pub(super) clock: Allowance,
}

/// What was last heard, for a start that takes long.
pub(super) fn heard(last: Option<&(Duration, String)>, at: Duration) -> String {
    match last {
        None => "nothing was said yet".to_owned(),
        Some((when, what)) => format!("last heard {} ago: {what}", tenths(at.saturating_sub(*when))),
    }
}

/// How much of it is over: `45.0 s of 90 s`, or what an extension has left.
fn of(clock: &Allowance, at: Duration) -> String {
    let waited = tenths(clock.waited(at));
    match clock.extended {
        Some((when, more)) => {
            format!(
                "{waited}, {} of them since EXTEND_TIMEOUT_USEC= gave {}",
                tenths(at.saturating_sub(when)),
                set(more)
            )
        }
        None => format!("{waited} of {}", limit(clock.limit)),
    }
}

pub(super) fn start(clock: &Allowance, mark: Mark, at: Duration, heard: &str) -> Remark {
    let end =
        if mark == Mark::Over { "; TimeoutStartSec is over: systemd ends the start as failed" } else { "" };
    graded(mark, format!("no READY=1 for {}; {heard}{end}", of(clock, at)))
}

impl Reload {
    pub(super) fn overdue(&self, mark: Mark, at: Duration) -> Remark {
        let awaited = if self.said.is_some() { "READY=1" } else { "RELOADING=1" };
        let end =
            if mark == Mark::Over { ": systemd gives the reload up, and the service runs on" } else { "" };
        graded(mark, format!("a reload waits for {awaited} since {}{end}", of(&self.clock, at)))
    }
}

impl Stop {
    pub(super) fn cause(&self) -> String {
        self.signalled.map_or_else(|| "its stop began".to_owned(), |(_, number)| signal(number))
    }

    pub(super) fn overdue(&self, mark: Mark, at: Duration) -> Remark {
        let end = if mark == Mark::Over { ": systemd kills it" } else { "" };
        graded(mark, format!("not ended for {} after {}{end}", of(&self.clock, at), self.cause()))
    }
}

impl Beat {
    pub(super) fn new(at: Duration, interval: Duration, by: &'static str) -> Self {
        Self { by, clock: Allowance::new(at, Some(interval), 80) }
    }

    pub(super) fn gap(&self, at: Duration) -> Gap {
        let between = self.by == "the one before";
        Gap { span: self.clock.waited(at), limit: self.clock.limit, between }
    }

    pub(super) fn overdue(&self, mark: Mark, at: Duration) -> Remark {
        let end =
            if mark == Mark::Over { ": its watchdog bites, and systemd ends it by SIGABRT" } else { "" };
        let waited = of(&self.clock, at);
        graded(mark, format!("no heartbeat for {waited}{end}"))
    }
}
