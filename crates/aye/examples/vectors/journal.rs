//! What PID 1 wrote to the journal about each vector.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use super::Failure;
use super::driver::unit;

/// Whether the line says that systemd did not listen to a sender.
pub(crate) fn says_so(line: &str) -> bool {
    line.contains("but reception") || line.contains("Cannot find unit")
}

pub(crate) fn cursor() -> Result<String, Failure> {
    Command::new("journalctl").arg("--sync").status()?;
    let output = Command::new("journalctl")
        .args(["--quiet", "--lines=1", "--output=cat", "--show-cursor"])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let cursor = text.lines().find_map(|line| line.strip_prefix("-- cursor: "));
    Ok(cursor.ok_or("the journal has no cursor")?.to_owned())
}

/// What PID 1 logged of each vector: between its two marks, and not about the unit of another one.
pub(crate) fn since(cursor: &str, marked: &[usize]) -> Result<BTreeMap<usize, Vec<String>>, Failure> {
    Command::new("journalctl").arg("--sync").status()?;
    let output = Command::new("journalctl")
        .args(["--quiet", "--output=json", "--all", &format!("--after-cursor={cursor}"), "_PID=1"])
        .output()?;
    let mark = format!("Got notification message from PID {}, but reception is disabled", std::process::id());
    let mut parts: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut marks = 0;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let entry: Value = serde_json::from_str(line)?;
        let text = message_of(&entry["MESSAGE"]);
        if text.contains(&mark) {
            marks += 1;
            continue;
        }
        let Some(number) = marked.get(marks / 2).filter(|_| marks % 2 == 1) else { continue };
        let about_another = text.starts_with("vector-") && !text.starts_with(&format!("{}:", unit(*number)));
        if !about_another && is_of_interest(&entry["PRIORITY"], &text) {
            parts.entry(*number).or_default().push(plain(&text));
        }
    }
    if marks != 2 * marked.len() {
        return Err(format!("{marks} marks in the journal for {} vectors", marked.len()).into());
    }
    Ok(parts)
}

/// journalctl writes what is not UTF-8 as a list of bytes.
fn message_of(value: &Value) -> String {
    match value {
        Value::Array(bytes) => {
            let bytes: Vec<u8> = bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        value => value.as_str().unwrap_or_default().to_owned(),
    }
}

fn is_of_interest(priority: &Value, text: &str) -> bool {
    let notice = matches!(priority.as_str(), Some("0" | "1" | "2" | "3" | "4" | "5"));
    notice || says_so(text)
}

/// Without the unit's name, and every number of several digits as N: pids differ from run to run.
fn plain(text: &str) -> String {
    let text = match text.split_once(".service: ") {
        Some((unit, rest)) if unit.starts_with("vector-") => rest,
        _ => text,
    };
    let mut out = String::new();
    let mut digits = String::new();
    for character in text.chars().chain(['\0']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        out.push_str(if digits.len() > 1 { "N" } else { &digits });
        digits.clear();
        out.push(character);
    }
    out.pop();
    out
}
