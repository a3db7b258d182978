//! Where a service is, as far as its messages and signals tell, and what is remarkable about the time it takes: the start,
//! a reload, the heartbeats, the stop.

mod phase;

use std::process::ExitStatus;
use std::time::Duration;

use aye::Assignment;
use aye::verdict::Effect;

use super::allowance::{Allowance, Left, Mark};
use super::layout::{Tone, cut};
use super::words::{self, measured, set, signal, tenths};
use crate::trace::scene::{Line, Outcome, Said, Scene, Word};
use phase::{Beat, Reload, Stop};

const SIGHUP: i32 = 1;

/// The signals that ask a program to end: `SIGINT`, `SIGQUIT`, `SIGTERM`.
const STOPS: [i32; 3] = [2, 3, 15];

/// A sentence about the time something took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(super) tone: Tone,
    pub(super) text: String,
}

fn good(text: String) -> Remark {
    Remark { tone: Tone::Good, text }
}

fn warn(text: String) -> Remark {
    Remark { tone: Tone::Warn, text }
}

fn bad(text: String) -> Remark {
    Remark { tone: Tone::Bad, text }
}

/// What there is to say of an event.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Remarks {
    /// Of each line of a message.
    pub(super) of_lines: Vec<Option<Remark>>,
    /// Of the event as a whole.
    pub(super) beside: Vec<Remark>,
    /// Of an accepted heartbeat: the time without one before it, while the watchdog watched.
    pub(super) gap: Option<Gap>,
}

/// The time before a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) span: Duration,
    /// The watchdog's interval, where one was set.
    pub(super) limit: Option<Duration>,
    /// Whether another heartbeat began it, not the start.
    pub(super) between: bool,
}

/// What may end a start beside `READY=1` and the end of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CutShort {
    TimedOut,
    Stopped,
}

/// One run of the main process.
#[derive(Debug, Clone)]
pub(super) struct Course {
    scene: Scene,
    pub(super) watchdog: Option<Duration>,
    pub(super) began: Option<Duration>,
    start: Option<Allowance>,
    /// What ended the start before `READY=1` did.
    pub(super) cut_short: Option<CutShort>,
    pub(super) ready: Option<Duration>,
    hung_up: Option<Duration>,
    pub(super) reload: Option<Reload>,
    stop: Option<Stop>,
    beat: Option<Beat>,
    /// What was said last, and when, heartbeats apart.
    heard: Option<(Duration, String)>,
    pub(super) stopping_said: bool,
    pub(super) ended: Option<Duration>,
}

impl Course {
    pub(super) fn new(scene: Scene) -> Self {
        Self {
            watchdog: scene.watchdog,
            scene,
            began: None,
            start: None,
            cut_short: None,
            ready: None,
            hung_up: None,
            reload: None,
            stop: None,
            beat: None,
            heard: None,
            stopping_said: false,
            ended: None,
        }
    }

    /// A new run; of the one before nothing stays.
    pub(super) fn begin(&mut self, at: Duration) {
        *self = Self::new(self.scene.clone());
        self.began = Some(at);
        if self.scene.kind.is_notify() {
            self.start = Some(Allowance::new(at, self.scene.timeout_start, 90).with_half());
        } else {
            self.arm(at, "the start");
        }
    }

    /// Whether the service has been asked to stop, or has said that it does.
    pub(super) fn is_stopping(&self) -> bool {
        self.stop.is_some()
    }

    fn arm(&mut self, at: Duration, by: &'static str) {
        self.beat = self.watchdog.map(|interval| Beat::new(at, interval, by));
    }

    // Messages.

    pub(super) fn said(&mut self, at: Duration, said: &Said) -> Remarks {
        let mut remarks = Remarks::default();
        let Outcome::Judged(lines) = &said.outcome else {
            return remarks;
        };
        for line in lines {
            let remark = self.line(at, line, &mut remarks);
            remarks.of_lines.push(remark);
        }
        if let Some(first) = lines.first().filter(|line| line.text != b"WATCHDOG=1") {
            self.heard = Some((at, cut(&words::decoded(&first.text), 40)));
        }
        remarks
    }

