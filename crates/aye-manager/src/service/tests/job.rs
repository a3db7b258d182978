//! Jobs, and jobs that meet.

use super::*;

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
