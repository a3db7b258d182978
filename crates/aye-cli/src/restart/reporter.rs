//! Hands what happens to whoever listens: people on stderr, programs on stdout.

use std::io::{self, Stdout};
use std::time::{Duration, Instant, SystemTime};

use aye_bus::{Service, Unit, Verb};

use super::Args;
use super::drive::plan;
use super::json::Json;
use super::progress::Progress;
use super::report::{Happening, Shown, Summary};
use super::rollout::{Final, Rollout};
use crate::exit::Exit;

/// Tells of the run, to people and to programs.
pub(super) struct Reporter<'a> {
    args: &'a Args,
    units: Vec<Shown>,
    ungated: Vec<usize>,
    progress: Progress,
    json: Option<Json<Stdout>>,
    began: Instant,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(args: &'a Args, units: &[Unit]) -> Self {
        let says = |unit: &Unit| unit.service.as_ref().is_none_or(Service::says_when_ready);
        let gated = |unit: &Unit| unit.load != "loaded" || says(unit);
        Self {
            args,
            units: units.iter().map(shown).collect(),
            ungated: (0..units.len()).filter(|&index| !gated(&units[index])).collect(),
            progress: Progress::new(args.progress),
            json: args.json.then(|| Json::new(io::stdout(), host())),
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

    /// What was asked for.
    pub(super) fn verb(&self) -> Verb {
        self.args.verb()
    }

    /// Tells it to everybody.
    pub(super) fn tell(&mut self, happening: &Happening<'_>) {
        if let Some(json) = &mut self.json
            && let Err(error) = json.tell(&self.units, happening, SystemTime::now())
        {
            crate::complain(format_args!("aye restart: cannot write JSON to stdout any more: {error}"));
            self.json = None;
        }
        self.progress.tell(&self.units, happening);
    }

    /// Tells what will be done.
    pub(super) fn plan(&mut self) {
        let ungated = std::mem::take(&mut self.ungated);
        self.tell(&Happening::Plan { ungated: &ungated, fresh: &[] });
    }

    /// Tells how it ended; nothing comes after it.
    pub(super) fn summary(&mut self, rollout: &Rollout, exit: Exit) {
        let these =
            |end: Final| (0..self.units.len()).filter(|&i| rollout.outcome(i) == end).collect::<Vec<_>>();
        let not_attempted = these(Final::NotAttempted);
        let (ready, failed, in_flight) = (these(Final::Ok), these(Final::Failed), these(Final::Left));
        let names: Vec<&str> = not_attempted.iter().map(|&i| self.units[i].name.as_str()).collect();
        let resume = self.args.resume(&names);
        self.tell(&Happening::Summary(&Summary {
            ready,
            failed,
            in_flight,
            not_attempted,
            took: self.began.elapsed(),
            exit,
            stopped: None,
            resume,
        }));
    }

    /// Tells what would be done.
    pub(super) fn dry(mut self) -> Exit {
        let rollout = Rollout::new(plan(self.units.len()));
        self.plan();
        self.summary(&rollout, Exit::Done);
        Exit::Done
    }
}

fn shown(unit: &Unit) -> Shown {
    let limit = unit.service.as_ref().and_then(|service| service.start_timeout);
    Shown { name: unit.name.clone(), host: None, limit }
}

/// The name of this machine, for the reports.
fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_default()
}
