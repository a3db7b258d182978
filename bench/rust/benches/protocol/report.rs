//! The table: medians from criterion's files, their ratios, and whether each keeps its limit.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

use crate::parse::LENGTHS;

/// A heartbeat may cost this much of what it is compared with.
const PINGS: [(&str, f64); 3] = [("bare", 1.10), ("sd-notify", 0.5), ("libsystemd", 0.5)];

/// Nanoseconds for a typical message.
const TYPICAL: f64 = 150.0;

/// A byte of a message sixteen times as long may cost this much of a byte of the shorter one: about 1 where reading is
/// linear, 16 where it is quadratic.
const GROWTH: f64 = 2.0;

pub(crate) fn print() -> ExitCode {
    let mut missed = 0;
    let mut row = |what: &str, found: f64, unit: &str, limit: f64| {
        let verdict = if found <= limit { "" } else { "  MISSED" };
        missed += u8::from(found > limit);
        println!("{what:<44} {found:>7.2}{unit}  at most {limit:.2}{unit}{verdict}");
    };
    let ping = median("ping", "aye");
    println!();
    for (other, limit) in PINGS {
        let theirs = median("ping", other);
        row(&format!("ping {ping:.0} ns, {other} {theirs:.0} ns: ratio"), ping / theirs, "", limit);
    }
    row("parse of a typical message", median("parse", "typical"), " ns", TYPICAL);
    let points = LENGTHS.map(|length| (as_float(length), median("parse", &length.to_string())));
    let each = |(length, time): (f64, f64)| time / length;
    row("parse, ns a byte: of 4096 to of 256", each(points[4]) / each(points[2]), "", GROWTH);
    for (length, time) in points {
        println!("  {length:>4} bytes {time:>7.1} ns, {:.3} ns a byte", time / length);
    }
    let (base, slope) = line(&points);
    println!("  the line through them: {base:.1} ns and {slope:.3} ns a byte");
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn as_float(length: usize) -> f64 {
    u32::try_from(length).expect("messages are short").into()
}

/// The median in nanoseconds that criterion found last.
fn median(group: &str, name: &str) -> f64 {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    let home = std::env::var_os("CRITERION_HOME").map_or_else(|| target.join("criterion"), PathBuf::from);
    let path = home.join(group).join(name).join("new/estimates.json");
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("reading {}: {error}", path.display()));
    let estimates: Value = serde_json::from_str(&text).expect("criterion writes JSON");
    estimates["median"]["point_estimate"].as_f64().expect("criterion writes a median")
}

/// The line of least squares, each point weighted by how small it is, so that the short messages count, too.
fn line(points: &[(f64, f64)]) -> (f64, f64) {
    let sum = |term: fn(f64, f64) -> f64| points.iter().map(|&(x, y)| term(x, y) / (x * x)).sum::<f64>();
    let (weight, x, y) = (sum(|_, _| 1.0), sum(|x, _| x), sum(|_, y| y));
    let (xx, xy) = (sum(|x, _| x * x), sum(|x, y| x * y));
    let slope = (weight * xy - x * y) / (weight * xx - x * x);
    ((y - slope * x) / weight, slope)
}
