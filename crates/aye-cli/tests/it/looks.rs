//! What a person sees of trace, check, status and the help on a terminal of 80 and of 120 columns: held against the pictures
//! in looks/, which `AYE_WRITE=1` writes anew. What is another at each run (pids, times, ages) is masked.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use unicode_width::UnicodeWidthStr;

use crate::place::Place;
use crate::tmux::Terminal;

const AYE: &str = env!("CARGO_BIN_EXE_aye");

const WIDTHS: [u32; 2] = [80, 120];

/// A status in wide letters, longer than a line.
const WIDE: &str =
    "日本語のステータス: the cache of the routes is warm, and 12 connections of 3 customers were taken over";

/// A service by its shell alone, on descriptor 3: `say` sends one message.
fn service(rest: &str) -> String {
    format!("#!/bin/sh\nsay() {{ printf '%b' \"$1\" >&3; }}\n{rest}")
}

/// A start, heartbeats, what is ignored, and a stop of its own accord, which waits for a key.
fn speaker() -> String {
    service(&format!(
        "say 'STATUS=loading the routes'\n\
         say 'READY=1\\nSTATUS={WIDE}'\n\
         say FDSTORE=1\n\
         say MAINPID=1\n\
         say 'NO_SUCH=1'\n\
         say 'STOPPING=1\\nSTATUS=closing connections'\n\
         read -r _\nexit 0\n"
    ))
}

