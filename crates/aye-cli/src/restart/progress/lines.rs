//! The run as plain lines, one for each thing that happens, and those of them that rows have in common with it.

use std::collections::HashSet;
use std::time::Instant;

use aye_bus::duration;

use super::naming::{Naming, in_one_line, printable};
use super::tally::Tally;
use crate::exit::Exit;
use crate::restart::report::{Failure, Happening, Hook, HookEnd, Shown, Summary};

/// What the plain lines have to remember.
#[derive(Debug, Default)]
pub(in crate::restart) struct Lines {
    naming: Naming,
    tally: Tally,
    /// Units that were ready and had something more to pass, whose end is worth a line of its own.
    beyond: HashSet<usize>,
}

impl Lines {
    /// The lines of one happening.
    pub(in crate::restart) fn of(
        &mut self,
        units: &[Shown],
        happening: &Happening<'_>,
        now: Instant,
    ) -> Vec<String> {
        self.tally.take(happening, now);
        if let Happening::Plan { .. } = happening {
            self.naming = Naming::of(units);
        }
        match happening {
            Happening::Summary(summary) => closing(units, summary, &self.tally, self.naming),
            _ => about_all(units, happening, self.naming).unwrap_or_else(|| self.about_one(units, happening)),
        }
    }

    fn about_one(&mut self, units: &[Shown], happening: &Happening<'_>) -> Vec<String> {
        let naming = self.naming;
        let name = |index: usize| naming.full(&units[index]);
        let place = |index: usize| format!("({}/{})", index + 1, units.len());
        let one = |index: usize, what: String| vec![format!("{}: {what}", name(index))];
        match happening {
            Happening::Start { index, .. } => one(*index, format!("starting {}", place(*index))),
            Happening::Status { index, text, .. } => one(*index, format!("status \"{}\"", printable(text))),
            Happening::Ready { index, elapsed, .. } => {
                one(*index, format!("ready in {} {}", duration(*elapsed), place(*index)))
            }
            Happening::Check { index, .. } => self.goes_on(units, *index, "checking"),
            Happening::Soak { index, lasts, .. } => {
                self.goes_on(units, *index, &format!("soaking for {}", duration(*lasts)))
            }
            Happening::Hook { index, end, .. } => {
                let mut lines = match end.hook {
                    Hook::After => self.goes_on(units, *index, &hook(end)),
                    _ => one(*index, hook(end)),
                };
                lines.extend(output(end).map(|line| format!("{} | {line}", name(*index))));
                lines
            }
            Happening::Ok { index, elapsed } if self.beyond.contains(index) => {
                one(*index, format!("done in {} {}", duration(*elapsed), place(*index)))
            }
            Happening::Failed { index, failure, .. } => {
                let name = name(*index);
                let mut lines =
                    one(*index, format!("FAILED: {} {}", in_one_line(&failure.reason), place(*index)));
                lines.extend(said(failure).map(|said| format!("{name}: {said}")));
                lines.extend(failure.log.iter().map(|line| format!("{name} | {}", printable(line))));
                lines
            }
            _ => Vec::new(),
        }
    }

    fn goes_on(&mut self, units: &[Shown], index: usize, what: &str) -> Vec<String> {
        self.beyond.insert(index);
        vec![format!("{}: {what}", self.naming.full(&units[index]))]
    }
}

/// The lines of what concerns the whole run or a host; `None` for what concerns one unit.
pub(in crate::restart) fn about_all(
    units: &[Shown],
    happening: &Happening<'_>,
    naming: Naming,
) -> Option<Vec<String>> {
    Some(match happening {
        Happening::Plan { doing, ungated, fresh } => plan(units, doing, ungated, fresh, naming),
        Happening::Lost { host, reason } => vec![lost(*host, reason)],
        Happening::Regained { host, after } => {
            vec![format!("{} is back after {}", host_name(*host), duration(*after))]
        }
        Happening::Interrupted { in_flight } => interrupted(units, in_flight, naming),
        _ => return None,
    })
}

/// The question of `--on-failure ask`; the answer is typed behind it.
pub(in crate::restart) fn question(units: &[Shown], index: usize, naming: Naming) -> String {
    format!("{} failed. Go on with the rest? [y/N] ", naming.short(&units[index]))
}

