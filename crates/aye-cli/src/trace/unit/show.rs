//! What is shown of a trace: the lines of the timeline, or one object for each event. A thread writes them, so that a reader
//! that stops does not stop the unit.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant, SystemTime};

use crate::output::{Output, Stream};
use crate::trace::json;
use crate::trace::scene::{Event, Scene};
use crate::trace::timeline::Tally;
use crate::trace::timeline::{Look, Timeline};

/// How wide lines are where there is no terminal to ask.
const WIDTH: usize = usize::MAX;

/// The way to whoever reads.
#[derive(Debug)]
pub(super) struct Show {
    output: Output,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Lines(Box<Timeline>),
    Objects(Box<(Scene, Tally)>),
}

impl Show {
    pub(super) fn new(scene: Scene, objects: bool) -> Self {
        let form = if objects {
            Form::Objects(Box::new((scene.clone(), Tally::new(scene))))
        } else {
            Form::Lines(Box::new(Timeline::new(scene, look())))
        };
        Self { output: Output::new(), form }
    }

    pub(super) fn feed(&mut self, event: &Event) {
        let lines = match &mut self.form {
            Form::Lines(timeline) => {
                let lines = timeline.feed(event);
                if lines.is_empty() { vec![interim(event)] } else { lines }
            }
            Form::Objects(objects) => {
                objects.1.feed(event);
                let line = json::line(event, &objects.0);
                vec![if line.is_empty() { interim(event) } else { line }]
            }
        };
        self.write(lines);
    }

    /// When [`Show::wake`] has something to say.
    pub(super) fn next_wake(&self, began: Instant) -> Option<tokio::time::Instant> {
        match &self.form {
            Form::Lines(timeline) => timeline.next_wake().map(|at| (began + at).into()),
            Form::Objects(_) => None,
        }
    }

    pub(super) fn wake(&mut self, at: Duration) {
        if let Form::Lines(timeline) = &mut self.form {
            let lines = timeline.wake(at);
            self.write(lines);
        }
    }

    pub(super) fn finish(&mut self, at: Duration) {
        let lines = match &mut self.form {
            Form::Lines(timeline) => timeline.finish(at),
            Form::Objects(objects) => vec![json::summary(&objects.1, at, SystemTime::now())],
        };
        self.write(lines);
    }

    fn write(&mut self, lines: Vec<String>) {
        for line in lines {
            self.output.line(Stream::Out, line);
        }
    }
}

fn look() -> Look {
    let out = std::io::stdout();
    let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let columns = rustix::termios::tcgetwinsize(&out).map_or(0, |size| usize::from(size.ws_col));
    Look { width: if out.is_terminal() && columns > 0 { columns } else { WIDTH }, colour }
}

/// Until the room TIMELINE is there.
fn interim(event: &Event) -> String {
    use crate::trace::scene::{Happening, Outcome, Passed, Word};
    let (name, detail) = match &event.what {
        Happening::Began { pid } => ("began", serde_json::json!({ "pid": pid })),
        Happening::Said(said) => {
            let word = |word| match word {
                Word::Accepted(_) => "accepted",
                Word::Ignored => "ignored",
                Word::Refused => "refused",
            };
            let lines: Vec<_> = match &said.outcome {
                Outcome::Dropped(_) => Vec::new(),
                Outcome::Judged(lines) => lines
                    .iter()
                    .map(|line| serde_json::json!({ "text": String::from_utf8_lossy(&line.text), "verdict": word(line.verdict), "why": line.why }))
                    .collect(),
            };
            let passed = match &said.passed {
                Passed::AsSender => "as-sender",
                Passed::Failed(_) => "failed",
                _ => "other",
            };
            (
                "message",
                serde_json::json!({ "pid": said.sender.map(|sender| sender.pid), "role": format!("{:?}", said.role).to_lowercase(), "data": String::from_utf8_lossy(&said.bytes), "lines": lines, "passed": passed }),
            )
        }
        Happening::Signalled(signal) => ("signal", serde_json::json!({ "signal": signal })),
        Happening::State { active, sub, result } => {
            ("state", serde_json::json!({ "active": active, "sub": sub, "result": result }))
        }
        Happening::Ended(status) => ("ended", serde_json::json!({ "status": format!("{status:?}") })),
        Happening::Note(text) => ("note", serde_json::json!({ "text": text })),
    };
    let mut line = serde_json::json!({ "v": 1, "event": name, "at_us": event.at.as_micros() as u64 });
    if let (Some(line), serde_json::Value::Object(detail)) = (line.as_object_mut(), detail) {
        line.extend(detail);
    }
    line.to_string()
}
