//! How a whole trace looks.

use super::*;
use crate::trace::samples::scene;

fn shown(look: Look) -> String {
    play(scene(), look, &story(), Duration::from_millis(63_900)).join("\n") + "\n"
}

/// What is between two lines of three backticks, after a heading.
fn example(page: &str, heading: &str) -> String {
    let (_, after) = page.split_once(heading).expect("the page has the heading");
    let (_, block) = after.split_once("```\n").expect("a block begins");
    block.split_once("```").expect("and ends").0.to_owned()
}

#[test]
fn a_trace_looks_as_docs_trace_md_shows_it() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/trace.md")).unwrap();
    let shown = shown(PLAIN);
    assert_eq!(example(&page, "## An example"), shown, "\n{shown}");
}

#[test]
fn a_wide_terminal_has_more_room() {
    let shown = shown(Look { width: 120, ..PLAIN });
    assert_eq!(shown, include_str!("120.txt"), "\n{shown}");
}

#[test]
fn colours_change_nothing_but_the_colour() {
    let coloured = shown(Look { colour: true, ..PLAIN });
    assert!(coloured.contains("\x1b[32m") && coloured.contains("\x1b[1;31m"), "{coloured}");
    let mut rest = coloured.as_str();
    let mut plain = String::new();
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    assert_eq!(plain + rest, shown(PLAIN));
}

#[test]
fn nothing_wraps_where_there_is_no_terminal() {
    let lines = play(scene(), Look { width: usize::MAX, colour: false }, &story(), Duration::from_secs(64));
    let refused = lines.iter().find(|line| line.contains("refused: its sender")).unwrap();
    assert!(refused.ends_with("set NotifyAccess=all to accept it"), "{refused}");
}
