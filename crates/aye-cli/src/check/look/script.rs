//! What a script says: the lines in it that speak the protocol, handle a signal or listen, and the files beside it that it
//! loads. Comments do not count.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::files::{Tree, read};
use super::package::{self, SPEAKING};
use super::{Sign, Signs};

/// More files of one program than this are not read.
const MOST: usize = 80;

/// Languages, as far as they differ here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Shell,
    Node,
    Other,
}

/// The language of an interpreter.
pub(super) fn language(program: &str) -> Option<Language> {
    let name = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    match name {
        "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh" | "busybox" => Some(Language::Shell),
        "node" | "nodejs" | "bun" | "deno" => Some(Language::Node),
        "python" | "ruby" | "perl" | "php" | "lua" | "tclsh" => Some(Language::Other),
        _ => None,
    }
}

/// The interpreter that the first line of a script names.
pub(super) fn interpreter(text: &str) -> Option<&str> {
    let line = text.strip_prefix("#!")?.lines().next()?.trim();
    let mut words = line.split_ascii_whitespace();
    let first = words.next()?.rsplit('/').next()?;
    if first == "env" { words.find(|word| !word.starts_with('-')) } else { Some(first) }
}

/// Reads a script and what it loads.
pub(super) fn look(tree: &Tree, file: &Path, language: Language) -> Signs {
    let mut signs = Signs { complete: true, ..Signs::default() };
    let mut waiting = vec![file.to_owned()];
    let mut seen: HashSet<PathBuf> = HashSet::new();
    while let Some(file) = waiting.pop() {
        if !seen.insert(file.clone()) {
            continue;
        }
        let Some(text) = read(&file).filter(|_| seen.len() <= MOST) else {
            signs.complete = false;
            continue;
        };
        let text = String::from_utf8_lossy(&text).into_owned();
        let label = tree.label(&file);
        signs.files.push(label.clone());
        if language == Language::Shell && signs.shell.is_none() {
            signs.shell = Some((label.clone(), text.clone()));
        }
        scan(&text, &label, language, &mut signs);
        match language {
            Language::Node => waiting.extend(relatives(&file, &text)),
            // What a shell runs and what other languages import is not followed.
            Language::Shell => signs.complete &= !runs_others(&text),
            Language::Other => signs.complete &= !imports(&text),
        }
    }
    if language == Language::Node {
        packages(tree, file, &mut signs);
    }
    signs
}

/// Text given on the command line: `sh -c`, `node -e`.
pub(super) fn look_at_text(text: &str, label: &str, language: Language) -> Signs {
    let mut signs = Signs { complete: true, ..Signs::default() };
    if language == Language::Shell {
        signs.complete = !runs_others(text);
        signs.shell = Some((label.to_owned(), text.to_owned()));
    }
    scan(text, label, language, &mut signs);
    signs
}

