//! `aye restart` on a real terminal, tmux's: what a person sees during a run and after it, at more than one size.

use std::fs;
use std::ops::Deref;
use std::process::Command;
use std::time::Instant;

use crate::place::{Place, Running};
use crate::tmux::{PATIENCE, Terminal};

/// Instances that say what they are doing and are ready when something is written to their gate; instance 3 fails.
const GATED: &str = "OpenFile=/run/systemd/notify:notify\nType=notify\nTimeoutStopSec=1\n\
    ExecStart=/bin/sh -c 'case %i in 3) echo no database; exit 1;; esac; \
    printf \"STATUS=loading cache 40%%%%\" >&3; read -r line <gate-%i; printf READY=1 >&3; exec sleep 1000'\n";

/// A place with a manager, where no instance is up yet.
fn gated() -> Place {
    let place = Place::new();
    let folder = place.units();
    for instance in 1..=3 {
        let made = Command::new("mkfifo").arg(folder.join(format!("gate-{instance}"))).status().unwrap();
        assert!(made.success());
    }
    let place = place.service("web@.service", &format!("WorkingDirectory={}\n{GATED}", folder.display()));
    place.service("api.service", crate::place::READY)
}

fn manager(place: &Place) -> Running<'_> {
    let mut running = place.run(&["api"]);
    running.says(": ready");
    running
}

/// Lets an instance be ready; it waits for it already, or soon will.
fn open(place: &Place, instance: u32) {
    fs::write(place.units().join(format!("gate-{instance}")), "\n").unwrap();
}

/// A run on a terminal.
struct Rolling(Terminal);

impl Deref for Rolling {
    type Target = Terminal;

    fn deref(&self) -> &Terminal {
        &self.0
    }
}

impl Rolling {
    /// Starts `aye restart` on a terminal of so many columns.
    fn of(place: &Place, columns: u32, words: &[&str]) -> Self {
        // Rows are asked for by name, because the place's commands have no colours.
        Self(Terminal::of(place, columns, &[&["restart", "--progress=tty"], words].concat()))
    }

    /// Waits for the row of a unit that is starting, its status cut or whole.
    #[track_caller]
    fn starts(&self, unit: &str, tail: &str) -> Vec<String> {
        let lines = self.ends_with(&format!("{unit} starting, {tail}"), |last| {
            last.starts_with(&format!("{unit}  starting ")) && last.ends_with(tail)
        });
        assert_eq!(count(&self.screen(), &format!("{unit}  ")), 1, "{lines:#?}");
        lines
    }
}

fn count(lines: &[String], beginning: &str) -> usize {
    lines.iter().filter(|line| line.starts_with(beginning)).count()
}

/// The line with `ready in T`, whatever the time was and where its count stands.
fn timeless(line: &str) -> String {
    let Some((head, tail)) = line.split_once(" ready in ") else {
        return line.to_owned();
    };
    format!("{head} ready in T {}", tail.rsplit_once(' ').map_or("", |(_, count)| count))
}

/// The lines from the first of a unit on.
fn rows(lines: &[String]) -> Vec<String> {
    lines.iter().skip_while(|line| !line.starts_with("web@1  ")).map(|line| timeless(line)).collect()
}

