//! One row in flight: what its unit is doing, since when, and what it says.

use std::time::{Duration, Instant};

use aye_bus::{ActiveState, duration};

use crate::restart::progress::naming::printable;
use crate::restart::report::{Happening, HookEnd};

/// No terminal shows more of a status.
const LONGEST_STATUS: usize = 512;

/// What is being done with a unit. Of hooks only the ends are told; that one is running follows from what else is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its job is not enqueued yet.
    Before,
    /// From here on it is waited for; the state is the manager's.
    Job(ActiveState),
    /// It was ready, or has passed its check: what comes next is told at once, but for the after-hook.
    Passed {
        since: Instant,
    },
    Checking {
        since: Instant,
    },
    Soaking {
        since: Instant,
        lasts: Duration,
    },
}

/// One row in flight.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) index: usize,
    stage: Stage,
    enqueued: Instant,
    /// How long it took to be ready.
    pub(super) ready: Option<Duration>,
    status: String,
    /// Hooks that failed, to be shown with the unit's failure.
    pub(super) failed: Vec<HookEnd>,
}

impl Row {
    pub(super) fn new(index: usize, now: Instant) -> Self {
        let status = String::new();
        Self { index, stage: Stage::Before, enqueued: now, ready: None, status, failed: Vec::new() }
    }

    /// Takes in what happened to this unit.
    pub(super) fn take(&mut self, happening: &Happening<'_>, now: Instant) {
        match happening {
            Happening::Start { .. } => {
                self.enqueued = now;
                self.stage = Stage::Job(ActiveState::Inactive);
            }
            Happening::State { state, .. } if matches!(self.stage, Stage::Job(_)) => {
                self.stage = Stage::Job(*state);
            }
            Happening::Status { text, .. } => {
                self.status = printable(&text.chars().take(LONGEST_STATUS).collect::<String>());
            }
            Happening::Ready { elapsed, .. } => {
                self.ready = Some(*elapsed);
                self.stage = Stage::Passed { since: now };
            }
            Happening::Check { .. } => self.stage = Stage::Checking { since: now },
            Happening::Soak { lasts, .. } => self.stage = Stage::Soaking { since: now, lasts: *lasts },
            Happening::Hook { end, .. } if !end.ok => self.failed.push((*end).clone()),
            Happening::Hook { .. } if matches!(self.stage, Stage::Checking { .. }) => {
                self.stage = Stage::Passed { since: now };
            }
            _ => {}
        }
    }

    /// The driver's clock of this unit.
    pub(super) fn elapsed(&mut self, elapsed: Duration, now: Instant) {
        if self.stage != Stage::Before {
            self.enqueued = now.checked_sub(elapsed).unwrap_or(now);
        }
    }

    #[cfg(test)]
    pub(super) fn since(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.enqueued)
    }

    /// `starting 4 s of 90 s  "loading cache 40%"`
    pub(super) fn text(&self, limit: Option<Duration>, lost: bool, now: Instant) -> String {
        let (doing, lost) = (self.doing(limit, lost, now), if lost { ", link lost" } else { "" });
        match self.status.as_str() {
            "" => format!("{doing}{lost}"),
            status => format!("{doing}{lost}  \"{status}\""),
        }
    }

    fn doing(&self, limit: Option<Duration>, lost: bool, now: Instant) -> String {
        let elapsed = now.saturating_duration_since(self.enqueued);
        match self.stage {
            Stage::Before => "running the before hook".to_owned(),
            Stage::Job(ActiveState::Deactivating) => format!("stopping {}", seconds(elapsed)),
            Stage::Job(ActiveState::Reloading) => within("reloading", elapsed, limit),
            Stage::Job(_) => within("starting", elapsed, limit),
            Stage::Checking { since } => {
                format!("checking {}", seconds(now.saturating_duration_since(since)))
            }
            Stage::Soaking { since, lasts } => {
                let soaked = now.saturating_duration_since(since);
                // While the link is lost a soak cannot end.
                if soaked > lasts + Duration::from_secs(1) && !lost {
                    return "running the after hook".to_owned();
                }
                within("soaking", soaked.min(lasts), Some(lasts))
            }
            Stage::Passed { since } => match self.ready {
                Some(ready) if now.saturating_duration_since(since) < Duration::from_secs(1) => {
                    format!("ready in {}", duration(ready))
                }
                _ => "running the after hook".to_owned(),
            },
        }
    }
}

