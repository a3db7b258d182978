//! What a random run is made of: its plan, and how often the world does what to it.

use std::time::Duration;

use super::chance::Chance;
use crate::restart::rollout::{Health, Limits, Plan, Planned};

/// The plan, and how the world treats it: percents.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    pub(super) plan: Plan,
    /// A job is refused, fails, or never ends by itself.
    pub(super) trouble: usize,
    /// The manager does not let us.
    pub(super) denial: usize,
    /// A unit leaves its state by itself.
    pub(super) flapping: usize,
    /// The link to a host drops.
    pub(super) cuts: usize,
    /// A lost link never comes back.
    pub(super) gone: usize,
    /// A hook fails, or one run of a check.
    pub(super) bad_hooks: usize,
    /// Somebody interrupts.
    pub(super) interrupts: usize,
    /// Somebody interrupts again, or takes the driver away.
    pub(super) leaves: usize,
    /// The answer is to go on.
    pub(super) forgiving: usize,
}

impl Scenario {
    pub(super) fn random(chance: &mut Chance) -> Self {
        let hosts = chance.between(1, 4);
        let most = chance.pick(&[0, 1, 3, 8, 8, 16, 24]);
        let count = chance.between(most / 2, most);
        let healthy = chance.pick(&[50, 80, 100, 100]);
        let units = (0..count).map(|_| unit(chance, hosts, healthy)).collect();
        let limits = limits(chance, count, hosts);
        let mut rate = |rates: &[usize]| chance.pick(rates);
        Self {
            plan: Plan { units, hosts, limits },
            trouble: rate(&[0, 0, 5, 20, 60]),
            denial: rate(&[0, 0, 0, 0, 5]),
            flapping: rate(&[0, 0, 20, 80]),
            cuts: rate(&[0, 0, 30, 80]),
            gone: rate(&[0, 20, 50]),
            bad_hooks: rate(&[0, 5, 30]),
            interrupts: rate(&[0, 0, 0, 50]),
            leaves: rate(&[0, 50]),
            forgiving: rate(&[0, 50, 90]),
        }
    }

    /// One in which nothing ever fails: only the run itself may be ended anywhere.
    pub(super) fn healthy(chance: &mut Chance) -> Self {
        let mut scenario = Self {
            trouble: 0,
            denial: 0,
            flapping: 0,
            bad_hooks: 0,
            interrupts: 60,
            leaves: 70,
            ..Self::random(chance)
        };
        let limits = &mut scenario.plan.limits;
        (limits.deadline, limits.ready_timeout, limits.min_available) = (None, None, None);
        for planned in &mut scenario.plan.units {
            // A unit that starts by itself is not stale any more, and a check without time fails.
            *planned = Planned { health: Health::Active, start_timeout: None, ..*planned };
        }
        scenario
    }
}

fn unit(chance: &mut Chance, hosts: usize, healthy: usize) -> Planned {
    let health = if chance.percent(healthy) {
        Health::Active
    } else {
        chance.pick(&[Health::Active, Health::Moving, Health::Down, Health::Down])
    };
    let start_timeout = chance.pick(&[None, Some(2), Some(5), Some(90)]).map(Duration::from_secs);
    Planned { host: chance.below(hosts), health, start_timeout }
}

fn limits(chance: &mut Chance, count: usize, hosts: usize) -> Limits {
    let seldom = |chance: &mut Chance| chance.percent(25);
    let mut maybe = |percent: usize| chance.percent(percent).then(|| chance.time());
    let (min_ready, stagger) = (maybe(50).unwrap_or_default(), maybe(25).unwrap_or_default());
    let (ready_timeout, deadline) = (maybe(30), maybe(10).map(|time| time * 5));
    Limits {
        max_parallel: (0..hosts).map(|_| chance.pick(&[0, 1, 1, 2, 3, count / 2, count])).collect(),
        canary: chance.pick(&[0, 0, 0, 1, 2, count, count + 1]),
        min_ready,
        ready_timeout,
        deadline,
        stagger,
        max_failures: chance.pick(&[0, 0, 1, 2, count / 4, count]),
        ask: seldom(chance),
        min_available: seldom(chance).then(|| share(chance, count)),
        before: seldom(chance),
        check: seldom(chance),
        after: seldom(chance),
        on_fail: seldom(chance),
        check_pause: Duration::from_millis(chance.pick(&[0, 100, 500])),
    }
}

/// A number as it was typed, or a percentage of the units, rounded up.
fn share(chance: &mut Chance, count: usize) -> usize {
    let percent = chance.below(101);
    chance.pick(&[0, 1, count / 2, count.saturating_sub(1), (count * percent).div_ceil(100)])
}
