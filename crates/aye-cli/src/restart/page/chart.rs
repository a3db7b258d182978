//! The timeline: a bar for each unit on one axis of time. Many units are shown as one picture of them all, with their
//! rows folded into blocks below it.

use std::time::Duration;

use aye_bus::duration;

use super::figure;
use super::markup::{Percent, Text, put};
use super::overview;
use super::record::{Outage, Timeline};
use super::render::used_hosts;
use super::row::{End, Kind, Row};
use crate::output::short;

/// From this many units on, rows are folded.
const MANY: usize = 60;

/// How many rows a block has.
const BLOCK: usize = 50;

/// The class of a bar, short because a page can have thousands.
pub(super) fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Before => "b",
        Kind::Job => "j",
        Kind::Stopping => "p",
        Kind::Down => "d",
        Kind::Starting => "s",
        Kind::Reloading => "l",
        Kind::Check => "c",
        Kind::Soak => "k",
        Kind::After => "a",
        Kind::OnFail => "f",
    }
}

pub(super) fn section(page: &mut String, timeline: &Timeline) {
    if timeline.rows.iter().all(|row| row.extent().is_none()) {
        return;
    }
    let step = figure::step(timeline.end);
    put!(page, "<section id=\"timeline\">\n<h2>Timeline</h2>\n");
    legend(page, timeline);
    put!(page, "<div class=\"chart\" style=\"--name:{}rem;", name_column(timeline));
    put!(page, "--step:{}\">\n", Percent(step, timeline.end));
    axis(page, timeline, step);
    if is_large(timeline) {
        overview::row(page, timeline);
    }
    let several = used_hosts(timeline).nth(1).is_some();
    for host in used_hosts(timeline) {
        let outages: Vec<&Outage> = timeline.outages.iter().filter(|outage| outage.host == host).collect();
        if several || !outages.is_empty() {
            host_head(page, timeline, host, &outages);
        }
        let rows = timeline.rows.iter().enumerate().filter(|(_, row)| row.host == host);
        let rows: Vec<(usize, &Row)> = rows.collect();
        if is_large(timeline) {
            rows.chunks(BLOCK).for_each(|block| folded(page, timeline, block));
        } else {
            list(page, timeline, &rows);
        }
    }
    put!(page, "</div>\n</section>\n");
}

fn is_large(timeline: &Timeline) -> bool {
    timeline.rows.len() >= MANY
}

/// How wide the names are, in rem and about: a block is named by two.
fn name_column(timeline: &Timeline) -> usize {
    let widest = timeline.rows.iter().map(|row| short(&row.name).chars().count()).max().unwrap_or(0);
    let letters = if is_large(timeline) { widest * 2 + 5 } else { widest };
    (letters * 56 / 100 + 2).clamp(5, 16)
}

fn legend(page: &mut String, timeline: &Timeline) {
    put!(page, "<ul class=\"legend\">");
    let seen = |kind: Kind| timeline.rows.iter().any(|row| row.spans.iter().any(|span| span.kind == kind));
    let hooks = [Kind::Before, Kind::After, Kind::OnFail];
    for kind in Kind::ALL.into_iter().filter(|kind| seen(*kind) && !hooks.contains(kind)) {
        put!(page, "<li><i class=\"{}\"></i>{}</li>", class(kind), kind.label());
    }
    if hooks.into_iter().any(seen) {
        put!(page, "<li><i class=\"b\"></i>hooks</li>");
    }
    if timeline.rows.iter().any(|row| row.ready.is_some()) {
        put!(page, "<li><i class=\"r\"></i>ready</li>");
    }
    if timeline.rows.iter().any(failed) {
        put!(page, "<li><i class=\"x\"></i>failed</li>");
    }
    if !timeline.outages.is_empty() {
        put!(page, "<li><i class=\"o\"></i>link lost</li>");
    }
    put!(page, "</ul>\n");
}

pub(super) fn failed(row: &Row) -> bool {
    matches!(row.ended, Some((_, End::Failed)))
}

/// The marks; the last one is left out where its label would not fit.
fn axis(page: &mut String, timeline: &Timeline, step: Duration) {
    put!(page, "<div class=\"row axis\" aria-hidden=\"true\"><span class=\"n\"></span><span class=\"t\">");
    let mut mark = Duration::ZERO;
    while mark.as_secs_f64() <= timeline.end.as_secs_f64() * 0.93 {
        let label = if mark.is_zero() { "0".to_owned() } else { duration(mark) };
        put!(page, "<b style=\"left:{}\">{label}</b>", Percent(mark, timeline.end));
        mark += step.max(Duration::from_micros(1));
    }
    put!(page, "</span><span class=\"e\">to ready</span></div>\n");
}

