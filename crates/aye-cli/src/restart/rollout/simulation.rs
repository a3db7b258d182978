//! Whole runs on a clock that is set, in worlds made of chance: every rule of a rollout is looked after by a
//! bookkeeper that sees the events and the actions alone. A seed is a run; AYE_SEED plays one again, AYE_RUNS says
//! how many there are.

mod book;
mod chance;
mod lines;
mod log;
mod play;
mod resume;
mod scenario;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use book::Broken;
use chance::Chance;
use log::Log;
use play::Play;
use scenario::Scenario;
use world::World;

const RUNS: u64 = 10_000;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Plays a run for each seed, on two threads, and gives the sum of what they give. Of what takes the time of several
/// runs there are so many times fewer.
fn simulate(what: &str, times: u64, play: fn(u64, &mut Log) -> Result<usize, Broken>) -> usize {
    let runs = number("AYE_RUNS").unwrap_or(RUNS).div_ceil(times);
    let seeds = number("AYE_SEED").map_or(0..runs, |seed| seed..seed + 1);
    let of_thread = |odd: u64| {
        let mine = seeds.clone().filter(move |seed| seed % 2 == odd);
        mine.map(|seed| try_one(seed, play)).sum::<usize>()
    };
    let steps = std::thread::scope(|scope| {
        let other = scope.spawn(|| of_thread(1));
        of_thread(0) + other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    println!("{what}: {} runs, {steps} steps", seeds.end - seeds.start);
    steps
}

/// Plays one run; if a rule was broken in it, says which, and everything that happened.
fn try_one(seed: u64, play: fn(u64, &mut Log) -> Result<usize, Broken>) -> usize {
    let played = |log: &mut Log| {
        let caught = catch_unwind(AssertUnwindSafe(|| play(seed, log)));
        caught.unwrap_or_else(|_| Err("it panicked".to_owned()))
    };
    played(&mut Log::default()).unwrap_or_else(|broken| {
        let mut log = Log { lines: Some(Vec::new()) };
        let _ = played(&mut log);
        panic!("{}\nAYE_SEED={seed}: {broken}", log.lines.unwrap_or_default().join("\n"));
    })
}

fn play_one(seed: u64, log: &mut Log) -> Result<usize, Broken> {
    let mut chance = Chance::new(seed);
    let scenario = Scenario::random(&mut chance);
    let mut world = World::new(&scenario);
    let members = (0..scenario.plan.units.len()).collect();
    let mut play = Play::new(&scenario, members, &mut world, &mut chance, log, Instant::now());
    play.play()?;
    Ok(play.steps)
}

#[test]
fn no_run_breaks_a_rule() {
    assert!(simulate("random runs", 1, play_one) > 0);
}
