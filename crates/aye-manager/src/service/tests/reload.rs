//! Reloads, by commands and by signals.

use super::*;

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
