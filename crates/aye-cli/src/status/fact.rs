//! What there is to tell of a unit: pure, from one reading of it and the manager's time.

use std::time::Duration;

use aye_bus::{ActiveState, Service, Stamp, Unit, failed_because};

use super::clock::Now;

/// The state as it is called here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Active,
    Reloading,
    Starting,
    /// Waiting for `RestartSec=` to pass.
    AutoRestart,
    Stopping,
    Inactive,
    Failed,
    /// There is nothing to start: not-found, masked, bad-setting or error.
    NotLoaded,
    Other,
}

impl State {
    fn of(unit: &Unit) -> Self {
        match unit.active {
            ActiveState::Active => Self::Active,
            ActiveState::Reloading => Self::Reloading,
            ActiveState::Activating if unit.sub.starts_with("auto-restart") => Self::AutoRestart,
            ActiveState::Activating => Self::Starting,
            ActiveState::Deactivating => Self::Stopping,
            ActiveState::Failed => Self::Failed,
            ActiveState::Inactive if unit.load != "loaded" => Self::NotLoaded,
            ActiveState::Inactive => Self::Inactive,
            _ => Self::Other,
        }
    }

    pub(super) fn is_up(self) -> bool {
        matches!(self, Self::Active | Self::Reloading)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Reloading => "reloading",
            Self::Starting => "starting",
            Self::AutoRestart => "auto-restart",
            Self::Stopping => "stopping",
            Self::Inactive => "inactive",
            Self::Failed => "failed",
            Self::NotLoaded => "not loaded",
            Self::Other => "other",
        }
    }
}

/// What is known of a watchdog that is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watchdog {
    pub(super) period: Duration,
    /// Of the last heartbeat; `None` when there may have been others since the reading.
    pub(super) age: Option<Duration>,
}

impl Watchdog {
    pub(super) fn margin(self) -> Option<Duration> {
        self.age.map(|age| self.period.saturating_sub(age))
    }

    /// Less than a fifth of the period is left.
    pub(super) fn is_near(self) -> bool {
        self.margin().is_some_and(|margin| margin * 5 < self.period)
    }
}

/// The facts of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) state: State,
    /// From the start of the main process to the unit being active; of a start under way, to now.
    pub(super) ready: Option<Duration>,
    /// `TimeoutStartSec=` of a start under way.
    pub(super) limit: Option<Duration>,
    pub(super) uptime: Option<Duration>,
    pub(super) restarts: u32,
    pub(super) watchdog: Option<Watchdog>,
    /// What is awaited, or what went wrong.
    pub(super) reason: Option<String>,
    /// `STATUS=`.
    pub(super) status: String,
}

impl Fact {
    /// `is_fresh`: the reading is of this moment, and not one that was followed by signals, which heartbeats have none of.
    pub(super) fn of(unit: &Unit, now: Now, is_fresh: bool) -> Self {
        let state = State::of(unit);
        let service = unit.service.as_ref();
        let starting = state == State::Starting;
        Self {
            state,
            ready: ready(unit, state, now),
            limit: service.and_then(|service| service.start_timeout).filter(|_| starting),
            uptime: now.since(unit.stamps.active_enter).filter(|_| state.is_up()),
            restarts: service.map_or(0, |service| service.restarts),
            watchdog: service.filter(|_| state.is_up()).and_then(|service| watchdog(service, now, is_fresh)),
            reason: reason(unit, state),
            status: service.map(|service| service.status.clone()).unwrap_or_default(),
        }
    }
}

fn watchdog(service: &Service, now: Now, is_fresh: bool) -> Option<Watchdog> {
    let period = service.watchdog?;
    Some(Watchdog { period, age: now.since(service.heartbeat).filter(|_| is_fresh) })
}

fn ready(unit: &Unit, state: State, now: Now) -> Option<Duration> {
    unit.service.as_ref().filter(|service| service.says_when_ready())?;
    let begin = begin(unit);
    match state {
        State::Starting => now.since(begin),
        state if state.is_up() => {
            let ready = unit.stamps.active_enter.some()?.monotonic;
            ready.checked_sub(begin.some()?.monotonic)
        }
        _ => None,
    }
}

/// When this start began: with its main process, which systemd stamps shortly before the unit. Without one yet, the stamp is
/// that of an earlier start; and one that was found only after the unit was active began nothing.
fn begin(unit: &Unit) -> Stamp {
    let (exit, enter) = (unit.stamps.inactive_exit, unit.stamps.active_enter);
    let Some(service) = unit.service.as_ref().filter(|service| service.main_pid != 0) else {
        return exit;
    };
    let late = enter.monotonic >= exit.monotonic && service.main_start.monotonic > enter.monotonic;
    if late { exit } else { service.main_start }
}

fn reason(unit: &Unit, state: State) -> Option<String> {
    match state {
        State::Starting => Some(awaited(unit)),
        State::Failed => Some(failed_because(unit).unwrap_or_else(|| "failed".to_owned())),
        State::AutoRestart | State::NotLoaded => failed_because(unit),
        State::Other => Some(unit.sub.clone()),
        _ => None,
    }
}

