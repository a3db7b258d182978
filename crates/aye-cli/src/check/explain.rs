//! The texts of the rules: `--explain`, `--list`, and the page docs/check.md, which a test compares with this.

use super::rule::Rule;
use super::rules;
use super::text::filled;

/// A rule in full.
pub(super) fn one(id: &str) -> Result<String, String> {
    let rule = rules::find(id).ok_or_else(|| unknown(id))?;
    let paragraphs = [rule.what, rule.why].map(|text| filled(text, 78, ""));
    Ok(format!(
        "{} ({})\n{}\n\n{}\n\n{}\n\nWrite: {}\n",
        rule.id,
        rule.severity.word(),
        rule.title,
        paragraphs[0],
        paragraphs[1],
        rule.write
    ))
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
    match near {
        Some(rule) => format!("there is no rule {id}: did you mean {}? aye check --list shows all", rule.id),
        None => format!("there is no rule {id}: aye check --list shows all"),
    }
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
