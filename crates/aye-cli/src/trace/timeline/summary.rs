//! The first and the last lines of a trace: what is traced, what was said how often, and what there is to know of it.

use std::time::Duration;

use super::Look;
use super::finding::Finding;
use super::layout::{Paragraph, Tone};
use super::tally::Tally;
use super::words::{count, limit, measured, set, tenths};
use crate::trace::escape::readable;
use crate::trace::scene::Scene;

/// Who is traced, and what it is held to.
pub(super) fn opening(scene: &Scene) -> String {
    let watchdog =
        scene.watchdog.map_or_else(String::new, |interval| format!(", WatchdogSec={}", set(interval)));
    let target = match &scene.unit {
        Some(unit) if *unit == scene.subject => String::new(),
        Some(unit) => format!(" as {}", readable(unit.as_bytes())),
        None => ", and no manager hears it".to_owned(),
    };
    format!(
        "{} begins{target}; Type={}, NotifyAccess={}, TimeoutStartSec={}, TimeoutStopSec={}{watchdog}",
        readable(scene.subject.as_bytes()),
        scene.kind.as_str(),
        scene.access.as_str(),
        limit(scene.timeout_start),
        limit(scene.timeout_stop),
    )
}

/// The closing block, over the whole width.
pub(super) fn lines(tally: &Tally, at: Duration, look: Look) -> Vec<String> {
    let mut lines = vec![String::new()];
    lines.extend(look.prose(0, &Paragraph::new(Tone::Plain, totals(tally, at))));
    for row in said(tally) {
        lines.extend(look.prose(2, &Paragraph::new(Tone::Plain, row)));
    }
    for finding in tally.findings(at) {
        lines.extend(finding_lines(&finding, look));
    }
    lines
}

fn totals(tally: &Tally, at: Duration) -> String {
    let senders = match tally.senders.rows().len() {
        0 => String::new(),
        1 => " of 1 process".to_owned(),
        senders => format!(" of {senders} processes"),
    };
    let subject = readable(tally.scene.subject.as_bytes());
    format!("{subject}: {} in {}{senders}", count(tally.messages, "message"), tenths(at))
}

/// How often each assignment was said, and what came of it.
fn said(tally: &Tally) -> Vec<String> {
    let mut rows: Vec<_> = tally
        .said
        .rows()
        .map(|(name, counts)| {
            format!("{:>5} x {name}{}{}", counts.iter().sum::<u64>(), unheard(*counts), more(tally, name))
        })
        .collect();
    if tally.stored > 0 {
        rows.push(format!("{} stored", count(tally.stored, "descriptor")));
    }
    rows
}

fn unheard([_, ignored, refused]: [u64; 3]) -> String {
    let part = |number: u64, word: &str| (number > 0).then(|| format!("{number} {word}"));
    let parts: Vec<_> = [part(ignored, "ignored"), part(refused, "refused")].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// What is known of an assignment beside its count.
fn more(tally: &Tally, name: &str) -> String {
    match name {
        "READY=1" => tally
            .ready_after()
            .map_or_else(String::new, |took| format!(", the start took {}", measured(took))),
        "WATCHDOG=1" => {
            let every = tally.between.mean().map(|mean| format!(", every {}", tenths(mean)));
            let margin = tally.margin.map(|margin| format!(", {}", margin.words()));
            every.unwrap_or_default() + &margin.unwrap_or_default()
        }
        _ => String::new(),
    }
}

fn finding_lines(finding: &Finding, look: Look) -> Vec<String> {
    let (mark, tone) = if finding.harmless { ("-", Tone::Plain) } else { ("!", Tone::Warn) };
    let mut lines = look.prose(0, &Paragraph::new(tone, format!("{mark} {}", finding.what)));
    if let Some(write) = &finding.write {
        lines.extend(look.prose(2, &Paragraph::new(Tone::Plain, format!("write: {write}"))));
    }
    lines
}
