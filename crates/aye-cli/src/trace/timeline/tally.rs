//! What was said how often, by whom, and what came of it: the ground of a trace's summary, in lines and in JSON.

mod shelf;

use std::time::Duration;

use aye::Assignment;
use aye::verdict::Effect;

use super::beats::{Gaps, Margin};
use super::course::{Course, Remark, Remarks};
use super::words;
use crate::trace::escape::readable;
use crate::trace::scene::{Event, Happening, Line, Outcome, Passed, Said, Scene, Word};
use shelf::Shelf;

/// How many different things of a kind are counted apart: a service that makes up keys must not fill the memory.
const KINDS: usize = 64;

/// Counts of a trace.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    pub(super) scene: Scene,
    pub(super) course: Course,
    /// When the last event came.
    pub(crate) last: Duration,
    /// Datagrams.
    pub(crate) messages: u64,
    /// Of each assignment: how often it was accepted, ignored and refused.
    pub(crate) said: Shelf<[u64; 3]>,
    pub(crate) senders: Shelf<u64>,
    /// Messages refused whole, by sender and why.
    pub(crate) refused: Shelf<u64>,
    /// Messages that systemd drops, by why.
    pub(crate) dropped: Shelf<u64>,
    /// Messages that were not passed on, by why.
    pub(crate) stuck: Shelf<u64>,
    /// Descriptors that were stored.
    pub(crate) stored: u64,
    /// Who said `READY=1` and was refused, first.
    pub(super) ready_refused: Option<String>,
    /// How often `RELOADING=1` came without `MONOTONIC_USEC=`.
    pub(super) reloads_without_time: u64,
    pub(in crate::trace) heartbeats: u64,
    pub(in crate::trace) between: Gaps,
    pub(in crate::trace) margin: Option<Margin>,
}

impl Tally {
    pub(crate) fn new(scene: Scene) -> Self {
        Self {
            course: Course::new(scene.clone()),
            scene,
            last: Duration::ZERO,
            messages: 0,
            said: Shelf::new(KINDS),
            senders: Shelf::new(KINDS),
            refused: Shelf::new(KINDS),
            dropped: Shelf::new(KINDS),
            stuck: Shelf::new(KINDS),
            stored: 0,
            ready_refused: None,
            reloads_without_time: 0,
            heartbeats: 0,
            between: Gaps::default(),
            margin: None,
        }
    }

    /// Takes an event into account, and says what is remarkable of it.
    pub(crate) fn feed(&mut self, event: &Event) -> Remarks {
        self.last = self.last.max(event.at);
        match &event.what {
            Happening::Began { .. } => self.course.begin(event.at),
            Happening::Said(said) => return self.message(event.at, said),
            Happening::Signalled(number) => self.course.signalled(event.at, *number),
            Happening::State { active, result, .. } => self.course.changed(event.at, active, result),
            Happening::Ended(status) => return self.course.end(event.at, *status),
            Happening::Note(_) => {}
        }
        Remarks::default()
    }

    /// How long the last start took, when it was over.
    pub(crate) fn ready_after(&self) -> Option<Duration> {
        Some(self.course.ready?.saturating_sub(self.course.began.unwrap_or_default()))
    }

    /// What is overdue by now.
    pub(super) fn wake(&mut self, at: Duration) -> Vec<Remark> {
        self.last = self.last.max(at);
        self.course.wake(at)
    }

    fn message(&mut self, at: Duration, said: &Said) -> Remarks {
        self.messages += 1;
        *self.senders.entry(&words::sender(said)) += 1;
        match &said.passed {
            Passed::Withheld => *self.stuck.entry(WITHHELD) += 1,
            Passed::Failed(why) => *self.stuck.entry(&readable(why.as_bytes())) += 1,
            Passed::Nowhere | Passed::AsSender | Passed::AsEnded | Passed::AsTracer => {}
        }
        match &said.outcome {
            Outcome::Dropped(why) => *self.dropped.entry(&why.to_string()) += 1,
            Outcome::Judged(lines) => self.lines(said, lines),
        }
        let remarks = self.course.said(at, said);
        if let Some(gap) = remarks.gap {
            self.margin = Margin::worse(self.margin, Margin::of(gap));
            if gap.between {
                self.between.add(gap.span);
            }
        }
        remarks
    }

    fn lines(&mut self, said: &Said, lines: &[Line]) {
        for line in lines {
            let word = match line.verdict {
                Word::Accepted(_) => 0,
                Word::Ignored => 1,
                Word::Refused => 2,
            };
            self.said.entry(&key(&line.text))[word] += 1;
            if let Word::Accepted(Effect::Stores(count)) = line.verdict {
                self.stored += count as u64;
            }
            let accepted = word == 0;
            self.heartbeats += u64::from(accepted && line.text == b"WATCHDOG=1");
            if line.text == b"READY=1" && word == 2 {
                self.ready_refused.get_or_insert_with(|| words::sender(said));
            }
        }
        let says = |text: &[u8]| lines.iter().any(|line| line.text == text);
        let timed = lines.iter().any(|line| line.text.starts_with(b"MONOTONIC_USEC="));
        self.reloads_without_time += u64::from(says(b"RELOADING=1") && !timed);
        let first = lines.first().filter(|line| line.verdict == Word::Refused && have_one_reason(lines));
        if let Some(first) = first {
            let who = format!("{} ({})", words::program(said.command.as_deref()), words::role(said.role));
            *self.refused.entry(&format!("{who}: {}", first.why)) += 1;
        }
    }
}

/// Why a message was not passed on that under another name would fare otherwise.
pub(super) const WITHHELD: &str = "under another sender's name it would fare otherwise";

/// Whether all lines of a message meet the same, for one and the same reason.
pub(super) fn have_one_reason(lines: &[Line]) -> bool {
    let same = |line: &Line| line.verdict == lines[0].verdict && line.why == lines[0].why;
    !lines.is_empty() && lines.iter().all(same)
}

/// What a line is counted as: the assignment where its value is a word of the protocol, else its key.
fn key(line: &[u8]) -> String {
    use Assignment as A;
    let whole = matches!(
        words::assignment(line),
        Some(
            A::Ready
                | A::Reloading
                | A::Stopping
                | A::Watchdog
                | A::WatchdogTrigger
                | A::RestartReset
                | A::FdStore
                | A::FdStoreRemove
                | A::FdPollOff
                | A::MainPidFd
                | A::Barrier
        )
    );
    match words::split(line) {
        _ if whole => readable(line),
        Some((key, _)) => super::layout::cut(&format!("{}=", readable(key)), 40),
        None => "lines that are no assignment".to_owned(),
    }
}
