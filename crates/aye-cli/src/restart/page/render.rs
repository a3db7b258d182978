//! The page: one file without a script, which asks nothing of anybody. Its sections are in files of their own; here are
//! their order, the headline, and what stands around them.

use std::time::Duration;

use aye_bus::duration;

use super::date::Utc;
use super::figure::{self, Comparison, Spread};
use super::markup::{Text, count, fine, put};
use super::record::Timeline;
use super::{chart, tables, trouble};
use crate::exit::Exit;
use aye_bus::quoted;

const STYLE: &str = include_str!("page.css");

/// Only the style in the page itself: whatever got into it could load nothing, send nothing and run nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// How the units ended, by their numbers.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    ready: usize,
    failed: usize,
    in_flight: usize,
    not_attempted: usize,
}

/// The whole page.
pub(super) fn page(timeline: &Timeline) -> String {
    let mut page = String::with_capacity(16_384 + timeline.rows.len() * 700);
    let headline = headline(timeline);
    put!(page, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    put!(page, "<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n");
    put!(page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    put!(page, "<meta name=\"color-scheme\" content=\"light dark\">\n");
    put!(page, "<meta name=\"generator\" content=\"aye {}\">\n", env!("CARGO_PKG_VERSION"));
    put!(page, "<title>{} · aye restart</title>\n<style>\n{STYLE}</style>\n</head>\n", Text(&headline));
    put!(page, "<body>\n<main>\n");
    header(&mut page, timeline, &headline);
    trouble::failures(&mut page, timeline);
    trouble::left(&mut page, timeline);
    chart::section(&mut page, timeline);
    tables::durations(&mut page, timeline);
    tables::comparison(&mut page, timeline);
    tables::every_unit(&mut page, timeline);
    put!(page, "</main>\n<footer><p>aye {} · times are of the clock of ", env!("CARGO_PKG_VERSION"));
    put!(page, "{}</p></footer>\n</body>\n</html>\n", Text(&timeline.hosts[0]));
    page
}

fn counts(timeline: &Timeline) -> Counts {
    timeline.summary.as_ref().map_or_else(Counts::default, |summary| Counts {
        ready: summary.ready.len(),
        failed: summary.failed.len(),
        in_flight: summary.in_flight.len(),
        not_attempted: summary.not_attempted.len(),
    })
}

/// What became of the run, in a word, and whether all is well.
fn verdict(timeline: &Timeline) -> (&'static str, &'static str) {
    let counts = counts(timeline);
    match timeline.summary.as_ref().map(|summary| summary.exit) {
        None => ("Ended early", "bad"),
        Some(Exit::Done) if counts.not_attempted > 0 => ("Nothing touched", "calm"),
        Some(Exit::Done) => ("Done", "good"),
        Some(Exit::Interrupted | Exit::Terminated) => ("Interrupted", "calm"),
        Some(Exit::Unreachable) => ("Unreachable", "bad"),
        Some(Exit::NotPermitted) => ("Not permitted", "bad"),
        Some(_) if counts.failed > 0 && counts.not_attempted == 0 => ("Failed", "bad"),
        Some(_) => ("Stopped", "bad"),
    }
}

fn headline(timeline: &Timeline) -> String {
    let counts = counts(timeline);
    if timeline.summary.is_none() {
        return "The run ended before its summary".to_owned();
    }
    if counts.failed + counts.in_flight + counts.not_attempted == 0 {
        return match timeline.rows.as_slice() {
            [] => "Nothing to do".to_owned(),
            [one] => format!("{} is ready", crate::output::short(&one.name)),
            rows => format!("All {} units are ready", rows.len()),
        };
    }
    let parts = [
        (counts.failed, "failed"),
        (counts.ready, "ready"),
        (counts.in_flight, "left in the middle"),
        (counts.not_attempted, "not attempted"),
    ];
    let told: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    told.join(", ")
}

fn header(page: &mut String, timeline: &Timeline, headline: &str) {
    let (word, class) = verdict(timeline);
    put!(page, "<header>\n<p class=\"verdict {class}\">{word}</p>\n<h1>{}</h1>\n", Text(headline));
    put!(page, "<p class=\"when\">{}</p>\n", when(timeline));
    put!(page, "<p class=\"command\"><code>{}</code></p>\n", Text(&command(&timeline.words)));
    if let Some(stopped) = timeline.summary.as_ref().and_then(|summary| summary.stopped.as_deref()) {
        put!(page, "<p class=\"why\">Stopped: {}.</p>\n", Text(stopped));
    }
    tiles(page, timeline);
    put!(page, "</header>\n");
}

/// The command line as a shell reads it back, with the program by its name alone.
fn command(words: &[String]) -> String {
    let program = words.first().map(|path| path.rsplit('/').next().unwrap_or(path));
    let words = program.into_iter().chain(words.iter().skip(1).map(String::as_str));
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

/// `22 November 2026, 21:40:03 to 21:40:15 UTC, on web-a, web-b`
fn when(timeline: &Timeline) -> String {
    let mut text = String::new();
    if let Some(began) = timeline.began {
        let (from, to) = (Utc::of(began), Utc::of(began + timeline.end));
        put!(text, "<time datetime=\"{from}\">{}, {}</time>", from.day(), from.clock());
        if from != to {
            put!(text, " to <time datetime=\"{to}\">{}</time>", to.clock());
        }
        put!(text, " UTC, ");
    }
    let used: Vec<&str> = used_hosts(timeline).map(|host| timeline.hosts[host].as_str()).collect();
    let hosts = if used.len() > 6 { count(used.len(), "host") } else { used.join(", ") };
    put!(text, "on <strong>{}</strong>", Text(&hosts));
    text
}

/// The hosts that the plan has units on; this machine when it has none at all.
pub(super) fn used_hosts(timeline: &Timeline) -> impl Iterator<Item = usize> {
    let used = |host: usize| timeline.rows.iter().any(|row| row.host == host);
    (0..timeline.hosts.len()).filter(move |&host| used(host) || timeline.rows.is_empty() && host == 0)
}

fn tiles(page: &mut String, timeline: &Timeline) {
    let ready = counts(timeline).ready;
    put!(page, "<dl class=\"tiles\">\n");
    tile(page, "Ready", &format!("{ready} of {}", timeline.rows.len()), "");
    tile(page, "The run took", &duration(timeline.end), &idle(timeline));
    if let Some(spread) = Spread::of(figure::to_ready(&timeline.rows)) {
        let slowest = format!("slowest {}", duration(spread.max));
        let what = if spread.count == 1 { "Time to ready" } else { "Median time to ready" };
        tile(page, what, &duration(spread.median), if spread.count == 1 { "" } else { &slowest });
    }
    if let Some(comparison) = Comparison::of(timeline) {
        let times = times(comparison.safe.total, comparison.took);
        tile(page, "A safe fixed wait", &duration(comparison.safe.total), &times);
    }
    if let Some(summary) = &timeline.summary {
        tile(page, "Exit code", &(summary.exit as u8).to_string(), "");
    }
    put!(page, "</dl>\n");
}

fn tile(page: &mut String, term: &str, value: &str, note: &str) {
    put!(page, "<div><dt>{}</dt><dd>{}", Text(term), Text(value));
    if !note.is_empty() {
        put!(page, "<small>{}</small>", Text(note));
    }
    put!(page, "</dd></div>\n");
}

fn idle(timeline: &Timeline) -> String {
    match Spread::of(figure::gaps(timeline).into_iter()) {
        Some(gaps) => format!("{} between units", fine(gaps.median)),
        None => String::new(),
    }
}

/// `2.7 times as long`
pub(super) fn times(longer: Duration, took: Duration) -> String {
    let took = took.as_secs_f64();
    if took == 0.0 { String::new() } else { format!("{:.1} times as long", longer.as_secs_f64() / took) }
}