/// A unit may be past its limit: with `EXTEND_TIMEOUT_USEC`, or because the limit counts from the start alone.
fn within(what: &str, elapsed: Duration, limit: Option<Duration>) -> String {
    match limit {
        Some(limit) if elapsed <= limit => format!("{what} {} of {}", seconds(elapsed), duration(limit)),
        _ => format!("{what} {}", seconds(elapsed)),
    }
}

/// What moves is shown in whole seconds.
fn seconds(span: Duration) -> String {
    match span.as_secs() {
        0 => "0 s".to_owned(),
        whole => duration(Duration::from_secs(whole)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restart::report::Hook;

    const LIMIT: Option<Duration> = Some(Duration::from_secs(90));

    /// The text of a row some seconds after each of the happenings.
    fn texts(happenings: &[(Happening<'_>, u64)]) -> Vec<String> {
        let mut now = Instant::now();
        let mut row = Row::new(0, now);
        let mut texts = Vec::new();
        for (happening, seconds) in happenings {
            row.take(happening, now);
            now += Duration::from_secs(*seconds);
            texts.push(row.text(LIMIT, false, now));
        }
        texts
    }

    fn end(hook: Hook, ok: bool) -> HookEnd {
        HookEnd { hook, ok, outcome: String::new(), took: Duration::ZERO, output: vec![] }
    }

    #[test]
    fn each_step_of_a_unit_is_told_apart() {
        let (index, elapsed, became_active) = (0, Duration::ZERO, Duration::ZERO);
        let check = end(Hook::Check, true);
        let state = |state| Happening::State { index, elapsed, state };
        let told = texts(&[
            (Happening::Start { index, enqueued: Duration::ZERO }, 0),
            (state(ActiveState::Deactivating), 2),
            (state(ActiveState::Activating), 2),
            (Happening::Status { index, elapsed, text: "cache 40%" }, 0),
            (Happening::Ready { index, elapsed: Duration::from_millis(1290), became_active }, 0),
            (Happening::Check { index, elapsed }, 3),
            (Happening::Hook { index, elapsed, end: &check }, 0),
            (Happening::Soak { index, elapsed, lasts: Duration::from_secs(5) }, 2),
        ]);
        assert_eq!(
            told,
            [
                "starting 0 s of 90 s",
                "stopping 2 s",
                "starting 4 s of 90 s",
                "starting 4 s of 90 s  \"cache 40%\"",
                "ready in 1.2 s  \"cache 40%\"",
                "checking 3 s  \"cache 40%\"",
                "ready in 1.2 s  \"cache 40%\"",
                "soaking 2 s of 5 s  \"cache 40%\"",
            ]
        );
    }

    #[test]
    fn a_hook_is_running_where_nothing_else_can_be() {
        let (index, elapsed, became_active) = (0, Duration::ZERO, Duration::ZERO);
        assert_eq!(Row::new(0, Instant::now()).text(LIMIT, false, Instant::now()), "running the before hook");
        let ready = Happening::Ready { index, elapsed, became_active };
        assert_eq!(texts(&[(ready, 2)]), ["running the after hook"]);
        let soak = Happening::Soak { index, elapsed, lasts: Duration::from_secs(5) };
        assert_eq!(texts(&[(soak, 7)]), ["running the after hook"]);
    }

    #[test]
    fn a_soak_cannot_end_while_the_link_is_lost() {
        let (now, elapsed) = (Instant::now(), Duration::ZERO);
        let mut row = Row::new(0, now);
        row.take(&Happening::Soak { index: 0, elapsed, lasts: Duration::from_secs(5) }, now);
        let text = row.text(LIMIT, true, now + Duration::from_secs(60));
        assert_eq!(text, "soaking 5 s of 5 s, link lost");
    }

    #[test]
    fn a_unit_past_its_limit_shows_no_limit() {
        let start = Happening::Start { index: 0, enqueued: Duration::ZERO };
        assert_eq!(texts(&[(start, 100)]), ["starting 100 s"]);
    }
}