fn scan(text: &str, label: &str, language: Language, signs: &mut Signs) {
    let mentions_ours = language == Language::Node && names_package(text, "aye");
    let speaks = language == Language::Node && SPEAKING.iter().any(|package| names_package(text, package));
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if is_comment(line, language) {
            continue;
        }
        let sign = || Sign { file: label.to_owned(), line: at + 1, text: shortened(line) };
        let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
        let helper = has(&["systemd-notify", "aye notify"]);
        set(&mut signs.helper, helper, sign);
        let ready = has(&["READY=1", "aye/auto"])
            || helper && line.contains("--ready")
            || speaks && has(&["ready("])
            || language == Language::Other
                && has(&["Type.READY", "Notification.READY", ".notify_ready", "SdNotify.ready"]);
        set(&mut signs.ready, ready, sign);
        let low = line.to_ascii_lowercase();
        set(&mut signs.watchdog, low.contains("watchdog") || line.contains("aye/auto"), sign);
        set(&mut signs.reloading, low.contains("reloading"), sign);
        // Where it is defined, it is not called: that is our own package.
        let stores = has(&["FDSTORE=1"]) || has(&["storeFd("]) && !has(&["function storeFd("]);
        set(&mut signs.stores, stores && !line.starts_with("import"), sign);
        let term = has(&["SIGTERM"])
            || language == Language::Shell && line.contains("trap ") && line.contains("TERM");
        set(&mut signs.handles_term, term || mentions_ours && line.contains("aye/auto"), sign);
        set(&mut signs.exits_143, ends_143(line), sign);
        set(&mut signs.main_pid, has(&["MAINPID=", "--pid"]) && (helper || line.contains("MAINPID=")), sign);
        let listens = has(&[
            ".listen(",
            ".bind((",
            "serve_forever",
            "Bun.serve(",
            "Deno.serve(",
            "HTTPServer(",
            "createServer(",
        ]);
        set(&mut signs.listens, listens, sign);
        if signs.port.is_none() {
            signs.port = line
                .split_once(".listen(")
                .and_then(|(_, rest)| literal_port(rest))
                .map(|port| (port, sign()));
        }
        set(&mut signs.ours, mentions_ours && names_package(line, "aye"), sign);
    }
}

fn set(slot: &mut Option<Sign>, found: bool, sign: impl Fn() -> Sign) {
    if found && slot.is_none() {
        *slot = Some(sign());
    }
}

fn is_comment(line: &str, language: Language) -> bool {
    match language {
        Language::Node => line.starts_with("//") || line.starts_with('*') || line.starts_with("/*"),
        Language::Shell | Language::Other => line.starts_with('#'),
    }
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(96) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line.to_owned(),
    }
}

fn ends_143(line: &str) -> bool {
    [
        "exit(143)",
        "exit 143",
        "exitCode = 143",
        "exit(128 + 15)",
        "exit $((128 + 15))",
        "exit $((128+15))",
        "sys.exit(143)",
    ]
    .iter()
    .any(|end| line.contains(end))
}

/// A port that is written out, with nothing that could replace it.
fn literal_port(rest: &str) -> Option<u16> {
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let after = rest[digits.len()..].trim_start();
    (after.starts_with([',', ')'])).then(|| digits.parse().ok()).flatten().filter(|port| *port != 0)
}

/// Whether a text imports a package, or a part of it.
fn names_package(text: &str, package: &str) -> bool {
    ['\'', '"'].iter().any(|quote| {
        text.contains(&format!("{quote}{package}{quote}")) || text.contains(&format!("{quote}{package}/"))
    })
}

/// The files that a Node module loads by a relative path.
fn relatives(file: &Path, text: &str) -> Vec<PathBuf> {
    let Some(folder) = file.parent() else { return Vec::new() };
    let mut found = Vec::new();
    for quote in ['\'', '"'] {
        for part in text
            .split(quote)
            .skip(1)
            .step_by(2)
            .filter(|part| part.starts_with("./") || part.starts_with("../"))
        {
            let names = ["", ".js", ".mjs", ".cjs", ".ts", "/index.js"].iter();
            found.extend(names.map(|end| folder.join(format!("{part}{end}"))).find(|path| path.is_file()));
        }
    }
    found
}

/// Packages of `package.json` that speak. One that does not is taken to leave the protocol alone; a dependency that is not
/// known leaves it open.
fn packages(tree: &Tree, file: &Path, signs: &mut Signs) {
    let Some((path, package)) = file.parent().and_then(package::nearest) else { return };
    for name in package::dependencies(&package) {
        if name == "aye" && signs.ours.is_none() {
            signs.ours = Some(Sign {
                file: tree.label(&path),
                line: 0,
                text: "depends on the package aye".to_owned(),
            });
        }
        if !SPEAKING.contains(&name) {
            signs.complete = false;
        }
    }
}

