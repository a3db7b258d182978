//! The run as people see it, on stderr: on a terminal one row a unit, which moves while its unit starts and stays
//! when it is done; elsewhere a plain line for each thing that happens.

pub(super) mod lines;
pub(super) mod naming;
pub(super) mod tally;

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use rustix::termios::tcgetwinsize;

use super::report::{Happening, Shown};
use super::rows::{Moment, Rows, Size};
use crate::exit::Exit;
use lines::{Lines, question};
use naming::Naming;

/// What `--progress` was asked to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Rows on a terminal, plain lines elsewhere and with `NO_COLOR`
    #[default]
    Auto,
    /// Rows that move; plain lines when stderr is no terminal that can move
    Tty,
    /// One line for each thing that happens
    Plain,
    /// Failures only
    Quiet,
}

/// Shows a run.
pub(crate) enum Progress {
    Rows(Box<Rows>),
    Plain(Box<Plain>),
}

impl Progress {
    pub(crate) fn new(mode: Mode) -> Self {
        let colourless = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let rows = match mode {
            Mode::Auto => can_move() && !colourless,
            Mode::Tty => can_move(),
            Mode::Plain | Mode::Quiet => false,
        };
        if rows {
            Self::Rows(Box::new(Rows::new(!colourless)))
        } else {
            Self::Plain(Box::new(Plain::new(mode == Mode::Quiet)))
        }
    }

    /// Whether the passing of time itself is shown, so that it must be told of it.
    pub(crate) fn moves(&self) -> bool {
        matches!(self, Self::Rows(_))
    }

    /// Shows what happened.
    pub(crate) fn tell(&mut self, units: &[Shown], happening: &Happening<'_>) {
        write(&match self {
            Self::Rows(rows) => rows.tell(units, happening, moment()),
            Self::Plain(plain) => plain.tell(units, happening, Instant::now()),
        });
    }

    /// Shows how long a unit in flight has been starting; of one that nothing was told of, its before-hook is running.
    pub(crate) fn tick(&mut self, units: &[Shown], index: usize, elapsed: Duration) {
        if let Self::Rows(rows) = self {
            write(&rows.tick(units, index, elapsed, moment()));
        }
    }
}

/// Whether stderr is a terminal on which something can be drawn over.
fn can_move() -> bool {
    let able = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    able && io::stderr().is_terminal()
}

fn moment() -> Moment {
    let size = tcgetwinsize(io::stderr()).map(|size| Size::new(size.ws_col, size.ws_row));
    Moment { now: Instant::now(), size: size.unwrap_or_default() }
}

/// A closed stderr must not end a restart in the middle; there is nobody left to tell.
fn write(text: &str) {
    if !text.is_empty() {
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

/// Plain lines, and what waits for the end of a question.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    quiet: bool,
    lines: Lines,
    held: Option<String>,
}

impl Plain {
    fn new(quiet: bool) -> Self {
        Self { quiet, ..Self::default() }
    }

    /// What to write.
    fn tell(&mut self, units: &[Shown], happening: &Happening<'_>, now: Instant) -> String {
        let mut text = String::new();
        let lines = self.lines.of(units, happening, now);
        if !self.quiet || is_trouble(happening) {
            text.extend(lines.into_iter().map(|line| line + "\n"));
        }
        match (&mut self.held, happening) {
            (_, Happening::Asking { index }) => {
                self.held = Some(String::new());
                question(units, *index, Naming::of(units))
            }
            (Some(held), Happening::Answered { .. }) => std::mem::take(held) + &self.release(text),
            // Left at the question, whose line is still open.
            (Some(held), Happening::Summary(_)) => {
                format!("\n{}", std::mem::take(held)) + &self.release(text)
            }
            (Some(held), _) => {
                *held += &text;
                String::new()
            }
            (None, _) => text,
        }
    }

    fn release(&mut self, text: String) -> String {
        self.held = None;
        text
    }
}

fn is_trouble(happening: &Happening<'_>) -> bool {
    match happening {
        Happening::Failed { .. } | Happening::Interrupted { .. } | Happening::Lost { .. } => true,
        Happening::Hook { end, .. } => !end.ok,
        Happening::Summary(summary) => summary.exit != Exit::Done,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
