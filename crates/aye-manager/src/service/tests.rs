//! The machine in simulated time: a world with a clock, a main process that does what a test says, and a log of all
//! that happened. Nothing sleeps.

use std::time::Duration;

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
        self.event(Event::Notified(Notification::of(&message)));
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

#[test]
fn a_notify_service_is_active_at_its_ready_and_not_before() {
    let mut world = World::new(rules(Type::Notify));
    world.ask(JobKind::Start);
    world.expect(State::Start, &["starting", "spawn Main"]);
    world.after(secs(2));
    world.say("STATUS=warming up");
    world.expect(State::Start, &[]);
    assert_eq!(world.machine.status(), "warming up");
    world.say("READY=1");
    world.expect(State::Running, &["ready in 2 s", "1 start done"]);
    assert_eq!(world.machine.stamps().active_enter, secs(1002));
    assert_eq!(world.machine.main_pid(), Some(101));
}

#[test]
fn a_simple_service_is_active_at_once_and_an_exec_one_when_it_has_its_program() {
    let mut world = World::new(rules(Type::Simple));
    world.ask(JobKind::Start);
    world.expect(State::Running, &["starting", "spawn Main", "ready in 0 ms", "1 start done"]);
    let mut world = World::new(rules(Type::Exec));
    world.ask(JobKind::Start);
    world.say("READY=1");
    world.expect(State::Start, &["starting", "spawn Main"]);
    world.event(Event::Executed);
    world.expect(State::Running, &["ready in 0 ms", "1 start done"]);
}

#[test]
fn an_exit_before_ready_fails_the_start() {
    for (exit, outcome, why) in [
        (Exit::Code(0), Outcome::Protocol, "exited with 0 before READY=1"),
        (Exit::Code(3), Outcome::ExitCode, "exited with 3 before READY=1"),
        (Exit::Signal(9, false), Outcome::Signal, "killed by SIGKILL before READY=1"),
        (Exit::Signal(11, true), Outcome::CoreDump, "killed by SIGSEGV (core dumped) before READY=1"),
    ] {
        let mut world = World::new(rules(Type::Notify));
        world.ask(JobKind::Start);
        world.after(secs(2));
        world.log.clear();
        world.exit(exit);
        world.expect(State::Failed, &["15 All", &format!("FAILED: {why} after 2 s"), "1 start failed"]);
        assert_eq!(world.machine.outcome(), outcome);
    }
}

#[test]
fn a_service_that_never_gets_ready_is_terminated_then_killed() {
    let mut world = World::new(rules(Type::Notify));
    world.ask(JobKind::Start);
    world.log.clear();
    world.wait();
    let timed_out = "start timed out: no READY=1 within 90 s (TimeoutStartSec=); terminating";
    world.expect(State::StopSigterm, &[timed_out, "15 All"]);
    world.wait();
    let killing = "stop timed out: still running after 90 s (TimeoutStopSec=); killing";
    world.expect(State::StopSigkill, &[killing, "9 All"]);
    world.exit(Exit::Signal(9, false));
    let failed = "FAILED: start timed out: no READY=1 within 90 s after 180 s";
    world.expect(State::Failed, &[failed, "1 start failed"]);
    assert_eq!(world.machine.outcome(), Outcome::Timeout);
}

#[test]
fn more_time_can_be_asked_for_and_never_shortens() {
    let mut world = World::new(rules(Type::Notify));
    world.ask(JobKind::Start);
    world.after(secs(80));
    world.say("EXTEND_TIMEOUT_USEC=1000000");
    assert_eq!(world.machine.deadline(), Some(secs(1090)));
    world.say("EXTEND_TIMEOUT_USEC=60000000");
    assert_eq!(world.machine.deadline(), Some(secs(1140)));
}

#[test]
fn a_program_that_does_not_exist_is_named() {
    let mut world = World::new(rules(Type::Notify));
    world.ask(JobKind::Start);
    world.log.clear();
    world.event(Event::NotExecuted("cannot execute /x: no such file".to_owned()));
    world.exit(Exit::Code(203));
    world.expect(
        State::Failed,
        &["15 All", "FAILED: cannot execute /x: no such file after 0 ms", "1 start failed"],
    );
    assert_eq!(world.machine.outcome(), Outcome::ExitCode);
}

