//! The timeline: a bar for each unit on one axis of time. Many units are shown as one picture of them all, with their
//! rows folded into blocks below it.

use std::time::Duration;

use aye_bus::duration;

use super::figure;
use super::markup::{Percent, Text, count, put};
use super::record::{End, Kind, Outage, Row, Timeline};
use super::render::used_hosts;
use crate::output::short;

/// From this many units on, rows are folded.
const MANY: usize = 60;

/// How many rows a block has.
const BLOCK: usize = 50;

/// The class of a bar, short because a page can have thousands.
fn class(kind: Kind) -> &'static str {
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
    if timeline.rows.is_empty() || timeline.rows.iter().all(|row| row.extent().is_none()) {
        return;
    }
    let widest = timeline.rows.iter().map(|row| short(&row.name).chars().count()).max().unwrap_or(0);
    put!(page, "<section id=\"timeline\">\n<h2>Timeline</h2>\n");
    legend(page, timeline);
    let step = figure::step(timeline.end);
    put!(
        page,
        "<div class=\"chart\" style=\"--name:{}ch;--step:{}\">\n",
        widest.clamp(6, 26),
        Percent(step, timeline.end)
    );
    let many = timeline.rows.len() >= MANY;
    if many {
        overview(page, timeline);
    }
    axis(page, timeline, step);
    let several = used_hosts(timeline).nth(1).is_some();
    for host in used_hosts(timeline) {
        let outages: Vec<&Outage> = timeline.outages.iter().filter(|outage| outage.host == host).collect();
        if several || !outages.is_empty() {
            host_head(page, timeline, host, &outages);
        }
        let rows: Vec<(usize, &Row)> =
            timeline.rows.iter().enumerate().filter(|(_, row)| row.host == host).collect();
        if many {
            rows.chunks(BLOCK).for_each(|block| folded(page, timeline, block));
        } else {
            list(page, timeline, &rows);
        }
    }
    put!(page, "</div>\n</section>\n");
}

fn legend(page: &mut String, timeline: &Timeline) {
    put!(page, "<ul class=\"legend\">");
    let seen = |kind: Kind| timeline.rows.iter().any(|row| row.spans.iter().any(|span| span.kind == kind));
    for kind in Kind::ALL.into_iter().filter(|kind| seen(*kind)) {
        put!(page, "<li><i class=\"{}\"></i>{}</li>", class(kind), kind.label());
    }
    if timeline.rows.iter().any(|row| row.ready.is_some()) {
        put!(page, "<li><i class=\"r\"></i>ready</li>");
    }
    if timeline.rows.iter().any(|row| failed(row)) {
        put!(page, "<li><i class=\"x\"></i>failed</li>");
    }
    if !timeline.outages.is_empty() {
        put!(page, "<li><i class=\"o\"></i>link lost</li>");
    }
    put!(page, "</ul>\n");
}

fn failed(row: &Row) -> bool {
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
    let name = Text(&timeline.hosts[host]);
    put!(page, "<div class=\"row host\"><h3 class=\"n\">{name}</h3><span class=\"t\">");
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
    rows.iter().for_each(|(index, row)| unit(page, timeline, *index, row));
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
    match bad {
        0 => put!(page, "{ready} of {} ready", rows.len()),
        _ => put!(page, "<b class=\"bad\">{bad} failed</b>"),
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
    if let Some((at, _)) = row.ready {
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
        put!(page, "<i class=\"x\" style=\"left:{}\"></i>", Percent(to, timeline.end));
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
        put!(text, "{mark} {} {}", span.kind.label(), duration(span.to - span.from));
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

/// All units in one picture: a line each, in the order of the plan, from the left to the right as time goes.
fn overview(page: &mut String, timeline: &Timeline) {
    let total = timeline.rows.len();
    let height = (total * 2).clamp(140, 260);
    put!(
        page,
        "<svg class=\"overview\" viewBox=\"0 0 1000 {height}\" preserveAspectRatio=\"none\" role=\"img\" "
    );
    put!(page, "aria-label=\"{} in their order, from top to bottom, over time\">\n", count(total, "unit"));
    for kind in Kind::ALL {
        let mut path = String::new();
        for (index, row) in timeline.rows.iter().enumerate() {
            for span in row.spans.iter().filter(|span| span.kind == kind) {
                put!(
                    path,
                    "{}",
                    Dash { index, from: span.from, to: span.to, whole: timeline.end, total, height }
                );
            }
        }
        draw(page, class(kind), &path);
    }
    let ready = timeline.rows.iter().enumerate().filter_map(|(index, row)| {
        let to = if failed(row) { row.ended?.0 } else { timeline.end };
        Some(Dash { index, from: row.ready?.0, to, whole: timeline.end, total, height })
    });
    draw(page, "r", &ready.map(|dash| dash.to_string()).collect::<String>());
    let bad = timeline.rows.iter().enumerate().filter(|(_, row)| failed(row)).filter_map(|(index, row)| {
        let at = row.ended?.0;
        Some(Dash { index, from: at, to: at + timeline.end / 100, whole: timeline.end, total, height })
    });
    draw(page, "x", &bad.map(|dash| dash.to_string()).collect::<String>());
    put!(page, "</svg>\n");
}

fn draw(page: &mut String, class: &str, path: &str) {
    if !path.is_empty() {
        put!(page, "<path class=\"{class}\" d=\"{path}\"/>\n");
    }
}

/// A rectangle of the picture of all, as commands of an SVG path.
struct Dash {
    index: usize,
    from: Duration,
    to: Duration,
    whole: Duration,
    total: usize,
    height: usize,
}

impl std::fmt::Display for Dash {
    #[expect(clippy::cast_precision_loss, reason = "an index of a unit, in units of a picture")]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = self.whole.as_secs_f64().max(1e-9);
        let (left, right) = (self.from.as_secs_f64() / whole * 1e3, self.to.as_secs_f64() / whole * 1e3);
        let line = self.height as f64 / self.total as f64;
        let width = (right - left).max(1.0);
        // Lines overlap by a little, or the gaps between them would show as a pattern.
        let (top, thick) = (self.index as f64 * line, (line * 1.1).max(0.6));
        write!(f, "M{left:.1} {top:.1}h{width:.1}v{thick:.1}h-{width:.1}z")
    }
}
