//! A trace as NDJSON: one object a line, versioned.
//!
//! Every line:
//!
//! | field | value |
//! |---|---|
//! | `v` | 1 |
//! | `ts` | `CLOCK_REALTIME` of this machine, in microseconds |
//! | `event` | see below |
//! | `at_us` | microseconds since the trace began, on the monotonic clock |
//!
//! What an event adds; a field that is not known is `null`:
//!
//! | event | when | fields |
//! |---|---|---|
//! | `began` | the main process runs | `pid`; `subject`: the command or the unit; `unit`: whose manager hears it; `systemd`: the version by which messages are judged; `type`, `notify_access`; `timeout_start_us`, `timeout_stop_us`: `null` for infinity; `watchdog_us`: `null` without one |
//! | `message` | a datagram came | `pid`, `uid`, `gid`, `command`: the sender's; `role`: `main`, `control`, `other` or `outside`; `data`: its bytes; `fds`: what each descriptor is; `dropped`: why systemd drops it whole; `lines`: of each line `text`, `verdict` (`accepted`, `ignored` or `refused`) and `why`; `passed`: `nowhere`, `as-sender`, `as-ended` (its sender had ended by then, and the manager may not know it any more), `as-tracer`, `withheld` or `failed`; `passed_why`: of a failure |
//! | `signal` | one was handed on | `signal`: its number; `name` |
//! | `state` | the unit's state changed | `active`, `sub`, `result` |
//! | `ended` | the main process ended | `code` or `signal` |
//! | `note` | something is worth a line | `text` |
//! | `summary` | last | `messages`; `ready_after_us`; `heartbeats`: `count`, `every_us` and `margin_us`, which is negative where one was too late; `said`: of each assignment `name`, `accepted`, `ignored`, `refused`; `refused`, `dropped`, `not_passed_on`: of each reason `why` and `count`; `stored`: descriptors; `findings`: of each `name`, `harmless`, `what` and `write` |
//!
//! `data` and `text` are a string where they are UTF-8, and else a list of their bytes as numbers.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::scene::{Event, Happening, Line, Outcome, Passed, Said, Scene, Word};
use super::timeline::{Tally, role, signal};

const VERSION: u8 = 1;

/// What every line begins with.
#[derive(Debug, Serialize)]
struct Row {
    v: u8,
    ts: u64,
    event: &'static str,
    at_us: u64,
    #[serde(flatten)]
    detail: Map<String, Value>,
}

/// An event as one object, without a line break.
pub(crate) fn line(event: &Event, scene: &Scene) -> String {
    let (name, detail) = match &event.what {
        Happening::Began { pid } => ("began", began(*pid, scene)),
        Happening::Said(said) => ("message", message(said)),
        Happening::Signalled(number) => ("signal", json!({ "signal": number, "name": signal(*number) })),
        Happening::State { active, sub, result } => {
            ("state", json!({ "active": active, "sub": sub, "result": result }))
        }
        Happening::Ended(status) => ("ended", ended(*status)),
        Happening::Note(text) => ("note", json!({ "text": text })),
    };
    row(name, event.at, event.time, detail)
}

/// The last object: what was said how often, and what was never said. `at` is on the clock of [`Event::at`].
pub(crate) fn summary(tally: &Tally, at: Duration, time: SystemTime) -> String {
    let reasons = |rows: &mut dyn Iterator<Item = (&str, &u64)>| -> Vec<Value> {
        rows.map(|(why, count)| json!({ "why": why, "count": count })).collect()
    };
    let said = |(name, [accepted, ignored, refused]): (&str, &[u64; 3])| json!({ "name": name, "accepted": accepted, "ignored": ignored, "refused": refused });
    let detail = json!({
        "messages": tally.messages,
        "ready_after_us": tally.ready_after().map(micros),
        "heartbeats": {
            "count": tally.heartbeats,
            "every_us": tally.between.mean().map(micros),
            "margin_us": tally.margin.map(super::timeline::Margin::micros),
        },
        "said": tally.said.rows().map(said).collect::<Vec<_>>(),
        "refused": reasons(&mut tally.refused.rows()),
        "dropped": reasons(&mut tally.dropped.rows()),
        "not_passed_on": reasons(&mut tally.stuck.rows()),
        "stored": tally.stored,
        "findings": tally.findings(at),
    });
    row("summary", at, time, detail)
}

fn row(event: &'static str, at: Duration, time: SystemTime, detail: Value) -> String {
    let Value::Object(detail) = detail else { unreachable!("json! of braces is an object") };
    let ts = micros(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
    let row = Row { v: VERSION, ts, event, at_us: micros(at), detail };
    serde_json::to_string(&row).expect("numbers, strings and lists of them can be written")
}

fn began(pid: u32, scene: &Scene) -> Value {
    json!({
        "pid": pid,
        "subject": scene.subject,
        "unit": scene.unit,
        "systemd": scene.version,
        "type": scene.kind.as_str(),
        "notify_access": scene.access.as_str(),
        "timeout_start_us": scene.timeout_start.map(micros),
        "timeout_stop_us": scene.timeout_stop.map(micros),
        "watchdog_us": scene.watchdog.map(micros),
    })
}

fn message(said: &Said) -> Value {
    let (dropped, lines) = match &said.outcome {
        Outcome::Dropped(why) => (Some(why.to_string()), Vec::new()),
        Outcome::Judged(lines) => (None, lines.iter().map(judged).collect()),
    };
    let (passed, passed_why) = match &said.passed {
        Passed::Nowhere => ("nowhere", None),
        Passed::AsSender => ("as-sender", None),
        Passed::AsEnded => ("as-ended", None),
        Passed::AsTracer => ("as-tracer", None),
        Passed::Withheld => ("withheld", None),
        Passed::Failed(why) => ("failed", Some(why)),
    };
    json!({
        "pid": said.sender.map(|sender| sender.pid),
        "uid": said.sender.map(|sender| sender.uid),
        "gid": said.sender.map(|sender| sender.gid),
        "command": said.command,
        "role": role(said.role),
        "data": text(&said.bytes),
        "fds": said.fds,
        "dropped": dropped,
        "lines": lines,
        "passed": passed,
        "passed_why": passed_why,
    })
}

fn judged(line: &Line) -> Value {
    let verdict = match line.verdict {
        Word::Accepted(_) => "accepted",
        Word::Ignored => "ignored",
        Word::Refused => "refused",
    };
    json!({ "text": text(&line.text), "verdict": verdict, "why": line.why })
}

fn ended(status: Option<ExitStatus>) -> Value {
    json!({
        "code": status.and_then(|status| status.code()),
        "signal": status.and_then(|status| status.signal()),
    })
}

/// A string where it is UTF-8, else a list of bytes, as the journal's JSON has it.
fn text(bytes: &[u8]) -> Value {
    std::str::from_utf8(bytes).map_or_else(|_| json!(bytes), |text| json!(text))
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
