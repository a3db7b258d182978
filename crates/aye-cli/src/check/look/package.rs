//! `package.json`: which packages a Node program uses, and what its scripts run.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files::{Tree, read};
use crate::check::command::Command;

/// Packages that speak the protocol, and whether they send heartbeats by themselves once they are asked to.
pub(super) const SPEAKING: [&str; 6] =
    ["aye", "sd-notify", "node-sd-notify", "systemd-notify", "@iarna/sd-notify", "sd-daemon"];

/// The nearest `package.json` at or above a folder.
pub(super) fn nearest(folder: &Path) -> Option<(PathBuf, Value)> {
    folder.ancestors().take(6).find_map(|folder| {
        let file = folder.join("package.json");
        let value = serde_json::from_slice(&read(&file)?).ok()?;
        Some((file, value))
    })
}

/// The names of the packages it needs to run.
pub(super) fn dependencies(package: &Value) -> Vec<&str> {
    let sections = ["dependencies", "optionalDependencies"].into_iter();
    sections
        .filter_map(|section| package[section].as_object())
        .flat_map(|map| map.keys().map(String::as_str))
        .collect()
}

/// What `npm start`, `npm run NAME` and their kind run, when the package can be found.
pub(crate) fn script_of(tree: &Tree, command: &Command) -> Option<String> {
    let mut words = command.arguments().iter().filter(|word| !word.starts_with('-'));
    let name = match words.next().map(String::as_str) {
        Some("run" | "run-script") => words.next()?.as_str(),
        Some(name) => name,
        None => return None,
    };
    let file = tree.file("package.json")?;
    let package: Value = serde_json::from_slice(&read(&file)?).ok()?;
    package["scripts"][name].as_str().map(str::to_owned)
}
