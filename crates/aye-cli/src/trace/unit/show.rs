//! What is shown of a trace: the lines of the timeline, or one object for each event. A thread writes them, so that a reader
//! that stops does not stop the unit.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant, SystemTime};

use crate::output::{Output, Stream};
use crate::trace::json;
use crate::trace::scene::{Event, Scene};
use crate::trace::timeline::{Look, Timeline};
use crate::trace::timeline::Tally;

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
            Form::Lines(timeline) => timeline.feed(event),
            Form::Objects(objects) => {
                objects.1.feed(event);
                vec![json::line(event, &objects.0)]
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
