//! What is read of a unit, and how it is read out of the property dictionaries that a manager sends. Stamps are
//! `CLOCK_MONOTONIC` as the time since boot; a property that is absent has the value it would have in a unit
//! that never ran, because managers differ in what they serve.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use zbus::message::Message;
use zbus::{ObjectPath, OwnedObjectPath, Variant};

use crate::job::Change;
use crate::{Error, Result, Stamp, Stamps};

/// The high-level state of a unit (`ActiveState`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActiveState {
    /// Started and, where that can be known, ready.
    Active,
    /// Active, and reloading its configuration.
    Reloading,
    /// Stopped.
    Inactive,
    /// Stopped because something went wrong.
    Failed,
    /// Starting.
    Activating,
    /// Stopping.
    Deactivating,
    /// A state of later versions, or of no interest to a restart.
    Other,
}

impl ActiveState {
    fn parse(word: &str) -> Self {
        match word {
            "active" => Self::Active,
            "reloading" | "refreshing" => Self::Reloading,
            "inactive" => Self::Inactive,
            "failed" => Self::Failed,
            "activating" => Self::Activating,
            "deactivating" => Self::Deactivating,
            _ => Self::Other,
        }
    }
}

/// The number of one start of a unit (`InvocationID`), new with each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Invocation(pub [u8; 16]);

impl fmt::Display for Invocation {
    /// As the journal spells it: 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A unit as it was at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its primary name (`Id`), whatever alias it was asked for by.
    pub name: String,
    /// Its object.
    pub path: OwnedObjectPath,
    /// `LoadState`: loaded, not-found, masked, bad-setting, error.
    pub load: String,
    /// `ActiveState`.
    pub active: ActiveState,
    /// `SubState`, such as running or auto-restart.
    pub sub: String,
    /// `InvocationID`; `None` for a unit that was never started.
    pub invocation: Option<Invocation>,
    /// When it last became active (`ActiveEnterTimestampMonotonic`), since boot.
    pub became_active: Duration,
    /// When it last became inactive (`InactiveEnterTimestampMonotonic`), since boot.
    pub became_inactive: Duration,
    /// When it last left the state inactive (`InactiveExitTimestamp`): the manager's `CLOCK_REALTIME`, since 1970;
    /// zero for a unit that was never started.
    pub started: Duration,
    /// `CanReload`: it has an `ExecReload=`, or its type reloads by itself.
    pub can_reload: bool,
    /// The job that is pending for it (`Job`), anybody's; `None` when there is none.
    pub job: Option<OwnedObjectPath>,
    /// `ConditionResult`: false when the last start was skipped by a condition.
    pub conditions_met: bool,
    /// Its moments, by both clocks.
    pub stamps: Stamps,
    /// What only a service has; `None` for other kinds, and when it was not asked for.
    pub service: Option<Service>,
}

/// What only a service has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `Type`: notify, notify-reload, simple, exec, oneshot, forking, dbus, idle.
    pub kind: String,
    /// `MainPID`; 0 when there is none.
    pub main_pid: u32,
    /// `NRestarts`: automatic restarts since the last explicit start.
    pub restarts: u32,
    /// `Result`: success, exit-code, signal, core-dump, timeout, watchdog, protocol, start-limit-hit, ...
    pub result: String,
    /// `ExecMainCode`: 1 exited, 2 killed, 3 dumped core, as in `siginfo_t` (`man 2 sigaction`).
    pub exit_code: i32,
    /// `ExecMainStatus`: the exit status, or the number of the signal.
    pub exit_status: i32,
    /// From the start of the main process to its exit; `None` when it has not exited.
    pub ran_for: Option<Duration>,
    /// `StatusText`: the last `STATUS=` message.
    pub status: String,
    /// `StatusErrno`: the last `ERRNO=` message, 0 for none.
    pub status_errno: i32,
    /// `NotifyAccess`: none, main, exec, all.
    pub notify_access: String,
    /// `WatchdogUSec`; `None` when off.
    pub watchdog: Option<Duration>,
    /// `TimeoutStartUSec`; `None` when infinite.
    pub start_timeout: Option<Duration>,
    /// `ExecMainStartTimestamp`: the main process was started.
    pub main_start: Stamp,
    /// `WatchdogTimestamp`: the last heartbeat, or the start where there was none since.
    pub heartbeat: Stamp,
}

impl Service {
    /// Whether its start ends at a message of its own, not at the mere existence of a process.
    pub fn says_when_ready(&self) -> bool {
        !matches!(self.kind.as_str(), "simple" | "exec" | "idle" | "oneshot")
    }
}

/// The property dictionary of one interface.
pub(crate) struct Properties<'m>(HashMap<&'m str, Variant<'m>>);