fn awaited(unit: &Unit) -> String {
    let kind = unit.service.as_ref().map_or("", |service| service.kind.as_str());
    match (unit.sub.as_str(), kind) {
        ("condition", _) => "awaits ExecCondition=".to_owned(),
        ("start-pre", _) => "awaits ExecStartPre=".to_owned(),
        ("start-post", _) => "awaits ExecStartPost=".to_owned(),
        ("start", "notify" | "notify-reload") => "awaits READY=1".to_owned(),
        ("start", "forking") => "awaits the end of the process it started".to_owned(),
        ("start", "dbus") => "awaits its BusName=".to_owned(),
        ("start", "oneshot") => "awaits its end".to_owned(),
        (sub, _) => sub.to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use aye_bus::Stamps;

    pub(crate) fn at(millis: u64) -> Stamp {
        let monotonic = Duration::from_millis(millis);
        Stamp { monotonic, realtime: Duration::from_secs(1_000_000) + monotonic }
    }

    pub(crate) fn now(millis: u64) -> Now {
        Now::Monotonic(Duration::from_millis(millis))
    }

    pub(crate) fn unit(name: &str) -> Unit {
        let service = Service {
            kind: "notify".to_owned(),
            main_pid: 7,
            restarts: 0,
            result: "success".to_owned(),
            exit_code: 0,
            exit_status: 0,
            ran_for: None,
            status: String::new(),
            status_errno: 0,
            notify_access: "main".to_owned(),
            watchdog: None,
            start_timeout: Some(Duration::from_secs(90)),
            main_start: at(1_100),
            heartbeat: at(9_000),
        };
        Unit {
            name: format!("{name}.service"),
            path: "/org/freedesktop/systemd1/unit/x".try_into().unwrap(),
            load: "loaded".to_owned(),
            active: ActiveState::Active,
            sub: "running".to_owned(),
            invocation: None,
            became_active: Duration::from_millis(2_400),
            became_inactive: Duration::ZERO,
            started: Duration::ZERO,
            can_reload: false,
            job: None,
            conditions_met: true,
            stamps: Stamps { inactive_exit: at(1_000), active_enter: at(2_400), ..Stamps::default() },
            service: Some(service),
        }
    }

    pub(crate) fn with(mut unit: Unit, change: impl FnOnce(&mut Service)) -> Unit {
        change(unit.service.as_mut().unwrap());
        unit
    }

    fn starting(sub: &str) -> Unit {
        Unit { active: ActiveState::Activating, sub: sub.to_owned(), ..unit("web") }
    }

    #[test]
    fn a_unit_that_says_nothing_when_it_is_ready_has_no_time_to_ready() {
        let simple = with(unit("web"), |service| service.kind = "simple".to_owned());
        assert_eq!(Fact::of(&simple, now(10_000), true).ready, None);
    }

    #[test]
    fn a_main_process_of_an_earlier_start_is_not_the_beginning_of_this_one() {
        let mut unit = with(starting("start-pre"), |service| service.main_pid = 0);
        unit.stamps.inactive_exit = at(5_000);
        assert_eq!(Fact::of(&unit, now(6_000), true).ready, Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_main_process_that_was_stamped_before_its_unit_is_the_beginning_of_this_start() {
        let unit = with(unit("web"), |service| service.main_start = at(990));
        assert_eq!(Fact::of(&unit, now(10_000), true).ready, Some(Duration::from_millis(1_410)));
    }

    #[test]
    fn ready_counts_from_the_main_process_and_the_uptime_from_being_active() {
        let fact = Fact::of(&unit("web"), now(10_000), true);
        assert_eq!(
            (fact.ready, fact.uptime),
            (Some(Duration::from_millis(1_300)), Some(Duration::from_millis(7_600)))
        );
    }

    #[test]
    fn a_start_under_way_tells_what_it_awaits_and_until_when() {
        let fact = Fact::of(&starting("start"), now(4_100), true);
        assert_eq!(fact.reason.as_deref(), Some("awaits READY=1"));
        assert_eq!((fact.ready, fact.limit), (Some(Duration::from_secs(3)), Some(Duration::from_secs(90))));
    }

    #[test]
    fn a_unit_between_two_starts_tells_how_the_last_one_ended() {
        let unit = with(starting("auto-restart"), |service| {
            service.result = "exit-code".to_owned();
            (service.exit_code, service.exit_status) = (1, 3);
        });
        let fact = Fact::of(&unit, now(9_000), true);
        assert_eq!((fact.state, fact.reason.as_deref()), (State::AutoRestart, Some("exited with 3")));
    }

    #[test]
    fn a_watchdog_is_near_below_a_fifth_of_its_period() {
        let unit = with(unit("web"), |service| service.watchdog = Some(Duration::from_secs(10)));
        let near = |now| Fact::of(&unit, now, true).watchdog.unwrap().is_near();
        assert_eq!((near(now(17_000)), near(now(17_001)), near(now(60_000))), (false, true, true));
    }

    #[test]
    fn a_heartbeat_of_an_earlier_reading_is_not_known_any_more() {
        let unit = with(unit("web"), |service| service.watchdog = Some(Duration::from_secs(10)));
        assert_eq!(Fact::of(&unit, now(60_000), false).watchdog.unwrap().margin(), None);
    }
}
