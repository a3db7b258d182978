//! Where the news go: a table that is drawn over itself on a terminal, a line a change without one, or NDJSON.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, SystemTime};

use aye_bus::{Unit, Where};

use super::super::clock::Now;
use super::super::fact::{Fact, Watchdog};
use super::super::table::{Row, Style, sentence, table};
use super::super::{json, style};
use super::book::Book;
use crate::terminal::frame::{Size, frame};

/// For so long a reading is of this moment.
const FRESH: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Table,
    Lines,
    Json,
}

pub(super) struct Screen {
    mode: Mode,
    /// The table as it was drawn last.
    drawn: Vec<String>,
    /// What is to stay above it.
    said: Vec<String>,
    closed: bool,
}

impl Screen {
    pub(super) fn new(json: bool) -> Self {
        let able = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
        let mode = match json {
            true => Mode::Json,
            false if able && io::stdout().is_terminal() => Mode::Table,
            false => Mode::Lines,
        };
        Self { mode, drawn: Vec::new(), said: Vec::new(), closed: false }
    }

    /// Whether the passing of time is shown.
    pub(super) fn moves(&self) -> bool {
        self.mode == Mode::Table
    }

    /// Nobody reads any more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Something is new of a unit.
    pub(super) fn shows(&mut self, place: &Where, unit: &Unit) {
        let fact = Fact::of(unit, Now::of(place), true);
        match self.mode {
            Mode::Table => {}
            Mode::Json => {
                self.write(&format!("{}\n", json::unit(place.host(), unit, &fact, SystemTime::now())));
            }
            Mode::Lines => {
                let row = row(place, unit, fact, None);
                self.write(&format!("{}\n", sentence(&row)));
            }
        }
    }

    /// A unit is none of those meant any more.
    pub(super) fn gone(&mut self, place: &Where, unit: &str) {
        self.event("gone", place, Some(unit), "unloaded");
    }

    pub(super) fn lost(&mut self, place: &Where, reason: &str) {
        self.event("lost", place, None, reason);
    }

    pub(super) fn back(&mut self, place: &Where) {
        self.event("back", place, None, "connected again");
    }

    /// A manager is given up.
    pub(super) fn left(&mut self, place: &Where, reason: &str) {
        self.event("lost", place, None, reason);
        if self.mode == Mode::Table {
            self.said.push(format!("aye status: {reason}"));
        }
    }

    fn event(&mut self, event: &str, place: &Where, unit: Option<&str>, reason: &str) {
        match self.mode {
            Mode::Table => {}
            Mode::Json => {
                let value = json::other(event, place.host(), unit, reason, SystemTime::now());
                self.write(&format!("{value}\n"));
            }
            Mode::Lines => {
                let subject =
                    unit.map_or_else(|| place.to_string(), |unit| crate::output::short(unit).to_owned());
                self.write(&format!("{subject}: {event}: {reason}\n"));
            }
        }
    }

    /// Draws the table anew.
    pub(super) fn draw<'b>(&mut self, sites: impl Iterator<Item = (&'b Where, &'b Book)>) {
        if self.mode != Mode::Table {
            return;
        }
        let rows: Vec<Row> = sites.flat_map(|(place, book)| rows(place, book, Now::of(place))).collect();
        let size = rustix::termios::tcgetwinsize(io::stdout());
        let size = size.map(|size| Size::new(size.ws_col, size.ws_row)).unwrap_or_default();
        self.drawn = lines(rows, size, style());
        let text = frame(&std::mem::take(&mut self.said), &self.drawn);
        self.write(&text);
    }

    /// Leaves the table where it is, as it was drawn last.
    pub(super) fn finish(&mut self) {
        if self.mode == Mode::Table {
            let text = frame(&std::mem::take(&mut self.drawn), &[]);
            self.write(&text);
        }
    }

    fn write(&mut self, text: &str) {
        let mut out = io::stdout().lock();
        self.closed |= out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err();
    }
}

fn row(place: &Where, unit: &Unit, fact: Fact, lost: Option<Duration>) -> Row {
    Row { host: place.host().map(str::to_owned), name: unit.name.clone(), fact, lost }
}

