//! Findings as SARIF 2.1.0, the format in which code review takes them: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::finding::Finding;
use super::rule::{Rule, Severity};
use super::rules;

/// The log of one run. It has every rule, found or not, so that a viewer can explain each.
pub(super) fn log(findings: &[Finding]) -> String {
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "aye check",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules::ALL.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    });
    format!("{log:#}\n")
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Advice => "note",
    }
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": rule.what },
        "help": { "text": format!("{}\n\nWrite: {}", rule.why, rule.write) },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn result(finding: &Finding) -> Value {
    let found = &finding.found;
    let mut text = format!("{}: {}.", finding.unit, found.what);
    for seen in &found.seen {
        let _ = write!(text, " Seen: {seen}.");
    }
    if !found.write.is_empty() {
        let _ = write!(text, " Write: {}", found.write.join(", "));
    }
    let mut region = json!({ "startLine": found.at.line.max(1) });
    if found.at.line > 0 {
        region["snippet"] = json!({ "text": found.at.text });
    }
    json!({
        "ruleId": finding.rule.id,
        "ruleIndex": rules::ALL.iter().position(|rule| *rule == finding.rule),
        "level": level(finding.severity),
        "message": { "text": text },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&found.at.file) },
            "region": region,
        } }],
    })
}

/// A path as a URI reference (RFC 3986): relative stays relative.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~@".contains(&byte);
    let encoded: String = path
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    if path.starts_with('/') {
        format!("file://{encoded}")
    } else {
        encoded.trim_start_matches("./").to_owned()
    }
}
