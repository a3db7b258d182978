//! Hands what happens to whoever listens: people on stderr, programs on stdout, and the page that is kept.

use std::io::{self, Stdout};
use std::time::{Duration, Instant, SystemTime};

use super::args::Args;
use super::json::Json;
use super::page::Page;
use super::progress::Progress;
use super::report::{Happening, Shown, Summary};
use super::resume;
use super::rollout::{Final, Rollout, Stop};
use crate::exit::Exit;

/// Tells of the run, to people and to programs.
pub(super) struct Reporter<'a> {
    args: &'a Args,
    units: Vec<Shown>,
    ungated: Vec<usize>,
    fresh: Vec<String>,
    progress: Progress,
    json: Option<Json<Stdout>>,
    page: Option<Page>,
    began: Instant,
}

/// What there is to tell about, before anything has happened.
pub(super) struct Subjects {
    pub(super) units: Vec<Shown>,
    /// Those without a readiness to wait for.
    pub(super) ungated: Vec<usize>,
    /// What is left out because it runs a new start already.
    pub(super) fresh: Vec<String>,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(args: &'a Args, subjects: Subjects, page: Option<Page>) -> Self {
        Self {
            args,
            units: subjects.units,
            ungated: subjects.ungated,
            fresh: subjects.fresh,
            progress: Progress::new(args.progress),
            json: args.json.then(|| Json::new(io::stdout(), local_name())),
            page,
            began: Instant::now(),
        }
    }

    /// Whether the passing of time is shown, so that `tick` is wanted.
    pub(super) fn moves(&self) -> bool {
        self.progress.moves()
    }

    /// Shows how long a unit has been starting.
    pub(super) fn tick(&mut self, index: usize, elapsed: Duration) {
        self.progress.tick(&self.units, index, elapsed);
    }

    /// Tells it to everybody.
    pub(super) fn tell(&mut self, happening: &Happening<'_>) {
        if let Some(json) = &mut self.json
            && let Err(error) = json.tell(&self.units, happening, SystemTime::now())
        {
            crate::complain(format_args!("aye restart: cannot write JSON to stdout any more: {error}"));
            self.json = None;
        }
        let at = self.began.elapsed();
        if let Some(page) = &mut self.page
            && let Err(error) = page.tell(&self.units, happening, at, SystemTime::now())
        {
            crate::complain(format_args!("aye restart: the report could not be written: {error}"));
        }
        self.progress.tell(&self.units, happening);
    }

    /// Tells what will be done.
    pub(super) fn plan(&mut self) {
        let (ungated, fresh) = (std::mem::take(&mut self.ungated), std::mem::take(&mut self.fresh));
        self.tell(&Happening::Plan { doing: self.args.doing(), ungated: &ungated, fresh: &fresh });
    }

    /// Tells how it ended; nothing comes after it.
    pub(super) fn summary(&mut self, rollout: &Rollout, exit: Exit) {
        let of = |wanted: Final| (0..self.units.len()).filter(|&i| rollout.outcome(i) == wanted).collect();
        let not_attempted: Vec<usize> = of(Final::NotAttempted);
        let failed: Vec<usize> = of(Final::Failed);
        let stopped = rollout.stopped().filter(|_| !not_attempted.is_empty());
        let summary = Summary {
            ready: of(Final::Ok),
            in_flight: of(Final::Left),
            stopped: stopped.and_then(|stop| self.why(&stop)),
            resume: self.resume(&not_attempted),
            failed,
            not_attempted,
            took: self.began.elapsed(),
            exit,
        };
        self.tell(&Happening::Summary(&summary));
    }

    /// Tells what would be done, or what was refused as a whole: nothing was touched.
    pub(super) fn untouched(mut self, exit: Exit, stopped: Option<String>) -> Exit {
        self.plan();
        let not_attempted: Vec<usize> = (0..self.units.len()).collect();
        let summary = Summary {
            ready: Vec::new(),
            failed: Vec::new(),
            in_flight: Vec::new(),
            resume: self.resume(&not_attempted),
            not_attempted,
            took: self.began.elapsed(),
            exit,
            stopped,
        };
        self.tell(&Happening::Summary(&summary));
        exit
    }

    fn why(&self, stop: &Stop) -> Option<String> {
        Some(match stop {
            Stop::Budget { failed } => {
                format!("{failed} failed, and --max-failures is {}", self.args.max_failures)
            }
            Stop::Deadline => "the deadline of the run has passed".to_owned(),
            Stop::Availability => {
                let least = self.args.min_available.map(|least| least.to_string()).unwrap_or_default();
                format!("one more would leave fewer active units than --min-available {least}")
            }
            Stop::Denied => "not permitted".to_owned(),
            Stop::Unreachable => "the link was lost and not regained".to_owned(),
            Stop::Interrupted => return None,
        })
    }

    /// The command that restarts what was not attempted. Where hosts differ in that, it names all units again and leaves alone
    /// what has been restarted.
    fn resume(&self, not_attempted: &[usize]) -> Option<String> {
        let mut by_host: Vec<(Option<&str>, Vec<&str>)> = Vec::new();
        for &index in not_attempted {
            let unit = &self.units[index];
            match by_host.iter_mut().find(|(host, _)| *host == unit.host.as_deref()) {
                Some((_, names)) => names.push(&unit.name),
                None => by_host.push((unit.host.as_deref(), vec![&unit.name])),
            }
        }
        let (_, first) = by_host.first()?;
        let hosts = self.args.place.host.len().max(1);
        if by_host.len() == hosts && by_host.iter().all(|(_, names)| names == first) {
            return resume::command(&self.args.options(), first);
        }
        let mut options = self.args.options();
        if !self.args.only_stale {
            options.push("--only-stale".to_owned());
        }
        let patterns: Vec<&str> = self.args.units.iter().map(String::as_str).collect();
        resume::command(&options, &patterns)
    }
}

/// The name of this machine, for the reports.
pub(super) fn local_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_default()
}
