//! What did not go as wanted: failures with what is known of them, and what was left undone with the command that goes on.

use aye_bus::duration;

use super::markup::{Lines, Text, count, put};
use super::record::{Timeline, Trouble};
use super::render::used_hosts;
use crate::output::short;
use crate::restart::report::{Failure, HookEnd};

/// How many failures are shown unfolded.
const UNFOLDED: usize = 20;

/// How many names are shown unfolded.
const NAMES: usize = 24;

/// The units that were not attempted, left in the middle, or left out.
pub(super) fn left(page: &mut String, timeline: &Timeline) {
    let Some(summary) = &timeline.summary else { return };
    if !summary.in_flight.is_empty() {
        put!(page, "<section class=\"left\">\n<h2>Left in the middle</h2>\n");
        put!(
            page,
            "<p>Their managers go on with them: nothing was cancelled. Look again with <code>aye status</code>.</p>\n"
        );
        names(page, &of(timeline, &summary.in_flight));
        put!(page, "</section>\n");
    }
    if !summary.not_attempted.is_empty() {
        put!(page, "<section class=\"left\">\n<h2>Not attempted</h2>\n");
        if let Some(resume) = &summary.resume {
            put!(page, "<p>They were not touched. This goes on with them:</p>\n");
            put!(page, "<pre class=\"resume\">\n{}</pre>\n", Text(resume));
        }
        names(page, &of(timeline, &summary.not_attempted));
        put!(page, "</section>\n");
    }
    if !timeline.ungated.is_empty() {
        put!(page, "<section class=\"left\">\n<h2>Without a readiness gate</h2>\n");
        put!(page, "<p>Started counts as ready for these; <code>Type=notify</code> would say more.</p>\n");
        names(page, &of(timeline, &timeline.ungated));
        put!(page, "</section>\n");
    }
    if !timeline.fresh.is_empty() {
        put!(page, "<section class=\"left\">\n<h2>Left out: started anew already</h2>\n");
        names(page, &timeline.fresh.iter().map(|name| short(name)).collect::<Vec<_>>());
        put!(page, "</section>\n");
    }
}

fn of<'a>(timeline: &'a Timeline, indices: &[usize]) -> Vec<&'a str> {
    indices.iter().filter_map(|&index| timeline.rows.get(index)).map(|row| short(&row.name)).collect()
}

fn names(page: &mut String, names: &[&str]) {
    let folds = names.len() > NAMES;
    if folds {
        put!(page, "<details><summary>{}</summary>\n", count(names.len(), "unit"));
    }
    put!(page, "<ul class=\"names\">");
    for name in names {
        put!(page, "<li>{}</li>", Text(name));
    }
    put!(page, "</ul>\n");
    if folds {
        put!(page, "</details>\n");
    }
}

/// Failed units and failed hooks.
pub(super) fn failures(page: &mut String, timeline: &Timeline) {
    if timeline.troubles.is_empty() {
        return;
    }
    put!(page, "<section id=\"failures\">\n<h2>What went wrong</h2>\n");
    if timeline.logs_left_out > 0 {
        let failures = count(timeline.logs_left_out, "failure");
        put!(page, "<p>The logs of {failures} are left out here, to keep this page small.</p>\n");
    }
    for (place, trouble) in timeline.troubles.iter().enumerate() {
        article(page, timeline, trouble, place < UNFOLDED);
    }
    put!(page, "</section>\n");
}

fn article(page: &mut String, timeline: &Timeline, trouble: &Trouble, open: bool) {
    let Some(row) = timeline.rows.get(trouble.index) else { return };
    put!(page, "<article id=\"f{}\">\n<h3>{}", trouble.index + 1, Text(short(&row.name)));
    if used_hosts(timeline).nth(1).is_some() {
        put!(page, " <small>on {}</small>", Text(&timeline.hosts[row.host]));
    }
    put!(page, "</h3>\n");
    if let Some(failure) = &trouble.failure {
        put!(page, "<p class=\"reason\">{}</p>\n", Text(&failure.reason));
        said(page, failure);
        lines(page, "Its last log lines", &failure.log, open);
    }
    for end in &trouble.hooks {
        hook(page, end, open);
    }
    put!(page, "</article>\n");
}

fn said(page: &mut String, failure: &Failure) {
    let facts = [("Result", &failure.result), ("Status text", &failure.status)];
    let told: Vec<_> = facts.iter().filter(|(_, text)| !text.is_empty() && *text != "success").collect();
    if told.is_empty() {
        return;
    }
    put!(page, "<dl class=\"said\">");
    for (term, text) in told {
        put!(page, "<div><dt>{term}</dt><dd>{}</dd></div>", Text(text));
    }
    put!(page, "</dl>\n");
}

fn hook(page: &mut String, end: &HookEnd, open: bool) {
    let (hook, took) = (end.hook, duration(end.took));
    put!(page, "<p class=\"hook\">The {hook} command {} after {took}.</p>\n", Text(&end.outcome));
    lines(page, "What it wrote", &end.output, open);
}

fn lines(page: &mut String, title: &str, lines: &[String], open: bool) {
    if lines.is_empty() {
        return;
    }
    let open = if open { " open" } else { "" };
    put!(page, "<details{open}><summary>{title}</summary>\n<pre>{}</pre></details>\n", Lines(lines));
}
