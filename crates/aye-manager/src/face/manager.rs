//! org.freedesktop.systemd1.Manager: what systemctl and `aye restart` call.

use std::time::Duration;

use zbus::message::Message;
use zbus::{ObjectPath, Variant};

use super::call::{Call, INVALID_ARGS, NO_SUCH_UNIT, Refusal, job_path};
use super::property::Table;
use super::unit::enqueue;
use super::{JOB, MANAGER, unit_path};
use crate::driver::{Manager, Unit};
use crate::service::{Event, JobId, JobKind};
use crate::unit::units_of_dir;

/// One row of `ListUnits`: name, description, load, active and sub state, followed unit, object, and the job's number,
/// type and object.
type Row = (
    String,
    String,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    ObjectPath<'static>,
    u32,
    &'static str,
    ObjectPath<'static>,
);

pub(super) fn call(manager: &mut Manager, call: &Call<'_>) -> Result<Message, Refusal> {
    match call.member.as_str() {
        "GetUnit" => {
            let name: String = call.arguments()?;
            if !manager.units.contains_key(&name) {
                return Err(Refusal::new(NO_SUCH_UNIT, format!("Unit {name} not loaded.")));
            }
            call.reply(&unit_path(&name))
        }
        "LoadUnit" => {
            let name: String = call.arguments()?;
            // As in systemd, a unit without a file has an object too; its LoadState says so.
            let name = manager.load(&name).unwrap_or(name);
            manager.forget_if_unused(&name);
            call.reply(&unit_path(&name))
        }
        "GetUnitByPID" => unit_by_pid(manager, call),
        "ListUnits" => call.reply(&list(manager, &[], &[])),
        "ListUnitsFiltered" => call.reply(&list(manager, &call.arguments::<Vec<String>>()?, &[])),
        "ListUnitsByPatterns" => {
            let (states, patterns): (Vec<String>, Vec<String>) = call.arguments()?;
            call.reply(&list(manager, &states, &patterns))
        }
        "ListUnitsByNames" => call.reply(&list(manager, &[], &call.arguments::<Vec<String>>()?)),
        "ListUnitFiles" => call.reply(&list_files(manager, &[])),
        "ListUnitFilesByPatterns" => {
            let (_, patterns): (Vec<String>, Vec<String>) = call.arguments()?;
            call.reply(&list_files(manager, &patterns))
        }
        "GetUnitFileState" => call.reply(&"static"),
        "ListJobs" => call.reply(&jobs(manager)),
        "GetJob" => {
            let id: u32 = call.arguments()?;
            job_properties(manager, id)?;
            call.reply(&job_path(id))
        }
        "KillUnit" => {
            let (name, whom, signal): (String, String, i32) = call.arguments()?;
            super::unit::kill(manager, &name, &whom, signal)?;
            call.reply(&())
        }
        "ResetFailedUnit" => {
            manager.dispatch(&call.arguments::<String>()?, Event::Reset);
            call.reply(&())
        }
        "ResetFailed" => {
            let names: Vec<String> = manager.services().map(|(name, _)| name.clone()).collect();
            for name in names {
                manager.dispatch(&name, Event::Reset);
            }
            call.reply(&())
        }
        // Every client on a private socket gets every signal; there is nothing to count.
        "Subscribe" | "Unsubscribe" => call.reply(&()),
        "Reload" => Err(Refusal::new(
            "org.freedesktop.DBus.Error.NotSupported",
            "aye run reads unit files once: stop it and run it again to read them anew.",
        )),
        _ => job(manager, call),
    }
}

/// `StartUnit` and its kin.
fn job(manager: &mut Manager, call: &Call<'_>) -> Result<Message, Refusal> {
    let Some(verb) = call.member.strip_suffix("Unit") else {
        return Err(call.unknown());
    };
    let (name, mode): (String, String) = call.arguments()?;
    let path = enqueue(manager, &name, verb, &mode)?.ok_or_else(|| call.unknown())?;
    call.reply(&path)
}

fn unit_by_pid(manager: &Manager, call: &Call<'_>) -> Result<Message, Refusal> {
    let pid: u32 = call.arguments()?;
    let found = manager.services().find(|(_, service)| service.roots().any(|root| root == pid));
    match found {
        Some((name, _)) => call.reply(&unit_path(name)),
        None => Err(Refusal::new(
            "org.freedesktop.systemd1.NoUnitForPID",
            format!("PID {pid} does not belong to any loaded unit."),
        )),
    }
}

fn list(manager: &Manager, states: &[String], patterns: &[String]) -> Vec<Row> {
    let wanted = |name: &str, unit: &Unit| {
        let (active, sub) = unit.states();
        let by_state =
            states.is_empty() || states.iter().any(|state| [active, sub, "loaded"].contains(&state.as_str()));
        by_state && matches(name, patterns)
    };
    let units = manager.units.iter().filter(|(name, unit)| wanted(name, unit));
    units.map(|(name, unit)| row(name, unit)).collect()
}