fn place() -> Place {
    let place = Place::new()
        .file("speaker", &speaker())
        .file("stays", &service("say READY=1\nsleep 1000 & wait\n"))
        .service(
            "web@.service",
            &format!(
                "OpenFile=/run/systemd/notify:notify\nType=notify\nWatchdogSec=1h\n\
                 ExecStart=/bin/sh -c 'printf \"READY=1\\\\nSTATUS={WIDE}\" >&3; exec sleep 1000'\n"
            ),
        )
        .service(
            "loading.service",
            "OpenFile=/run/systemd/notify:notify\nType=notify\nTimeoutStartSec=infinity\n\
             ExecStart=/bin/sh -c 'printf \"STATUS=loading cache 40%%%%\" >&3; exec sleep 1000'\n",
        )
        .service("broken.service", "Type=notify\nExecStart=/bin/false\n")
        .service(
            "traps.service",
            "Type=notify\nExecStart=/usr/bin/npm start\nWatchdogSec=10\nKillMode=process\n\
             TimeoutStartSec=infinity\n",
        );
    for script in ["speaker", "stays"] {
        let path = place.units().join(script);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    place
}

/// Times, ages and pids as words, so that what stands behind two blanks or more stays in its column.
fn masked(line: &str) -> String {
    let variable = regex_lite::Regex::new(concat!(
        r"^ *\d+\.\d{3} ",              // the time of a trace
        r"|\[\d+\]|\b[pP][iI][dD] \d+", // a pid
        r"|\d+(\.\d+)? (us|ms|s|min|h)\b",
    ));
    let variable = variable.unwrap();
    let mut text = String::new();
    let (mut end, mut missing) = (0, 0);
    for found in variable.find_iter(line) {
        text.push_str(&filled(&line[end..found.start()], &mut missing));
        let word = match found.as_str() {
            time if time.starts_with(' ') => "     TIME ",
            pid if pid.starts_with('[') => "[PID]",
            pid if pid.starts_with(['p', 'P']) => "pid PID",
            _ => "SPAN",
        };
        missing += found.as_str().len().cast_signed() - word.len().cast_signed();
        text.push_str(word);
        end = found.end();
    }
    text + &filled(&line[end..], &mut missing)
}

/// The text with as many blanks more, or less, in its first gap.
fn filled(text: &str, missing: &mut isize) -> String {
    let Some(gap) = text.find("  ") else { return text.to_owned() };
    let (head, tail) = text.split_at(gap);
    let blanks = tail.len() - tail.trim_start().len();
    let wanted = blanks.checked_add_signed(std::mem::take(missing)).unwrap_or(2).max(2);
    format!("{head}{}{}", " ".repeat(wanted), tail.trim_start())
}

/// A table whose columns are as wide as what is in them, and whose last one has what room is left: two blanks between them,
/// wherever they stand, and the beginning of the last.
fn narrow(line: &str) -> String {
    let span = regex_lite::Regex::new(r"\b(\d+(\.\d+)? (us|ms|s|min|h) ?)+").unwrap();
    let cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
    let cells: Vec<String> = cells.map(|cell| span.replace_all(cell, "SPAN ").trim().to_owned()).collect();
    let Some((last, others)) = cells.split_last() else { return String::new() };
    let last: String = last.chars().take(8).collect();
    [others, &[last]].concat().join("  ")
}

/// Holds a picture against the one that is kept, and each line of it against the width.
#[track_caller]
fn looks(name: &str, columns: u32, lines: &[String], mask: impl Fn(&str) -> String) {
    for line in lines {
        assert!(line.width() <= columns as usize, "{name}: wider than {columns}: {line}");
        assert!(!line.contains('\u{fffd}'), "{name}: a letter is broken: {line}");
    }
    let seen = lines.iter().map(|line| mask(line) + "\n").collect::<String>();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/looks");
    let file = folder.join(format!("{name}-{columns}.txt"));
    if std::env::var_os("AYE_WRITE").is_some() {
        fs::write(&file, &seen).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(seen == kept, "{} is not what is seen, which is (AYE_WRITE=1 keeps it):\n{seen}", file.display());
}

/// Looks at a command that ends by itself, at both widths.
#[track_caller]
fn looks_at(place: &Place, name: &str, code: i32, words: &[&str], mask: impl Fn(&str) -> String) {
    for columns in WIDTHS {
        let _ = fs::remove_file(place.units().join("exit"));
        let terminal = Terminal::of(place, columns, words);
        assert_eq!(terminal.exit(place), code, "{:?}", terminal.lines());
        looks(name, columns, &terminal.joined(), &mask);
    }
}

/// With our `aye` as the one that is found.
fn in_path(command: &mut Command) {
    let ours = Path::new(AYE).parent().unwrap();
    command.env("PATH", format!("{}:{}", ours.display(), std::env::var("PATH").unwrap()));
}

fn same(line: &str) -> String {
    line.to_owned()
}

#[test]
fn the_help_of_each_verb_fits_the_terminal() {
    let place = Place::new();
    for verb in ["", "notify", "wrap", "trace", "check", "status", "run", "restart", "completions"] {
        let words: Vec<&str> = [verb, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        let _ = fs::remove_file(place.units().join("exit"));
        let terminal = Terminal::of(&place, 80, &words);
        assert_eq!(terminal.exit(&place), 0);
        for line in terminal.joined() {
            assert!(line.width() <= 80, "aye {verb} --help: wider than 80: {line}");
        }
    }
    looks_at(&place, "help", 0, &["--help"], same);
    looks_at(&place, "help-wrap", 0, &["wrap", "--help"], same);
}

#[test]
fn a_trace_fits_the_terminal() {
    let place = place();
    for columns in WIDTHS {
        let _ = fs::remove_file(place.units().join("exit"));
        let terminal =
            Terminal::with(&place, columns, &["trace", "--", "aye", "wrap", "--", "./speaker"], in_path);
        terminal
            .shows("the last message", |lines| lines.iter().any(|line| line.contains("closing connections")));
        terminal.types("C-d");
        assert_eq!(terminal.exit(&place), 0, "{:#?}", terminal.lines());
        looks("trace", columns, &terminal.joined(), masked);
        assert!(!terminal.painted().contains('\u{1b}'), "colours in spite of NO_COLOR");
    }
}

#[test]
fn findings_fit_the_terminal() {
    looks_at(&place(), "check", 1, &["check", "traps.service"], same);
}

#[test]
fn proofs_fit_the_terminal() {
    let place = place();
    for columns in WIDTHS {
        let _ = fs::remove_file(place.units().join("exit"));
        let terminal =
            Terminal::of(&place, columns, &["check", "--only", "ready", "--", "/bin/sh", "-c", "exit 3"]);
        assert_eq!(terminal.exit(&place), 1, "{:?}", terminal.lines());
        let lines = fitting(&terminal, columns);
        assert!(lines.last().unwrap().starts_with("0 passed, 1 failed, "), "{lines:#?}");
    }
}

#[test]
fn an_explanation_fits_the_terminal() {
    let place = place();
    for columns in WIDTHS {
        let _ = fs::remove_file(place.units().join("exit"));
        let terminal = Terminal::of(&place, columns, &["check", "--explain", "docker-notify"]);
        assert_eq!(terminal.exit(&place), 0, "{:?}", terminal.lines());
        fitting(&terminal, columns);
    }
}

/// The lines of prose, of which none is wider than the terminal, and one is too wide for a narrower one.
#[track_caller]
fn fitting(terminal: &Terminal, columns: u32) -> Vec<String> {
    let lines = terminal.joined();
    let widest = lines.iter().map(|line| line.width()).max().unwrap();
    let narrower = if columns > 80 { 80 } else { 60 };
    assert!(widest <= columns as usize && widest > narrower, "{widest} of {columns}: {lines:#?}");
    lines
}

#[test]
fn a_table_fits_the_terminal_and_follows_what_changes() {
    let place = place();
    let mut manager = place.run(&["web@1", "web@2", "loading", "broken"]);
    manager.says("web@1: ready");
    manager.says("web@2: ready");
    manager.says("broken: FAILED");
    looks_at(&place, "status", 1, &["status", "*"], narrow);
    for columns in WIDTHS {
        let _ = fs::remove_file(place.units().join("exit"));
        let terminal = Terminal::of(&place, columns, &["status", "--watch", "web@*"]);
        terminal.shows("both", |lines| lines.iter().filter(|line| line.contains("  active")).count() == 2);
        assert_eq!(place.systemctl(&["stop", "web@2"]).code, Some(0));
        // The margin is shown for a moment only.
        let shown = |lines: &[String]| {
            let margin = |line: &String| !line.contains("  active") || line.contains("? of ");
            lines.iter().any(|line| line.contains("web@2  inactive")) && lines.iter().all(margin)
        };
        looks("watch", columns, &terminal.shows("one stopped", shown), narrow);
        terminal.types("C-c");
        assert_eq!(terminal.exit(&place), 0);
        assert_eq!(place.systemctl(&["start", "web@2"]).code, Some(0));
    }
    manager.interrupted();
}

#[test]
fn colours_are_where_they_are_meant_to_be() {
    let place = place();
    let colours = |command: &mut Command| {
        command.env_remove("NO_COLOR");
    };
    let terminal = Terminal::with(&place, 80, &["check", "traps.service"], colours);
    assert_eq!(terminal.exit(&place), 1);
    let painted = terminal.painted();
    assert!(
        painted.contains("\u{1b}[1m\u{1b}[31merror") || painted.contains("\u{1b}[31merror"),
        "{painted:?}"
    );
    let plain = |line: &str| line.contains("ExecStart=") && !line.contains("error");
    assert!(painted.lines().any(plain), "{painted:?}");
}
