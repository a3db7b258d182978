//! The run as NDJSON: one object a line, versioned, the same for every manager. RESTART.md of the house fixes the
//! first fields and their order; what only one event has comes after them.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::report::{Happening, Shown};

const VERSION: u8 = 1;

/// One line. `elapsed_ms` counts from the enqueuing of the unit's job, for `plan` and `summary` from the beginning
/// of the run.
#[derive(Debug, Default, Serialize)]
struct Line<'a> {
    v: u8,
    /// `CLOCK_REALTIME` in microseconds.
    ts: u128,
    event: &'static str,
    host: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    /// From 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    total: usize,
    elapsed_ms: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    units: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    without_readiness: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enqueued_monotonic_usec: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ready_monotonic_usec: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_flight: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_attempted: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resume: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit: Option<u8>,
}

/// Writes the lines.
#[derive(Debug)]
pub(crate) struct Json<W> {
    out: W,
    host: String,
}

impl<W: Write> Json<W> {
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
        let Some(mut line) = line(units, happening) else {
            return Ok(());
        };
        line.v = VERSION;
        line.ts = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros();
        line.host = &self.host;
        line.total = units.len();
        serde_json::to_writer(&mut self.out, &line)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}

fn line<'a>(units: &'a [Shown], happening: &'a Happening<'_>) -> Option<Line<'a>> {
    let names = |indices: &[usize]| Some(indices.iter().map(|&i| units[i].name.as_str()).collect());
    let about = |event, index: usize, elapsed: Duration| Line {
        event,
        unit: Some(&units[index].name),
        index: Some(index + 1),
        elapsed_ms: elapsed.as_millis(),
        ..Line::default()
    };
    Some(match happening {
        Happening::Plan { ungated, .. } => Line {
            event: "plan",
            units: Some(units.iter().map(|unit| unit.name.as_str()).collect()),
            without_readiness: names(ungated),
            ..Line::default()
        },
        Happening::Start { index, enqueued } => Line {
            enqueued_monotonic_usec: Some(enqueued.as_micros()),
            ..about("unit_start", *index, Duration::ZERO)
        },
        Happening::Status { index, elapsed, text } => {
            Line { status: Some(text), ..about("status", *index, *elapsed) }
        }
        Happening::Ready { index, elapsed, became_active } => {
            Line { ready_monotonic_usec: Some(became_active.as_micros()), ..about("ready", *index, *elapsed) }
        }
        Happening::Ok { index, elapsed } => about("unit_ok", *index, *elapsed),
        Happening::Failed { index, elapsed, failure } => Line {
            status: Some(&failure.status),
            reason: Some(&failure.reason),
            result: Some(&failure.result),
            log: Some(&failure.log),
            ..about("unit_failed", *index, *elapsed)
        },
        _ => return None,
        Happening::Summary(summary) => Line {
            event: "summary",
            elapsed_ms: summary.took.as_millis(),
            ok: names(&summary.ready),
            failed: names(&summary.failed),
            in_flight: names(&summary.in_flight),
            not_attempted: names(&summary.not_attempted),
            resume: summary.resume.as_deref(),
            exit: Some(summary.exit as u8),
            ..Line::default()
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use crate::restart::report::{Failure, Summary};

    fn told(happening: &Happening<'_>) -> String {
        let shown = |name: &str| Shown { name: name.to_owned(), ..Shown::default() };
        let units = [shown("web@1.service"), shown("web@2.service")];
        let mut json = Json::new(Vec::new(), "box".to_owned());
        let now = SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_000_007);
        json.tell(&units, happening, now).unwrap();
        String::from_utf8(json.out).unwrap()
    }

    #[test]
    fn a_line_break_in_a_status_stays_inside_its_line() {
        let elapsed = Duration::from_millis(3);
        let line = told(&Happening::Status { index: 0, elapsed, text: "a\nb\"" });
        assert_eq!(line.lines().count(), 1);
        assert!(line.contains(r#""status":"a\nb\"""#), "{line}");
    }

    #[test]
    fn a_failure_carries_its_reason_and_its_log() {
        let failure = Failure {
            reason: "exited with 1 after 2.0 s".to_owned(),
            result: "exit-code".to_owned(),
            status: "loading".to_owned(),
            log: vec!["boom".to_owned()],
        };
        let elapsed = Duration::from_millis(2040);
        assert_eq!(
            told(&Happening::Failed { index: 1, elapsed, failure: &failure }),
            concat!(
                r#"{"v":1,"ts":1700000000000007,"event":"unit_failed","host":"box","unit":"web@2.service","index":2,"#,
                r#""total":2,"elapsed_ms":2040,"status":"loading","reason":"exited with 1 after 2.0 s","#,
                r#""result":"exit-code","log":["boom"]}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_start_has_the_stamp_of_the_reply() {
        let line = told(&Happening::Start { index: 0, enqueued: Duration::from_micros(42) });
        assert_eq!(
            line,
            concat!(
                r#"{"v":1,"ts":1700000000000007,"event":"unit_start","host":"box","unit":"web@1.service","index":1,"#,
                r#""total":2,"elapsed_ms":0,"enqueued_monotonic_usec":42}"#,
                "\n"
            )
        );
    }

    #[test]
    fn the_summary_lists_every_unit_and_the_exit_code() {
        let summary = Summary {
            ready: vec![0],
            failed: vec![],
            in_flight: vec![],
            not_attempted: vec![1],
            stopped: None,
            took: Duration::from_millis(5),
            exit: Exit::Interrupted,
            resume: Some("aye restart web@2.service".to_owned()),
        };
        assert_eq!(
            told(&Happening::Summary(&summary)),
            concat!(
                r#"{"v":1,"ts":1700000000000007,"event":"summary","host":"box","total":2,"elapsed_ms":5,"#,
                r#""ok":["web@1.service"],"failed":[],"in_flight":[],"not_attempted":["web@2.service"],"#,
                r#""resume":"aye restart web@2.service","exit":130}"#,
                "\n"
            )
        );
    }
}
