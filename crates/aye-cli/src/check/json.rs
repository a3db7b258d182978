//! Findings as NDJSON: an object for each, and one at the end with the sum.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::finding::Finding;
use super::rule::Severity;

/// All lines.
pub(super) fn lines(units: &[String], findings: &[Finding]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let ts = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
    let of = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let sum = json!({
        "v": 1, "ts": ts, "event": "checked", "units": units,
        "errors": of(Severity::Error), "warnings": of(Severity::Warning), "advice": of(Severity::Advice),
    });
    let lines: Vec<String> = findings
        .iter()
        .map(|finding| event(finding, ts))
        .chain([sum])
        .map(|value| value.to_string())
        .collect();
    lines.join("\n") + "\n"
}

fn event(finding: &Finding, ts: u64) -> Value {
    let found = &finding.found;
    json!({
        "v": 1, "ts": ts, "event": "finding", "unit": finding.unit, "rule": finding.rule.id,
        "severity": finding.severity.word(), "file": found.at.file, "line": found.at.line, "text": found.at.text,
        "what": found.what, "why": finding.rule.why, "seen": found.seen, "write": found.write,
    })
}
