//! What may be in flight at a time.

use super::*;

fn health(index: usize, health: Health) -> Event {
    Event::Health { index, health }
}

#[test]
fn a_wider_window_slides() {
    let mut played = Played::begun(plan(4, wide(2)), &[Enqueue(0), Enqueue(1)]);
    played.starts(1, &[Succeeded(1), Enqueue(2)]).starts(2, &[Succeeded(2), Enqueue(3)]);
}

#[test]
fn each_host_has_a_window_of_its_own() {
    let mut plan = plan(4, Limits { max_parallel: vec![1, 0], ..wide(1) });
    (plan.units[2].host, plan.units[3].host, plan.hosts) = (1, 1, 2);
    let mut played = Played::begun(plan, &[Enqueue(0), Enqueue(2)]);
    played.starts(2, &[Succeeded(2), Enqueue(3)]);
}

#[test]
fn canaries_end_before_any_other_begins() {
    let mut played = Played::begun(plan(4, Limits { canary: 2, ..wide(3) }), &[Enqueue(0), Enqueue(1)]);
    played.starts(1, &[Succeeded(1)]).starts(0, &[Succeeded(0), Enqueue(2), Enqueue(3)]);
}

#[test]
fn a_batch_begins_a_while_after_the_end_of_the_one_before() {
    let mut played = Played::begun(plan(3, Limits { stagger: SECOND, ..wide(2) }), &[Enqueue(0), Enqueue(1)]);
    played.starts(1, &[Succeeded(1)]).after(9 * SECOND, &[]).starts(0, &[Succeeded(0)]);
    played.after(SECOND / 2, &[]).after(SECOND / 2, &[Enqueue(2)]);
}

#[test]
fn the_last_batch_is_followed_by_no_wait() {
    let mut played = Played::begun(plan(1, Limits { stagger: SECOND, ..wide(1) }), &[Enqueue(0)]);
    played.starts(0, &[Succeeded(0), End]);
}

#[test]
fn so_many_stay_active_and_a_unit_that_is_down_may_always_start() {
    let mut plan = plan(4, Limits { min_available: Some(2), ..wide(4) });
    plan.units[3].health = Health::Down;
    let mut played = Played::begun(plan, &[Enqueue(0), Enqueue(3)]);
    played.starts(3, &[Succeeded(3), Enqueue(1)]).starts(0, &[Succeeded(0), Enqueue(2)]);
}

#[test]
fn a_unit_that_failed_is_missing_until_it_is_said_to_be_active() {
    let mut played = Played::begun(plan(2, Limits { min_available: Some(1), ..wide(2) }), &[Enqueue(0)]);
    played.gives(Enqueued(0), &[]).gives(health(0, Health::Moving), &[]);
    played.fails(Failed(0), 0, &[Over(0)]).gives(health(0, Health::Active), &[Enqueue(1)]);
}

#[test]
fn a_run_that_can_take_nothing_away_ends_unless_something_is_on_its_way() {
    let mut played = Played::begun(plan(2, Limits { min_available: Some(1), ..wide(2) }), &[Enqueue(0)]);
    played.gives(Enqueued(0), &[]).gives(health(0, Health::Moving), &[]);
    played.fails(Failed(0), 0, &[Over(0)]).gives(health(0, Health::Down), &[End]);
    assert_eq!(played.rollout.stopped(), Some(Stop::Availability));
}

#[test]
fn a_refused_unit_is_as_available_as_it_was() {
    let mut played = Played::begun(plan(2, Limits { min_available: Some(1), ..wide(2) }), &[Enqueue(0)]);
    played.fails(Failed(0), 0, &[Over(0), Enqueue(1)]);
}

#[test]
fn a_budget_is_spent_when_too_few_are_active_or_none_may_be_missing() {
    let spent = |wanted| plan(3, Limits { min_available: Some(wanted), ..wide(1) }).spent();
    assert_eq!(spent(0), None);
    assert_eq!(spent(2), None);
    let all = spent(3).map(|spent| spent.to_string());
    assert_eq!(all.unwrap(), "--min-available asks for 3 of 3 units, which leaves none to restart");
    let mut plan = plan(3, Limits { min_available: Some(2), ..wide(1) });
    (plan.units[0].health, plan.units[1].health) = (Health::Down, Health::Moving);
    let spent = plan.spent().map(|spent| spent.to_string());
    assert_eq!(spent.unwrap(), "1 of 3 units are active and --min-available asks for 2");
}

/// The time that a run of so many units takes for each of them, at best.
fn cost(units: usize) -> Duration {
    let once = || {
        let limits = Limits { max_parallel: vec![units / 10], min_available: Some(units / 2), ..wide(1) };
        let (mut rollout, now) = (Rollout::new(plan(units, limits)), Instant::now());
        let mut actions = VecDeque::from(rollout.step(Begin, now));
        while let Some(action) = actions.pop_front() {
            if let Enqueue(index) = action {
                actions.extend(rollout.step(Enqueued(index), now));
                actions.extend(rollout.step(Ready(index), now));
            }
        }
        assert!(rollout.is_over() && rollout.outcome(units - 1) == Final::Ok);
        now.elapsed() / u32::try_from(units).unwrap()
    };
    (0..3).map(|_| once()).min().unwrap()
}

#[test]
fn the_cost_of_a_unit_does_not_grow_with_their_number() {
    let (few, many) = (cost(500), cost(32_000));
    println!("a unit of 500 costs {few:?}, one of 32,000 {many:?}");
    // What grows with the number would be 64 times as much; the logarithm allows for twice.
    assert!(many < few * 10, "{few:?} became {many:?}");
    assert!(many < Duration::from_millis(1), "{many:?}");
}
