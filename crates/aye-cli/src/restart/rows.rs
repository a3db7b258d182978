//! The run on a terminal: rows in flight are redrawn in place at the bottom, finished ones stay above them. Of more units
//! than a screen has room for, the finished ones are one row that counts, and only failures stay.

mod row;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use aye_bus::duration;

use super::progress::lines::{about_all, closing, hook, output, question, said};
use super::progress::naming::{FEW, Naming, in_one_line, printable};
use super::progress::tally::Tally;
use super::report::{Failure, Happening, HookEnd, Shown, Summary};
pub(super) use crate::terminal::frame::Size;
use crate::terminal::frame::{Pace, frame};
use crate::terminal::width::{cells, cut, padded};
use row::Row;

/// Where the count of a finished row begins, when there is room for it.
const COUNT_COLUMN: usize = 55;

/// What is left of a narrow terminal for what a unit does, however long its name.
const ROOM_FOR_DOING: usize = 18;

const GREEN: &str = "32";
const BOLD_RED: &str = "1;31";

/// When, and on how large a terminal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Instant,
    pub(super) size: Size,
}

/// The rows of a run. What its functions give is to be written to the terminal.
#[derive(Debug)]
pub(crate) struct Rows {
    colour: bool,
    naming: Naming,
    /// The cells of the longest name.
    longest: usize,
    live: Vec<Row>,
    ended: HashSet<usize>,
    lost: Vec<Option<String>>,
    tally: Tally,
    pace: Pace,
    /// What waits for the end of a question.
    held: Option<Vec<String>>,
    over: bool,
}

impl Rows {
    pub(super) fn new(colour: bool) -> Self {
        Self {
            colour,
            naming: Naming::default(),
            longest: 0,
            live: Vec::new(),
            ended: HashSet::new(),
            lost: Vec::new(),
            tally: Tally::default(),
            pace: Pace::new(),
            held: None,
            over: false,
        }
    }

    /// Shows what happened.
    pub(super) fn tell(&mut self, units: &[Shown], happening: &Happening<'_>, at: Moment) -> String {
        self.tally.take(happening, at.now);
        if let Happening::Plan { .. } = happening {
            self.measure(units);
        }
        if let Happening::Asking { index } = happening {
            return self.ask(units, *index);
        }
        let lines = self.lines(units, happening, at);
        let ends = matches!(happening, Happening::Answered { .. } | Happening::Summary(_));
        if let Some(held) = &mut self.held
            && !ends
        {
            held.extend(lines);
            return String::new();
        }
        let held = self.held.take();
        // Left at the question, whose line is still open.
        let left = held.is_some() && matches!(happening, Happening::Summary(_));
        let lines: Vec<_> = held.into_iter().flatten().chain(lines).collect();
        if ends || !lines.is_empty() || self.pace.allows(at.now) {
            format!("{}{}", if left { "\r\n" } else { "" }, self.draw(units, &lines, at))
        } else {
            String::new()
        }
    }

    /// Shows how long a unit has been in flight.
    pub(super) fn tick(&mut self, units: &[Shown], index: usize, elapsed: Duration, at: Moment) -> String {
        if self.ended.contains(&index) {
            return String::new();
        }
        let new = self.live.iter().all(|row| row.index != index);
        self.row(index, at.now).elapsed(elapsed, at.now);
        let due = self.pace.is_due(at.now) || new && self.pace.allows(at.now);
        if due && self.held.is_none() { self.draw(units, &[], at) } else { String::new() }
    }

    fn measure(&mut self, units: &[Shown]) {
        self.naming = Naming::of(units);
        self.longest = units.iter().map(|unit| cells(&self.naming.short(unit))).max().unwrap_or(0);
    }

    fn row(&mut self, index: usize, now: Instant) -> &mut Row {
        let place = self.live.iter().position(|row| row.index == index).unwrap_or_else(|| {
            self.live.push(Row::new(index, now));
            self.live.len() - 1
        });
        &mut self.live[place]
    }

    /// Nothing is drawn behind the question before it is answered.
    fn ask(&mut self, units: &[Shown], index: usize) -> String {
        self.held = Some(Vec::new());
        frame(&[], &[]) + &question(units, index, self.naming)
    }

    /// Takes in what happened, and gives the lines that stay of it.
    fn lines(&mut self, units: &[Shown], happening: &Happening<'_>, at: Moment) -> Vec<String> {
        if let Some(lines) = about_all(units, happening, self.naming) {
            self.link(happening);
            return lines;
        }
        match happening {
            Happening::Hook { index, end, .. } if self.ended.contains(index) => {
                self.ended_late(units, *index, end, at.size)
            }
            Happening::Start { index, .. }
            | Happening::State { index, .. }
            | Happening::Status { index, .. }
            | Happening::Ready { index, .. }
            | Happening::Check { index, .. }
            | Happening::Soak { index, .. }
            | Happening::Hook { index, .. } => {
                if !self.ended.contains(index) {
                    self.row(*index, at.now).take(happening, at.now);
                }
                Vec::new()
            }
            Happening::Ok { index, elapsed } => {
                let ready = self.end(*index, at.now).ready.unwrap_or(*elapsed);
                if units.len() > FEW {
                    return Vec::new();
                }
                vec![self.finished(units, *index, &format!("ready in {}", duration(ready)), GREEN, at.size)]
            }
            Happening::Failed { index, failure, .. } => self.failed(units, *index, failure, at),
            Happening::Summary(summary) => {
                self.over = true;
                self.closing(units, summary, at.size)
            }
            _ => Vec::new(),
        }
    }

