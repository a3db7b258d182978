//! The manual of `aye notify`: it has the options that --help has, no others, and the differences that are tried.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::Place;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page() -> PathBuf {
    root().join("docs/man/aye-notify.1")
}

/// The page as its reader sees it.
fn text() -> String {
    let output = Command::new("groff").args(["-man", "-ww", "-Tascii", "-P-cbou"]).arg(page()).output();
    let output = output.expect("groff: install groff-base, or run tests/needs as root");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "groff has something to say of the page");
    String::from_utf8(output.stdout).unwrap()
}

/// The first long option of the line, as it is spelled.
fn option(text: &str) -> Option<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter(|word| word.len() > 3).find(|word| word.starts_with("--")).map(str::to_owned)
}

/// Those that open a line which is indented by `indent`.
fn options(text: &str, indent: impl Fn(usize) -> bool) -> BTreeSet<String> {
    let opens = |line: &&str| {
        let rest = line.trim_start();
        rest.starts_with('-') && indent(line.len() - rest.len())
    };
    text.lines().filter(opens).filter_map(option).collect()
}

#[test]
fn the_manual_has_the_options_of_the_help() {
    let text = text();
    let (_, page) = text.split_once("\nOPTIONS\n").unwrap();
    let (page, _) = page.split_once("\nNOT WAITING\n").unwrap();
    let help = Place::new().aye(&["notify", "--help"]).stdout;
    let (_, help) = help.split_once("\nOptions:\n").unwrap();
    let help = options(help, |indent| indent < 8);
    assert!(help.len() > 15, "{help:?}");
    assert_eq!(options(page, |indent| indent == 7), help);
}

#[test]
fn the_manual_has_the_differences_that_are_tried() {
    let rows = std::fs::read_to_string(root().join("crates/aye/examples/notify_options/rows.rs")).unwrap();
    let text = text();
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