fn host_head(page: &mut String, timeline: &Timeline, host: usize, outages: &[&Outage]) {
    put!(page, "<h3 class=\"host\">{}</h3>\n", Text(&timeline.hosts[host]));
    if outages.is_empty() {
        return;
    }
    put!(
        page,
        "<div class=\"row link\" aria-hidden=\"true\"><span class=\"n\">link</span><span class=\"t\">"
    );
    for outage in outages {
        put!(page, "{}", Bar("o", outage.from, outage.to.unwrap_or(timeline.end), timeline.end));
    }
    put!(page, "</span><span class=\"e\"></span></div>\n");
    for outage in outages {
        let from = duration(outage.from);
        let until = match outage.to {
            Some(to) => format!("for {}", duration(to.saturating_sub(outage.from))),
            None => "and not regained".to_owned(),
        };
        put!(page, "<p class=\"note\">Link lost after {from}, {until}: {}</p>\n", Text(&outage.reason));
    }
}

fn list(page: &mut String, timeline: &Timeline, rows: &[(usize, &Row)]) {
    put!(page, "<ol class=\"rows\">\n");
    for (index, row) in rows {
        unit(page, timeline, *index, row);
    }
    put!(page, "</ol>\n");
}

/// A block of rows, open when something in it has failed.
fn folded(page: &mut String, timeline: &Timeline, rows: &[(usize, &Row)]) {
    let (Some((_, first)), Some((_, last))) = (rows.first(), rows.last()) else { return };
    let ready = rows.iter().filter(|(_, row)| matches!(row.ended, Some((_, End::Ok)))).count();
    let bad = rows.iter().filter(|(_, row)| failed(row)).count();
    let open = if bad > 0 { " open" } else { "" };
    put!(
        page,
        "<details class=\"block\"{open}><summary class=\"row\"><span class=\"n\">{}",
        Text(short(&first.name))
    );
    put!(page, " – {}</span><span class=\"t\">", Text(short(&last.name)));
    let extents = || rows.iter().filter_map(|(_, row)| row.extent());
    if let (Some(from), Some(to)) = (extents().map(|(from, _)| from).min(), extents().map(|(_, to)| to).max())
    {
        put!(page, "{}", Bar("g", from, to, timeline.end));
    }
    put!(page, "</span><span class=\"e\">");
    if bad > 0 {
        put!(page, "<b class=\"bad\">{bad} failed</b>");
    } else {
        put!(page, "{ready} of {} ready", rows.len());
    }
    put!(page, "</span></summary>\n");
    list(page, timeline, rows);
    put!(page, "</details>\n");
}

fn unit(page: &mut String, timeline: &Timeline, index: usize, row: &Row) {
    let name = Text(short(&row.name));
    put!(page, "<li class=\"row\" id=\"u{}\"><span class=\"n\">{name}</span>", index + 1);
    let Some((from, to)) = row.extent() else {
        put!(page, "<span class=\"t\"></span><span class=\"e none\">not attempted</span></li>\n");
        return;
    };
    put!(page, "<span class=\"t\" role=\"img\" aria-label=\"{}\">", told(row, from));
    let until = if failed(row) { to } else { timeline.end };
    if let Some((at, _)) = row.ready.filter(|(at, _)| *at < until) {
        put!(page, "{}", Bar("r", at, until, timeline.end));
    }
    for span in &row.spans {
        put!(page, "{}", Bar(class(span.kind), span.from, span.to, timeline.end));
    }
    let mine = timeline.outages.iter().filter(|outage| outage.host == row.host);
    for outage in mine.filter(|outage| outage.from < to && outage.to.is_none_or(|end| end > from)) {
        let end = outage.to.unwrap_or(to).min(to);
        put!(page, "{}", Bar("o", outage.from.max(from), end, timeline.end));
    }
    if failed(row) {
        // Beside the end of the bar, but inside of the chart.
        put!(page, "<i class=\"x\" style=\"left:min({} + 3px,100% - 9px)\"></i>", Percent(to, timeline.end));
    }
    put!(page, "</span><span class=\"e\">{}</span></li>\n", end(index, row));
}

/// The end of a row.
fn end(index: usize, row: &Row) -> String {
    match (row.ended, row.ready) {
        (Some((_, End::Failed)), _) => format!("<a class=\"bad\" href=\"#f{}\">failed</a>", index + 1),
        (_, Some((_, took))) => duration(took),
        (_, None) => "left".to_owned(),
    }
}

/// The row in words, for those who hear it and for the pointer that rests on it.
fn told(row: &Row, from: Duration) -> String {
    let mut text = format!("from {}", duration(from));
    for (index, span) in row.spans.iter().enumerate() {
        let mark = if index == 0 { ':' } else { ',' };
        put!(text, "{mark} {} {}", span.kind.label(), duration(span.length()));
    }
    if let Some((at, _)) = row.ready {
        put!(text, "; ready at {}", duration(at));
    }
    if let Some((at, End::Failed)) = row.ended {
        put!(text, "; failed at {}", duration(at));
    }
    text
}

/// A bar of a class from one instant to another, in a run of this length.
struct Bar(&'static str, Duration, Duration, Duration);

impl std::fmt::Display for Bar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(class, from, to, whole) = self;
        let width = Percent(to.saturating_sub(*from), *whole);
        write!(f, "<i class=\"{class}\" style=\"left:{};width:{width}\"></i>", Percent(*from, *whole))
    }
}
