//! The run as NDJSON: one object a line, versioned, the same for every manager. RESTART.md of the house fixes the first
//! fields and their order; what only one event has comes after them, in the order of this table.
//!
//! Every line:
//!
//! | field | value |
//! |---|---|
//! | `v` | 1 |
//! | `ts` | `CLOCK_REALTIME` of this machine, in microseconds |
//! | `event` | see below |
//! | `host` | the unit's host or machine as it was typed; this machine's name for local managers, `plan` and `summary` |
//! | `unit` | its full name; not in `plan` and `summary` |
//! | `index` | its place in the plan, from 1; not in `plan` and `summary` |
//! | `total` | units in the plan |
//! | `elapsed_ms` | since the unit's job was enqueued, 0 before; of `summary` since the beginning of the run, of `plan` 0 |
//!
//! What an event adds:
//!
//! | event | when | fields |
//! |---|---|---|
//! | `plan` | first | `units`: full names, in their order; `hosts`: the host of each of them, only when one is not local; `without_readiness`: names; `fresh`: names left out because they run a new start already, only when there are some |
//! | `unit_start` | the job is enqueued | `enqueued_monotonic_usec`: `CLOCK_MONOTONIC` of this machine |
//! | `status` | a new status text | `status` |
//! | `ready` | active with a new invocation | `ready_monotonic_usec`: `CLOCK_MONOTONIC` of the unit's manager |
//! | `soak` | `--min-ready` begins | `lasts_ms` |
//! | `hook` | a hook has ended; of a check only the last run | `hook`: `before`, `check`, `after` or `on-fail`; `ok`: true or false; `outcome`: how it failed, empty when it did not; `took_ms`; `output`: its last lines |
//! | `unit_ok` | nothing more is wanted of the unit | |
//! | `unit_failed` | it failed | `status`: its last, or empty; `reason`; `result`: the unit's `Result`, or empty; `log`: its last lines |
//! | `summary` | last | `ok`, `failed`, `in_flight` (left in the middle), `not_attempted`: names; `indices`: the same four lists as places in the plan, only when a unit is not local and its name alone may not tell it; `stopped`: why units were not attempted, and `resume`: the command that restarts those, each only when there is one; `exit`: the exit code |

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::report::{Failure, Happening, HookEnd, Shown, Summary};

const VERSION: u8 = 1;

/// One line.
#[derive(Debug, Serialize)]
struct Line<'a> {
    v: u8,
    ts: u64,
    event: &'static str,
    host: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    total: usize,
    elapsed_ms: u64,
    #[serde(flatten)]
    detail: Detail<'a>,
}

/// What only one event has.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Detail<'a> {
    Plan {
        units: Vec<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        hosts: Option<Vec<&'a str>>,
        without_readiness: Vec<&'a str>,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        fresh: &'a [String],
    },
    Start {
        enqueued_monotonic_usec: u64,
    },
    Status {
        status: &'a str,
    },
    Ready {
        ready_monotonic_usec: u64,
    },
    Soak {
        lasts_ms: u64,
    },
    Hook {
        hook: String,
        ok: bool,
        outcome: &'a str,
        took_ms: u64,
        output: &'a [String],
    },
    Ok {},
    Failed {
        status: &'a str,
        reason: &'a str,
        result: &'a str,
        log: &'a [String],
    },
    Summary {
        #[serde(flatten)]
        units: Lists<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        indices: Option<Lists<usize>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        stopped: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        resume: Option<&'a str>,
        exit: u8,
    },
}

/// How the run went, each unit in one of the lists.
#[derive(Debug, Serialize)]
struct Lists<T> {
    ok: Vec<T>,
    failed: Vec<T>,
    in_flight: Vec<T>,
    not_attempted: Vec<T>,
}

impl<T> Lists<T> {
    fn of(summary: &Summary, show: impl Fn(usize) -> T) -> Self {
        let list = |indices: &[usize]| indices.iter().map(|&index| show(index)).collect();
        Self {
            ok: list(&summary.ready),
            failed: list(&summary.failed),
            in_flight: list(&summary.in_flight),
            not_attempted: list(&summary.not_attempted),
        }
    }
}

/// Writes the lines.
#[derive(Debug)]
pub(crate) struct Json<W> {
    out: W,
    host: String,
}

impl<W: Write> Json<W> {
    /// `host` is this machine's name, for what has no other.
    pub(crate) fn new(out: W, host: String) -> Self {
        Self { out, host }
    }

