//! The run on a terminal: rows in flight are redrawn in place at the bottom, finished ones stay above them. Between
//! two drawings the cursor rests at the first letter of the first moving row, so that whatever else lands there,
//! such as the terminal's `^C`, is wiped out with the rows by the next drawing.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

use aye_bus::duration;

use super::progress::{plain, printable, said};
use super::report::{Happening, Shown};
use crate::output::short;

/// Where the count of a finished row begins.
const COUNT_COLUMN: usize = 55;

const GREEN: &str = "32";
const BOLD_RED: &str = "1;31";

/// One row in flight.
struct Row {
    index: usize,
    elapsed: Duration,
    status: String,
}

/// The rows of a run.
pub(super) struct Rows {
    live: Vec<Row>,
    colour: bool,
}

impl Rows {
    pub(super) fn new() -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { live: Vec::new(), colour: !set("NO_COLOR") && !dumb }
    }

    /// Shows what happened.
    pub(super) fn tell(&mut self, units: &[Shown], happening: &Happening<'_>) {
        let lines = self.lines(units, happening);
        self.draw(units, &lines);
    }

    /// Shows how long a unit has been starting.
    pub(super) fn tick(&mut self, units: &[Shown], index: usize, elapsed: Duration) {
        if let Some(row) = self.live.iter_mut().find(|row| row.index == index) {
            row.elapsed = elapsed;
            self.draw(units, &[]);
        }
    }

    /// Takes in what happened, and gives the lines that stay of it.
    fn lines(&mut self, units: &[Shown], happening: &Happening<'_>) -> Vec<String> {
        match happening {
            Happening::Start { index, .. } => {
                self.live.push(Row { index: *index, elapsed: Duration::ZERO, status: String::new() });
                Vec::new()
            }
            Happening::Status { index, elapsed, text } => {
                if let Some(row) = self.live.iter_mut().find(|row| row.index == *index) {
                    (row.elapsed, row.status) = (*elapsed, printable(text));
                }
                Vec::new()
            }
            Happening::Ready { index, elapsed, .. } => {
                vec![self.finish(units, *index, &format!("ready in {}", duration(*elapsed)), GREEN)]
            }
            Happening::Failed { index, failure, .. } => {
                let what = format!("FAILED: {}", failure.reason);
                let indent = " ".repeat(width(units) + 2);
                let mut lines = vec![self.finish(units, *index, &what, BOLD_RED)];
                lines.extend(said(failure).map(|said| format!("{indent}  {said}")));
                lines.extend(failure.log.iter().map(|line| format!("{indent}| {}", printable(line))));
                lines
            }
            Happening::Summary(_) => {
                self.live.clear();
                plain(units, happening)
            }
            Happening::Plan { .. } | Happening::Interrupted { .. } => plain(units, happening),
            _ => Vec::new(),
        }
    }

    fn finish(&mut self, units: &[Shown], index: usize, what: &str, colour: &str) -> String {
        self.live.retain(|row| row.index != index);
        let row = finished_row(units, index, what);
        if self.colour { row.replacen(what, &format!("\x1b[{colour}m{what}\x1b[0m"), 1) } else { row }
    }

    /// A closed stderr must not end a restart in the middle; there is nobody left to tell.
    fn draw(&self, units: &[Shown], lines: &[String]) {
        let rows: Vec<_> = self.live.iter().map(|row| starting_row(units, row)).collect();
        let _ = io::stderr().write_all(frame(lines, &rows).as_bytes());
    }
}

/// The bytes that wipe the moving rows, let `lines` stay in their place, and draw `rows` below them. Wrapping is off
/// for the rows: the terminal itself cuts them at its edge, however wide their letters are.
fn frame(lines: &[String], rows: &[String]) -> String {
    let mut text = "\r\x1b[J".to_owned();
    for line in lines {
        text += line;
        text += "\r\n";
    }
    if let Some(above) = rows.len().checked_sub(1) {
        text += "\x1b[?7l";
        text += &rows.join("\r\n");
        text += "\x1b[?7h\r";
        if above > 0 {
            let _ = write!(text, "\x1b[{above}A");
        }
    }
    text
}

/// `web@2  starting 4 s of 90 s  "loading cache 40%"`
fn starting_row(units: &[Shown], row: &Row) -> String {
    let unit = &units[row.index];
    let limit = unit.limit.map(|limit| format!(" of {}", duration(limit))).unwrap_or_default();
    let status = if row.status.is_empty() { String::new() } else { format!("  \"{}\"", row.status) };
    let (name, width) = (short(&unit.name), width(units));
    format!("{name:<width$}  starting {} s{limit}{status}", row.elapsed.as_secs())
}

/// `web@1  ready in 1.2 s                                  1/8`
fn finished_row(units: &[Shown], index: usize, what: &str) -> String {
    let row = format!("{:<width$}  {what}", short(&units[index].name), width = width(units));
    format!("{row:<COUNT_COLUMN$}  {}/{}", index + 1, units.len())
}

fn width(units: &[Shown]) -> usize {
    units.iter().map(|unit| short(&unit.name).chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn units() -> Vec<Shown> {
        ["web@1.service", "web@10.service"]
            .map(|name| Shown { name: name.to_owned(), host: None, limit: Some(Duration::from_secs(90)) })
            .to_vec()
    }

    #[test]
    fn a_frame_without_rows_leaves_the_cursor_below_its_lines() {
        assert_eq!(frame(&["a".to_owned(), "b".to_owned()], &[]), "\r\x1b[Ja\r\nb\r\n");
    }

    #[test]
    fn the_cursor_returns_to_the_first_of_several_rows() {
        let rows = ["one", "two", "three"].map(str::to_owned);
        assert_eq!(frame(&[], &rows), "\r\x1b[J\x1b[?7lone\r\ntwo\r\nthree\x1b[?7h\r\x1b[2A");
    }

    #[test]
    fn a_finished_row_is_coloured_only_where_colour_is_wanted() {
        let happening =
            Happening::Ready { index: 0, elapsed: Duration::from_millis(5), became_active: Duration::ZERO };
        let told = |colour| Rows { live: Vec::new(), colour }.lines(&units(), &happening).join("");
        assert!(told(true).contains("\x1b[32mready in 5 ms\x1b[0m"));
        assert!(!told(false).contains('\x1b'));
    }

    #[test]
    fn a_finished_row_ends_with_its_count() {
        let row = finished_row(&units(), 0, "ready in 1.2 s");
        assert_eq!(row, format!("{:<55}  1/2", "web@1   ready in 1.2 s"));
    }

    #[test]
    fn a_starting_row_shows_the_time_left_and_the_status() {
        let row =
            Row { index: 1, elapsed: Duration::from_millis(4200), status: "loading cache 40%".to_owned() };
        assert_eq!(starting_row(&units(), &row), "web@10  starting 4 s of 90 s  \"loading cache 40%\"");
    }
}
