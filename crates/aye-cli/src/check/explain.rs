//! The texts of the rules: `--explain`, `--list`, and the page docs/check.md, which a test compares with this.

use super::rule::Rule;
use super::rules;
use super::text::filled;

/// A rule in full, in lines of at most this many cells.
pub(super) fn one(id: &str, width: usize) -> Result<String, String> {
    const WRITE: &str = "Write: ";
    let rule = rules::find(id).ok_or_else(|| unknown(id))?;
    let [title, what, why] = [rule.title, rule.what, rule.why].map(|text| filled(text, width, ""));
    let write = filled(rule.write, width - WRITE.len(), &" ".repeat(WRITE.len()));
    let severity = rule.severity.word();
    Ok(format!("{} ({severity})\n{title}\n\n{what}\n\n{why}\n\n{WRITE}{write}\n", rule.id))
}

/// All rules, a line for each.
pub(super) fn list() -> String {
    let width = rules::ALL.iter().map(|rule| rule.id.len()).max().unwrap_or_default();
    let line = |rule: &&Rule| format!("{:width$}  {:7}  {}\n", rule.id, rule.severity.word(), rule.title);
    rules::ALL.iter().map(line).collect()
}

/// What to say of a rule that is not there.
pub(super) fn unknown(id: &str) -> String {
    let parts: Vec<&str> = id.split('-').filter(|part| part.len() > 2).collect();
    let near = rules::ALL.iter().find(|rule| rule.id.split('-').any(|part| parts.contains(&part)));
    let meant = near.map(|rule| format!("did you mean {}? ", rule.id)).unwrap_or_default();
    let all: Vec<&str> = rules::ALL.iter().map(|rule| rule.id).collect();
    format!(
        "there is no rule {id}: {meant}expected one of {}; aye check --list says what they find",
        all.join(", ")
    )
}

/// The sections of docs/check.md, one for each rule, with its two examples.
#[cfg(test)]
pub(super) fn sections(example: impl Fn(&Rule, &str) -> String) -> String {
    use std::fmt::Write as _;

    let mut page = String::new();
    for rule in rules::ALL {
        let (fails, passes) = (example(rule, "fails"), example(rule, "passes"));
        let (title, severity) = (capital(rule.title), capital(rule.severity.word()));
        let (id, what, why) = (rule.id, rule.what, rule.why);
        let _ = write!(
            page,
            "### {id}\n\n**{title}.** {severity}. {what}\n\n{why}\n\nFails:\n\n{fails}\nPasses:\n\n{passes}\n"
        );
    }
    page
}

#[cfg(test)]
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