impl<'m> Properties<'m> {
    pub(crate) fn of(map: HashMap<&'m str, Variant<'m>>) -> Self {
        Self(map)
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Variant::Str(text)) => text.as_str(),
            _ => "",
        }
    }

    pub(crate) fn signed(&self, name: &str) -> i32 {
        match self.0.get(name) {
            Some(Variant::I32(number)) => *number,
            _ => 0,
        }
    }

    pub(crate) fn unsigned(&self, name: &str) -> u32 {
        match self.0.get(name) {
            Some(Variant::U32(number)) => *number,
            _ => 0,
        }
    }

    fn truth(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(Variant::Bool(true)))
    }

    /// `Job` is a number and a path; without a job they are 0 and `/` (`man org.freedesktop.systemd1`).
    fn job(&self) -> Option<OwnedObjectPath> {
        let Some(Variant::Structure(job)) = self.0.get("Job") else {
            return None;
        };
        match job.fields() {
            [Variant::U32(number), Variant::ObjectPath(path)] if *number != 0 => Some(path.to_owned().into()),
            _ => None,
        }
    }

    pub(crate) fn micros(&self, name: &str) -> Duration {
        match self.0.get(name) {
            Some(Variant::U64(usec)) => Duration::from_micros(*usec),
            _ => Duration::ZERO,
        }
    }

    /// A moment, under its name for the one clock and for the other.
    fn stamp(&self, name: &str) -> Stamp {
        Stamp { monotonic: self.micros(&format!("{name}Monotonic")), realtime: self.micros(name) }
    }

    /// A time span, where the largest number means infinity and zero means off.
    pub(crate) fn span(&self, name: &str) -> Option<Duration> {
        Some(self.micros(name)).filter(|span| !span.is_zero() && *span != Duration::from_micros(u64::MAX))
    }

    pub(crate) fn invocation(&self) -> Option<Invocation> {
        let Some(Variant::Array(bytes)) = self.0.get("InvocationID") else {
            return None;
        };
        let bytes: Vec<u8> = bytes.try_clone().ok()?.try_into().ok()?;
        let bytes: [u8; 16] = bytes.try_into().ok()?;
        Some(Invocation(bytes)).filter(|id| id.0 != [0; 16])
    }

    /// `ConditionResult` is false in a unit that was never tried, too: only a stamp makes it mean something.
    fn conditions_met(&self) -> Option<bool> {
        match self.0.get("ConditionResult") {
            Some(Variant::Bool(met)) => Some(*met || self.micros("ConditionTimestampMonotonic").is_zero()),
            _ => None,
        }
    }

    /// An array of texts.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let Some(Variant::Array(items)) = self.0.get(name) else {
            return Vec::new();
        };
        let text = |item: &Variant<'_>| match item {
            Variant::Str(text) => Some(text.as_str().to_owned()),
            _ => None,
        };
        items.iter().filter_map(text).collect()
    }

    /// An array of structures: the fields of each.
    pub(crate) fn rows(&self, name: &str) -> Vec<Vec<Variant<'_>>> {
        let Some(Variant::Array(items)) = self.0.get(name) else {
            return Vec::new();
        };
        let rows = items.iter().filter_map(|item| match item {
            Variant::Structure(row) => row.fields().iter().map(|field| field.try_clone().ok()).collect(),
            _ => None,
        });
        rows.collect()
    }

    pub(crate) fn change(&self) -> Change {
        Change {
            active: self.0.contains_key("ActiveState").then(|| ActiveState::parse(self.text("ActiveState"))),
            invocation: self.invocation(),
            became_active: self
                .0
                .contains_key("ActiveEnterTimestampMonotonic")
                .then(|| self.micros("ActiveEnterTimestampMonotonic")),
            sub: self.0.contains_key("SubState").then(|| self.text("SubState").to_owned()),
            restarts: self.0.contains_key("NRestarts").then(|| self.unsigned("NRestarts")),
            conditions_met: self.conditions_met(),
            status: self.0.contains_key("StatusText").then(|| self.text("StatusText").to_owned()),
        }
    }

    pub(crate) fn unit(&self, path: &ObjectPath<'_>) -> Result<Unit> {
        if self.text("Id").is_empty() || self.text("ActiveState").is_empty() {
            let reason = "Id or ActiveState is missing".to_owned();
            return Err(Error::Malformed { doing: format!("read {path}"), reason });
        }
        Ok(Unit {
            name: self.text("Id").to_owned(),
            path: path.to_owned().into(),
            load: self.text("LoadState").to_owned(),
            active: ActiveState::parse(self.text("ActiveState")),
            sub: self.text("SubState").to_owned(),
            invocation: self.invocation(),
            became_active: self.micros("ActiveEnterTimestampMonotonic"),
            became_inactive: self.micros("InactiveEnterTimestampMonotonic"),
            started: self.micros("InactiveExitTimestamp"),
            can_reload: self.truth("CanReload"),
            job: self.job(),
            conditions_met: self.conditions_met().unwrap_or(true),
            stamps: Stamps {
                inactive_exit: self.stamp("InactiveExitTimestamp"),
                active_enter: self.stamp("ActiveEnterTimestamp"),
                inactive_enter: self.stamp("InactiveEnterTimestamp"),
                state_change: self.stamp("StateChangeTimestamp"),
            },
            service: None,
        })
    }
}