#[test]
fn stopping_waits_for_every_process() {
    let mut world = World::running(rules(Type::Notify));
    world.ask(JobKind::Stop);
    world.expect(State::StopSigterm, &["stopping", "15 All"]);
    world.event(Event::MainExited(Exit::Signal(15, false)));
    world.expect(State::StopSigterm, &[]);
    world.event(Event::Empty);
    world.expect(State::Dead, &["stopped", "2 stop done"]);
    assert!(world.machine.was_stopped_on_request());
}

#[test]
fn a_restart_is_one_job_that_ends_when_the_new_run_is_ready() {
    let mut world = World::running(rules(Type::Notify));
    world.ask(JobKind::Restart);
    world.exit(Exit::Code(0));
    world.expect(State::Start, &["stopping", "15 All", "stopped", "starting", "spawn Main"]);
    world.say("READY=1");
    world.expect(State::Running, &["ready in 0 ms", "2 restart done"]);
    assert_eq!(world.machine.main_pid(), Some(102));
}

#[test]
fn a_restart_fails_when_the_new_run_does() {
    let mut world = World::running(rules(Type::Notify));
    world.ask(JobKind::Restart);
    world.exit(Exit::Code(0));
    world.log.clear();
    world.exit(Exit::Code(1));
    world.expect(
        State::Failed,
        &["15 All", "FAILED: exited with 1 before READY=1 after 0 ms", "2 restart failed"],
    );
}

#[test]
fn a_new_job_takes_the_place_of_the_old_one() {
    let mut world = World::new(rules(Type::Notify));
    world.ask(JobKind::Start);
    world.ask(JobKind::Stop);
    world.expect(State::StopSigterm, &["starting", "spawn Main", "1 start canceled", "stopping", "15 All"]);
    world.ask(JobKind::Start);
    world.exit(Exit::Code(0));
    world.expect(State::Start, &["2 stop canceled", "stopped", "starting", "spawn Main"]);
    world.say("READY=1");
    world.expect(State::Running, &["ready in 0 ms", "3 start done"]);
}

#[test]
fn a_start_asked_for_while_a_failed_run_ends_begins_afterwards() {
    let mut world = World::running(rules(Type::Notify));
    world.event(Event::MainExited(Exit::Code(1)));
    world.ask(JobKind::Start);
    world.event(Event::Empty);
    world.say("READY=1");
    assert_eq!(world.machine.state(), State::Running);
    assert_eq!(world.log.last().unwrap(), "2 start done");
}

#[test]
fn what_is_already_so_is_done_at_once() {
    let mut world = World::running(rules(Type::Notify));
    world.ask(JobKind::Start);
    world.expect(State::Running, &["2 start done"]);
    let mut world = World::new(rules(Type::Notify));
    world.ask(JobKind::Stop);
    world.ask(JobKind::Reload);
    world.expect(State::Dead, &["1 stop done", "2 reload invalid"]);
}

#[test]
fn a_failure_is_followed_by_another_start_after_the_delay() {
    let mut world = World::running(Rules { restart: Restart::OnFailure, ..rules(Type::Notify) });
    world.exit(Exit::Code(1));
    world.expect(State::AutoRestart, &["15 All", "FAILED: exited with 1 after 0 ms", "restart 1 in 100 ms"]);
    world.wait();
    world.say("READY=1");
    assert_eq!((world.machine.state(), world.machine.restarts()), (State::Running, 1));
    world.exit(Exit::Code(0));
    assert_eq!(world.machine.state(), State::Dead, "a clean exit is no failure");
}

