//! What happened, as a timeline: a row for each unit, and the texts of what went wrong. Texts are kept for failures alone and up to a limit, so that a long run stays small in memory and on the page.

use std::time::{Duration, SystemTime};

use super::markup::Text;
use super::row::{End, Kind, Row};
use crate::restart::report::{Failure, Happening, HookEnd, Shown, Summary};

/// How many bytes of markup the texts of all failures together may become.
const TEXTS: usize = 250_000;

/// How many bytes of one line are kept.
const LINE: usize = 1_000;

/// A host that could not be reached for a while.
#[derive(Debug)]
pub(super) struct Outage {
    pub(super) host: usize,
    pub(super) from: Duration,
    /// `None` when the link did not come back.
    pub(super) to: Option<Duration>,
    pub(super) reason: String,
}

/// What went wrong with one unit.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    pub(super) index: usize,
    /// `None` when only a hook has failed.
    pub(super) failure: Option<Failure>,
    pub(super) hooks: Vec<HookEnd>,
}

/// The whole run.
#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) words: Vec<String>,
    /// This machine, then every other host of the plan that has units in it, each once.
    pub(super) hosts: Vec<String>,
    pub(super) rows: Vec<Row>,
    pub(super) outages: Vec<Outage>,
    pub(super) troubles: Vec<Trouble>,
    pub(super) ungated: Vec<usize>,
    pub(super) fresh: Vec<String>,
    pub(super) interrupted: Option<Duration>,
    pub(super) summary: Option<Summary>,
    pub(super) began: Option<SystemTime>,
    /// When the last thing happened, or how long the run took.
    pub(super) end: Duration,
    /// Of how many failures the log or the output is not here, because there were too many of them.
    pub(super) logs_left_out: usize,
    texts: usize,
}

impl Timeline {
    pub(super) fn new(words: &[String], machine: &str) -> Self {
        Self {
            words: words.to_vec(),
            hosts: vec![machine.to_owned()],
            rows: Vec::new(),
            outages: Vec::new(),
            troubles: Vec::new(),
            ungated: Vec::new(),
            fresh: Vec::new(),
            interrupted: None,
            summary: None,
            began: None,
            end: Duration::ZERO,
            logs_left_out: 0,
            texts: 0,
        }
    }

    /// Whether there is anything to show.
    pub(super) fn has_begun(&self) -> bool {
        self.began.is_some()
    }

    pub(super) fn record(
        &mut self,
        units: &[Shown],
        happening: &Happening<'_>,
        at: Duration,
        now: SystemTime,
    ) {
        if self.began.is_none() {
            self.began = now.checked_sub(at);
            self.rows = units.iter().map(|unit| self.row(unit)).collect();
        }
        self.end = self.end.max(at);
        match happening {
            Happening::Plan { ungated, fresh, .. } => {
                (self.ungated, self.fresh) = (ungated.to_vec(), fresh.to_vec());
            }
            Happening::Lost { host, reason } => self.lost(*host, reason, at),
            Happening::Regained { host, .. } => self.regained(*host, at),
            Happening::Interrupted { .. } => self.interrupted = Some(at),
            Happening::Summary(summary) => self.finish(summary),
            Happening::Failed { index, failure, .. } => {
                self.happen(happening, at);
                self.failed(*index, failure);
            }
            Happening::Hook { index, end, .. } => {
                self.happen(happening, at);
                if !end.ok {
                    self.hook_failed(*index, end);
                }
            }
            _ => self.happen(happening, at),
        }
    }

    fn row(&mut self, unit: &Shown) -> Row {
        Row::new(&unit.name, unit.host.as_deref().map_or(0, |host| self.host(host)))
    }

    fn host(&mut self, name: &str) -> usize {
        // The first is this machine: another host may have been typed with its name.
        let known = self.hosts.iter().skip(1).position(|host| host == name);
        known.map_or_else(
            || {
                self.hosts.push(name.to_owned());
                self.hosts.len() - 1
            },
            |index| index + 1,
        )
    }