    fn line(&mut self, at: Duration, line: &Line, remarks: &mut Remarks) -> Option<Remark> {
        let said = words::assignment(&line.text);
        if said == Some(Assignment::Stopping) && line.verdict != Word::Refused {
            return Some(self.stopping(at));
        }
        let Word::Accepted(effect) = line.verdict else {
            return None;
        };
        match (effect, said) {
            (Effect::EndsStart, _) => Some(self.is_ready(at, remarks)),
            (Effect::BeginsReload | Effect::AnswersReload, _) => Some(self.reloading(at)),
            (Effect::EndsReload | Effect::Reloads, _) => Some(self.reloaded(at, remarks)),
            (_, Some(Assignment::Ready)) if self.reload.is_some() => Some(self.reloaded(at, remarks)),
            (_, Some(Assignment::Watchdog)) => self.heartbeat(at, remarks),
            (_, Some(Assignment::WatchdogUsec(interval))) => Some(self.rewatch(at, interval)),
            (Effect::Applies, Some(Assignment::ExtendTimeoutUsec(more))) => self.extend(at, more, remarks),
            _ => None,
        }
    }

    fn is_ready(&mut self, at: Duration, remarks: &mut Remarks) -> Remark {
        let took = at.saturating_sub(self.began.unwrap_or_default());
        if let Some(start) = self.start.take() {
            remarks.beside.extend(close_call(&start, at, "TimeoutStartSec"));
        }
        (self.ready, self.cut_short) = (Some(at), None);
        self.arm(at, "READY=1");
        good(format!("READY after {}", measured(took)))
    }

    fn reloading(&mut self, at: Duration) -> Remark {
        let asked = self.reload.take().and_then(|reload| reload.asked).or_else(|| self.hung_up.take());
        let clock = Allowance::new(asked.unwrap_or(at), self.scene.timeout_start, 80);
        self.reload = Some(Reload { asked, said: Some(at), clock });
        good(asked.map_or_else(
            || "a reload begins".to_owned(),
            |asked| format!("{} after SIGHUP", measured(at.saturating_sub(asked))),
        ))
    }

    fn reloaded(&mut self, at: Duration, remarks: &mut Remarks) -> Remark {
        let reload = self.reload.take();
        if let Some(reload) = &reload {
            remarks.beside.extend(close_call(&reload.clock, at, "TimeoutStartSec"));
        }
        let (asked, said) = reload.map_or((self.hung_up.take(), None), |reload| (reload.asked, reload.said));
        good(match (said, asked) {
            (Some(said), _) => format!("READY after {} more", measured(at.saturating_sub(said))),
            (_, Some(asked)) => {
                format!("the reload is over, {} after SIGHUP", measured(at.saturating_sub(asked)))
            }
            _ => "the reload is over".to_owned(),
        })
    }

    fn stopping(&mut self, at: Duration) -> Remark {
        self.stopping_said = true;
        let asked = self.stop.as_ref().and_then(|stop| stop.signalled);
        self.begin_stop(at, None);
        good(asked.map_or_else(
            || "it stops of its own accord".to_owned(),
            |(when, number)| format!("{} after {}", measured(at.saturating_sub(when)), signal(number)),
        ))
    }

    fn heartbeat(&mut self, at: Duration, remarks: &mut Remarks) -> Option<Remark> {
        if self.is_stopping() {
            return None;
        }
        let before = self.beat.take();
        self.arm(at, "the one before");
        let before = before?;
        remarks.gap = Some(before.gap(at));
        let span = tenths(before.clock.waited(at));
        let limit = set(before.clock.limit?);
        let by = before.by;
        match before.clock.left(at) {
            Left::Enough => None,
            Left::Little(left) => {
                Some(warn(format!("late: {span} after {by}; {} of {limit} were left", tenths(left))))
            }
            Left::Over(_) => Some(bad(format!("too late: {span} after {by}, and WatchdogSec is {limit}"))),
        }
    }

    /// Zero and `u64::MAX` switch the watchdog off.
    fn rewatch(&mut self, at: Duration, interval: Duration) -> Remark {
        let off = interval.is_zero() || interval.as_micros() == u128::from(u64::MAX);
        let before = std::mem::replace(&mut self.watchdog, (!off).then_some(interval));
        if !self.is_stopping() {
            self.arm(at, "WATCHDOG_USEC");
        }
        let words = |interval: Option<Duration>| interval.map_or_else(|| "off".to_owned(), set);
        warn(format!("the watchdog is {}, and was {}", words(self.watchdog), words(before)))
    }

    fn extend(&mut self, at: Duration, more: Duration, remarks: &mut Remarks) -> Option<Remark> {
        let (what, clock) = self.running()?;
        remarks.beside.extend(close_call(clock, at, what));
        clock.extend(at, more);
        if let Some(beat) = &mut self.beat {
            beat.clock.extend(at, more);
        }
        None
    }

