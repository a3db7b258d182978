//! The state machine in simulated time.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

struct World {
    keeper: Keeper,
    start: Instant,
    at: Duration,
}

fn plan(ready: &[&str], alive: &[&str]) -> Plan {
    let names: Vec<String> = ready.iter().chain(alive).map(|&name| name.to_owned()).collect();
    let tried = names.iter().map(|name| name != "log:x").collect();
    Plan {
        names,
        tried,
        ready: ready.len(),
        interval: SECOND,
        grace: Duration::ZERO,
        ready_timeout: None,
        extend_at_most: None,
        watchdog: Some(4 * SECOND),
    }
}

impl World {
    fn new(plan: Plan) -> Self {
        let start = Instant::now();
        Self { keeper: Keeper::new(plan, start), start, at: Duration::ZERO }
    }

    fn due(&mut self, millis: u64) -> Vec<Action> {
        self.due_while(millis, true)
    }

    fn due_while(&mut self, millis: u64, runs: bool) -> Vec<Action> {
        self.at = Duration::from_millis(millis);
        self.keeper.due(self.start + self.at, runs)
    }

    fn fails(&mut self, probe: usize, answer: &str) -> Vec<Action> {
        self.keeper.answered(probe, Err(answer.to_owned()), self.start + self.at)
    }

    fn passes(&mut self, probe: usize) {
        self.keeper.answered(probe, Ok(()), self.start + self.at);
    }

    fn wake(&self) -> Option<u128> {
        self.keeper.wake().map(|wake| (wake - self.start).as_millis())
    }
}

fn say(text: &str) -> Action {
    Action::Say(text.to_owned())
}

#[test]
fn what_is_not_ready_in_time_is_given_up_with_what_was_missing() {
    let mut world = World::new(Plan { ready_timeout: Some(3 * SECOND), ..plan(&["tcp:a", "log:x"], &[]) });
    assert_eq!(world.due(0), [Action::Try(0), say("STATUS=waiting for tcp:a; log:x")]);
    world.fails(0, "connection refused");
    assert_eq!(world.due(1), [say("STATUS=waiting for tcp:a: connection refused; log:x")]);
    world.due(100);
    assert_eq!(world.wake(), Some(3000), "the try is under way");
    assert_eq!(world.due(3000), [Action::GiveUp("waiting for tcp:a: connection refused; log:x".to_owned())]);
    assert_eq!((world.due(4000), world.wake()), (vec![], None));
}

#[test]
fn no_heartbeat_while_a_probe_fails_and_one_as_soon_as_it_passes() {
    let mut world = World::new(plan(&["tcp:a"], &["http:b"]));
    world.due(0);
    world.passes(0);
    assert_eq!(world.due(10), [say("READY=1\nSTATUS=ready after 0.01 s"), Action::Ready]);
    assert_eq!(world.due(11), [Action::Try(1)]);
    world.fails(1, "no answer within 1s");
    assert_eq!(world.due(1011), [Action::Try(1)]);
    assert_eq!(world.due(2010), [say("STATUS=no heartbeat: http:b: no answer within 1s")]);
    assert_eq!(world.wake(), Some(3010));
    world.passes(1);
    assert_eq!(world.due(3010), [Action::Try(1), say("WATCHDOG=1"), say("STATUS=ready after 0.01 s")]);
}

#[test]
fn a_pass_counts_for_one_heartbeat_only() {
    let mut world = World::new(plan(&[], &["http:b"]));
    world.due(0);
    world.passes(0);
    world.due(0); // ready
    world.due(1000);
    world.passes(0);
    assert!(world.due(2000).contains(&say("WATCHDOG=1")));
    assert!(!world.due(4000).contains(&say("WATCHDOG=1")), "the try of 2000 is still under way");
}

#[test]
fn a_stopped_program_gets_no_heartbeat_whatever_the_probes_say() {
    let mut world = World::new(plan(&[], &["tcp:b"]));
    world.due(0);
    world.passes(0);
    world.due(0);
    world.due(1000);
    world.passes(0);
    assert!(world.due_while(2000, false).contains(&say("STATUS=no heartbeat: the program is stopped")));
}

#[test]
fn in_grace_nothing_need_be_alive() {
    let mut world = World::new(Plan { grace: 3 * SECOND, ..plan(&["tcp:a"], &["tcp:b"]) });
    world.due(0);
    world.passes(0);
    world.due(0);
    assert!(world.due(2000).contains(&say("WATCHDOG=1")));
    assert!(!world.due(4000).contains(&say("WATCHDOG=1")));
}

#[test]
fn with_alive_probes_alone_they_decide_on_ready_too() {
    let mut world = World::new(plan(&[], &["tcp:b"]));
    assert_eq!(world.due(0), [Action::Try(0), say("STATUS=waiting for tcp:b")]);
    world.passes(0);
    assert!(world.due(5).contains(&Action::Ready));
}

#[test]
fn without_a_watchdog_nothing_is_tried_after_ready() {
    let mut world = World::new(Plan { watchdog: None, ..plan(&["tcp:a"], &["tcp:b"]) });
    world.due(0);
    world.passes(0);
    world.due(0);
    assert_eq!((world.due(9000), world.wake()), (vec![], None));
}

#[test]
fn an_event_holds_once_it_has_happened() {
    let mut world = World::new(plan(&["log:x"], &[]));
    assert_eq!(world.due(0), [say("STATUS=waiting for log:x")]);
    world.keeper.happened(0);
    assert!(world.due(7).contains(&Action::Ready));
}

#[test]
fn progress_extends_the_start_up_to_the_limit() {
    let mut world = World::new(Plan { extend_at_most: Some(40 * SECOND), ..plan(&["tcp:a"], &[]) });
    world.due(0);
    assert_eq!(world.fails(0, "refused"), []);
    assert_eq!(world.fails(0, "refused"), [], "the same answer is no progress");
    assert_eq!(world.fails(0, "status 503"), [say("EXTEND_TIMEOUT_USEC=30000000")]);
    assert_eq!(world.fails(0, "status 500"), [], "too soon");
    world.at = 35 * SECOND;
    assert_eq!(world.fails(0, "status 502"), [say("EXTEND_TIMEOUT_USEC=5000000")]);
    world.at = 41 * SECOND;
    assert_eq!(world.fails(0, "status 504"), []);
}
