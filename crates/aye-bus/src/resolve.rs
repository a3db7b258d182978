//! From what was typed to the units meant: names as given, globs over what is loaded or enabled. Everything is
//! resolved before anything is touched, and one pattern that matches nothing spoils the whole list.

use std::collections::HashSet;

use futures_util::future::try_join;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::natural;
use crate::proxy::AT_ONCE;
use crate::{Error, Listed, Manager, Result, Unit};

/// The kinds of unit (`man systemd.unit`), and whether the manager can start one anew.
const KINDS: [(&str, bool); 11] = [
    ("service", true),
    ("socket", true),
    ("target", true),
    ("timer", true),
    ("path", true),
    ("mount", true),
    ("automount", true),
    ("swap", true),
    ("slice", true),
    ("device", false),
    ("scope", false),
];

/// A name to be looked at, and the pattern when it was given as a name, so that it must exist.
struct Candidate<'p> {
    name: String,
    given: Option<&'p str>,
}

/// Resolves names and globs, in the given order, each glob's matches in natural order, each unit once. A name
/// without a suffix is a service's; a glob without one matches services only.
///
/// # Errors
/// [`Error::NothingMatched`] for a pattern without a unit, [`Error::NotRestartable`] for a device or a scope, and
/// whatever a call can answer.
pub async fn resolve(manager: &Manager, patterns: &[String]) -> Result<Vec<Unit>> {
    let candidates = patterns.iter().map(|pattern| candidates(manager, pattern));
    let candidates: Vec<_> = stream::iter(candidates).buffered(AT_ONCE).try_collect().await?;
    let read = candidates.into_iter().flatten().map(|candidate| read(manager, candidate));
    let mut read = stream::iter(read).buffered(AT_ONCE);
    let mut seen = HashSet::new();
    let mut units = Vec::new();
    while let Some(unit) = read.try_next().await? {
        // Two names can be one unit: an alias and its target share the primary name.
        if seen.insert(unit.name.clone()) {
            units.push(unit);
        }
    }
    Ok(units)
}

async fn candidates<'p>(manager: &Manager, pattern: &'p str) -> Result<Vec<Candidate<'p>>> {
    if !is_glob(pattern) {
        return Ok(vec![Candidate { name: named(pattern)?, given: Some(pattern) }]);
    }
    let (loaded, enabled) = try_join(manager.list_units(pattern), enabled(manager, pattern)).await?;
    let names = select(pattern, &loaded, &enabled);
    if names.is_empty() {
        return Err(nothing(pattern, "no loaded or enabled unit has such a name".to_owned()));
    }
    Ok(names.into_iter().map(|name| Candidate { name, given: None }).collect())
}

/// The enabled unit files that match, and the enabled instances that do: managers list of a template only itself.
async fn enabled(manager: &Manager, pattern: &str) -> Result<Vec<String>> {
    let (mut names, templates) =
        try_join(manager.list_enabled(pattern), manager.list_linked(&templates(pattern))).await?;
    let glob = glob::Pattern::new(pattern);
    let suffixed = glob::Pattern::new(&format!("{pattern}.service"));
    let matches = |name: &str| [&glob, &suffixed].into_iter().flatten().any(|glob| glob.matches(name));
    for file in templates.iter().filter(|name| template(name).is_some()) {
        let links = manager.list_links(file).await?;
        names.extend(links.into_iter().filter(|name| template(name).is_none() && matches(name)));
    }
    Ok(names)
}

/// The glob for the templates of what another stands for: all that is behind the `@` is the instance's.
fn templates(pattern: &str) -> String {
    pattern.split_once('@').map_or_else(|| pattern.to_owned(), |(stem, _)| format!("{stem}@.*"))
}

fn nothing(pattern: &str, advice: String) -> Error {
    Error::NothingMatched { pattern: pattern.to_owned(), advice }
}

/// The full name that was meant, if the manager can restart what has it.
fn named(pattern: &str) -> Result<String> {
    let name = complete(pattern);
    if !is_restartable(&name) {
        return Err(Error::NotRestartable { kind: suffix(&name).unwrap_or_default().to_owned(), name });
    }
    if let Some(stem) = template(&name) {
        let advice = format!("it is a template; name an instance, as in {stem}@1, or '{stem}@*'");
        return Err(nothing(pattern, advice));
    }
    Ok(name)
}

async fn read(manager: &Manager, Candidate { name, given }: Candidate<'_>) -> Result<Unit> {
    let path = match (manager.load(&name).await, given) {
        (Err(Error::Refused { message, .. }), Some(pattern)) => return Err(nothing(pattern, message)),
        (path, _) => path?,
    };
    let unit = manager.unit(&path).await?;
    match given {
        Some(pattern) if unit.load == "not-found" => {
            Err(nothing(pattern, format!("{name} has no unit file")))
        }
        _ => Ok(unit),
    }
}

