//! What follows the end of a run.

use super::*;

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
