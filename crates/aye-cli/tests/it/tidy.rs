//! The tree itself: versions agree, the changelog knows them, unsafe code is where it may be, every file says what it is
//! for, and nothing names a package registry.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every file git knows.
fn files() -> Vec<PathBuf> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    let files: Vec<PathBuf> =
        names.split_terminator('\0').map(|name| root().join(name)).filter(|path| path.is_file()).collect();
    assert!(files.len() > 100, "git ls-files gave {} files", files.len());
    files
}

fn rust_files() -> impl Iterator<Item = (PathBuf, String)> {
    let rust = files().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
}

#[test]
fn all_versions_are_one_and_the_changelog_has_it() {
    let version = env!("CARGO_PKG_VERSION");
    let package: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(root().join("node/package.json")).unwrap()).unwrap();
    assert_eq!(package["version"], version, "node/package.json");
    let addon = fs::read_to_string(root().join("node/addon/Cargo.toml")).unwrap();
    assert!(addon.contains(&format!("\nversion = \"{version}\"\n")), "node/addon/Cargo.toml");
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    assert!(changelog.contains(&format!("## [{version}]")), "CHANGELOG.md has no {version}");
}

#[test]
fn the_npm_package_has_no_dependency_and_no_install_script() {
    let package: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(root().join("node/package.json")).unwrap()).unwrap();
    for key in
        ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "scripts", "gypfile"]
    {
        assert!(package.get(key).is_none(), "node/package.json has {key}");
    }
}

#[test]
fn unsafe_code_is_in_one_room() {
    for (path, text) in rust_files() {
        let library_root = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
        let has_rooms = ["aye/src/lib.rs", "no-std/src/lib.rs", "fuzz/src/lib.rs", "addon/src/lib.rs"];
        if library_root && !has_rooms.iter().any(|root| path.ends_with(root)) {
            assert!(text.contains("#![forbid(unsafe_code)]"), "{}", path.display());
        }
        let uses = text.lines().any(|line| line.contains("unsafe {") || line.contains("unsafe fn"));
        // The system calls rustix does not have, a function that C calls, systemd's own that are called, an allocator,
        // Node-API and V8.
        let rooms = [
            "crates/aye/src/sys/",
            "crates/aye/tests/allocations.rs",
            "tests/no-std/src/",
            "node/addon/src/napi/",
            "node/addon/src/diagnose/",
            "fuzz/src/systemd.rs",
            "bench/rust/benches/protocol/ping.rs",
        ];
        let room = rooms.iter().any(|room| path.to_string_lossy().contains(room));
        assert!(!uses || room || path.ends_with("it/tidy.rs"), "{}", path.display());
        let blocks = text.matches("unsafe {").count() + text.matches("unsafe impl").count();
        assert!(
            !room || text.matches("SAFETY:").count() >= blocks,
            "a block of {} does not say why it is sound",
            path.display()
        );
    }
}

#[test]
fn every_rust_file_opens_with_its_purpose() {
    for (path, text) in rust_files() {
        assert!(text.starts_with("//! "), "{}", path.display());
    }
}

#[test]
fn no_file_names_a_package_registry_or_this_machine() {
    // Put together here, so that this file is not one of those it looks for.
    let registries =
        [["registry.", "npmjs"], ["index.", "crates.io"], ["deb.", "debian.org"], ["pypi.", "org"]]
            .map(|parts| parts.concat());
    for path in files() {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if path.ends_with("Cargo.lock") {
            continue; // cargo writes it
        }
        for registry in &registries {
            assert!(!text.contains(registry), "{} names {registry}", path.display());
        }
        assert!(
            !text.contains(&["/work/", "main"].concat()),
            "{} names a path of this machine",
            path.display()
        );
    }
}

/// The lines of documentation and attributes above a line.
fn documentation<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let above = lines.iter().rev().map(|line| line.trim_start());
    above
        .take_while(|line| line.starts_with("///") || line.starts_with('#') || line.starts_with("$(#"))
        .collect()
}

#[test]
fn every_public_item_of_the_library_has_an_example() {
    let mut without = Vec::new();
    let mut items = 0;
    let library = |path: &Path| path.to_string_lossy().contains("crates/aye/src/");
    for (path, text) in rust_files().filter(|(path, _)| library(path)) {
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let kinds = ["pub fn ", "pub const fn ", "pub struct ", "pub enum ", "pub trait ", "pub const "];
            if kinds.iter().any(|kind| line.trim_start().starts_with(kind)) {
                items += 1;
                if !documentation(&lines[..index]).iter().any(|line| line.contains("```")) {
                    without.push(format!("{}:{}: {}", path.display(), index + 1, line.trim()));
                }
            }
        }
    }
    assert!(items > 80, "found {items} public items");
    assert!(without.is_empty(), "no example:\n{}", without.join("\n"));
}
