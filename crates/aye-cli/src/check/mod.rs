//! `aye check`: what will go wrong with a service, found in its files (`rules`), or shown by running it (`prove`). The rules
//! are pure functions of a `subject`; `load` and `look` read the files it is made from, `history` the journal.

mod args;
mod command;
mod explain;
mod finding;
mod history;
mod init;
mod installed;
mod json;
mod load;
mod look;
mod prove;
mod rule;
mod rules;
mod sarif;
mod setting;
mod subject;
mod text;

#[cfg(test)]
mod tests;

use std::io::{self, Write as _};
use std::path::Path;

use crate::exit::Exit;
pub(crate) use args::Args;
use finding::Finding;
use load::Refusal;
pub(crate) use prove::{CHECKS, MANAGE, manage};
use rule::Severity;

/// The names and titles of the rules.
pub(crate) fn rules() -> impl Iterator<Item = (&'static str, &'static str)> {
    rules::ALL.iter().map(|rule| (rule.id, rule.title))
}

/// Runs the verb to its end.
pub(crate) fn run(args: &Args) -> Exit {
    if args.init {
        return init::run(args);
    }
    if args.run.is_some() || !args.command.is_empty() {
        return prove::run(args);
    }
    let shown = match (&args.explain, args.list) {
        (Some(id), _) => explain::one(id, text::Page::of_this_terminal().width),
        (None, true) => Ok(explain::list()),
        (None, false) => return check(args),
    };
    match shown {
        Ok(text) => print(&text, Exit::Done),
        Err(reason) => refuse(&Refusal::Usage(reason)),
    }
}

/// What was found, and in how many units.
struct Checked {
    units: Vec<String>,
    findings: Vec<Finding>,
}

fn check(args: &Args) -> Exit {
    let unknown = args.allow.iter().chain(&args.deny).find(|id| rules::find(id).is_none());
    if let Some(id) = unknown {
        return refuse(&Refusal::Usage(explain::unknown(id)));
    }
    let checked = match examine(args) {
        Ok(checked) => checked,
        Err(refusal) => return refuse(&refusal),
    };
    let exit = exit_of(&checked.findings, args.strict);
    let text = if args.sarif {
        sarif::log(&checked.findings)
    } else if args.json {
        json::lines(&checked.units, &checked.findings)
    } else {
        text::Page::of_this_terminal().render(&checked.units, &checked.findings)
    };
    print(&text, exit)
}

fn examine(args: &Args) -> Result<Checked, Refusal> {
    let root = args.root.clone().unwrap_or_else(|| Path::new("/").to_owned());
    let is_user = args.place.user;
    let units = installed::units(args, &root)?;
    let export = args.journal.as_deref().map(history::export).transpose()?;
    let mut checked = Checked { units: Vec::new(), findings: Vec::new() };
    for installed::Named { unit, is_installed } in units {
        let mut subject = load::subject(&unit, &root, is_user)?;
        subject.starts = match &export {
            Some(text) => history::starts(text, &subject.name.to_string()),
            None if is_installed && args.root.is_none() => {
                history::of_journal(&subject.name.to_string(), is_user)
            }
            None => Vec::new(),
        };
        checked.units.push(unit.name.to_string());
        let mut findings: Vec<Finding> =
            rules::judge(&subject).into_iter().filter_map(|finding| severed(finding, args)).collect();
        findings.sort_by(|Finding { found: one, .. }, Finding { found: other, .. }| {
            (&one.at.file, one.at.line).cmp(&(&other.at.file, other.at.line))
        });
        checked.findings.extend(findings);
    }
    Ok(checked)
}

/// A finding with the severity that was asked for.
fn severed(mut finding: Finding, args: &Args) -> Option<Finding> {
    let named = |ids: &[String]| ids.iter().any(|id| id == finding.rule.id);
    if named(&args.deny) {
        finding.severity = Severity::Error;
    } else if named(&args.allow) {
        return None;
    }
    Some(finding)
}

fn exit_of(findings: &[Finding], strict: bool) -> Exit {
    let least = if strict { Severity::Warning } else { Severity::Error };
    if findings.iter().any(|finding| finding.severity >= least) { Exit::Failed } else { Exit::Done }
}

fn print(text: &str, exit: Exit) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // A reader that has seen enough (head) is no failure.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            crate::complain(format_args!("aye check: cannot write to standard output: {error}"));
            Exit::Failed
        }
        _ => exit,
    }
}

fn refuse(refusal: &Refusal) -> Exit {
    crate::complain(format_args!("aye check: {refusal}"));
    match refusal {
        Refusal::Usage(_) => Exit::Usage,
        Refusal::NotFound(_) => Exit::NothingMatched,
    }
}