#[test]
fn every_restart_policy_follows_the_table_of_the_man_page() {
    let exits = [
        Exit::Code(0),
        Exit::Code(1),
        Exit::Signal(15, false),
        Exit::Signal(9, false),
        Exit::Signal(6, true),
    ];
    for (restart, expected) in [
        (Restart::No, [false; 5]),
        (Restart::Always, [true; 5]),
        (Restart::OnSuccess, [true, false, true, false, false]),
        (Restart::OnFailure, [false, true, false, true, true]),
        (Restart::OnAbnormal, [false, false, false, true, true]),
        (Restart::OnAbort, [false, false, false, true, true]),
        (Restart::OnWatchdog, [false; 5]),
    ] {
        let restarted = exits.map(|exit| {
            let mut world = World::running(Rules { restart, ..rules(Type::Notify) });
            world.exit(exit);
            world.machine.state() == State::AutoRestart
        });
        assert_eq!(restarted, expected, "{restart:?}");
    }
}

#[test]
fn a_stop_that_was_asked_for_is_never_followed_by_a_start() {
    let mut world = World::running(Rules { restart: Restart::Always, ..rules(Type::Notify) });
    world.ask(JobKind::Stop);
    world.exit(Exit::Code(1));
    assert_eq!(world.machine.state(), State::Failed);
    let mut world = World::running(Rules { restart: Restart::Always, ..rules(Type::Notify) });
    world.exit(Exit::Code(1));
    world.log.clear();
    world.ask(JobKind::Stop);
    world.expect(State::Dead, &["2 stop done"]);
    assert_eq!(world.machine.deadline(), None);
}

#[test]
fn starting_too_often_ends_the_restarts() {
    let mut world = World::running(Rules { restart: Restart::Always, ..rules(Type::Notify) });
    for _ in 0..4 {
        world.exit(Exit::Code(1));
        world.wait();
    }
    world.exit(Exit::Code(1));
    world.log.clear();
    world.wait();
    world.expect(
        State::Failed,
        &["not started again: 5 starts within 10 s (StartLimitBurst=, StartLimitIntervalSec=)"],
    );
    assert_eq!(world.machine.outcome(), Outcome::StartLimitHit);
    world.ask(JobKind::Start);
    assert_eq!(world.log.last().unwrap(), "2 start failed");
    world.event(Event::Reset);
    world.ask(JobKind::Start);
    assert_eq!(world.machine.state(), State::Start);
}

#[test]
fn the_watchdog_waits_for_ready_and_then_for_every_heartbeat() {
    let mut world = World::new(Rules { watchdog: Some(secs(2)), ..rules(Type::Notify) });
    world.ask(JobKind::Start);
    world.after(secs(10));
    world.say("READY=1");
    for _ in 0..5 {
        world.after(secs(1));
        world.say("WATCHDOG=1");
    }
    assert_eq!(world.machine.state(), State::Running);
    world.log.clear();
    world.wait();
    assert_eq!(world.now, secs(1017));
    world.expect(
        State::StopWatchdog,
        &["watchdog: no WATCHDOG=1 within 2 s (WatchdogSec=); aborting", "6 All"],
    );
    world.exit(Exit::Signal(6, true));
    world.expect(State::Failed, &["FAILED: killed by the watchdog: no WATCHDOG=1 within 2 s after 17 s"]);
    assert_eq!(world.machine.outcome(), Outcome::Watchdog);
}

#[test]
fn the_service_sets_its_own_watchdog() {
    let mut world = World::running(rules(Type::Notify));
    assert_eq!(world.machine.deadline(), None);
    world.say("WATCHDOG_USEC=3000000");
    assert_eq!(world.machine.deadline(), Some(secs(1003)));
    world.say("EXTEND_TIMEOUT_USEC=60000000");
    assert_eq!(world.machine.deadline(), Some(secs(1060)));
    world.say("WATCHDOG_USEC=0");
    assert_eq!(world.machine.deadline(), None);
    world.say("WATCHDOG=trigger");
    assert_eq!(world.machine.state(), State::StopWatchdog);
}