    fn link(&mut self, happening: &Happening<'_>) {
        match happening {
            Happening::Lost { host, .. } => self.lost.push(host.map(str::to_owned)),
            Happening::Regained { host, .. } => self.lost.retain(|lost| lost.as_deref() != *host),
            _ => {}
        }
    }

    fn end(&mut self, index: usize, now: Instant) -> Row {
        self.ended.insert(index);
        let place = self.live.iter().position(|row| row.index == index);
        place.map_or_else(|| Row::new(index, now), |place| self.live.remove(place))
    }

    fn failed(&mut self, units: &[Shown], index: usize, failure: &Failure, at: Moment) -> Vec<String> {
        let row = self.end(index, at.now);
        let what = format!("FAILED: {}", in_one_line(&failure.reason));
        let indent = self.indent(at.size);
        let mut lines = vec![self.finished(units, index, &what, BOLD_RED, at.size)];
        lines.extend(said(failure).map(|said| format!("{indent}{said}")));
        for end in &row.failed {
            lines.push(format!("{indent}{}", hook(end)));
            lines.extend(output(end).map(|line| format!("{indent}| {line}")));
        }
        lines.extend(failure.log.iter().map(|line| format!("{indent}| {}", printable(line))));
        lines
    }

    /// The on-fail hook comes after the unit's failure has been shown; only its own is worth a line.
    fn ended_late(&self, units: &[Shown], index: usize, end: &HookEnd, size: Size) -> Vec<String> {
        if end.ok {
            return Vec::new();
        }
        let label = padded(&self.naming.short(&units[index]), self.label_room(size));
        let mut lines = vec![format!("{label}  {}", hook(end))];
        lines.extend(output(end).map(|line| format!("{}| {line}", self.indent(size))));
        lines
    }

    fn indent(&self, size: Size) -> String {
        " ".repeat(self.label_room(size).min(size.columns / 4) + 4)
    }

    /// The resuming command stands behind the counts where both fit in one line.
    fn closing(&self, units: &[Shown], summary: &Summary, size: Size) -> Vec<String> {
        let mut lines = closing(units, summary, &self.tally, self.naming);
        if let [counts, resume] = &lines[..]
            && resume.starts_with("Resume: ")
            && cells(counts) + 2 + cells(resume) <= size.columns
        {
            lines = vec![format!("{counts}  {resume}")];
        }
        lines
    }

    /// `web@1  ready in 1.2 s                                  1/8`; the count only where it fits.
    fn finished(&self, units: &[Shown], index: usize, what: &str, colour: &str, size: Size) -> String {
        let label = padded(&self.naming.short(&units[index]), self.label_room(size));
        let count = format!("{}/{}", index + 1, units.len());
        let taken = cells(&label) + 2 + cells(what);
        let column = COUNT_COLUMN.min(size.columns.saturating_sub(cells(&count))).max(taken + 2);
        let what = if self.colour { format!("\x1b[{colour}m{what}\x1b[0m") } else { what.to_owned() };
        if column + cells(&count) > size.columns {
            return format!("{label}  {what}");
        }
        format!("{label}  {what}{}{count}", " ".repeat(column - taken))
    }

    /// The cells for names: as many as the longest needs, but not all of a narrow terminal.
    fn label_room(&self, size: Size) -> usize {
        self.longest.min(size.columns.saturating_sub(ROOM_FOR_DOING).max(size.columns / 2))
    }

    fn draw(&mut self, units: &[Shown], lines: &[String], at: Moment) -> String {
        self.pace.drawn(at.now);
        frame(lines, &self.moving(units, at))
    }

    /// The rows that move: one less than the terminal has, and of many units no more than half, so that what stays of the
    /// others is seen, too.
    fn moving(&self, units: &[Shown], at: Moment) -> Vec<String> {
        if self.over || self.live.is_empty() && (units.len() <= FEW || self.ended.is_empty()) {
            return Vec::new();
        }
        let counting = (units.len() > FEW).then(|| self.tally.line(units.len(), at.now));
        let most = at.size.rows.saturating_sub(1);
        let room = match counting {
            Some(_) => most.min((at.size.rows / 2).max(3)).saturating_sub(1),
            None => most.max(1),
        };
        let shown = match self.live.len() {
            live if live <= room => live,
            _ => room.saturating_sub(1),
        };
        let more = match self.live.len() - shown {
            0 => None,
            _ if room == 0 && counting.is_some() => None,
            all if shown == 0 => Some(format!("{all} units in flight")),
            more => Some(format!("and {more} more")),
        };
        let rows = self.live.iter().take(shown).map(|row| self.moving_row(units, row, at));
        counting.into_iter().chain(rows).chain(more).map(|row| cut(&row, at.size.columns)).collect()
    }

    fn moving_row(&self, units: &[Shown], row: &Row, at: Moment) -> String {
        let (unit, room) = (&units[row.index], self.label_room(at.size));
        let lost = self.lost.contains(&unit.host);
        let label = padded(&cut(&self.naming.short(unit), room), room);
        format!("{label}  {}", row.text(unit.limit, lost, at.now))
    }
}

#[cfg(test)]
mod many;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod tests;
