//! A run, a terminal and a clock, for the tests of the rows.

use super::*;
use crate::exit::Exit;
use crate::terminal::emulator::Terminal;

/// A run, its terminal and its clock.
pub(super) struct Stage {
    pub(super) units: Vec<Shown>,
    pub(super) rows: Rows,
    pub(super) terminal: Terminal,
    pub(super) now: Instant,
    pub(super) drawings: usize,
}

pub(super) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(super) fn unit(name: &str, host: Option<&str>) -> Shown {
    let limit = Some(Duration::from_secs(90));
    Shown { name: format!("{name}.service"), host: host.map(str::to_owned), limit }
}

pub(super) fn web(count: usize) -> Vec<Shown> {
    (1..=count).map(|number| unit(&format!("web@{number}"), None)).collect()
}

impl Stage {
    pub(super) fn new(units: Vec<Shown>, terminal: Terminal) -> Self {
        let mut stage = Self { units, rows: Rows::new(false), terminal, now: Instant::now(), drawings: 0 };
        stage.tell(&Happening::Plan { doing: "restarting", ungated: &[], fresh: &[] });
        stage
    }

    pub(super) fn at(&self) -> Moment {
        Moment { now: self.now, size: self.terminal.size() }
    }

    pub(super) fn write(&mut self, text: &str) {
        self.drawings += usize::from(!text.is_empty());
        self.terminal.write(text);
    }

    pub(super) fn tell(&mut self, happening: &Happening<'_>) {
        let text = self.rows.tell(&self.units, happening, self.at());
        self.write(&text);
    }

    pub(super) fn start(&mut self, index: usize) {
        self.tell(&Happening::Start { index, enqueued: Duration::ZERO });
    }

    pub(super) fn status(&mut self, index: usize, text: &str) {
        self.tell(&Happening::Status { index, elapsed: Duration::ZERO, text });
    }

    pub(super) fn ok(&mut self, index: usize, took: u64) {
        let elapsed = millis(took);
        self.tell(&Happening::Ready { index, elapsed, became_active: Duration::ZERO });
        self.tell(&Happening::Ok { index, elapsed });
    }

    pub(super) fn fail(&mut self, index: usize, reason: &str, log: &[&str]) {
        let log = log.iter().map(|line| (*line).to_owned()).collect();
        let failure = Failure { reason: reason.to_owned(), log, ..Failure::default() };
        self.tell(&Happening::Failed { index, elapsed: Duration::ZERO, failure: &failure });
    }

    /// Lets time pass, as the driver does: once a second, for each unit in flight.
    pub(super) fn pass(&mut self, seconds: u64, in_flight: &[usize]) {
        for _ in 0..seconds {
            self.now += Duration::from_secs(1);
            for &index in in_flight {
                let enqueued = self.rows.live.iter().find(|row| row.index == index);
                let elapsed = enqueued.map_or(Duration::ZERO, |row| row.since(self.now));
                let text = self.rows.tick(&self.units, index, elapsed, self.at());
                self.write(&text);
            }
        }
    }

    #[track_caller]
    pub(super) fn shows(&self, expected: &[&str]) {
        assert_eq!(self.terminal.screen(), expected);
    }
}

pub(super) fn stopped(
    ready: Vec<usize>,
    failed: Vec<usize>,
    not_attempted: Vec<usize>,
    resume: &str,
) -> Summary {
    Summary {
        ready,
        failed,
        in_flight: vec![],
        not_attempted,
        took: millis(5000),
        exit: Exit::Failed,
        stopped: None,
        resume: Some(resume.to_owned()),
    }
}