fn plan(units: &[Shown], doing: &str, ungated: &[usize], fresh: &[String], naming: Naming) -> Vec<String> {
    let all: Vec<usize> = (0..units.len()).collect();
    let host = units.first().and_then(|unit| unit.host.as_deref());
    let on = host.filter(|_| units.iter().all(|unit| unit.host.as_deref() == host));
    let on = on.map(|host| format!(" on {}", printable(host))).unwrap_or_default();
    let mut lines = vec![match units {
        [] => "nothing to do".to_owned(),
        [one] => format!("{doing} {}{on}", one.name),
        _ => format!("{doing} {} units{on}: {}", units.len(), naming.list(units, &all)),
    }];
    if !fresh.is_empty() {
        lines.push(format!("left alone, with a new start already: {}", fresh.join(" ")));
    }
    if !ungated.is_empty() {
        let which = naming.list(units, ungated);
        lines.push(format!("warning: no readiness to wait for (Type=notify gives one): {which}"));
    }
    lines
}

fn host_name(host: Option<&str>) -> String {
    host.map_or("the manager".to_owned(), printable)
}

fn lost(host: Option<&str>, reason: &str) -> String {
    format!("lost {}, connecting again: {}", host_name(host), in_one_line(reason))
}

fn interrupted(units: &[Shown], in_flight: &[usize], naming: Naming) -> Vec<String> {
    match in_flight {
        [] => Vec::new(),
        _ => vec![format!(
            "interrupted: starting nothing new, finishing {}; once more leaves now",
            naming.list(units, in_flight)
        )],
    }
}

/// `before hook exited with 1 after 20 ms`
pub(in crate::restart) fn hook(end: &HookEnd) -> String {
    let took = duration(end.took);
    if end.ok {
        format!("{} hook done in {took}", end.hook)
    } else {
        format!("{} hook {} after {took}", end.hook, in_one_line(&end.outcome))
    }
}

/// What a hook wrote, where that matters.
pub(in crate::restart) fn output(end: &HookEnd) -> impl Iterator<Item = String> {
    end.output.iter().filter(|_| !end.ok).map(|line| printable(line))
}

/// How the run ended.
pub(in crate::restart) fn closing(
    units: &[Shown],
    summary: &Summary,
    tally: &Tally,
    naming: Naming,
) -> Vec<String> {
    let ready = summary.ready.len();
    let not_attempted = summary.not_attempted.len();
    if summary.exit == Exit::Done {
        let mut lines = vec![match (ready, not_attempted) {
            (0, 1..) => format!("Nothing was touched: {not_attempted} to restart."),
            _ => format!("Done: {ready} ready in {}.", duration(summary.took)),
        }];
        lines.extend(tally.comparison(summary));
        return lines;
    }
    let failed = summary.failed.len();
    let whole = not_attempted == 0 && summary.in_flight.is_empty();
    let mut lines = vec![match summary.exit {
        // Within the budget, or the last one.
        Exit::Failed if whole => format!("Finished: {ready} ready, {failed} failed."),
        Exit::Interrupted | Exit::Terminated => {
            format!("Interrupted: {ready} ready, {failed} failed, {not_attempted} not attempted.")
        }
        _ => format!("Stopped: {ready} ready, {failed} failed, {not_attempted} not attempted."),
    }];
    if let Some(stopped) = summary.stopped.as_deref().filter(|_| not_attempted > 0) {
        lines.push(format!("Not attempted because {}.", in_one_line(stopped).trim_end_matches('.')));
    }
    if !summary.in_flight.is_empty() {
        lines.push(left(&naming.list(units, &summary.in_flight), summary.exit));
    }
    lines.extend(summary.resume.iter().map(|resume| format!("Resume: {resume}")));
    lines
}

fn left(which: &str, exit: Exit) -> String {
    match exit {
        Exit::Unreachable => format!("Outcome unknown: {which}. If the manager lives, its job goes on."),
        _ => format!("Left in the middle: {which}. The manager goes on with it; it was not cancelled."),
    }
}

/// What the unit itself said about its failure.
pub(in crate::restart) fn said(failure: &Failure) -> Option<String> {
    let result = Some(printable(&failure.result)).filter(|result| !matches!(result.as_str(), "" | "success"));
    let status = Some(printable(&failure.status)).filter(|status| !status.is_empty());
    match (result, status) {
        (Some(result), Some(status)) => Some(format!("result {result}, status \"{status}\"")),
        (Some(result), None) => Some(format!("result {result}")),
        (None, Some(status)) => Some(format!("status \"{status}\"")),
        (None, None) => None,
    }
}
