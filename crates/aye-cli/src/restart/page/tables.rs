//! The figures as tables: how long units took, what a fixed wait would have been, and every unit with its times.

use std::time::Duration;

use aye_bus::duration;

use super::figure::{self, Comparison, Spread, Wait};
use super::markup::{Percent, Text, fine, put};
use super::record::Timeline;
use super::render::{times, used_hosts};
use super::row::{End, Kind, Row};
use crate::output::short;

/// How long things took: a line for each kind of thing that there was.
pub(super) fn durations(page: &mut String, timeline: &Timeline) {
    let rows = &timeline.rows;
    let mut lines = vec![("Time to ready", Spread::of(figure::to_ready(rows)))];
    for (kind, label) in [
        (Kind::Before, "Before-hook"),
        (Kind::Stopping, "Stopping"),
        (Kind::Starting, "Starting"),
        (Kind::Reloading, "Reloading"),
        (Kind::Check, "Check"),
        (Kind::Soak, "Soak"),
        (Kind::After, "After-hook"),
    ] {
        let spent = rows.iter().filter(|row| row.spans.iter().any(|span| span.kind == kind));
        lines.push((label, Spread::of(spent.map(|row| row.spent(kind)))));
    }
    lines.push(("Between two units", Spread::of(figure::gaps(timeline).into_iter())));
    let lines: Vec<_> = lines.into_iter().filter_map(|(label, spread)| Some((label, spread?))).collect();
    if lines.is_empty() {
        return;
    }
    put!(
        page,
        "<section id=\"durations\">\n<h2>How long it took</h2>\n<div class=\"scroll\" tabindex=\"0\">"
    );
    put!(
        page,
        "<table class=\"wide\">\n<caption>Of all units that did it</caption>\n<thead><tr><th scope=\"col\"></th>"
    );
    for column in ["Units", "Least", "Median", "95 %", "Most"] {
        put!(page, "<th scope=\"col\">{column}</th>");
    }
    put!(page, "<td class=\"pic\"></td></tr></thead>\n<tbody>\n");
    let whole = lines.iter().map(|(_, spread)| spread.max).max().unwrap_or_default();
    for (label, spread) in lines {
        put!(page, "<tr><th scope=\"row\">{label}</th><td>{}</td>", spread.count);
        for time in [spread.min, spread.median, spread.p95, spread.max] {
            put!(page, "<td>{}</td>", fine(time));
        }
        put!(page, "{}</tr>\n", range(&spread, whole));
    }
    put!(page, "</tbody></table></div>\n</section>\n");
}

/// From the least to the most, with a dot at the median.
fn range(spread: &Spread, whole: Duration) -> String {
    let (left, width) = (Percent(spread.min, whole), Percent(spread.max.saturating_sub(spread.min), whole));
    let median = Percent(spread.median, whole);
    format!(
        "<td class=\"pic range\" aria-hidden=\"true\"><span><i style=\"left:{left};width:{width}\"></i>\
         <b style=\"left:{median}\"></b></span></td>"
    )
}

/// The run beside the sleeps that a script would have.
pub(super) fn comparison(page: &mut String, timeline: &Timeline) {
    let Some(comparison) = Comparison::of(timeline) else { return };
    let ready = figure::to_ready(&timeline.rows).count();
    let longest = comparison.round.first().map_or(comparison.safe.total, |wait| wait.total);
    let whole = longest.max(comparison.safe.total).max(comparison.took);
    put!(
        page,
        "<section id=\"comparison\">\n<h2>Had it been a fixed wait</h2>\n<p>{}</p>\n",
        lede(&comparison, ready)
    );
    put!(
        page,
        "<div class=\"scroll\" tabindex=\"0\"><table class=\"wide waits\">\n<thead><tr><th scope=\"col\">After each restart</th>"
    );
    put!(page, "<th scope=\"col\">Too early for</th><th scope=\"col\">The run takes</th>");
    put!(page, "<td class=\"pic\"></td></tr></thead>\n<tbody>\n");
    put!(page, "<tr class=\"ours\"><th scope=\"row\">as long as each needs</th><td>none</td>");
    put!(page, "<td>{}</td>{}</tr>\n", duration(comparison.took), picture(comparison.took, whole));
    for wait in waits(&comparison) {
        let what = if wait == comparison.safe { " (the slowest)" } else { "" };
        put!(page, "<tr><th scope=\"row\">sleep {}{what}</th>", duration(wait.each));
        match wait.early {
            0 => put!(page, "<td>none</td>"),
            early => put!(page, "<td class=\"bad\">{early} of {ready}</td>"),
        }
        put!(page, "<td>{}</td>{}</tr>\n", duration(wait.total), picture(wait.total, whole));
    }
    put!(page, "</tbody></table></div>\n</section>\n");
}