    /// The timeout that runs, which is also that of the heartbeat where nothing else is under way.
    fn running(&mut self) -> Option<(&'static str, &mut Allowance)> {
        if let Some(stop) = &mut self.stop {
            Some(("TimeoutStopSec", &mut stop.clock))
        } else if let Some(start) = &mut self.start {
            Some(("TimeoutStartSec", start))
        } else if let Some(reload) = &mut self.reload {
            Some(("TimeoutStartSec", &mut reload.clock))
        } else {
            self.beat.as_mut().map(|beat| ("WatchdogSec", &mut beat.clock))
        }
    }

    // What comes from outside.

    pub(super) fn signalled(&mut self, at: Duration, number: i32) {
        if number == SIGHUP && self.scene.kind == aye::verdict::Type::NotifyReload && !self.is_stopping() {
            let clock = Allowance::new(at, self.scene.timeout_start, 80);
            self.reload = Some(Reload { asked: Some(at), said: None, clock });
        } else if number == SIGHUP {
            self.hung_up = Some(at);
        } else if STOPS.contains(&number) {
            self.begin_stop(at, Some((at, number)));
        }
    }

    pub(super) fn changed(&mut self, at: Duration, active: &str, result: &str) {
        // By its own clock, which began a little earlier than this one.
        if self.start.is_some() && result == "timeout" {
            self.cut_short = Some(CutShort::TimedOut);
        }
        if active == "deactivating" && self.ended.is_none() {
            self.begin_stop(at, None);
        }
    }

    fn begin_stop(&mut self, at: Duration, signalled: Option<(Duration, i32)>) {
        let clock = Allowance::new(at, self.scene.timeout_stop, 80);
        self.stop.get_or_insert(Stop { at, signalled, clock });
        if self.start.is_some() {
            self.cut_short.get_or_insert(CutShort::Stopped);
        }
        (self.start, self.reload, self.beat) = (None, None, None);
    }

    pub(super) fn end(&mut self, at: Duration, status: Option<ExitStatus>) -> Remarks {
        let mut text = words::end(status);
        let mut tone = Tone::Plain;
        let mut remarks = Remarks::default();
        if let Some(stop) = self.stop.take() {
            text = format!("{text}, {} after {}", measured(at.saturating_sub(stop.at)), stop.cause());
            remarks.beside.extend(close_call(&stop.clock, at, "TimeoutStopSec"));
        } else if self.start.is_some() {
            tone = Tone::Bad;
            text.push_str(" before READY=1: systemd counts that as a failed start");
        }
        (self.start, self.reload, self.beat) = (None, None, None);
        self.ended = Some(at);
        remarks.beside.insert(0, Remark { tone, text });
        remarks
    }

    // Time.

    pub(super) fn due(&self) -> Option<Duration> {
        let clocks = [
            self.start.as_ref(),
            self.reload.as_ref().map(|reload| &reload.clock),
            self.stop.as_ref().map(|stop| &stop.clock),
            self.beat.as_ref().map(|beat| &beat.clock),
        ];
        clocks.into_iter().flatten().filter_map(Allowance::due).min()
    }

    /// What is overdue, each mark of it once.
    pub(super) fn wake(&mut self, at: Duration) -> Vec<Remark> {
        let mut remarks = Vec::new();
        let heard = phase::heard(self.heard.as_ref(), at);
        if let Some(start) = &mut self.start
            && let Some(mark) = start.take(at)
        {
            remarks.push(phase::start(start, mark, at, &heard));
            self.cut_short = (mark == Mark::Over).then_some(CutShort::TimedOut);
        }
        if let Some(reload) = &mut self.reload
            && let Some(mark) = reload.clock.take(at)
        {
            remarks.push(reload.overdue(mark, at));
        }
        if let Some(stop) = &mut self.stop
            && let Some(mark) = stop.clock.take(at)
        {
            remarks.push(stop.overdue(mark, at));
        }
        if let Some(beat) = &mut self.beat
            && let Some(mark) = beat.clock.take(at)
        {
            remarks.push(beat.overdue(mark, at));
        }
        remarks
    }
}

/// What to say when something was done in time, and only just.
fn close_call(clock: &Allowance, at: Duration, setting: &str) -> Option<Remark> {
    let name = match clock.extended {
        Some((_, more)) => format!("EXTEND_TIMEOUT_USEC= of {}", set(more)),
        None => format!("{setting}={}", words::limit(clock.limit)),
    };
    match clock.left(at) {
        Left::Enough => None,
        Left::Little(left) => Some(warn(format!("{name} nearly ran out: {} were left", measured(left)))),
        Left::Over(by) => Some(bad(format!("{name} had run out {} before", measured(by)))),
    }
}

fn graded(mark: Mark, text: String) -> Remark {
    if mark == Mark::Over { bad(text) } else { warn(text) }
}
