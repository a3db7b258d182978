//! The manuals: each has the options that its verb's --help has and no others; the overview the verbs; that of `aye notify`
//! the differences that are tried, and that of `aye restart` the exit codes that there are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::Place;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

const VERBS: [&str; 8] = ["notify", "wrap", "trace", "check", "status", "run", "restart", "completions"];

fn page(name: &str) -> PathBuf {
    root().join(format!("docs/man/{name}.1"))
}

/// The page of a verb as its reader sees it.
fn text(verb: &str) -> String {
    shown(&page(&format!("aye-{verb}")))
}

fn shown(page: &Path) -> String {
    let output = Command::new("groff").args(["-man", "-ww", "-Tascii", "-P-cbou"]).arg(page).output();
    let output = output.expect("groff: install groff-base, or run tests/needs as root");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "groff has something to say of the page");
    String::from_utf8(output.stdout).unwrap()
}

/// The first long option of the line, as it is spelled, or the short one that stands there alone.
fn option(text: &str) -> Option<String> {
    let words = || text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|word| word.len() > 1);
    let long = words().find(|word| word.len() > 3 && word.starts_with("--"));
    long.or_else(|| words().next().filter(|word| word.len() == 2 && word.starts_with('-'))).map(str::to_owned)
}

/// Those that open a line which is indented by `indent`.
fn options(text: &str, indent: impl Fn(usize) -> bool) -> BTreeSet<String> {
    let opens = |line: &&str| {
        let rest = line.trim_start();
        rest.starts_with('-') && indent(line.len() - rest.len())
    };
    text.lines().filter(opens).filter_map(option).collect()
}

/// A section of a page.
fn section<'t>(text: &'t str, name: &str) -> &'t str {
    let (_, rest) = text.split_once(&format!("\n{name}\n")).unwrap_or_else(|| panic!("no section {name}"));
    let end = rest.split_inclusive('\n').take_while(|line| line.trim().is_empty() || line.starts_with(' '));
    &rest[..end.map(str::len).sum()]
}

/// The options of the page, and those of --help.
fn both(verb: &str) -> [BTreeSet<String>; 2] {
    let text = text(verb);
    let help = Place::new().aye(&[verb, "--help"]).stdout;
    let (_, help) = help.split_once("\nOptions:\n").unwrap();
    [options(section(&text, "OPTIONS"), |indent| indent == 7), options(help, |indent| indent < 8)]
}

#[test]
fn the_manual_of_each_verb_has_the_options_of_its_help() {
    let mut count = 0;
    for verb in VERBS {
        let [page, help] = both(verb);
        assert_eq!(page, help, "aye {verb}");
        count += help.len();
    }
    assert!(count > 80, "{count} options");
}

#[test]
fn the_overview_has_the_verbs_of_the_help_in_their_order() {
    let help = Place::new().aye(&["--help"]).stdout;
    let (_, verbs) = help.split_once("\nCommands:\n").unwrap();
    let (verbs, _) = verbs.split_once("\n\n").unwrap();
    let word = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    let opens = |indent: usize| move |line: &&str| line.len() - line.trim_start().len() == indent;
    let help: Vec<String> = verbs.lines().filter(opens(2)).map(word).collect();
    let text = shown(&page("aye"));
    let page: Vec<String> = section(&text, "VERBS").lines().filter(opens(7)).map(word).collect();
    assert_eq!(page, help);
    assert_eq!(help, VERBS);
}

#[test]
fn no_page_has_a_mistake_or_a_line_that_is_too_long() {
    for name in VERBS.iter().map(|verb| format!("aye-{verb}")).chain(["aye".to_owned()]) {
        let output = Command::new("mandoc").args(["-T", "lint"]).arg(page(&name)).output();
        let output = output.expect("mandoc: install it, or run tests/needs as root");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{name}");
        let text = shown(&page(&name));
        let long: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(long.is_empty(), "{name}: {long:?}");
    }
}

#[test]
fn the_reference_of_restart_has_a_row_for_each_option_of_the_help() {
    let reference = std::fs::read_to_string(root().join("docs/restart.md")).unwrap();
    let heads = reference.lines().filter_map(|line| line.strip_prefix("| `")?.split('|').next());
    let rows: BTreeSet<String> = heads.filter_map(option).collect();
    let [_, mut help] = both("restart");
    help.remove("--help");
    assert_eq!(rows, help);
}

/// The numbers that open a line, or are listed at its beginning.
fn codes(lines: &str, indent: usize) -> BTreeSet<u8> {
    let lines = lines.lines().filter(|line| line.len() - line.trim_start().len() == indent);
    let words = lines.flat_map(|line| line.split([' ', ',', '|']).filter(|word| !word.is_empty()));
    words.map_while(|word| word.parse().ok()).collect()
}

#[test]
fn the_manual_of_restart_has_the_exit_codes_of_the_reference() {
    let text = text("restart");
    let page = section(&text, "EXIT STATUS");
    let reference = std::fs::read_to_string(root().join("docs/restart.md")).unwrap();
    let (_, reference) = reference.split_once("\n## Exit status\n").unwrap();
    let rows = reference.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
    let expected = BTreeSet::from([0, 1, 2, 4, 5, 69, 75, 130, 143]);
    let of = |row: &str| codes(row, 0);
    assert_eq!(rows.into_iter().flat_map(of).collect::<BTreeSet<u8>>(), expected);
    let heads: BTreeSet<u8> = page.lines().flat_map(|line| codes(line, 7)).collect();
    assert_eq!(heads, expected);
}

#[test]
fn the_manual_has_the_differences_that_are_tried() {
    let rows = std::fs::read_to_string(root().join("crates/aye/examples/notify_options/rows.rs")).unwrap();
    let text = text("notify");
    let mut count = 0;
    for line in rows.lines() {
        let Some((_, reason)) = line.split_once(": &str = \"") else { continue };
        let reason = reason.trim_end_matches("\";");
        if line.starts_with("const ") {
            assert!(
                text.lines().any(|line| line.trim().starts_with(reason)),
                "{reason:?} is not in the manual"
            );
            count += 1;
        }
    }
    assert!(count > 5, "{count} differences");
}
