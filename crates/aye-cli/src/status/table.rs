//! The table: a line a unit, in columns as wide as what is in them. A column without anything in it is left out; the last
//! one, the text, has what is left of the width.

use std::time::Duration;

use aye_bus::duration;

use super::fact::{Fact, State, Watchdog};
use crate::output::short;
use crate::terminal::width::{cells, cut, padded};

const GAP: usize = 2;
/// So many cells are as good as without end.
const UNCUT: usize = usize::MAX / 8;
const HEADINGS: [&str; 8] = ["HOST", "UNIT", "STATE", "READY", "UPTIME", "RESTARTS", "WATCHDOG", "STATUS"];
const STATE: usize = 2;
const WATCHDOG: usize = 6;
const TEXT: usize = 7;

/// A line of it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) host: Option<String>,
    pub(super) name: String,
    pub(super) fact: Fact,
    /// Since when the manager is not heard; all of the row is of then.
    pub(super) lost: Option<Duration>,
}

/// How it is to look.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Style {
    /// Cells of the terminal; without one nothing is cut.
    pub(super) width: Option<usize>,
    pub(super) colour: bool,
}

/// The lines, the headings first.
pub(super) fn table(rows: &[Row], style: Style) -> Vec<String> {
    let body: Vec<[String; 8]> = rows.iter().map(of).collect();
    let mut widths = widths(&body);
    fit(&mut widths, style.width);
    let head = line(&HEADINGS.map(str::to_owned), &widths, style.width, |_, cell| cell);
    let lines = rows.iter().zip(&body).map(|(row, cells)| {
        line(cells, &widths, style.width, |column, cell| match colour(row, column).filter(|_| style.colour) {
            Some(code) => format!("\x1b[{code}m{cell}\x1b[0m"),
            None => cell,
        })
    });
    std::iter::once(head).chain(lines).collect()
}

/// The same for one unit without a table around it.
pub(super) fn sentence(row: &Row) -> String {
    let cells = of(row);
    let host = row.host.as_ref().map(|host| format!("{host}:")).unwrap_or_default();
    let named =
        |column: usize, name: &str| (!cells[column].is_empty()).then(|| format!("{name} {}", cells[column]));
    let text = Some(cells[TEXT].clone()).filter(|text| !text.is_empty());
    let ready = if row.fact.state == State::Starting { "for" } else { "ready after" };
    let rest = [named(3, ready), named(5, "restarts"), text];
    let rest: Vec<String> = rest.into_iter().flatten().collect();
    let state = &cells[STATE];
    let rest = if rest.is_empty() { String::new() } else { format!(", {}", rest.join(", ")) };
    format!("{host}{}: {state}{rest}", cells[1])
}

fn of(row: &Row) -> [String; 8] {
    let fact = &row.fact;
    let span = |span: Option<Duration>| span.map(age).unwrap_or_default();
    let ready = match (fact.ready, fact.limit) {
        (Some(ready), Some(limit)) => format!("{} of {}", duration(ready), duration(limit)),
        (ready, _) => ready.map(duration).unwrap_or_default(),
    };
    let restarts = Some(fact.restarts).filter(|count| *count > 0);
    let lost = row.lost.map(|lost| format!("link lost {} ago", age(lost)));
    let texts = [lost.as_ref(), fact.reason.as_ref(), Some(&fact.status)];
    let texts: Vec<String> =
        texts.into_iter().flatten().filter(|text| !text.is_empty()).map(|text| printable(text)).collect();
    [
        row.host.clone().unwrap_or_default(),
        short(&row.name).to_owned(),
        fact.state.word().to_owned(),
        ready,
        span(fact.uptime),
        restarts.map(|count| count.to_string()).unwrap_or_default(),
        fact.watchdog.map(margin).unwrap_or_default(),
        texts.join(": "),
    ]
}

/// What is left of the period; `!` where that is little.
fn margin(watchdog: Watchdog) -> String {
    let period = duration(watchdog.period);
    match watchdog.margin() {
        Some(margin) if watchdog.is_near() => format!("! {} of {period}", duration(margin)),
        Some(margin) => format!("{} of {period}", duration(margin)),
        None => format!("? of {period}"),
    }
}

/// A span of which nobody needs the small change.
fn age(span: Duration) -> String {
    let secs = span.as_secs();
    match secs {
        0..60 => format!("{secs} s"),
        60..3600 => format!("{} min {} s", secs / 60, secs % 60),
        3600..86_400 => format!("{} h {} min", secs / 3600, secs / 60 % 60),
        _ => format!("{} d {} h", secs / 86_400, secs / 3600 % 24),
    }
}

/// A service says what it likes; what would move the cursor is not for a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn widths(body: &[[String; 8]]) -> [usize; 8] {
    std::array::from_fn(|column| {
        let widest = body.iter().map(|row| cells(&row[column])).max().unwrap_or(0);
        if widest == 0 { 0 } else { widest.max(HEADINGS[column].len()) }
    })
}

