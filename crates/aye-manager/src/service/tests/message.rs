//! What the service says of itself, heartbeats included.

use super::*;

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
fn one_heartbeat_arms_the_watchdog_of_a_service_that_starts() {
    let mut world = World::new(Rules { watchdog: Some(secs(2)), ..rules(Type::Notify) });
    world.ask(JobKind::Start);
    world.after(secs(5));
    world.say("WATCHDOG=1");
    world.wait();
    assert_eq!((world.now, world.machine.state()), (secs(1007), State::StopWatchdog));
    world.exit(Exit::Signal(6, true));
    assert_eq!(world.machine.outcome(), Outcome::Watchdog);
    // The next start begins unarmed.
    world.ask(JobKind::Start);
    world.after(secs(10));
    assert_eq!(world.machine.state(), State::Start);
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
fn another_main_process_is_the_one_whose_end_is_shown() {
    // (messages)
    let mut world = World::running(rules(Type::Notify));
    world.say("MAINPID=77");
    assert_eq!((world.machine.main_pid(), world.machine.last_main_pid()), (Some(77), Some(77)));
    world.exit(Exit::Signal(9, false));
    assert_eq!((world.machine.main_pid(), world.machine.last_main_pid()), (None, Some(77)));
}
