//! The words: what goes to standard error and into STATUS. Pure; the times are milliseconds.

use super::text::{Buffer, Text};

/// A pipe takes this much in one piece (PIPE_BUF, pipe(7)), so that no other writer's line comes between.
pub(super) type Lines = Buffer<[u8; 4096]>;
/// Leaves room for the line over it.
pub(super) type Stack = Buffer<[u8; 3840]>;
/// Where the loop is, in a few words.
pub(super) type Place = Buffer<[u8; 512]>;
/// That with a few more.
pub(super) type Status = Buffer<[u8; 640]>;
/// That when it is all backslashes, which is fewer than the 4096 bytes of a datagram that systemd takes.
pub(super) type Message = Buffer<[u8; 1280]>;

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
pub(super) fn stack(lines: &mut Text, times: Times, late: bool, stack: &Text) {
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
pub(super) fn stuck_in(lines: &mut Text, times: Times, place: &Text) {
    blocked(lines, "aye: event loop blocked for ", times.blocked, place);
    watchdog(lines, times);
}

fn watchdog(lines: &mut Text, times: Times) {
    lines.push("; the last heartbeat was ");
    lines.push_seconds(times.silent);
    lines.push(" ago, the watchdog waits for ");
    lines.push_seconds(times.limit);
    lines.push("\n");
}

pub(super) fn runs_again(lines: &mut Text, after: u64, place: &Text) {
    blocked(lines, "aye: event loop runs again after ", after, place);
    lines.push("\n");
}

/// `    at parse (/srv/app/app.js:33:5)`, as Error.stack has it; false when no more lines fit.
pub(super) fn frame(lines: &mut Text, frame: &Frame<'_>) -> bool {
    let line: &mut Text = &mut Buffer::<[u8; 1024]>::new();
    line.push("    at ");
    function(line, frame, frame.script, Some(frame.column));
    line.push("\n");
    let fits = lines.room() >= line.as_str().len() + CUT.len();
    lines.push(if fits { line.as_str() } else { CUT });
    fits
}

/// `parse (app.js:33:5)`
fn function(text: &mut Text, frame: &Frame<'_>, script: &str, column: Option<i32>) {
    let named = !frame.function.is_empty();
    if named {
        text.push_name(frame.function);
        text.push(" (");
    }
    text.push_name(if script.is_empty() { "<anonymous>" } else { script });
    text.push(":");
    text.push_number(frame.line.unsigned_abs().into());
    if let Some(column) = column {
        text.push(":");
        text.push_number(column.unsigned_abs().into());
    }
    if named {
        text.push(")");
    }
}

/// What runs when no function does, however often one looks: V8 goes from one short reaction of a promise to the next.
pub(super) fn between(place: &mut Text) {
    place.push("in reactions of promises, one after another");
}

/// `in parse (app.js:33)`, or `in native code called by parse (app.js:33)`
pub(super) fn at(place: &mut Text, late: bool, function: &Text) {
    place.push(if late { "in native code called by " } else { "in " });
    place.push(function.as_str());
}

/// `parse (app.js:33)`
pub(super) fn place(place: &mut Text, frame: &Frame<'_>) {
    let slash = frame.script.bytes().rposition(|byte| byte == b'/').map_or(0, |at| at + 1);
    function(place, frame, frame.script.get(slash..).unwrap_or_default(), None);
}

/// Whether it is the program's own, so that it rather than the part of Node it calls is what to look at.
pub(super) fn is_own(frame: &Frame<'_>) -> bool {
    !frame.script.is_empty() && !frame.script.starts_with("node:")
}

/// `STATUS=event loop blocked 6.2 s in parse (app.js:33)`, as crate aye's Encoder would send it: of line breaks and NUL the
/// place has none, and each backslash is doubled, because systemd takes one of them away.
pub(super) fn message(message: &mut Text, so_far: u64, place: &Text) {
    let status: &mut Text = &mut Status::new();
    blocked(status, "STATUS=event loop blocked ", so_far, place);
    for character in status.as_str().chars() {
        message.push_character(character);
        if character == '\\' {
            message.push_character(character);
        }
    }
}

/// `event loop was blocked 9.1 s in parse (app.js:33)`
pub(super) fn past_status(text: &mut Text, in_all: u64, place: &Text) {
    blocked(text, "event loop was blocked ", in_all, place);
}

fn blocked(text: &mut Text, words: &str, milliseconds: u64, place: &Text) {
    text.push(words);
    text.push_seconds(milliseconds);
    text.push(" ");
    text.push(place.as_str());
}
