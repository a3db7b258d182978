//! Runs that were ended anywhere, and resumed with `--only-stale`: by the invocations that were recorded when the first
//! began, against those of the world as it is.

use std::time::{Duration, Instant};

use super::book::Broken;
use super::chance::Chance;
use super::log::Log;
use super::play::Play;
use super::scenario::Scenario;
use super::simulate;
use super::world::World;

/// When the first job ends that a run before this one has left to a unit that still looks stale. A resumed run waits for
/// those: it would restart a unit once more whose own restart comes to its new start meanwhile.
fn pending(world: &World, record: &[u64]) -> Option<Instant> {
    let stale = (0..record.len()).filter(|&index| world.units[index].invocation == record[index]);
    stale.filter_map(|index| world.job_ends(index)).min()
}

/// Plays runs of the same words, one after another, each on what is stale by then, and gives the steps of all.
/// Between two runs there may be no time at all.
fn resume(
    scenario: &mut Scenario,
    world: &mut World,
    chance: &mut Chance,
    log: &mut Log,
    most: usize,
) -> Result<usize, Broken> {
    let record: Vec<u64> = world.units.iter().map(|unit| unit.invocation).collect();
    let (mut now, mut steps) = (Instant::now(), 0);
    for run in 0..most {
        while let Some(end) = pending(world, &record) {
            now = end;
            world.advance(now);
        }
        let stale: Vec<_> = (0..record.len()).filter(|&i| world.units[i].invocation == record[i]).collect();
        if stale.is_empty() {
            break;
        }
        if run + 1 == most {
            (scenario.interrupts, scenario.cuts) = (0, 0);
        }
        let pause = chance.pick(&[Duration::ZERO, Duration::from_millis(1), Duration::from_secs(60)]);
        let mut play = Play::new(scenario, stale, world, chance, log, now);
        now = play.play()? + pause;
        steps += play.steps;
        world.advance(now);
        world.settle();
    }
    world.advance(now + Duration::from_secs(1_000_000));
    Ok(steps)
}

/// Whatever happened to the runs, no unit was restarted by them twice.
fn any_world(seed: u64, log: &mut Log) -> Result<usize, Broken> {
    let mut chance = Chance::new(seed);
    let mut scenario = Scenario::random(&mut chance);
    let mut world = World::new(&scenario);
    let steps = resume(&mut scenario, &mut world, &mut chance, log, 4)?;
    match world.units.iter().position(|unit| unit.restarts > 1) {
        Some(unit) => Err(format!("unit {unit} was restarted {} times", world.units[unit].restarts)),
        None => Ok(steps),
    }
}

/// Where nothing fails, each was restarted once.
fn healthy_world(seed: u64, log: &mut Log) -> Result<usize, Broken> {
    let mut chance = Chance::new(seed);
    let mut scenario = Scenario::healthy(&mut chance);
    let mut world = World::new(&scenario);
    let steps = resume(&mut scenario, &mut world, &mut chance, log, 6)?;
    match world.units.iter().position(|unit| unit.restarts != 1) {
        Some(unit) => Err(format!("unit {unit} was restarted {} times", world.units[unit].restarts)),
        None => Ok(steps),
    }
}

#[test]
fn a_resumed_run_restarts_no_unit_twice() {
    assert!(simulate("runs with their resumptions", 3, any_world) > 0);
}

#[test]
fn a_healthy_world_is_restarted_once_however_often_the_run_was_ended() {
    assert!(simulate("the same, where nothing fails", 3, healthy_world) > 0);
}