/// Takes from the names what the text needs in a narrow terminal, down to what still tells one from another.
fn fit(widths: &mut [usize; 8], width: Option<usize>) {
    let Some(width) = width else { return };
    let fixed: usize = widths[..TEXT].iter().filter(|width| **width > 0).map(|width| width + GAP).sum();
    let wanted = widths[TEXT].min(width / 4);
    let mut excess = (fixed + wanted).saturating_sub(width);
    for column in [1, 0] {
        let least = 12.min(widths[column]);
        let taken = excess.min(widths[column] - least);
        widths[column] -= taken;
        excess -= taken;
    }
}

fn line(
    row: &[String; 8],
    widths: &[usize; 8],
    width: Option<usize>,
    dress: impl Fn(usize, String) -> String,
) -> String {
    let mut text = String::new();
    let mut taken = 0;
    for column in (0..8).filter(|column| widths[*column] > 0) {
        let left = width.map_or(UNCUT, |width| width.saturating_sub(taken));
        let last = widths[column + 1..].iter().all(|width| *width == 0);
        let room = if column == TEXT { left } else { widths[column].min(left) };
        let cell = cut(&row[column], room);
        taken += widths[column] + GAP;
        if last {
            text += &dress(column, cell);
        } else {
            let blank = padded("", (widths[column] + GAP).min(left).saturating_sub(cells(&cell)));
            text += &(dress(column, cell) + &blank);
        }
    }
    text.trim_end().to_owned()
}

/// Red what is wrong, yellow what is on its way.
fn colour(row: &Row, column: usize) -> Option<u8> {
    match (column, row.fact.state) {
        (WATCHDOG, _) => row.fact.watchdog.filter(|watchdog| watchdog.is_near()).map(|_| 31),
        (STATE, State::Failed | State::NotLoaded) => Some(31),
        (STATE, State::Starting | State::AutoRestart | State::Stopping | State::Reloading) => Some(33),
        (STATE, State::Active) => Some(32),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use aye_bus::{ActiveState, Unit};

    use super::super::fact::tests::{at, now, unit, with};
    use super::*;

    fn row(unit: &Unit) -> Row {
        Row { host: None, name: unit.name.clone(), fact: Fact::of(unit, now(17_500), true), lost: None }
    }

    fn fleet() -> Vec<Row> {
        let near = with(unit("web@1"), |service| {
            service.watchdog = Some(Duration::from_secs(10));
            service.status = "serving 12 connections, the longest since 2 hours and some minutes".to_owned();
        });
        let mut slow = with(unit("web@2"), |service| {
            service.status = "loading \u{1b}[2Jcache 40%".to_owned();
            service.restarts = 3;
            service.main_start = at(15_000);
        });
        (slow.active, slow.sub, slow.stamps.inactive_exit) =
            (ActiveState::Activating, "start".to_owned(), at(14_000));
        let mut dead = with(unit("billing-reconciliation"), |service| service.result = "watchdog".to_owned());
        dead.active = ActiveState::Failed;
        [near, slow, dead].iter().map(row).collect()
    }

    fn shown(rows: &[Row], width: usize) -> Vec<String> {
        table(rows, Style { width: Some(width), colour: false })
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        for width in 0..200 {
            for line in shown(&fleet(), width) {
                assert!(cells(&line) <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn a_status_text_moves_no_cursor() {
        assert!(!table(&fleet(), Style::default()).concat().contains('\u{1b}'));
    }

    #[test]
    fn columns_that_say_nothing_are_left_out() {
        assert_eq!(
            shown(&[row(&unit("web"))], 80),
            ["UNIT  STATE   READY  UPTIME", "web   active  1.3 s  15 s"]
        );
    }

    #[test]
    fn a_host_has_a_column_and_a_lost_link_a_word() {
        let row =
            Row { host: Some("web1".to_owned()), lost: Some(Duration::from_secs(3)), ..row(&unit("web")) };
        assert_eq!(shown(&[row], 80)[1], "web1  web   active  1.3 s  15 s    link lost 3 s ago");
    }

    #[test]
    fn an_uptime_has_two_figures() {
        for (secs, text) in [(59, "59 s"), (61, "1 min 1 s"), (3_660, "1 h 1 min"), (90_000, "1 d 1 h")] {
            assert_eq!(age(Duration::from_secs(secs)), text);
        }
    }

    #[test]
    fn a_change_is_told_in_one_line() {
        let lines: Vec<String> = fleet().iter().map(sentence).collect();
        assert_eq!(
            lines[1],
            "web@2: starting, for 2.5 s of 90 s, restarts 3, awaits READY=1: loading  [2Jcache 40%"
        );
    }
}
