//! The run as people see it, on stderr: on a terminal one row a unit, which moves while its unit starts and stays
//! when it is done; elsewhere a plain line for each thing that happens.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use aye_bus::duration;
use clap::ValueEnum;

use super::report::{Failure, Happening, Shown, Summary};
use super::rows::Rows;
use crate::exit::Exit;

/// What `--progress` was asked to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Rows on a terminal, plain lines elsewhere
    #[default]
    Auto,
    /// Rows that move; plain lines when stderr is no terminal
    Tty,
    /// One line for each thing that happens
    Plain,
    /// Failures only
    Quiet,
}

/// Shows a run.
pub(crate) enum Progress {
    Rows(Rows),
    Plain { quiet: bool },
}

impl Progress {
    pub(crate) fn new(mode: Mode) -> Self {
        let terminal = io::stderr().is_terminal();
        match mode {
            Mode::Auto | Mode::Tty if terminal => Self::Rows(Rows::new()),
            Mode::Quiet => Self::Plain { quiet: true },
            _ => Self::Plain { quiet: false },
        }
    }

    /// Whether the passing of time itself is shown, so that it must be told of it.
    pub(crate) fn moves(&self) -> bool {
        matches!(self, Self::Rows(_))
    }

    /// Shows what happened.
    pub(crate) fn tell(&mut self, units: &[Shown], happening: &Happening<'_>) {
        match self {
            Self::Rows(rows) => rows.tell(units, happening),
            Self::Plain { quiet } => {
                let lines = plain(units, happening);
                if !*quiet || is_trouble(happening) {
                    write_lines(&lines);
                }
            }
        }
    }

    /// Shows how long a unit has been starting.
    pub(crate) fn tick(&mut self, units: &[Shown], index: usize, elapsed: Duration) {
        if let Self::Rows(rows) = self {
            rows.tick(units, index, elapsed);
        }
    }
}

/// A closed stderr must not end a restart in the middle; there is nobody left to tell.
fn write_lines(lines: &[String]) {
    let mut text = lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
        let _ = io::stderr().write_all(text.as_bytes());
    }
}

fn is_trouble(happening: &Happening<'_>) -> bool {
    match happening {
        Happening::Failed { .. } | Happening::Interrupted { .. } => true,
        Happening::Summary(summary) => summary.exit != Exit::Done,
        _ => false,
    }
}

/// The plain lines of one happening.
pub(super) fn plain(units: &[Shown], happening: &Happening<'_>) -> Vec<String> {
    let total = units.len();
    match happening {
        Happening::Plan { ungated, .. } => plan(units, ungated),
        Happening::Start { index, .. } => {
            vec![format!("{}: starting ({}/{total})", units[*index].name, index + 1)]
        }
        Happening::Status { index, text, .. } => {
            vec![format!("{}: status \"{}\"", units[*index].name, printable(text))]
        }
        Happening::Ready { index, elapsed, .. } => {
            let (name, took) = (&units[*index].name, duration(*elapsed));
            vec![format!("{name}: ready in {took} ({}/{total})", index + 1)]
        }

        Happening::Failed { index, failure, .. } => {
            let name = &units[*index].name;
            let mut lines = vec![format!("{name}: FAILED: {} ({}/{total})", failure.reason, index + 1)];
            lines.extend(said(failure).map(|said| format!("{name}: {said}")));
            lines.extend(failure.log.iter().map(|line| format!("{name} | {}", printable(line))));
            lines
        }
        Happening::Interrupted { in_flight } => interrupted(units, in_flight),
        Happening::Summary(summary) => closing(units, summary),
        _ => Vec::new(),
    }
}

fn plan(units: &[Shown], ungated: &[usize]) -> Vec<String> {
    let mut lines = vec![match units {
        [one] => format!("restarting {}", one.name),
        _ => format!("restarting {} units, one after another: {}", units.len(), names(units, 0..units.len())),
    }];
    if !ungated.is_empty() {
        let which = names(units, ungated.iter().copied());
        lines.push(format!("warning: no readiness to wait for (Type=notify gives one): {which}"));
    }
    lines
}

fn interrupted(units: &[Shown], in_flight: &[usize]) -> Vec<String> {
    match in_flight {
        [] => Vec::new(),
        _ => vec![format!(
            "interrupted: starting nothing new, finishing {}; once more leaves now",
            names(units, in_flight.iter().copied())
        )],
    }
}

fn closing(units: &[Shown], summary: &Summary) -> Vec<String> {
    if summary.exit == Exit::Done {
        return vec![format!("Done: {} ready in {}.", summary.ready.len(), duration(summary.took))];
    }
    let word = match summary.exit {
        Exit::Interrupted | Exit::Terminated => "Interrupted",
        _ => "Stopped",
    };
    let (ready, failed) = (summary.ready.len(), summary.failed.len());
    let mut lines = vec![format!(
        "{word}: {ready} ready, {failed} failed, {} not attempted.",
        summary.not_attempted.len()
    )];
    if !summary.in_flight.is_empty() {
        let which = names(units, summary.in_flight.iter().copied());
        lines.push(match summary.exit {
            Exit::Unreachable => {
                format!("Outcome unknown: {which}. If the manager lives, its job goes on.")
            }
            _ => format!("Left in the middle: {which}. The manager goes on with it; it was not cancelled."),
        });
    }
    lines.extend(summary.resume.iter().map(|resume| format!("Resume: {resume}")));
    lines
}

/// What the unit itself said about its failure.
pub(super) fn said(failure: &Failure) -> Option<String> {
    let result = Some(&failure.result).filter(|result| !matches!(result.as_str(), "" | "success"));
    let status = Some(printable(&failure.status)).filter(|status| !status.is_empty());
    match (result, status) {
        (Some(result), Some(status)) => Some(format!("result {result}, status \"{status}\"")),
        (Some(result), None) => Some(format!("result {result}")),
        (None, Some(status)) => Some(format!("status \"{status}\"")),
        (None, None) => None,
    }
}

fn names(units: &[Shown], indices: impl IntoIterator<Item = usize>) -> String {
    let names: Vec<&str> = indices.into_iter().map(|index| units[index].name.as_str()).collect();
    names.join(" ")
}

/// Text of a service, made safe to show: a control character could redraw the screen or forge a line.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restart::rows::tests::units;

    #[test]
    fn a_status_cannot_draw_on_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\nc\td"), "a\u{fffd}[2Jb\u{fffd}c d");
    }

    #[test]
    fn what_was_left_in_the_middle_is_named() {
        let summary = Summary {
            ready: vec![],
            failed: vec![],
            in_flight: vec![0],
            not_attempted: vec![1],
            stopped: None,
            took: Duration::ZERO,
            exit: Exit::Interrupted,
            resume: Some("aye restart web@10.service".to_owned()),
        };
        let expected = [
            "Interrupted: 0 ready, 0 failed, 1 not attempted.",
            "Left in the middle: web@1.service. The manager goes on with it; it was not cancelled.",
            "Resume: aye restart web@10.service",
        ];
        assert_eq!(closing(&units(), &summary), expected);
    }
}