/// The names a glob stands for, out of what the manager lists.
fn select(pattern: &str, loaded: &[Listed], enabled: &[String]) -> Vec<String> {
    let services_only = suffix(pattern).is_none();
    let loaded = loaded.iter().filter(|unit| unit.load != "not-found").map(|unit| &unit.name);
    let mut names: Vec<String> = loaded
        .chain(enabled)
        .filter(|name| is_restartable(name) && template(name).is_none())
        .filter(|name| !services_only || suffix(name) == Some("service"))
        .cloned()
        .collect();
    names.sort_by(|a, b| natural::compare(a, b));
    names.dedup();
    names
}

/// Whether a unit's name is one of those a pattern means, as [`resolve`] would take it.
pub fn fits(pattern: &str, name: &str) -> bool {
    if !is_glob(pattern) {
        return complete(pattern) == name;
    }
    let service = suffix(pattern).is_some() || suffix(name) == Some("service");
    let matches = |text: &str| glob::Pattern::new(text).is_ok_and(|glob| glob.matches(name));
    service && template(name).is_none() && (matches(pattern) || matches(&format!("{pattern}.service")))
}

fn is_glob(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

/// The kind that a name's suffix says, if it is one of systemd's.
fn suffix(name: &str) -> Option<&str> {
    let (_, last) = name.rsplit_once('.')?;
    KINDS.iter().any(|(kind, _)| *kind == last).then_some(last)
}

fn complete(name: &str) -> String {
    if suffix(name).is_some() { name.to_owned() } else { format!("{name}.service") }
}

fn is_restartable(name: &str) -> bool {
    suffix(name).is_some_and(|kind| KINDS.contains(&(kind, true)))
}

/// What stands before the `@` of a template's name, such as web of web@.service.
fn template(name: &str) -> Option<&str> {
    let (stem, _) = name.rsplit_once('.')?;
    stem.strip_suffix('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(names: &[&str]) -> Vec<Listed> {
        let listed = |name: &&str| Listed {
            name: (*name).to_owned(),
            description: String::new(),
            load: "loaded".to_owned(),
        };
        names.iter().map(listed).collect()
    }

    #[test]
    fn leaves_out_what_is_referenced_but_does_not_exist() {
        let ghost = Listed { load: "not-found".to_owned(), ..loaded(&["web@9.service"]).remove(0) };
        assert_eq!(select("web@*", &[ghost], &[]), Vec::<String>::new());
    }

    #[test]
    fn a_glob_without_a_suffix_means_services_only() {
        let all = loaded(&["web@1.service", "web@1.socket", "web.target"]);
        assert_eq!(select("web*", &all, &[]), ["web@1.service"]);
        assert_eq!(select("web*.socket", &loaded(&["web@1.socket"]), &[]), ["web@1.socket"]);
    }

    #[test]
    fn leaves_out_what_cannot_be_restarted() {
        let all = loaded(&["run-1.scope", "dev-sda.device", "web@.service", "run-2.service"]);
        assert_eq!(select("*.scope", &all, &[]), ["run-2.service"]);
    }

    #[test]
    fn merges_loaded_and_enabled_in_natural_order_without_duplicates() {
        let all = loaded(&["web@10.service", "web@2.service"]);
        let enabled = ["web@1.service".to_owned(), "web@2.service".to_owned(), "web@.service".to_owned()];
        assert_eq!(select("web@*", &all, &enabled), ["web@1.service", "web@2.service", "web@10.service"]);
    }

    #[test]
    fn a_name_fits_the_patterns_that_would_have_found_it() {
        for (pattern, name, expected) in [
            ("web@*", "api@1.service", false),
            ("web@*", "web@1.socket", false),
            ("web@*", "web@.service", false),
            ("web", "web.socket", false),
            ("web", "web.service", true),
            ("web@*", "web@1.service", true),
            ("web@?.service", "web@1.service", true),
            ("web@?", "web@1.service", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_name_without_a_suffix_is_a_service() {
        assert_eq!(complete("web@1"), "web@1.service");
        assert_eq!(complete("web@10.0.0.1"), "web@10.0.0.1.service");
        assert_eq!(complete("web.socket"), "web.socket");
    }

    #[test]
    fn knows_a_template_from_an_instance() {
        assert_eq!(template("web@.service"), Some("web"));
        assert_eq!(template("web@1.service"), None);
    }
}