#[test]
fn a_service_that_says_it_stops_has_its_time_to_do_so() {
    let mut world = World::running(rules(Type::Notify));
    world.say("STOPPING=1");
    world.expect(State::StopSigterm, &["stopping"]);
    world.say("READY=1");
    world.exit(Exit::Code(0));
    world.expect(State::Dead, &["stopped"]);
    let mut world = World::running(rules(Type::Notify));
    world.say("READY=1\nRELOADING=1\nSTOPPING=1");
    assert_eq!(world.machine.state(), State::StopSigterm, "STOPPING beats both");
}

#[test]
fn stopping_is_the_last_word_of_a_run() {
    let mut world = World::new(Rules { restart: Restart::Always, ..rules(Type::Notify) });
    world.ask(JobKind::Start);
    world.say("STOPPING=1");
    world.say("READY=1");
    assert_eq!(world.machine.state(), State::Start);
    world.exit(Exit::Code(0));
    world.wait();
    world.say("READY=1");
    assert_eq!(world.machine.state(), State::Running, "the next run begins anew");
}

#[test]
fn a_reload_ends_with_its_command_and_the_ready_that_follows() {
    let mut world = World::running(rules(Type::Notify));
    world.ask(JobKind::Reload);
    world.expect(State::Reload, &["spawn Reload(0)"]);
    world.say("RELOADING=1\nMONOTONIC_USEC=1");
    world.event(Event::ControlExited(Exit::Code(0)));
    world.expect(State::ReloadNotify, &[]);
    world.say("READY=1");
    world.expect(State::Running, &["2 reload done"]);

    world.ask(JobKind::Reload);
    world.event(Event::ControlExited(Exit::Code(7)));
    world.expect(
        State::Running,
        &["spawn Reload(0)", "reload failed: ExecReload= exited with 7", "3 reload failed"],
    );
}

#[test]
fn notify_reload_believes_only_an_answer_to_this_reload() {
    let mut world = World::running(Rules { reload_commands: Vec::new(), ..rules(Type::NotifyReload) });
    world.ask(JobKind::Reload);
    world.expect(State::ReloadSignal, &["1 Main"]);
    world.say("RELOADING=1\nMONOTONIC_USEC=999000000");
    assert_eq!(world.machine.state(), State::ReloadSignal, "an answer from before");
    world.say("READY=1");
    assert_eq!(world.machine.state(), State::ReloadSignal);
    world.say("RELOADING=1\nMONOTONIC_USEC=1000000001\nREADY=1");
    world.expect(State::Running, &["2 reload done"]);
}

#[test]
fn a_reload_that_hangs_is_given_up_and_the_service_goes_on() {
    let mut world = World::running(rules(Type::Notify));
    world.ask(JobKind::Reload);
    world.log.clear();
    world.wait();
    let failed = "reload failed: it did not end within TimeoutStartSec=";
    world.expect(State::Running, &["9 Control", failed, "2 reload failed"]);
}

#[test]
fn processes_that_survive_sigkill_do_not_hold_the_unit_for_ever() {
    let mut world = World::running(rules(Type::Notify));
    world.ask(JobKind::Stop);
    world.wait();
    world.wait();
    assert_eq!((world.machine.state(), world.machine.deadline()), (State::Failed, None));
    assert_eq!(world.log.last().unwrap(), "2 stop done");
}

mod random {
    use super::*;
    use proptest::prelude::*;

    fn event() -> impl Strategy<Value = (u8, u8)> {
        (0..16_u8, any::<u8>())
    }

