//! The same run as NDJSON, by the code that writes it for programs.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use super::book::Broken;
use crate::exit::Exit;
use crate::restart::json::Json;
use crate::restart::report::{Failure, Happening, HookEnd, Shown, Summary};
use crate::restart::rollout::{Action, Event, Final, Rollout};

/// Paper on which one end writes what the other reads.
#[derive(Clone, Default)]
struct Paper(Rc<RefCell<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) struct Lines {
    units: Vec<Shown>,
    paper: Paper,
    json: Json<Paper>,
    began: Instant,
}

impl Lines {
    pub(super) fn new(count: usize, now: Instant) -> Self {
        let shown = |index| Shown { name: format!("web@{index}.service"), ..Shown::default() };
        let units = (0..count).map(shown).collect();
        let paper = Paper::default();
        let mut lines = Self { units, json: Json::new(paper.clone(), "box".to_owned()), paper, began: now };
        lines.write(&Happening::Plan { doing: "restarting", ungated: &[], fresh: &[] });
        lines
    }

    /// Tells what a driver would tell of this step.
    pub(super) fn tell(&mut self, event: Event, actions: &[Action], rollout: &Rollout, now: Instant) {
        let elapsed = |index: usize| rollout.elapsed(index.min(self.units.len() - 1), now);
        let none = Duration::ZERO;
        let known = |index: usize| index < self.units.len();
        match event {
            Event::Enqueued(index) if known(index) => {
                self.write(&Happening::Start { index, enqueued: none });
            }
            Event::Ready(index) if known(index) => {
                let elapsed = elapsed(index);
                self.write(&Happening::Ready { index, elapsed, became_active: none });
            }
            Event::HookEnded { index, hook, ok } if known(index) => {
                let elapsed = elapsed(index);
                let end = HookEnd { hook, ok, outcome: String::new(), took: none, output: Vec::new() };
                self.write(&Happening::Hook { index, elapsed, end: &end });
            }
            _ => {}
        }
        for action in actions {
            self.told(*action, rollout, now);
        }
    }

    fn told(&mut self, action: Action, rollout: &Rollout, now: Instant) {
        let failure = Failure::default();
        let elapsed = |index: usize| rollout.elapsed(index, now);
        match action {
            Action::Soak(index, lasts) => {
                self.write(&Happening::Soak { index, elapsed: elapsed(index), lasts });
            }
            Action::Succeeded(index) => self.write(&Happening::Ok { index, elapsed: elapsed(index) }),
            Action::Failed(index) => {
                self.write(&Happening::Failed { index, elapsed: elapsed(index), failure: &failure });
            }
            Action::End => {
                let summary = self.summary(rollout, now);
                self.write(&Happening::Summary(&summary));
            }
            _ => {}
        }
    }

    fn summary(&self, rollout: &Rollout, now: Instant) -> Summary {
        let these = |end: Final| (0..self.units.len()).filter(|&i| rollout.outcome(i) == end).collect();
        Summary {
            ready: these(Final::Ok),
            failed: these(Final::Failed),
            in_flight: these(Final::Left),
            not_attempted: these(Final::NotAttempted),
            took: now.saturating_duration_since(self.began),
            exit: Exit::Done,
            stopped: rollout.stopped().map(|stop| format!("{stop:?}")),
            resume: None,
        }
    }

    fn write(&mut self, happening: &Happening<'_>) {
        self.json.tell(&self.units, happening, SystemTime::UNIX_EPOCH).expect("memory takes every line");
    }

    /// Reads it all again: `summary` is there once, last, and has every unit once.
    pub(super) fn check(self, rollout: &Rollout) -> Result<(), Broken> {
        let text = String::from_utf8(self.paper.0.take()).map_err(|error| error.to_string())?;
        let read = |line: &str| serde_json::from_str(line).map_err(|error| format!("{error} in {line}"));
        let lines = text.lines().map(read).collect::<Result<Vec<serde_json::Value>, _>>()?;
        let summaries = lines.iter().filter(|line| line["event"] == "summary").count();
        let last = lines.last().ok_or("nothing was written")?;
        if summaries != 1 || last["event"] != "summary" {
            return Err(format!("{summaries} summaries, and the last line is {last}"));
        }
        let names = |list: &str| last[list].as_array().cloned().unwrap_or_default();
        let mut all: Vec<_> = ["ok", "failed", "in_flight", "not_attempted"].map(names).concat();
        all.sort_by_key(ToString::to_string);
        all.dedup();
        let count = (0..self.units.len()).filter(|&index| rollout.outcome(index) == Final::Ok).count();
        if all.len() != self.units.len() || names("ok").len() != count {
            return Err(format!("not every unit is in one list: {last}"));
        }
        Ok(())
    }
}
