//! The way down.

use super::*;

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
fn processes_that_survive_sigkill_do_not_hold_the_unit_for_ever() {
    let mut world = World::running(rules(Type::Notify));
    world.ask(JobKind::Stop);
    world.wait();
    world.wait();
    assert_eq!((world.machine.state(), world.machine.deadline()), (State::Failed, None));
    assert_eq!(world.log.last().unwrap(), "2 stop done");
}

// Found by holding `aye run` against live systemd: tests/systemd/cases of the names in parentheses.