    /// What concerns one unit. Its stamps are those of the unit's own clock, which the figures are taken from, too.
    fn happen(&mut self, happening: &Happening<'_>, at: Duration) {
        let (Some(index), elapsed) = about(happening) else { return };
        let Some(row) = self.rows.get_mut(index) else { return };
        let at = row.started.map_or(at, |started| started + elapsed);
        self.end = self.end.max(at);
        match happening {
            Happening::Start { .. } => {
                row.started = Some(at);
                row.open(Kind::Job, at);
            }
            Happening::State { state, .. } => row.turn(*state, at),
            Happening::Ready { .. } => {
                row.close(at);
                row.ready = Some((at, elapsed));
            }
            Happening::Check { .. } => row.open(Kind::Check, at),
            Happening::Soak { .. } => row.open(Kind::Soak, at),
            Happening::Hook { end, .. } => {
                let kind = Kind::of_hook(end.hook);
                let from = at.saturating_sub(end.took);
                if kind == Kind::Check && row.is(kind) {
                    row.close(at);
                } else {
                    row.close(from);
                    row.add(kind, from, at);
                }
            }
            Happening::Ok { .. } => {
                row.close(at);
                row.ended = Some((at, End::Ok));
            }
            Happening::Failed { .. } => {
                row.close(at);
                row.ended = Some((at, End::Failed));
            }
            _ => {}
        }
    }

    fn trouble(&mut self, index: usize) -> &mut Trouble {
        let known = self.troubles.iter().position(|trouble| trouble.index == index);
        let place = known.unwrap_or_else(|| {
            self.troubles.push(Trouble { index, ..Trouble::default() });
            self.troubles.len() - 1
        });
        &mut self.troubles[place]
    }

    fn failed(&mut self, index: usize, failure: &Failure) {
        let failure = Failure {
            reason: cut(&failure.reason),
            result: cut(&failure.result),
            status: cut(&failure.status),
            log: self.kept(&failure.log),
        };
        self.trouble(index).failure = Some(failure);
    }

    fn hook_failed(&mut self, index: usize, end: &HookEnd) {
        let end = HookEnd { outcome: cut(&end.outcome), output: self.kept(&end.output), ..end.clone() };
        self.trouble(index).hooks.push(end);
    }

    /// The lines, as far as there is room left for them.
    fn kept(&mut self, lines: &[String]) -> Vec<String> {
        let kept: Vec<String> = lines.iter().map(|line| cut(line)).collect();
        let size: usize = kept.iter().map(|line| Text(line).to_string().len()).sum();
        if self.texts + size > TEXTS {
            self.logs_left_out += 1;
            return Vec::new();
        }
        self.texts += size;
        kept
    }

    fn lost(&mut self, host: Option<&str>, reason: &str, at: Duration) {
        let host = host.map_or(0, |host| self.host(host));
        self.outages.push(Outage { host, from: at, to: None, reason: cut(reason) });
    }

    fn regained(&mut self, host: Option<&str>, at: Duration) {
        let host = host.map_or(0, |host| self.host(host));
        if let Some(outage) = self.outages.iter_mut().rev().find(|outage| outage.host == host) {
            outage.to = outage.to.or(Some(at));
        }
    }

    fn finish(&mut self, summary: &Summary) {
        self.end = self.end.max(summary.took);
        self.close();
        self.summary = Some(summary.clone());
    }

    /// Nothing comes any more: what was going on was so until now.
    pub(super) fn close(&mut self) {
        let end = self.end;
        self.rows.iter_mut().for_each(|row| row.close(end));
    }
}

fn about(happening: &Happening<'_>) -> (Option<usize>, Duration) {
    match happening {
        Happening::Start { index, .. } => (Some(*index), Duration::ZERO),
        Happening::State { index, elapsed, .. }
        | Happening::Ready { index, elapsed, .. }
        | Happening::Check { index, elapsed }
        | Happening::Soak { index, elapsed, .. }
        | Happening::Hook { index, elapsed, .. }
        | Happening::Ok { index, elapsed }
        | Happening::Failed { index, elapsed, .. } => (Some(*index), *elapsed),
        _ => (None, Duration::ZERO),
    }
}

/// The beginning of a line that is too long.
fn cut(line: &str) -> String {
    if line.len() <= LINE {
        return line.to_owned();
    }
    let end = (0..=LINE).rev().find(|&end| line.is_char_boundary(end)).unwrap_or(0);
    format!("{}…", &line[..end])
}