/// What only a service has, out of its own interface.
pub(crate) fn service(of: &Properties<'_>) -> Service {
    let started = of.micros("ExecMainStartTimestampMonotonic");
    let exited = of.micros("ExecMainExitTimestampMonotonic");
    Service {
        kind: of.text("Type").to_owned(),
        main_pid: of.unsigned("MainPID"),
        restarts: of.unsigned("NRestarts"),
        result: of.text("Result").to_owned(),
        exit_code: of.signed("ExecMainCode"),
        exit_status: of.signed("ExecMainStatus"),
        ran_for: exited.checked_sub(started).filter(|_| !exited.is_zero()),
        status: of.text("StatusText").to_owned(),
        status_errno: of.signed("StatusErrno"),
        notify_access: of.text("NotifyAccess").to_owned(),
        watchdog: of.span("WatchdogUSec"),
        start_timeout: of.span("TimeoutStartUSec"),
        main_start: of.stamp("ExecMainStartTimestamp"),
        heartbeat: of.stamp("WatchdogTimestamp"),
    }
}

/// Reads the dictionary that `GetAll` answers with, and makes something of it.
pub(crate) fn read<T>(reply: &Message, path: &str, make: impl FnOnce(&Properties<'_>) -> T) -> Result<T> {
    let body = reply.body();
    let map = body.deserialize().map_err(|error| Error::from_zbus(&error, format!("read {path}")))?;
    Ok(make(&Properties::of(map)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> ObjectPath<'static> {
        ObjectPath::try_from("/org/freedesktop/systemd1/unit/web_401_2eservice").unwrap()
    }

    #[test]
    fn refuses_an_object_that_is_no_unit() {
        let empty = Properties::of(HashMap::new());
        let error = empty.unit(&path()).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
    }

    #[test]
    fn an_all_zero_invocation_is_none() {
        let zero = Properties::of(HashMap::from([("InvocationID", Variant::from(vec![0u8; 16]))]));
        assert_eq!(zero.invocation(), None);
    }

    #[test]
    fn an_infinite_timeout_is_none() {
        let infinite = Properties::of(HashMap::from([("TimeoutStartUSec", Variant::from(u64::MAX))]));
        assert_eq!(service(&infinite).start_timeout, None);
    }

    #[test]
    fn a_service_that_still_runs_has_not_run_for_any_time() {
        let running =
            Properties::of(HashMap::from([("ExecMainStartTimestampMonotonic", Variant::from(7u64))]));
        assert_eq!(service(&running).ran_for, None);
    }

    #[test]
    fn an_invocation_prints_as_the_journal_spells_it() {
        let id =
            Properties::of(HashMap::from([("InvocationID", Variant::from(vec![0xabu8; 16]))])).invocation();
        assert_eq!(id.unwrap().to_string(), "ab".repeat(16));
    }

    #[test]
    fn a_change_of_nothing_we_follow_is_no_change() {
        let other = Properties::of(HashMap::from([("MainPID", Variant::from(7u32))]));
        assert_eq!(other.change(), Change::default());
    }

    #[test]
    fn no_job_is_none_and_a_pending_one_has_its_path() {
        let of = |number: u32, path: &'static str| {
            let job = Variant::from((number, ObjectPath::try_from(path).unwrap()));
            Properties::of(HashMap::from([("Job", job)])).job()
        };
        assert_eq!(of(0, "/"), None);
        assert_eq!(
            of(7, "/org/freedesktop/systemd1/job/7").unwrap().as_str(),
            "/org/freedesktop/systemd1/job/7"
        );
    }

    #[test]
    fn a_change_brings_the_state_and_the_count_of_restarts_up_to_date() {
        let read = |values: HashMap<&'static str, Variant<'static>>| Properties::of(values);
        let values =
            HashMap::from([("Id", Variant::from("a.service")), ("ActiveState", Variant::from("active"))]);
        let mut unit = read(values).unit(&path()).unwrap();
        unit.service = Some(service(&read(HashMap::new())));
        let values = [("SubState", Variant::from("auto-restart")), ("NRestarts", Variant::from(3u32))];
        read(HashMap::from(values)).change().apply(&mut unit);
        assert_eq!((unit.sub.as_str(), unit.service.unwrap().restarts), ("auto-restart", 3));
    }
}