    /// Writes what `happening` is in JSON, if it is anything, and flushes it: a reader follows the run live.
    pub(crate) fn tell(
        &mut self,
        units: &[Shown],
        happening: &Happening<'_>,
        now: SystemTime,
    ) -> io::Result<()> {
        let Some((event, detail)) = self.detail(units, happening) else {
            return Ok(());
        };
        let (index, elapsed) = about(happening);
        let unit = index.map(|index| &units[index]);
        let line = Line {
            v: VERSION,
            ts: usec(now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()),
            event,
            host: unit.map_or(&self.host, |unit| self.host_of(unit)),
            unit: unit.map(|unit| unit.name.as_str()),
            index: index.map(|index| index + 1),
            total: units.len(),
            elapsed_ms: msec(elapsed),
            detail,
        };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        self.out.write_all(&text)?;
        self.out.flush()
    }

    fn host_of<'a>(&'a self, unit: &'a Shown) -> &'a str {
        unit.host.as_deref().unwrap_or(&self.host)
    }

    /// The event's name and its own fields; `None` for what programs are not told.
    fn detail<'a>(
        &'a self,
        units: &'a [Shown],
        happening: &'a Happening<'_>,
    ) -> Option<(&'static str, Detail<'a>)> {
        Some(match happening {
            Happening::Plan { ungated, fresh, .. } => ("plan", self.plan(units, ungated, fresh)),
            Happening::Start { enqueued, .. } => {
                ("unit_start", Detail::Start { enqueued_monotonic_usec: usec(*enqueued) })
            }
            Happening::Status { text, .. } => ("status", Detail::Status { status: text }),
            Happening::Ready { became_active, .. } => {
                ("ready", Detail::Ready { ready_monotonic_usec: usec(*became_active) })
            }
            Happening::Soak { lasts, .. } => ("soak", Detail::Soak { lasts_ms: msec(*lasts) }),
            Happening::Hook { end, .. } => ("hook", hook(end)),
            Happening::Ok { .. } => ("unit_ok", Detail::Ok {}),
            Happening::Failed { failure, .. } => ("unit_failed", failed(failure)),
            Happening::Summary(ended) => ("summary", summary(units, ended)),
            Happening::State { .. }
            | Happening::Check { .. }
            | Happening::Lost { .. }
            | Happening::Regained { .. }
            | Happening::Asking { .. }
            | Happening::Answered { .. }
            | Happening::Interrupted { .. } => return None,
        })
    }

    fn plan<'a>(&'a self, units: &'a [Shown], ungated: &[usize], fresh: &'a [String]) -> Detail<'a> {
        Detail::Plan {
            units: units.iter().map(|unit| unit.name.as_str()).collect(),
            hosts: is_remote(units).then(|| units.iter().map(|unit| self.host_of(unit)).collect()),
            without_readiness: ungated.iter().map(|&index| units[index].name.as_str()).collect(),
            fresh,
        }
    }
}

fn hook(end: &HookEnd) -> Detail<'_> {
    let HookEnd { hook, ok, outcome, took, output } = end;
    Detail::Hook { hook: hook.to_string(), ok: *ok, outcome, took_ms: msec(*took), output }
}

fn failed(failure: &Failure) -> Detail<'_> {
    let Failure { reason, result, status, log } = failure;
    Detail::Failed { status, reason, result, log }
}

fn summary<'a>(units: &'a [Shown], summary: &'a Summary) -> Detail<'a> {
    Detail::Summary {
        units: Lists::of(summary, |index| units[index].name.as_str()),
        indices: is_remote(units).then(|| Lists::of(summary, |index| index + 1)),
        stopped: summary.stopped.as_deref(),
        resume: summary.resume.as_deref(),
        exit: summary.exit as u8,
    }
}

/// Which unit it is about, and its `elapsed`.
fn about(happening: &Happening<'_>) -> (Option<usize>, Duration) {
    match happening {
        Happening::Start { index, .. } => (Some(*index), Duration::ZERO),
        Happening::Status { index, elapsed, .. }
        | Happening::Ready { index, elapsed, .. }
        | Happening::Soak { index, elapsed, .. }
        | Happening::Hook { index, elapsed, .. }
        | Happening::Ok { index, elapsed }
        | Happening::Failed { index, elapsed, .. } => (Some(*index), *elapsed),
        Happening::Summary(summary) => (None, summary.took),
        _ => (None, Duration::ZERO),
    }
}

fn is_remote(units: &[Shown]) -> bool {
    units.iter().any(|unit| unit.host.is_some())
}

fn usec(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

fn msec(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
