//! What a compiled program can say: the texts in it, and in the libraries it names.

use std::collections::HashSet;
use std::path::Path;

use super::files::{Tree, read};
use super::{Sign, Signs};

/// Where Debian and others keep libraries.
const FOLDERS: [&str; 8] = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/lib/systemd",
    "/usr/lib/x86_64-linux-gnu/systemd",
    "/usr/lib/aarch64-linux-gnu/systemd",
    "/usr/local/lib",
];

/// More libraries than this are not looked into.
const MOST: usize = 60;

pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fELF")
}

/// Looks into a program. What it says itself is told apart from what a library of it could say: a library that knows READY=1
/// is no sign that the program asks it to.
pub(super) fn look(tree: &Tree, file: &Path, bytes: &[u8]) -> Signs {
    let label = tree.label(file);
    let own = String::from_utf8_lossy(bytes);
    let sign = |text: &str| {
        own.contains(text).then(|| Sign {
            file: label.clone(),
            line: 0,
            text: format!("contains \"{text}\""),
        })
    };
    let mut signs = Signs {
        ready: sign("READY=1"),
        watchdog: sign("WATCHDOG=1").or_else(|| sign("sd_watchdog_enabled")),
        reloading: sign("RELOADING=1"),
        stores: sign("FDSTORE=1"),
        main_pid: sign("MAINPID="),
        files: vec![label.clone()],
        ..Signs::default()
    };
    let mut seen = HashSet::new();
    let mut waiting = if tree.deep { libraries(&own) } else { Vec::new() };
    signs.complete = tree.deep;
    while let Some(name) = waiting.pop() {
        if is_of_the_c_library(&name) || !seen.insert(name.clone()) {
            continue;
        }
        let found = FOLDERS.iter().find_map(|folder| tree.program(&format!("{folder}/{name}")));
        let Some(text) = found.and_then(|file| read(&file)).filter(|_| seen.len() < MOST) else {
            // A name in the text is not always a library that is loaded; but it could be.
            signs.complete = false;
            continue;
        };
        let text = String::from_utf8_lossy(&text);
        waiting.extend(libraries(&text));
        let could = |what: &str| {
            text.contains(what).then(|| Sign {
                file: name.clone(),
                line: 0,
                text: format!("contains \"{what}\""),
            })
        };
        if !name.starts_with("libsystemd.so") {
            signs.watchdog = signs.watchdog.or_else(|| could("WATCHDOG=1"));
            signs.reloading = signs.reloading.or_else(|| could("RELOADING=1"));
        }
        signs.files.push(name);
    }
    signs
}

fn is_of_the_c_library(name: &str) -> bool {
    ["libc.so", "libm.so", "libpthread.so", "libdl.so", "librt.so", "libgcc_s.so", "libstdc++.so", "ld-linux"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// The names in a file that look like those of shared libraries.
fn libraries(text: &str) -> Vec<String> {
    let part_of_a_name = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    let whole = |(at, _): (usize, &str)| {
        let (before, after) = text.split_at(at);
        let start = before.rfind(|c| !part_of_a_name(c)).map_or(0, |at| at + 1);
        let end = after.find(|c| !part_of_a_name(c)).unwrap_or(after.len());
        text.get(start..at + end)
    };
    let names = text.match_indices(".so").filter_map(whole);
    names.filter(|name| name.starts_with("lib") && name.len() < 64).map(str::to_owned).collect()
}