#[test]
fn a_failure_stays_with_its_log_and_no_row_is_left_behind_by_two_resizes() {
    let place = gated();
    let running = manager(&place);
    let terminal = Rolling::of(&place, 80, &["web@1", "web@2", "web@3"]);
    let lines = terminal.starts("web@1", " of 90 s  \"loading cache 40%\"");
    assert_eq!(lines[0], "restarting 3 units: web@1.service web@2.service web@3.service");
    terminal.resize(40);
    terminal.starts("web@1", "…");
    open(&place, 1);
    terminal.starts("web@2", "…");
    terminal.resize(80);
    terminal.starts("web@2", "\"loading cache 40%\"");
    open(&place, 2);
    let lines = terminal.ends_with("the summary", |last| last.starts_with("Finished: "));
    let failed = lines.iter().position(|line| line.starts_with("web@3  FAILED: exited with 1")).unwrap();
    assert!(lines[failed].ends_with("3/3"), "{lines:#?}");
    assert!(lines[failed..].iter().any(|line| line == "         | no database"), "{lines:#?}");
    let ready: Vec<_> =
        lines.iter().filter(|line| line.contains(" ready in ")).map(|line| timeless(line)).collect();
    assert_eq!(ready, ["web@1  ready in T 1/3", "web@2  ready in T 2/3"], "{lines:#?}");
    assert_eq!(lines.last().unwrap(), "Finished: 2 ready, 1 failed.");
    let screen = terminal.screen();
    assert!(!screen.iter().any(|line| line.contains("  starting ")), "{screen:#?}");
    assert_eq!(terminal.exit(&place), 1);
    drop(terminal);
    running.interrupted();
}

#[test]
fn an_interrupt_on_a_narrow_terminal_leaves_the_picture_whole() {
    let place = gated();
    let running = manager(&place);
    let terminal = Rolling::of(&place, 40, &["web@1", "web@2"]);
    terminal.starts("web@1", "…");
    terminal.types("C-c");
    let shown = |last: &str| last.starts_with("web@1  starting ");
    let deadline = Instant::now() + PATIENCE;
    let lines = loop {
        let lines = terminal.ends_with("web@1 starting", shown);
        if count(&lines, "interrupted: ") == 1 {
            break lines;
        }
        assert!(Instant::now() < deadline, "never interrupted:\n{}", lines.join("\n"));
    };
    assert!(!lines.iter().any(|line| line.contains("^C")), "{lines:#?}");
    open(&place, 1);
    let lines = terminal.ends_with("the command that resumes", |last| last.starts_with("Resume: "));
    let expected = [
        "web@1  ready in T 1/2",
        "Interrupted: 1 ready, 0 failed, 1 not at",
        "tempted.",
        "Resume: aye restart web@2",
    ];
    assert_eq!(rows(&lines), expected);
    assert_eq!(terminal.exit(&place), 130);
    drop(terminal);
    running.interrupted();
}

#[test]
fn a_question_stands_still_until_it_is_answered() {
    let place = gated();
    let running = manager(&place);
    let terminal = Rolling::of(&place, 80, &["--on-failure", "ask", "web@3", "web@1"]);
    terminal.ends_with("the question", |last| last == "web@3 failed. Go on with the rest? [y/N]");
    terminal.types("y");
    terminal.types("Enter");
    terminal.starts("web@1", "\"loading cache 40%\"");
    open(&place, 1);
    let lines = terminal.ends_with("the summary", |last| last == "Finished: 1 ready, 1 failed.");
    assert_eq!(count(&lines, "web@3 failed. Go on with the rest? [y/N] y"), 1, "{lines:#?}");
    assert_eq!(rows(&lines)[0], "web@1  ready in T 2/2", "{lines:#?}");
    assert_eq!(terminal.exit(&place), 1);
    drop(terminal);
    running.interrupted();
}

#[test]
fn a_run_that_ends_well_says_so_and_has_a_row_for_each_unit() {
    let place = gated();
    let running = manager(&place);
    let terminal = Rolling::of(&place, 80, &["--max-parallel", "2", "web@1", "web@2"]);
    terminal.starts("web@2", "\"loading cache 40%\"");
    open(&place, 2);
    terminal.starts("web@1", "\"loading cache 40%\"");
    open(&place, 1);
    let lines = terminal.ends_with("the summary", |last| last.starts_with("Done: 2 ready in "));
    let told: Vec<_> = lines[1..3].iter().map(|line| timeless(line)).collect();
    assert_eq!(told, ["web@2  ready in T 2/2", "web@1  ready in T 1/2"], "{lines:#?}");
    assert_eq!((lines.len(), terminal.exit(&place)), (4, 0), "{lines:#?}");
    drop(terminal);
    running.interrupted();
}
