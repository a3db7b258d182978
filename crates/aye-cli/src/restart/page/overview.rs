//! All units of a large run in one picture: a line each, in the order of the plan from top to bottom, and from the left to
//! the right as time goes.

use std::fmt;
use std::time::Duration;

use super::chart::{class, failed};
use super::markup::{count, put};
use super::record::Timeline;
use super::row::{Kind, Row};

/// How high the picture is in its own units; it is a thousand of them wide.
const HEIGHT: f64 = 240.0;

/// How wide and how high a failure is at least: one of a thousand has to be seen.
const MARK: (f64, f64) = (7.0, 4.0);

pub(super) fn row(page: &mut String, timeline: &Timeline) {
    let units = count(timeline.rows.len(), "unit");
    put!(page, "<div class=\"row all\"><span class=\"n\">{units}</span><span class=\"t\">");
    put!(page, "<svg viewBox=\"0 0 1000 {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" ");
    put!(page, "aria-label=\"{units} from top to bottom, over time\">\n");
    let rows = || timeline.rows.iter().enumerate();
    let dash = |index: usize, from: Duration, to: Duration, least: (f64, f64)| {
        let left = across(from, timeline.end);
        let width = (across(to, timeline.end) - left).max(least.0);
        let (top, height) = line(index, timeline.rows.len());
        Dash { left, top, width, height: height.max(least.1) }
    };
    let end = |row: &Row| row.ended.filter(|_| failed(row)).map(|(at, _)| at);
    let ready =
        rows().filter_map(|(index, row)| Some((index, row.ready?.0, end(row).unwrap_or(timeline.end))));
    path(page, "r", ready.map(|(index, from, to)| dash(index, from, to, (0.0, 0.0))));
    for kind in Kind::ALL {
        let spans = rows().flat_map(|(index, row)| row.spans.iter().map(move |span| (index, span)));
        let spans = spans.filter(|(_, span)| span.kind == kind);
        path(page, class(kind), spans.map(|(index, span)| dash(index, span.from, span.to, (1.5, 1.0))));
    }
    let bad = rows().filter_map(|(index, row)| Some((index, end(row)?)));
    path(page, "x", bad.map(|(index, at)| dash(index, at, at, MARK)));
    put!(page, "</svg></span><span class=\"e\"></span></div>\n");
}

/// All rectangles of one colour.
fn path(page: &mut String, class: &str, dashes: impl Iterator<Item = Dash>) {
    let drawn: String = dashes.map(|dash| dash.to_string()).collect();
    if !drawn.is_empty() {
        put!(page, "<path class=\"{class}\" d=\"{drawn}\"/>\n");
    }
}

fn across(at: Duration, whole: Duration) -> f64 {
    at.as_secs_f64() / whole.as_secs_f64().max(1e-9) * 1e3
}

/// The top of a unit's line, and its height: a little more than its share, or the gaps would show as a pattern.
#[expect(clippy::cast_precision_loss, reason = "numbers of units, as parts of a picture")]
fn line(index: usize, total: usize) -> (f64, f64) {
    let height = HEIGHT / total as f64;
    (index as f64 * height, height * 1.1)
}

/// A rectangle, as commands of an SVG path.
struct Dash {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl fmt::Display for Dash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { left, top, width, height } = self;
        write!(f, "M{left:.1} {top:.1}h{width:.1}v{height:.1}h-{width:.1}z")
    }
}
