//! What a trace looks like: as a timeline for people, as NDJSON, or as the datagrams themselves.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::time::{Duration, SystemTime};

use super::super::Args;
use super::super::scene::{Event, Scene};
use super::super::timeline::{Look, Tally, Timeline};
use super::super::{json, raw};
use super::sink::Sink;

/// A trace on its way to whoever reads.
#[derive(Debug)]
pub(super) struct View {
    form: Form,
    sink: Sink,
}

#[derive(Debug)]
enum Form {
    Lines(Box<Timeline>),
    Json(Box<Scene>, Box<Tally>),
    Raw,
}

/// Where it goes, opened before anything is started: standard error, because standard output is the program's.
pub(super) fn target(args: &Args) -> Result<Option<File>, String> {
    let Some(path) = &args.output else {
        return Ok(None);
    };
    File::create(path)
        .map(Some)
        .map_err(|error| format!("cannot write the trace to {}: {error}", path.display()))
}

impl View {
    pub(super) fn new(args: &Args, scene: Scene, target: Option<File>) -> Self {
        let look = if target.is_none() { look() } else { Look { width: usize::MAX, colour: false } };
        let form = if args.json {
            Form::Json(Box::new(scene.clone()), Box::new(Tally::new(scene)))
        } else if args.raw {
            Form::Raw
        } else {
            Form::Lines(Box::new(Timeline::new(scene, look)))
        };
        let sink = match target {
            Some(file) => Sink::new(file),
            None => Sink::new(io::stderr()),
        };
        Self { form, sink }
    }

    pub(super) fn show(&mut self, event: &Event) {
        match &mut self.form {
            Form::Lines(timeline) => timeline.feed(event).into_iter().for_each(|line| self.sink.line(line)),
            Form::Json(scene, tally) => {
                tally.feed(event);
                self.sink.line(json::line(event, scene));
            }
            Form::Raw => {
                Some(raw::line(event)).filter(|l| !l.is_empty()).into_iter().for_each(|l| self.sink.line(l));
            }
        }
    }

    /// When time itself is worth a line.
    pub(super) fn next_wake(&self) -> Option<Duration> {
        match &self.form {
            Form::Lines(timeline) => timeline.next_wake(),
            Form::Json(..) | Form::Raw => None,
        }
    }

    pub(super) fn wake(&mut self, at: Duration) {
        if let Form::Lines(timeline) = &mut self.form {
            timeline.wake(at).into_iter().for_each(|line| self.sink.line(line));
        }
    }

    /// The last lines; they are written when this returns, unless nobody reads.
    pub(super) fn finish(mut self, at: Duration) {
        match &mut self.form {
            Form::Lines(timeline) => timeline.finish(at).into_iter().for_each(|line| self.sink.line(line)),
            Form::Json(_, tally) => self.sink.line(json::summary(tally, at, SystemTime::now())),
            Form::Raw => {}
        }
    }
}

fn look() -> Look {
    let terminal = io::stderr().is_terminal();
    let width = rustix::termios::tcgetwinsize(io::stderr()).ok().filter(|_| terminal);
    let width = width.map_or(0, |size| usize::from(size.ws_col));
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Look { width: if width == 0 { usize::MAX } else { width }, colour: terminal && !plain }
}