    fn apply(world: &mut World, (what, how): (u8, u8)) {
        match what {
            0 => world.ask(JobKind::Start),
            1 => world.ask(JobKind::Stop),
            2 => world.ask(JobKind::Restart),
            3 => world.ask(JobKind::Reload),
            4 => world.say("READY=1"),
            5 => world.say("RELOADING=1\nMONOTONIC_USEC=9999999999"),
            6 => world.say("STOPPING=1"),
            7 => world.say("WATCHDOG=1"),
            8 => world.say("WATCHDOG=trigger"),
            9 if world.machine.main_pid().is_some() => {
                world.event(Event::MainExited(Exit::Code((how % 3).into())));
            }
            10 if world.machine.control_pid().is_some() => {
                world.event(Event::ControlExited(Exit::Code((how % 2).into())));
            }
            11 if world.machine.main_pid().is_none() => world.event(Event::Empty),
            12 | 13 if world.machine.deadline().is_some() => world.wait(),
            14 => world.event(Event::Reset),
            _ => world.after(Duration::from_millis(how.into())),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn every_job_ends_once_and_every_state_has_a_way_out(
            events in proptest::collection::vec(event(), 1..60),
            kind in prop_oneof![Just(Type::Simple), Just(Type::Exec), Just(Type::Notify), Just(Type::NotifyReload)],
            restart in prop_oneof![Just(Restart::No), Just(Restart::OnFailure), Just(Restart::Always)],
        ) {
            let watchdog = Some(secs(2));
            let mut world = World::new(Rules { watchdog, restart, ..rules(kind) });
            for event in events {
                apply(&mut world, event);
                let machine = &world.machine;
                prop_assert!(!machine.state().is_down() || machine.main_pid().is_none());
                prop_assert!(!machine.state().is_stopping() || machine.deadline().is_some());
                prop_assert!(machine.state().is_stopping() || machine.state().is_down() || machine.main_pid().is_some());
                prop_assert!(machine.state() != State::AutoRestart || machine.deadline().is_some());
            }
            world.ask(JobKind::Stop);
            for _ in 0..4 {
                if !world.machine.state().is_down() {
                    world.wait();
                }
            }
            prop_assert!(matches!(world.machine.state(), State::Dead | State::Failed), "{:?}", world.machine.state());
            for id in 1..=world.jobs {
                let ends = world.log.iter().filter(|line| line.starts_with(&format!("{id} "))).filter(|line| {
                    ["start", "stop", "restart", "reload"].iter().any(|kind| line.contains(kind))
                });
                prop_assert_eq!(ends.count(), 1, "job {} in {:?}", id, &world.log);
            }
        }
    }
}

// Found by holding `aye run` against live systemd: tests/systemd/cases of the names in parentheses.

#[test]
fn a_program_that_is_missing_behind_a_dash_is_a_protocol_failure() {
    // (start-failing)
    let mut world = World::new(Rules { ignores_failure: true, ..rules(Type::Notify) });
    world.ask(JobKind::Start);
    world.event(Event::NotExecuted("cannot execute /x: no such file".to_owned()));
    world.exit(Exit::Code(203));
    assert_eq!((world.machine.state(), world.machine.outcome()), (State::Failed, Outcome::Protocol));
}

#[test]
fn a_failed_reload_says_what_it_came_to_and_one_behind_a_dash_does_not_fail() {
    // (reload)
    for (exit, outcome) in [(Exit::Code(1), Outcome::ExitCode), (Exit::Signal(15, false), Outcome::Signal)] {
        for ignored in [false, true] {
            let mut world = World::running(Rules { reload_commands: vec![ignored], ..rules(Type::Notify) });
            world.ask(JobKind::Reload);
            world.event(Event::ControlExited(exit));
            let expected = if ignored { Outcome::Success } else { outcome };
            assert_eq!((world.machine.state(), world.machine.reload_outcome()), (State::Running, expected));
        }
    }
}

#[test]
fn a_notify_reload_service_gets_its_signal_and_its_commands() {
    // (reload)
    let mut world = World::running(rules(Type::NotifyReload));
    world.ask(JobKind::Reload);
    world.expect(State::Reload, &["1 Main", "spawn Reload(0)"]);
    world.say("RELOADING=1\nMONOTONIC_USEC=1000000000");
    world.event(Event::ControlExited(Exit::Code(0)));
    world.expect(State::ReloadNotify, &[]);
    world.say("READY=1");
    world.expect(State::Running, &["2 reload done"]);
}

#[test]
fn a_service_that_ends_well_during_a_reload_ends_the_reload_well() {
    // (reload)
    for (exit, expected) in [(Exit::Signal(1, false), "2 reload done"), (Exit::Code(1), "2 reload failed")] {
        let mut world = World::running(Rules { reload_commands: Vec::new(), ..rules(Type::NotifyReload) });
        world.ask(JobKind::Reload);
        world.exit(exit);
        assert_eq!(world.log.last().map(String::as_str), Some(expected));
    }
}

#[test]
fn a_command_of_a_reload_that_a_stop_terminates_fails_the_unit() {
    // (jobs)
    let mut world = World::running(rules(Type::Notify));
    world.ask(JobKind::Reload);
    world.ask(JobKind::Stop);
    world.event(Event::ControlExited(Exit::Signal(15, false)));
    world.exit(Exit::Signal(15, false));
    assert_eq!((world.machine.state(), world.machine.outcome()), (State::Failed, Outcome::Signal));
}

#[test]
fn jobs_that_meet_become_one_unless_one_of_them_is_a_stop() {
    // (jobs)
    use JobKind::{Reload, Restart, Start, Stop};
    let becomes = |kind| Meeting::Becomes(Job { id: 1, kind });
    let cases = [
        (Stop, Start, Meeting::Apart),
        (Start, Stop, Meeting::Apart),
        (Reload, Stop, Meeting::Apart),
        (Start, Start, Meeting::Joins(1)),
        (Start, Reload, Meeting::Joins(1)),
        (Start, Restart, becomes(Restart)),
        (Restart, Start, Meeting::Joins(1)),
        (Restart, Restart, becomes(Restart)), // the first has come to its start
    ];
    for (current, asked, expected) in cases {
        let mut world = if current == Start || current == Restart {
            World::new(rules(Type::Notify))
        } else {
            World::running(rules(Type::Notify))
        };
        world.jobs = 0;
        world.ask(current);
        assert_eq!(world.machine.meeting(asked), expected, "{asked:?} during {current:?}");
    }
}

#[test]
fn a_restart_during_a_start_is_the_same_job_begun_anew() {
    // (jobs)
    let mut world = World::new(rules(Type::Notify));
    world.ask(JobKind::Start);
    world.log.clear();
    world.event(Event::Request(Job { id: 1, kind: JobKind::Restart }));
    world.expect(State::StopSigterm, &["stopping", "15 All"]);
    world.exit(Exit::Signal(15, false));
    world.say("READY=1");
    world.expect(State::Running, &["stopped", "starting", "spawn Main", "ready in 0 ms", "1 restart done"]);
}

#[test]
fn a_reload_during_a_reload_is_one_more_after_it() {
    // (jobs)
    let mut world = World::running(rules(Type::Notify));
    world.ask(JobKind::Reload);
    let Meeting::Becomes(job) = world.machine.meeting(JobKind::Reload) else {
        panic!("it would not run again")
    };
    world.event(Event::Request(job));
    world.event(Event::ControlExited(Exit::Code(0)));
    world.expect(State::Reload, &["spawn Reload(0)", "spawn Reload(0)"]);
    world.event(Event::ControlExited(Exit::Code(0)));
    world.expect(State::Running, &["2 reload done"]);
}

#[test]
fn a_start_while_a_restart_is_awaited_counts_as_that_restart() {
    // (restart-policy)
    let mut world = World::running(Rules { restart: Restart::OnFailure, ..rules(Type::Notify) });
    world.exit(Exit::Code(3));
    assert_eq!(world.machine.state(), State::AutoRestart);
    world.event(Event::Reset);
    assert_eq!((world.machine.state(), world.machine.outcome()), (State::AutoRestart, Outcome::Success));
    world.ask(JobKind::Start);
    assert_eq!((world.machine.state(), world.machine.restarts()), (State::Start, 1));
}

#[test]
fn another_main_process_is_the_one_whose_end_is_shown() {
    // (messages)
    let mut world = World::running(rules(Type::Notify));
    world.say("MAINPID=77");
    assert_eq!((world.machine.main_pid(), world.machine.last_main_pid()), (Some(77), Some(77)));
    world.exit(Exit::Signal(9, false));
    assert_eq!((world.machine.main_pid(), world.machine.last_main_pid()), (None, Some(77)));
}
