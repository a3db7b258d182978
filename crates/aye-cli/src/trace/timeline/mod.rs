//! A trace as lines for people: what comes in by [`Timeline::feed`] comes out in columns, heartbeats summed up, and what
//! ought to happen and does not is said by [`Timeline::wake`]. Pure: the clock is that of the events.

mod allowance;
mod beats;
mod course;
mod finding;
mod layout;
mod message;
mod names;
mod summary;
mod tally;
#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

use super::escape::readable;
use super::scene::{Event, Happening, Said, Scene};
pub(super) use beats::Margin;
use beats::{Beats, Run};
use layout::{Head, Paragraph, Tone};
use names::Names;
pub(crate) use tally::Tally;
pub(super) use words::{role, signal};

/// How lines are to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// How many cells a line may have: the terminal's columns, or `usize::MAX` where nothing is to be wrapped.
    pub(crate) width: usize,
    /// Whether it may have colours.
    pub(crate) colour: bool,
}

/// A trace being shown.
#[derive(Debug)]
pub(crate) struct Timeline {
    look: Look,
    tally: Tally,
    beats: Beats,
    names: Names,
    /// The unit's state that was shown last.
    state: Option<String>,
    finished: bool,
}

impl Timeline {
    pub(crate) fn new(scene: Scene, look: Look) -> Self {
        let (beats, names) = (Beats::default(), Names::default());
        Self { look, tally: Tally::new(scene), beats, names, state: None, finished: false }
    }

    /// The lines that an event is worth now; none for a heartbeat that will be summed up, and none for its barrier.
    pub(crate) fn feed(&mut self, event: &Event) -> Vec<String> {
        let event = &*self.names.complete(event);
        let at = event.at;
        match &event.what {
            Happening::Began { pid } => {
                self.tally.feed(event);
                let head = format!("pid {pid}");
                self.block(at, &head, &[Paragraph::new(Tone::Plain, summary::opening(&self.tally.scene))])
            }
            Happening::Said(said) => self.said(event, said),
            Happening::Signalled(number) => {
                self.tally.feed(event);
                let text = format!("{} for the program", words::signal(*number));
                self.block(at, "signal", &[Paragraph::new(Tone::Plain, text)])
            }
            Happening::State { active, sub, result } => {
                self.tally.feed(event);
                self.state(at, active, sub, result)
            }
            Happening::Ended(_) => {
                let remarks = self.tally.feed(event);
                let paragraphs: Vec<_> = remarks.beside.into_iter().map(Paragraph::from).collect();
                self.block(at, "main", &paragraphs)
            }
            Happening::Note(text) => {
                self.tally.feed(event);
                self.block(at, "note", &[Paragraph::new(Tone::Warn, readable(text.as_bytes()))])
            }
        }
    }

    /// When [`Timeline::wake`] will have something to say, on the clock of [`Event::at`]; it may have passed.
    pub(crate) fn next_wake(&self) -> Option<Duration> {
        let dues = [self.tally.course.due(), self.beats.due()];
        dues.into_iter().flatten().min().filter(|_| !self.finished)
    }

    /// The lines that time itself is worth: what is overdue, heartbeats summed up.
    pub(crate) fn wake(&mut self, at: Duration) -> Vec<String> {
        let remarks = self.tally.wake(at);
        if remarks.is_empty() {
            let runs = self.beats.wake(at);
            return self.summed_up(&runs);
        }
        remarks.into_iter().flat_map(|remark| self.block(at, "overdue", &[Paragraph::from(remark)])).collect()
    }

    /// The last lines: what was said how often, what was never said and what it means. Nothing the second time.
    pub(crate) fn finish(&mut self, at: Duration) -> Vec<String> {
        if std::mem::replace(&mut self.finished, true) {
            return Vec::new();
        }
        let runs = self.beats.flush();
        let mut lines = self.summed_up(&runs);
        lines.extend(summary::lines(&self.tally, at.max(self.tally.last), self.look));
        lines
    }

    fn said(&mut self, event: &Event, said: &Said) -> Vec<String> {
        let remarks = self.tally.feed(event);
        let pid = said.sender.map(|sender| sender.pid);
        if message::is_plain_barrier(said) && self.beats.end(pid) {
            return Vec::new();
        }
        let remarkable = !remarks.beside.is_empty() || remarks.of_lines.iter().any(Option::is_some);
        let heartbeat = message::heartbeat(said);
        self.beats.hear(pid, heartbeat.is_some());
        if let Some(kind) = heartbeat.filter(|_| !remarkable) {
            let pushed_out = self.beats.take(event.at, kind, pid, remarks.gap);
            return self.summed_up(pushed_out.as_slice());
        }
        let sender = message::sender(said, self.look);
        let paragraphs = message::paragraphs(said, remarks);
        self.block(event.at, &sender, &paragraphs)
    }

    /// A change of the unit's state, unless it was shown.
    fn state(&mut self, at: Duration, active: &str, sub: &str, result: &str) -> Vec<String> {
        let failed = active == "failed" || !matches!(result, "" | "success");
        let result = if failed { format!(", result {result}") } else { String::new() };
        let text = readable(format!("{active} ({sub}){result}").as_bytes());
        if self.state.as_ref() == Some(&text) {
            return Vec::new();
        }
        self.state = Some(text.clone());
        let tone = if failed { Tone::Bad } else { Tone::Plain };
        self.block(at, "systemd", &[Paragraph::new(tone, text)])
    }

    /// Something else than a heartbeat: those before it come first.
    fn block(&mut self, at: Duration, sender: &str, paragraphs: &[Paragraph]) -> Vec<String> {
        let runs = self.beats.flush();
        let mut lines = self.summed_up(&runs);
        lines.extend(self.look.block(Head { at, sender }, paragraphs));
        lines
    }

    fn summed_up(&self, runs: &[Run]) -> Vec<String> {
        let show = |run: &Run| {
            let sender = message::beating(run, self.look);
            self.look.block(Head { at: run.last, sender: &sender }, &message::beats(run))
        };
        runs.iter().flat_map(show).collect()
    }
}