fn rows(place: &Where, book: &Book, now: Now) -> Vec<Row> {
    let lost = book.gone_for();
    let of = |entry: &super::book::Entry| {
        let fresh = lost.is_none() && entry.read.elapsed() < FRESH;
        row(place, &entry.unit, Fact::of(&entry.unit, now, fresh), lost)
    };
    book.entries().iter().map(of).collect()
}

/// As much of the table as there are lines for, and what is missing. Where not all fit, those that are not well come first.
fn lines(mut rows: Vec<Row>, size: Size, style: Style) -> Vec<String> {
    if rows.is_empty() {
        return vec!["no unit matches yet".to_owned()];
    }
    // A row is left free: a terminal of which the last cell is written may scroll.
    let room = size.rows.saturating_sub(1).max(2);
    let hides = rows.len() + 1 > room;
    if hides {
        rows.sort_by_key(is_well);
    }
    let mut lines = table(&rows, Style { width: Some(size.columns), ..style });
    if hides {
        lines.truncate(room - 1);
        let hidden = &rows[room - 2..];
        let ill = hidden.iter().filter(|row| !is_well(row)).count();
        lines.push(match ill {
            0 => format!("and {} more, all well", hidden.len()),
            _ => format!("and {} more, {ill} not well", hidden.len()),
        });
    }
    lines
}

fn is_well(row: &Row) -> bool {
    row.lost.is_none() && row.fact.state.is_up() && !row.fact.watchdog.is_some_and(Watchdog::is_near)
}

#[cfg(test)]
mod tests {
    use super::super::super::fact::tests::{now, unit};
    use super::*;
    use crate::terminal::emulator::Terminal;

    fn place() -> Where {
        Where::Embedded("/run/aye".into())
    }

    fn book(count: usize) -> Book {
        let mut book = Book::new(vec!["web@*".to_owned()]);
        for number in 1..=count {
            book.put(&unit(&format!("web@{number}")));
        }
        book
    }

    fn draw(terminal: &mut Terminal, book: &Book, millis: u64) {
        let rows = rows(&place(), book, now(millis));
        let lines = lines(rows, terminal.size(), Style::default());
        terminal.write(&frame(&[], &lines));
    }

    #[test]
    fn more_units_than_lines_are_counted() {
        let mut terminal = Terminal::new(80, 5);
        draw(&mut terminal, &book(10), 12_400);
        let screen = terminal.screen();
        assert_eq!((screen.len(), screen.last().unwrap().as_str()), (4, "and 8 more, all well"));
    }

    #[test]
    fn of_more_units_than_lines_those_that_are_not_well_are_seen() {
        let mut book = book(10);
        for number in [4, 9] {
            book.put(&Unit { active: aye_bus::ActiveState::Failed, ..unit(&format!("web@{number}")) });
        }
        let mut terminal = Terminal::new(80, 5);
        draw(&mut terminal, &book, 12_400);
        let screen = terminal.screen();
        let names: Vec<&str> =
            screen[1..].iter().map(|line| line.split_once("  ").map_or(&**line, |it| it.0)).collect();
        assert_eq!(names, ["web@4", "web@9", "and 8 more, all well"]);
        let mut small = Terminal::new(80, 4);
        draw(&mut small, &book, 12_400);
        assert_eq!(small.screen().last().unwrap(), "and 9 more, 1 not well");
    }

    #[test]
    fn a_drawing_replaces_the_one_before() {
        let mut terminal = Terminal::new(80, 10);
        draw(&mut terminal, &book(3), 12_400);
        draw(&mut terminal, &book(1), 13_400);
        assert_eq!(terminal.all(), ["UNIT   STATE   READY  UPTIME", "web@1  active  1.3 s  11 s"]);
    }

    #[test]
    fn a_lost_link_is_told_in_every_row_of_its_manager() {
        let mut book = book(1);
        book.lost();
        let mut terminal = Terminal::new(80, 10);
        draw(&mut terminal, &book, 12_400);
        assert!(terminal.screen()[1].contains("link lost 0 s ago"), "{:?}", terminal.screen());
    }
}
