//! What a trace shows in the end: what was never said and what that means, what was refused or lost, and the line to write.

use std::time::Duration;

use aye::NotifyAccess;
use aye::verdict::Type;
use serde::Serialize;

use super::course::CutShort;
use super::tally::Tally;
use super::words::{count, limit, set, tenths};

/// One thing to know, each at most once in a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Its name for programs.
    pub(crate) name: &'static str,
    /// Whether it is harmless.
    pub(crate) harmless: bool,
    /// What, and what it means.
    pub(crate) what: String,
    /// The line to write, or what to say.
    pub(crate) write: Option<String>,
}

impl Finding {
    fn new(name: &'static str, what: String) -> Self {
        Self { name, harmless: false, what, write: None }
    }

    fn harmless(self) -> Self {
        Self { harmless: true, ..self }
    }

    fn write(self, line: impl Into<String>) -> Self {
        Self { write: Some(line.into()), ..self }
    }
}

impl Tally {
    /// All of them, the ones that matter most first. `at` is when the trace ended.
    pub(crate) fn findings(&self, at: Duration) -> Vec<Finding> {
        let all = [
            self.no_ready(at),
            self.no_heartbeat(at),
            self.unanswered_reload(),
            self.endless_reload(),
            self.refused(),
            self.dropped(),
            self.stuck(),
            self.no_time_of_reload(),
            self.no_stopping(),
        ];
        all.into_iter().flatten().collect()
    }

    /// The main process began and `READY=1`, which its type waits for, never counted.
    fn no_ready(&self, at: Duration) -> Option<Finding> {
        let began = self.course.began?;
        if !self.scene.kind.is_notify() || self.course.ready.is_some() {
            return None;
        }
        let ran = self.course.ended.unwrap_or(at).saturating_sub(began);
        let means = self.start_without_ready(ran);
        let found = match &self.ready_refused {
            Some(who) => Finding::new(
                "no-ready",
                format!("no READY=1 that counts: {who} said it and was refused; {means}"),
            )
            .write(wider(self.scene.access)),
            None => Finding::new("no-ready", format!("no READY=1: {means}"))
                .write("say READY=1 as soon as it can serve; Type=exec where it never will"),
        };
        Some(found)
    }

    fn start_without_ready(&self, ran: Duration) -> String {
        let timeout = self.scene.timeout_start;
        let would = if self.scene.unit.is_some() { "" } else { "would have " };
        match (self.course.cut_short, self.course.ended, timeout) {
            (Some(CutShort::TimedOut), ..) => format!("the start {would}timed out after {}", limit(timeout)),
            (Some(CutShort::Stopped), ..) => format!("it was stopped {} into its start", tenths(ran)),
            (None, Some(_), _) => {
                format!("it ended {} after its begin, which is a failed start", tenths(ran))
            }
            (None, None, None) => "the unit stays activating, because TimeoutStartSec=infinity".to_owned(),
            (None, None, Some(timeout)) => {
                format!(
                    "it ran for {}, and the start would have timed out after {}",
                    tenths(ran),
                    set(timeout)
                )
            }
        }
    }

    fn no_heartbeat(&self, at: Duration) -> Option<Finding> {
        let interval = self.course.watchdog?;
        if self.heartbeats > 0 || self.course.began.is_none() {
            return None;
        }
        let since = if self.scene.kind.is_notify() { self.course.ready } else { self.course.began }?;
        let ran = tenths(self.course.ended.unwrap_or(at).saturating_sub(since));
        let what = format!(
            "no heartbeat in the {ran} it was up, though WatchdogSec={}: systemd ends it by SIGABRT when none comes in time",
            set(interval)
        );
        let half = set(interval / 2);
        Some(
            Finding::new("no-heartbeat", what)
                .write(format!("say WATCHDOG=1 every {half}, or drop WatchdogSec=")),
        )
    }