/// Whether a shell script runs anything that could speak for it.
fn runs_others(text: &str) -> bool {
    const HARMLESS: [&str; 28] = [
        "echo", "sleep", "while", "do", "done", "if", "then", "else", "fi", "for", "case", "esac", "set",
        "true", "false", "trap", "wait", "cd", "export", "local", "printf", "read", "test", "[", "exit",
        "return", ":", "mkdir",
    ];
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).any(|line| {
        let commands = line.split([';', '&', '|']).map(str::trim).filter(|command| !command.is_empty());
        commands.into_iter().any(|command| {
            let words = command.split_ascii_whitespace();
            let first = words
                .into_iter()
                .find(|word| !matches!(*word, "while" | "do" | "if" | "then" | "else" | "!" | "until"));
            first.is_some_and(|word| {
                !HARMLESS.contains(&word) && !word.contains('=') && word != "systemd-notify"
            })
        })
    })
}

/// Whether a script of another language loads more than what comes with the language.
fn imports(text: &str) -> bool {
    const OWN: [&str; 24] = [
        "os",
        "sys",
        "time",
        "socket",
        "signal",
        "http.server",
        "http",
        "json",
        "threading",
        "logging",
        "subprocess",
        "asyncio",
        "socketserver",
        "argparse",
        "random",
        "pathlib",
        "re",
        "select",
        "typing",
        "collections",
        "datetime",
        "signal,",
        "functools",
        "itertools",
    ];
    text.lines().map(str::trim).any(|line| {
        let module = line.strip_prefix("import ").or_else(|| line.strip_prefix("from "));
        let named = module.map(|rest| rest.split(" import ").next().unwrap_or(rest));
        named.is_some_and(|named| {
            named.split(',').any(|name| {
                let name = name.trim().split(' ').next().unwrap_or_default();
                !OWN.contains(&name)
            })
        }) || line.starts_with("require ")
            || line.starts_with("use ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_no_sign() {
        let signs = look_at_text("# systemd-notify --ready\nexit 0\n", "a.sh", Language::Shell);
        assert_eq!((signs.ready, signs.helper, signs.complete), (None, None, true));
    }

    #[test]
    fn a_shell_script_that_runs_a_program_leaves_it_open_what_that_says() {
        assert!(!look_at_text("cd /srv && ./server", "a", Language::Shell).complete);
        assert!(look_at_text("while true; do sleep 1; done", "a", Language::Shell).complete);
    }

    #[test]
    fn what_a_node_program_says_is_seen_with_its_line() {
        let text = "import { ready, watchdog } from 'aye'\nserver.listen(3000, () => ready())\nprocess.on('SIGTERM', stop)\n";
        let signs = look_at_text(text, "server.js", Language::Node);
        assert_eq!(signs.ready.map(|sign| sign.line), Some(2));
        assert_eq!(signs.watchdog.map(|sign| sign.line), Some(1));
        assert_eq!(signs.port.map(|(port, sign)| (port, sign.line)), Some((3000, 2)));
        assert_eq!(signs.handles_term.map(|sign| sign.line), Some(3));
        assert!(signs.ours.is_some());
    }

    #[test]
    fn a_function_that_is_defined_is_not_called() {
        let stores = |text| look_at_text(text, "index.js", Language::Node).stores.is_some();
        assert!(stores("storeFd(socket, 'web')"));
        assert!(!stores("function storeFd(what, name, options) {"));
    }

    #[test]
    fn a_port_that_something_can_replace_is_not_fixed() {
        for line in ["server.listen(process.env.PORT || 3000)", "server.listen(port)", "server.listen(0)"] {
            assert_eq!(look_at_text(line, "a.js", Language::Node).port, None, "{line}");
        }
    }

    #[test]
    fn the_interpreter_is_what_the_first_line_names() {
        assert_eq!(interpreter("#!/usr/bin/env -S node --no-warnings\n"), Some("node"));
        assert_eq!(interpreter("#!/bin/bash -e\n"), Some("bash"));
        assert_eq!(interpreter("echo"), None);
    }
}
