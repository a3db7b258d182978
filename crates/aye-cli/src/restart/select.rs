//! Which units a run is about, and in which order: pure, from what the managers said and what was asked for.

use std::time::Duration;

use aye_bus::{ActiveState, Service, Unit};

use super::rollout::Health;

/// What leaves units out that were named.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Filter {
    /// `--try`: what is not running.
    pub(super) only_running: bool,
    /// `--started-before`, since the epoch.
    pub(super) started_before: Option<Duration>,
}

/// A unit and the manager it belongs to, by its index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) site: usize,
    pub(super) unit: Unit,
}

/// The units of a run in their order, and what was left out because it runs a new start already.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) units: Vec<Chosen>,
    pub(super) fresh: Vec<Chosen>,
}

/// Chooses and orders. `is_stale` is what `--only-stale` says of a unit.
pub(super) fn select(named: Vec<Chosen>, filter: Filter, is_stale: impl Fn(&Chosen) -> bool) -> Selection {
    let running = named.into_iter().filter(|chosen| !(filter.only_running && is_stopped(&chosen.unit)));
    let (units, fresh): (Vec<_>, Vec<_>) =
        running.partition(|chosen| is_old(&chosen.unit, filter) && is_stale(chosen));
    Selection { units: failed_first(units), fresh }
}

/// A restart may heal a failed unit, and until then every other one that is stopped is one too many.
fn failed_first(units: Vec<Chosen>) -> Vec<Chosen> {
    let (failed, others): (Vec<_>, Vec<_>) =
        units.into_iter().partition(|chosen| chosen.unit.active == ActiveState::Failed);
    failed.into_iter().chain(others).collect()
}

fn is_stopped(unit: &Unit) -> bool {
    matches!(unit.active, ActiveState::Inactive | ActiveState::Failed)
}

/// What does not run has no start that could be new.
fn is_old(unit: &Unit, filter: Filter) -> bool {
    filter.started_before.is_none_or(|before| is_stopped(unit) || unit.started < before)
}

/// What a unit's state means for how many are available.
pub(super) fn health(unit: &Unit) -> Health {
    match unit.active {
        ActiveState::Active | ActiveState::Reloading => Health::Active,
        ActiveState::Activating | ActiveState::Deactivating => Health::Moving,
        _ => Health::Down,
    }
}

/// Whether there is a readiness to wait for. A unit that cannot be loaded is not to be judged by it.
pub(super) fn is_gated(unit: &Unit) -> bool {
    unit.load != "loaded" || unit.service.as_ref().is_none_or(Service::says_when_ready)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restart::testing::unit;

    fn chosen(name: &str, active: ActiveState, started: u64) -> Chosen {
        Chosen { site: 0, unit: Unit { active, started: Duration::from_secs(started), ..unit(name) } }
    }

    fn names(units: &[Chosen]) -> Vec<&str> {
        units.iter().map(|chosen| chosen.unit.name.as_str()).collect()
    }

    fn all() -> Vec<Chosen> {
        vec![
            chosen("a", ActiveState::Active, 10),
            chosen("b", ActiveState::Failed, 20),
            chosen("c", ActiveState::Inactive, 0),
            chosen("d", ActiveState::Active, 30),
            chosen("e", ActiveState::Failed, 5),
        ]
    }

    #[test]
    fn failed_units_come_first_and_the_others_keep_their_order() {
        assert_eq!(names(&select(all(), Filter::default(), |_| true).units), ["b", "e", "a", "c", "d"]);
    }

    #[test]
    fn what_is_not_running_is_left_alone_when_asked_for() {
        let filter = Filter { only_running: true, ..Filter::default() };
        assert_eq!(names(&select(all(), filter, |_| true).units), ["a", "d"]);
    }

    #[test]
    fn what_was_started_at_the_moment_or_later_is_left_out_and_named() {
        let filter = Filter { started_before: Some(Duration::from_secs(10)), ..Filter::default() };
        let selection = select(all(), filter, |_| true);
        assert_eq!((names(&selection.units), names(&selection.fresh)), (vec!["b", "e", "c"], vec!["a", "d"]));
    }

    #[test]
    fn what_is_not_stale_is_left_out_and_named() {
        let selection = select(all(), Filter::default(), |chosen| chosen.unit.name != "d");
        assert_eq!(names(&selection.fresh), ["d"]);
    }

    #[test]
    fn a_unit_on_its_way_is_neither_up_nor_down() {
        assert_eq!(health(&chosen("a", ActiveState::Activating, 0).unit), Health::Moving);
        assert_eq!(health(&chosen("a", ActiveState::Reloading, 0).unit), Health::Active);
        assert_eq!(health(&chosen("a", ActiveState::Failed, 0).unit), Health::Down);
    }
}