    fn unanswered_reload(&self) -> Option<Finding> {
        let reload = self.course.reload.as_ref().filter(|reload| reload.said.is_none())?;
        let _ = reload;
        let what = format!(
            "no RELOADING=1 after the last SIGHUP: Type=notify-reload waits {} for it, then the reload has failed",
            limit(self.scene.timeout_start)
        );
        Some(Finding::new("no-reloading", what).write("say RELOADING=1 with MONOTONIC_USEC=, then READY=1"))
    }

    fn endless_reload(&self) -> Option<Finding> {
        self.course.reload.as_ref().filter(|reload| reload.said.is_some())?;
        let what = "RELOADING=1 without READY=1 after it: the unit stays reloading, and what waits for the reload waits on";
        Some(
            Finding::new("no-ready-after-reload", what.to_owned())
                .write("say READY=1 when the reload is over"),
        )
    }

    fn no_time_of_reload(&self) -> Option<Finding> {
        if self.reloads_without_time == 0 {
            return None;
        }
        let times = count(self.reloads_without_time, "time");
        if self.scene.kind == Type::NotifyReload {
            let what = format!(
                "RELOADING=1 without MONOTONIC_USEC= ({times}): it does not answer a reload that systemd asked for"
            );
            return Some(
                Finding::new("no-monotonic-usec", what)
                    .write("send MONOTONIC_USEC= in the message of RELOADING=1"),
            );
        }
        let what = format!(
            "RELOADING=1 without MONOTONIC_USEC= ({times}): harmless with Type={}, and Type=notify-reload needs it",
            self.scene.kind.as_str()
        );
        Some(Finding::new("no-monotonic-usec", what).harmless())
    }

    fn refused(&self) -> Option<Finding> {
        let refused = self.refused.sum();
        let (first, _) = self.refused.rows().next()?;
        let more = match self.refused.rows().len() {
            1 => String::new(),
            kinds => format!(" (and {})", count(kinds as u64 - 1, "other reason")),
        };
        let what = format!("{} refused, of {first}{more}", were(refused));
        Some(Finding::new("refused", what))
    }

    fn dropped(&self) -> Option<Finding> {
        let reasons: Vec<_> = self.dropped.rows().map(|(why, _)| why).collect();
        (!reasons.is_empty()).then(|| {
            let what = format!(
                "{} lost, because systemd drops them whole: {}",
                were(self.dropped.sum()),
                reasons.join("; ")
            );
            Finding::new("dropped", what)
        })
    }

    fn stuck(&self) -> Option<Finding> {
        let reasons: Vec<_> = self.stuck.rows().map(|(why, _)| why).collect();
        (!reasons.is_empty()).then(|| {
            let what =
                format!("{} not passed on by the trace: {}", were(self.stuck.sum()), reasons.join("; "));
            Finding::new("not-passed-on", what)
        })
    }

    /// Only of a service that was up and then stopped.
    fn no_stopping(&self) -> Option<Finding> {
        let over = self.course.ended.is_some() || self.course.is_stopping();
        if !over || self.course.stopping_said || self.course.ready.is_none() {
            return None;
        }
        let what = "no STOPPING=1: harmless, systemd measures the stop from its own signal; a stop that the service begins \
                    itself has no timeout then, and shows as running until it has ended";
        Some(
            Finding::new("no-stopping", what.to_owned())
                .harmless()
                .write("say STOPPING=1 before cleaning up"),
        )
    }
}

fn were(messages: u64) -> String {
    format!("{} {}", count(messages, "message"), if messages == 1 { "was" } else { "were" })
}

/// What would have let the sender be heard.
fn wider(access: NotifyAccess) -> &'static str {
    match access {
        NotifyAccess::None => "NotifyAccess=main",
        NotifyAccess::Main | NotifyAccess::Exec => {
            "NotifyAccess=all, or exec the program so that it is the main process"
        }
        NotifyAccess::All => "wait for a barrier before exiting, as `aye notify` does",
    }
}