fn row(name: &str, unit: &Unit) -> Row {
    let (active, sub) = unit.states();
    let job = unit.service().and_then(|service| service.machine.job());
    let root = || ObjectPath::from_static_str_unchecked("/");
    let (id, kind, path) =
        job.map_or_else(|| (0, "", root()), |job| (job.id, job.kind.as_str(), job_path(job.id)));
    (
        name.to_owned(),
        unit.description().to_owned(),
        "loaded",
        active,
        sub,
        "",
        unit_path(name),
        id,
        kind,
        path,
    )
}

/// Shell patterns of fnmatch(3), as systemd takes them; none at all matches everything.
fn matches(name: &str, patterns: &[String]) -> bool {
    let matches = |pattern: &String| glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(name));
    patterns.is_empty() || patterns.iter().any(|pattern| pattern == name || matches(pattern))
}

/// Unit files of the folders units are found in. None is ever enabled: there is no boot to be enabled for.
fn list_files(manager: &Manager, patterns: &[String]) -> Vec<(String, &'static str)> {
    let of_folder = |folder: &std::path::PathBuf| {
        let names = units_of_dir(folder).unwrap_or_default();
        let names = names.into_iter().map(|name| name.to_string()).filter(|name| matches(name, patterns));
        names.map(|name| (folder.join(name).display().to_string(), "static")).collect::<Vec<_>>()
    };
    manager.search.iter().flat_map(of_folder).collect()
}

type JobRow = (u32, String, &'static str, &'static str, ObjectPath<'static>, ObjectPath<'static>);

fn jobs(manager: &Manager) -> Vec<JobRow> {
    let rows = manager.services().filter_map(|(name, service)| Some((name, service.machine.job()?)));
    rows.map(|(name, job)| {
        (job.id, name.clone(), job.kind.as_str(), "running", job_path(job.id), unit_path(name))
    })
    .collect()
}

pub(super) fn job_properties(manager: &Manager, id: JobId) -> Result<Table, Refusal> {
    let found = jobs(manager).into_iter().find(|row| row.0 == id);
    let (id, unit, kind, state, _, path) = found.ok_or_else(|| {
        Refusal::new("org.freedesktop.systemd1.NoSuchJob", format!("Job {id} does not exist."))
    })?;
    let values = vec![
        ("Id", id.into()),
        ("Unit", Variant::new((unit, path))),
        ("JobType", kind.into()),
        ("State", state.into()),
    ];
    Ok(Table { interface: JOB, values })
}

pub(super) fn properties(manager: &Manager) -> Table {
    let failed = manager.units.values().filter(|unit| unit.states().0 == "failed").count();
    let count = |count: usize| Variant::from(u32::try_from(count).unwrap_or(u32::MAX));
    let values = vec![
        ("Version", concat!("aye ", env!("CARGO_PKG_VERSION")).into()),
        ("Features", "".into()),
        ("Virtualization", "".into()),
        ("Architecture", std::env::consts::ARCH.into()),
        ("Tainted", "".into()),
        ("NNames", count(manager.units.len())),
        ("NFailedUnits", count(failed)),
        ("NJobs", count(jobs(manager).len())),
        ("NInstalledJobs", count(0)),
        ("NFailedJobs", count(0)),
        ("Environment", Variant::from(Vec::<String>::new())),
        (
            "UnitPath",
            manager.search.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().into(),
        ),
        ("SystemState", if failed > 0 { "degraded" } else { "running" }.into()),
        ("DefaultTimeoutStartUSec", usec(90)),
        ("DefaultTimeoutStopUSec", usec(90)),
        ("ControlGroup", "".into()),
    ];
    Table { interface: MANAGER, values }
}

fn usec(seconds: u64) -> Variant<'static> {
    super::property::usec(Some(Duration::from_secs(seconds))).into()
}

/// `start` and its kin know one mode here: a new job replaces one under way.
pub(super) fn check_mode(mode: &str) -> Result<(), Refusal> {
    match mode {
        "replace" | "fail" | "replace-irreversibly" | "ignore-dependencies" | "ignore-requirements" => Ok(()),
        other => Err(Refusal::new(INVALID_ARGS, format!("Job mode {other} is not supported by aye run."))),
    }
}

/// What a verb means for a unit in its present state.
pub(super) enum Wanted {
    /// A job of this kind.
    Job(JobKind),
    /// A job that is done at once, which is what "try" comes to on a unit that is down.
    Nothing,
    /// There is no such verb.
    Unknown,
}

/// As `job_type_collapse()` of systemd has it.
pub(super) fn wanted(verb: &str, active: &str, can_reload: bool) -> Wanted {
    let down = matches!(active, "inactive" | "failed" | "deactivating");
    let reload = can_reload && matches!(active, "active" | "reloading");
    Wanted::Job(match verb {
        "Start" => JobKind::Start,
        "Stop" => JobKind::Stop,
        "Reload" => JobKind::Reload,
        "TryRestart" | "ReloadOrTryRestart" if down => return Wanted::Nothing,
        "ReloadOrRestart" | "ReloadOrTryRestart" if reload => JobKind::Reload,
        "Restart" | "TryRestart" | "ReloadOrRestart" | "ReloadOrTryRestart" => JobKind::Restart,
        _ => return Wanted::Unknown,
    })
}