/// The round figures and the exact one among them, longest first.
fn waits(comparison: &Comparison) -> Vec<Wait> {
    let mut waits = comparison.round.clone();
    if !waits.iter().any(|wait| wait.each == comparison.safe.each) {
        waits.push(comparison.safe);
    }
    waits.sort_by_key(|wait| std::cmp::Reverse(wait.each));
    waits
}

fn lede(comparison: &Comparison, ready: usize) -> String {
    let (slowest, total) = (duration(comparison.safe.each), duration(comparison.safe.total));
    let together = match comparison.together {
        0 | 1 => String::new(),
        together => format!(", {together} at a time as here"),
    };
    let mut text =
        format!("A sleep that is safe for the slowest of {ready} units has to last {slowest}, every time");
    put!(text, "{together}: {total} in all, {}. ", times(comparison.safe.total, comparison.took));
    put!(text, "A shorter one moves on while units are still starting, and says nothing when one fails.");
    text
}

fn picture(total: Duration, whole: Duration) -> String {
    format!("<td class=\"pic\" aria-hidden=\"true\"><i style=\"width:{}\"></i></td>", Percent(total, whole))
}

/// Every unit, with what was measured of it.
pub(super) fn every_unit(page: &mut String, timeline: &Timeline) {
    if timeline.rows.is_empty() {
        return;
    }
    let several = used_hosts(timeline).nth(1).is_some();
    let has = |kind: &Kind| timeline.rows.iter().any(|row| row.spans.iter().any(|span| span.kind == *kind));
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(has).collect();
    put!(
        page,
        "<section id=\"units\">\n<h2>Every unit</h2>\n<details><summary>The figures behind the bars</summary>\n"
    );
    put!(
        page,
        "<div class=\"scroll\" tabindex=\"0\"><table class=\"every\">\n<caption>In seconds</caption>\n<thead><tr>"
    );
    put!(page, "<th scope=\"col\">#</th><th scope=\"col\">Unit</th>");
    if several {
        put!(page, "<th scope=\"col\">Host</th>");
    }
    put!(page, "<th scope=\"col\">Enqueued at</th><th scope=\"col\">Ready after</th>");
    for kind in &kinds {
        put!(page, "<th scope=\"col\">{}</th>", kind.label());
    }
    put!(page, "<th scope=\"col\">Ended at</th><th scope=\"col\">Outcome</th></tr></thead>\n<tbody>\n");
    for (index, row) in timeline.rows.iter().enumerate() {
        put!(page, "<tr><td>{}</td><th scope=\"row\">{}</th>", index + 1, Text(short(&row.name)));
        if several {
            put!(page, "<td>{}</td>", Text(&timeline.hosts[row.host]));
        }
        times_of(page, row, &kinds);
    }
    put!(page, "</tbody></table></div></details>\n</section>\n");
}

fn times_of(page: &mut String, row: &Row, kinds: &[Kind]) {
    cell(page, row.started);
    cell(page, row.ready.map(|(_, took)| took));
    for kind in kinds {
        cell(page, Some(row.spent(*kind)).filter(|spent| !spent.is_zero()));
    }
    cell(page, row.ended.map(|(at, _)| at));
    let outcome = match (row.ended, row.extent()) {
        (Some((_, End::Ok)), _) => "ready",
        (Some((_, End::Failed)), _) => "failed",
        (None, Some(_)) => "left",
        (None, None) => "not attempted",
    };
    put!(page, "<td>{outcome}</td></tr>\n");
}

fn cell(page: &mut String, time: Option<Duration>) {
    let text = time.map(|time| format!("{:.3}", time.as_secs_f64()));
    put!(page, "<td>{}</td>", text.unwrap_or_default());
}
