//! What is shown of a trace: the lines of the timeline, one object for each event, or the datagrams. A thread writes them, so
//! that a reader that stops does not stop the unit. Standard output is the trace's: no program of ours writes there.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant, SystemTime};

use crate::trace::relay::sink::Sink;
use crate::trace::scene::{Event, Scene};
use crate::trace::timeline::{Look, Tally, Timeline};
use crate::trace::{Args, json, raw};

/// The way to whoever reads.
#[derive(Debug)]
pub(super) struct Show {
    sink: Sink,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Lines(Box<Timeline>),
    Objects(Box<(Scene, Tally)>),
    Raw,
}

impl Show {
    /// `file` is that of `-o`, opened before anything is touched.
    pub(super) fn new(args: &Args, file: Option<File>, scene: Scene) -> Self {
        let form = if args.json {
            Form::Objects(Box::new((scene.clone(), Tally::new(scene))))
        } else if args.raw {
            Form::Raw
        } else {
            Form::Lines(Box::new(Timeline::new(scene, look(file.is_none()))))
        };
        let sink = match file {
            Some(file) => Sink::new(file),
            None => Sink::new(io::stdout()),
        };
        Self { sink, form }
    }

    pub(super) fn feed(&mut self, event: &Event) {
        match &mut self.form {
            Form::Lines(timeline) => timeline.feed(event).into_iter().for_each(|line| self.sink.line(line)),
            Form::Objects(objects) => {
                objects.1.feed(event);
                self.sink.line(json::line(event, &objects.0));
            }
            Form::Raw => {
                let line = raw::line(event);
                if !line.is_empty() {
                    self.sink.line(line);
                }
            }
        }
    }

    /// When [`Show::wake`] has something to say.
    pub(super) fn next_wake(&self, began: Instant) -> Option<tokio::time::Instant> {
        match &self.form {
            Form::Lines(timeline) => timeline.next_wake().map(|at| (began + at).into()),
            Form::Objects(_) | Form::Raw => None,
        }
    }

    pub(super) fn wake(&mut self, at: Duration) {
        if let Form::Lines(timeline) = &mut self.form {
            timeline.wake(at).into_iter().for_each(|line| self.sink.line(line));
        }
    }

    pub(super) fn finish(&mut self, at: Duration) {
        match &mut self.form {
            Form::Lines(timeline) => timeline.finish(at).into_iter().for_each(|line| self.sink.line(line)),
            Form::Objects(objects) => self.sink.line(json::summary(&objects.1, at, SystemTime::now())),
            Form::Raw => {}
        }
    }
}

fn look(on_output: bool) -> Look {
    let terminal = on_output && io::stdout().is_terminal();
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok().filter(|_| terminal);
    let width = size.map_or(0, |size| usize::from(size.ws_col));
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Look { width: if width == 0 { usize::MAX } else { width }, colour: terminal && !plain }
}
