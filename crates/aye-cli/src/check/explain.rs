//! The texts of the rules: `--explain`, `--list`, and the page docs/check.md, which a test compares with this.

use super::rule::{Rule, Severity};
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
    let mut page = String::new();
    for rule in rules::ALL {
        let (fails, passes) = (example(rule, "fails"), example(rule, "passes"));
        page.push_str(&format!(
            "### {}\n\n**{}.** {}: {}\n\n{}\n\nFails:\n\n{fails}\nPasses:\n\n{passes}\n",
            rule.id,
            capital(rule.title),
            meaning(rule.severity),
            lower(rule.what),
            rule.why
        ));
    }
    page
}

#[cfg(test)]
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
fn lower(text: &str) -> String {
    let mut letters = text.chars();
    let second = text.chars().nth(1);
    match letters.next() {
        Some(first)
            if second.is_some_and(|letter| letter.is_lowercase() || letter == ' ')
                && !text.starts_with(|c: char| !c.is_alphabetic())
                && !text.split(' ').next().unwrap_or_default().contains('=') =>
        {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

/// What a severity means.
pub(super) fn meaning(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "Error",
        Severity::Warning => "Warning",
        Severity::Advice => "Advice",
    }
}
