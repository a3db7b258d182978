//! The words: what goes to standard error and into STATUS. Pure; the times are milliseconds.

use super::text::Text;

/// A pipe takes this much in one piece (PIPE_BUF, pipe(7)), so that no other writer's line comes between.
pub(super) type Lines = Text<4096>;
/// Leaves room for the line over it.
pub(super) type Stack = Text<3840>;
/// Where the loop is, in a few words.
pub(super) type Place = Text<512>;

const CUT: &str = "    ...\n";

/// A function on the stack, in the words of V8.
pub(super) struct Frame<'a> {
    pub(super) function: &'a str,
    pub(super) script: &'a str,
    pub(super) line: i32,
    pub(super) column: i32,
}

#[derive(Clone, Copy)]
pub(super) struct Times {
    /// For how long the loop has not turned.
    pub(super) blocked: u64,
    /// Since the last heartbeat.
    pub(super) silent: u64,
    /// How long the manager waits for one.
    pub(super) limit: u64,
}

/// The stack, and the line over it; `late` when native code had to come back first.
pub(super) fn stack(lines: &mut Lines, times: Times, late: bool, stack: &Stack) {
    if late {
        lines.push("aye: native code came back after ");
        lines.push_seconds(times.blocked);
        lines.push(" to\n");
    } else {
        lines.push("aye: event loop blocked for ");
        lines.push_seconds(times.blocked);
        watchdog(lines, times);
    }
    lines.push(stack.as_str());
}

/// The line without one.
pub(super) fn stuck_in(lines: &mut Lines, times: Times, place: &Place) {
    lines.push("aye: event loop blocked for ");
    lines.push_seconds(times.blocked);
    lines.push(" ");
    lines.push(place.as_str());
    watchdog(lines, times);
}

fn watchdog(lines: &mut Lines, times: Times) {
    lines.push("; the last heartbeat was ");
    lines.push_seconds(times.silent);
    lines.push(" ago, the watchdog waits for ");
    lines.push_seconds(times.limit);
    lines.push("\n");
}

pub(super) fn runs_again(lines: &mut Lines, blocked: u64, place: &Place) {
    lines.push("aye: event loop runs again after ");
    lines.push_seconds(blocked);
    lines.push(" ");
    lines.push(place.as_str());
    lines.push("\n");
}

/// `    at parse (/srv/app/app.js:33:5)`, as Error.stack has it; false when no more lines fit.
pub(super) fn frame(lines: &mut Stack, frame: &Frame<'_>) -> bool {
    let mut line = Text::<{ 1024 - CUT.len() }>::new();
    line.push("    at ");
    if !frame.function.is_empty() {
        line.push_name(frame.function);
        line.push(" (");
    }
    line.push_name(if frame.script.is_empty() { "<anonymous>" } else { frame.script });
    line.push(":");
    line.push_number(frame.line.unsigned_abs().into());
    line.push(":");
    line.push_number(frame.column.unsigned_abs().into());
    if !frame.function.is_empty() {
        line.push(")");
    }
    line.push("\n");
    let fits = lines.room() >= line.as_str().len() + CUT.len();
    lines.push(if fits { line.as_str() } else { CUT });
    fits
}

/// `in parse (app.js:33)`, or `in native code called by parse (app.js:33)`
pub(super) fn at(place: &mut Place, late: bool, function: &Place) {
    place.push(if late { "in native code called by " } else { "in " });
    place.push(function.as_str());
}

/// What runs when no function does, however often one looks: V8 goes from one short reaction of a promise to the next.
pub(super) fn between(place: &mut Place) {
    place.push("in reactions of promises, one after another");
}

/// `parse (app.js:33)`
pub(super) fn place(place: &mut Place, frame: &Frame<'_>) {
    let file = frame.script.rsplit('/').next().unwrap_or_default();
    let file = if file.is_empty() { "<anonymous>" } else { file };
    if !frame.function.is_empty() {
        place.push_name(frame.function);
        place.push(" (");
    }
    place.push_name(file);
    place.push(":");
    place.push_number(frame.line.unsigned_abs().into());
    if !frame.function.is_empty() {
        place.push(")");
    }
}

/// Whether it is the program's own, so that it rather than the part of Node it calls is what to look at.
pub(super) fn is_own(frame: &Frame<'_>) -> bool {
    !frame.script.is_empty() && !frame.script.starts_with("node:")
}

/// `event loop blocked 6.2 s in parse (app.js:33)`
pub(super) fn status(text: &mut Text<640>, blocked: u64, place: &Place) {
    text.push("event loop blocked ");
    text.push_seconds(blocked);
    text.push(" ");
    text.push(place.as_str());
}

/// `event loop was blocked 9.1 s in parse (app.js:33)`
pub(super) fn past_status(text: &mut Text<640>, blocked: u64, place: &Place) {
    text.push("event loop was blocked ");
    text.push_seconds(blocked);
    text.push(" ");
    text.push(place.as_str());
}
