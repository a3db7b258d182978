//! The machine in simulated time: a world with a clock, a main process that does what a test says, and a log of all
//! that happened. Nothing sleeps.

mod down;
mod job;
mod message;
mod random;
mod reload;
mod restart;
mod start;

use std::time::Duration;

use aye::verdict::{Context, Process, judge};
use rustix::process::Signal;

use super::*;
use crate::unit::{Restart, Type};

fn rules(kind: Type) -> Rules {
    Rules {
        kind,
        timeout_start: Some(secs(90)),
        timeout_stop: Some(secs(90)),
        watchdog: None,
        restart: Restart::No,
        restart_delay: Duration::from_millis(100),
        kill_signal: Signal::TERM,
        reload_signal: Signal::HUP,
        reload_commands: vec![false],
        success_exit_status: Vec::new(),
        ignores_failure: false,
        start_limit_interval: secs(10),
        start_limit_burst: 5,
    }
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A machine, its clock and its log.
struct World {
    machine: Machine,
    now: Stamp,
    jobs: JobId,
    pids: u32,
    log: Vec<String>,
}

impl World {
    fn new(rules: Rules) -> Self {
        Self { machine: Machine::new(rules), now: secs(1000), jobs: 0, pids: 100, log: Vec::new() }
    }

    fn event(&mut self, event: Event) {
        for action in self.machine.handle(event, self.now) {
            match action {
                Action::Spawn(what) => {
                    self.log.push(format!("spawn {what:?}"));
                    self.pids += 1;
                    self.event(Event::Spawned(what, self.pids));
                }
                Action::Signal(signal, target) => self.log.push(format!("{} {target:?}", signal.as_raw())),
                Action::JobRemoved(job, result) => {
                    self.log.push(format!("{} {} {}", job.id, job.kind.as_str(), result.as_str()));
                }
                Action::Report(report) => self.log.push(report.to_string()),
            }
        }
    }

    fn ask(&mut self, kind: JobKind) {
        self.jobs += 1;
        self.event(Event::Request(Job { id: self.jobs, kind }));
    }

    fn say(&mut self, text: &str) {
        let message = aye::Message::parse(text.as_bytes()).unwrap();
        let context = Context { main_pid: Process::Member, ..self.machine.context() };
        self.event(Event::Notified(Notification::of(&judge(&message, &context))));
    }

    /// The main process ends and leaves nothing behind.
    fn exit(&mut self, exit: Exit) {
        self.event(Event::MainExited(exit));
        self.event(Event::Empty);
    }

    /// Jumps to the next deadline.
    fn wait(&mut self) {
        self.now = self.machine.deadline().expect("something is awaited");
        self.event(Event::Elapsed);
    }

    fn after(&mut self, time: Duration) {
        self.now += time;
        self.event(Event::Elapsed);
    }

    #[track_caller]
    fn expect(&mut self, state: State, log: &[&str]) {
        assert_eq!(
            (self.machine.state(), &self.log[..]),
            (state, &log.iter().map(ToString::to_string).collect::<Vec<_>>()[..])
        );
        self.log.clear();
    }

    fn running(rules: Rules) -> Self {
        let mut world = Self::new(rules);
        world.ask(JobKind::Start);
        world.say("READY=1");
        assert_eq!(world.machine.state(), State::Running);
        world.log.clear();
        world
    }
}
