//! A random walk: whatever happens in whatever order, every job ends once and every state has a way out.

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
