//! The way up.

use super::*;

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
    let failed = "FAILED: start timed out: no READY=1 within 90 s after 3 min";
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
fn a_program_that_is_missing_behind_a_dash_is_a_protocol_failure() {
    // (start-failing)
    let mut world = World::new(Rules { ignores_failure: true, ..rules(Type::Notify) });
    world.ask(JobKind::Start);
    world.event(Event::NotExecuted("cannot execute /x: no such file".to_owned()));
    world.exit(Exit::Code(203));
    assert_eq!((world.machine.state(), world.machine.outcome()), (State::Failed, Outcome::Protocol));
}
