//! org.freedesktop.systemd1.Unit, Service and Socket: the state of a unit as properties, and what can be asked of it.

use rustix::process::Signal;
use zbus::message::Message;
use zbus::{ObjectPath, Variant};

use super::call::{Call, INVALID_ARGS, NO_SUCH_PROCESS, NO_SUCH_UNIT, Refusal, job_path};
use super::manager::{Wanted, check_mode, wanted};
use super::property::{Table, realtime, usec};
use super::{AYE_UNIT, PROPERTIES, SERVICE, SOCKET, UNIT, unit_path};
use crate::driver::{Manager, ServiceUnit, SocketUnit, Unit, UnitError};
use crate::service::{Event, Exit, Machine, Stamp, Stamps, Target};
use crate::unit::{Command, FindError};

/// Relations between units, which the manager does not honour: every list is empty.
const RELATIONS: [&str; 16] = [
    "Requires",
    "Requisite",
    "Wants",
    "BindsTo",
    "PartOf",
    "Upholds",
    "RequiredBy",
    "WantedBy",
    "BoundBy",
    "Conflicts",
    "Before",
    "After",
    "OnFailure",
    "OnSuccess",
    "Triggers",
    "TriggeredBy",
];

type Values = Vec<(&'static str, Variant<'static>)>;

pub(super) fn call(manager: &mut Manager, call: &Call<'_>, name: &str) -> Result<Message, Refusal> {
    match call.member.as_str() {
        "Kill" => {
            let (whom, signal): (String, i32) = call.arguments()?;
            kill(manager, name, &whom, signal)?;
            call.reply(&())
        }
        "ResetFailed" => {
            manager.dispatch(name, Event::Reset);
            call.reply(&())
        }
        verb => {
            let mode: String = call.arguments()?;
            let path = enqueue(manager, name, verb, &mode)?.ok_or_else(|| call.unknown())?;
            call.reply(&path)
        }
    }
}

/// A job by its verb; `None` when there is no such verb.
pub(super) fn enqueue(
    manager: &mut Manager,
    name: &str,
    verb: &str,
    mode: &str,
) -> Result<Option<ObjectPath<'static>>, Refusal> {
    let name = manager.load(name)?;
    let unit = manager.units.get(&name);
    let active = unit.map_or("inactive", |unit| unit.states().0);
    let can_reload = unit.and_then(Unit::service).is_some_and(ServiceUnit::can_reload);
    let id = match wanted(verb, active, can_reload) {
        Wanted::Unknown => return Ok(None),
        Wanted::Job(kind) => {
            check_mode(mode)?;
            manager.request(&name, kind)?
        }
        Wanted::Nothing => manager.request_nothing(&name),
    };
    Ok(Some(job_path(id)))
}

pub(super) fn kill(manager: &mut Manager, name: &str, whom: &str, signal: i32) -> Result<(), Refusal> {
    let target = match whom {
        "main" | "main-fail" => Target::Main,
        "control" | "control-fail" => Target::Control,
        "all" | "all-fail" | "" => Target::All,
        other => return Err(Refusal::new(INVALID_ARGS, format!("Invalid who argument: {other}"))),
    };
    let signal = Signal::from_named_raw(signal)
        .ok_or_else(|| Refusal::new(INVALID_ARGS, format!("Invalid signal {signal}.")))?;
    let Some(unit) = manager.units.get(name) else {
        return Err(Refusal::new(NO_SUCH_UNIT, format!("Unit {name} not loaded.")));
    };
    let machine = unit.service().map(|service| &service.machine);
    let missing = match target {
        Target::Main => machine.and_then(Machine::main_pid).is_none().then_some("main"),
        Target::Control => machine.and_then(Machine::control_pid).is_none().then_some("control"),
        Target::All => None,
    };
    if let Some(missing) = missing {
        return Err(Refusal::new(NO_SUCH_PROCESS, format!("No {missing} process to kill")));
    }
    manager.signal(name, signal, target);
    Ok(())
}

/// Every property of a unit, which is loaded for that if need be.
pub(super) fn properties(manager: &mut Manager, name: &str) -> Vec<Table> {
    let loaded = manager.load(name);
    let key = loaded.as_deref().unwrap_or(name).to_owned();
    let tables = match (manager.units.get(&key), loaded.as_ref().err()) {
        (Some(unit), _) => tables(&key, unit),
        (None, error) => vec![missing(name, error)],
    };
    manager.forget_if_unused(&key);
    tables
}

fn tables(name: &str, unit: &Unit) -> Vec<Table> {
    let common = Table { interface: UNIT, values: common(name, unit) };
    match unit {
        Unit::Service(service) => vec![
            common,
            Table { interface: SERVICE, values: of_service(service) },
            Table { interface: AYE_UNIT, values: vec![("LogTail", tail(service))] },
        ],
        Unit::Socket(socket) => vec![common, Table { interface: SOCKET, values: of_socket(socket) }],
    }
}

fn tail(service: &ServiceUnit) -> Variant<'static> {
    service.log.iter().cloned().collect::<Vec<String>>().into()
}

/// A unit that could not be loaded, as systemd shows it.
fn missing(name: &str, error: Option<&UnitError>) -> Table {
    let (state, reason) = match error {
        Some(UnitError::Find(FindError::Masked { .. })) => ("masked", "org.freedesktop.systemd1.UnitMasked"),
        Some(UnitError::Load(_)) => ("bad-setting", "org.freedesktop.systemd1.BadUnitSetting"),
        _ => ("not-found", NO_SUCH_UNIT),
    };
    let text = error.map(ToString::to_string).unwrap_or_default();
    let values = vec![
        ("Id", name.to_owned().into()),
        ("Names", vec![name.to_owned()].into()),
        ("Description", name.to_owned().into()),
        ("LoadState", state.into()),
        ("LoadError", Variant::new((reason, text))),
        ("ActiveState", "inactive".into()),
        ("SubState", "dead".into()),
        ("NeedDaemonReload", false.into()),
        ("InvocationID", Variant::from(Vec::<u8>::new())),
        ("Job", no_job()),
    ];
    Table { interface: UNIT, values }
}

fn no_job() -> Variant<'static> {
    Variant::new((0_u32, ObjectPath::from_static_str_unchecked("/")))
}

fn common(name: &str, unit: &Unit) -> Values {
    let (documentation, fragment, drop_ins) = match unit {
        Unit::Service(service) => {
            (&service.settings.documentation, &service.settings.fragment, &service.settings.drop_ins)
        }
        Unit::Socket(socket) => {
            (&socket.settings.documentation, &socket.settings.fragment, &socket.settings.drop_ins)
        }
    };
    let service = unit.service();
    let mut values: Values = vec![
        ("Id", name.to_owned().into()),
        ("Names", vec![name.to_owned()].into()),
        ("Following", "".into()),
        ("Description", unit.description().to_owned().into()),
        ("Documentation", documentation.clone().into()),
        ("LoadState", "loaded".into()),
        ("LoadError", Variant::new(("", ""))),
        ("FragmentPath", fragment.display().to_string().into()),
        ("SourcePath", "".into()),
        ("DropInPaths", drop_ins.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().into()),
        ("UnitFileState", "static".into()),
        ("CanStart", true.into()),
        ("CanStop", true.into()),
        ("CanReload", service.is_some_and(ServiceUnit::can_reload).into()),
        ("CanIsolate", false.into()),
        ("NeedDaemonReload", false.into()),
        ("ConditionResult", true.into()),
        ("AssertResult", true.into()),
        ("Transient", fragment.as_os_str().is_empty().into()),
    ];
    // systemctl asks for some of these and stumbles where they are missing.
    for relation in RELATIONS {
        values.push((relation, Variant::from(Vec::<String>::new())));
    }
    if let Some(service) = service {
        values.push(("StartLimitIntervalUSec", usec(Some(service.settings.start_limit_interval)).into()));
        values.push(("StartLimitBurst", service.settings.start_limit_burst.into()));
    }
    values.extend(changing(unit));
    values
}

/// What changes while a unit lives.
fn changing(unit: &Unit) -> Values {
    let (active, sub) = unit.states();
    let mut values: Values = vec![("ActiveState", active.into()), ("SubState", sub.into())];
    let (stamps, invocation, job) = match unit {
        Unit::Service(service) => (*service.machine.stamps(), service.invocation, service.machine.job()),
        Unit::Socket(socket) => {
            let since = Stamp::from_micros(socket.since);
            (Stamps { active_enter: since, inactive_exit: since, ..Stamps::default() }, [0; 16], None)
        }
    };
    // A unit that was never started has no invocation.
    let invocation = if invocation == [0; 16] { Vec::new() } else { invocation.to_vec() };
    values.push(("InvocationID", invocation.into()));
    values.push(("Job", job.map_or_else(no_job, |job| Variant::new((job.id, job_path(job.id))))));
    stamp(&mut values, ["StateChangeTimestamp", "StateChangeTimestampMonotonic"], stamps.state_change);
    stamp(&mut values, ["InactiveExitTimestamp", "InactiveExitTimestampMonotonic"], stamps.inactive_exit);
    stamp(&mut values, ["ActiveEnterTimestamp", "ActiveEnterTimestampMonotonic"], stamps.active_enter);
    stamp(&mut values, ["ActiveExitTimestamp", "ActiveExitTimestampMonotonic"], stamps.active_exit);
    stamp(&mut values, ["InactiveEnterTimestamp", "InactiveEnterTimestampMonotonic"], stamps.inactive_enter);
    values
}

fn stamp(values: &mut Values, [real, monotonic]: [&'static str; 2], stamp: Stamp) {
    values.push((real, realtime(stamp).into()));
    values.push((monotonic, usec(Some(stamp)).into()));
}

fn of_service(service: &ServiceUnit) -> Values {
    let settings = &service.settings;
    let mut values: Values = vec![
        ("Type", settings.kind.as_str().into()),
        ("Restart", settings.restart.as_str().into()),
        ("PIDFile", "".into()),
        ("NotifyAccess", service.machine.notify_access(settings.notify_access).as_str().into()),
        ("RestartUSec", usec(Some(settings.restart_delay)).into()),
        ("TimeoutStartUSec", usec(settings.timeout_start).into()),
        ("TimeoutStopUSec", usec(settings.timeout_stop).into()),
        ("TimeoutAbortUSec", usec(settings.timeout_stop).into()),
        ("RuntimeMaxUSec", usec(None).into()),
        ("FileDescriptorStoreMax", 0_u32.into()),
        ("NFileDescriptorStore", 0_u32.into()),
        ("KillMode", "control-group".into()),
        ("KillSignal", settings.kill_signal.as_raw().into()),
        ("UID", rustix::process::getuid().as_raw().into()),
        ("GID", rustix::process::getgid().as_raw().into()),
        ("ControlGroup", "".into()),
        ("Environment", assignments(&settings.environment)),
        ("ExecStart", commands(std::slice::from_ref(&settings.exec_start), service)),
        ("ExecReload", commands(&settings.exec_reload, service)),
    ];
    values.extend(changing_service(service));
    values
}

fn assignments(environment: &[(String, String)]) -> Variant<'static> {
    environment.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().into()
}

/// `a(sasbttttuii)`: path, arguments, whether failure is ignored, four stamps, pid, code, status.
fn commands(commands: &[Command], service: &ServiceUnit) -> Variant<'static> {
    let machine = &service.machine;
    let rows = commands.iter().map(|command| {
        let stamps = machine.stamps();
        let (code, status) = code_and_status(machine.main_exit());
        (
            command.executable.clone(),
            command.arguments.clone(),
            command.ignore_failure,
            realtime(stamps.main_start),
            usec(Some(stamps.main_start)),
            realtime(stamps.main_exit),
            usec(Some(stamps.main_exit)),
            machine.last_main_pid().unwrap_or_default(),
            code,
            status,
        )
    });
    Variant::from(rows.collect::<Vec<_>>())
}

/// `CLD_EXITED`, `CLD_KILLED` or `CLD_DUMPED` of sigaction(2), and the status or signal.
fn code_and_status(exit: Option<Exit>) -> (i32, i32) {
    match exit {
        Some(Exit::Code(status)) => (1, status),
        Some(Exit::Signal(signal, false)) => (2, signal),
        Some(Exit::Signal(signal, true)) => (3, signal),
        Some(Exit::Unknown) | None => (0, 0),
    }
}

fn changing_service(service: &ServiceUnit) -> Values {
    let machine = &service.machine;
    let stamps = machine.stamps();
    let (code, status) = code_and_status(machine.main_exit());
    let mut values: Values = vec![
        ("MainPID", machine.main_pid().unwrap_or_default().into()),
        ("ControlPID", machine.control_pid().unwrap_or_default().into()),
        ("StatusText", machine.status().to_owned().into()),
        ("StatusErrno", machine.errno().into()),
        ("StatusBusError", machine.bus_error().to_owned().into()),
        ("StatusVarlinkError", machine.varlink_error().to_owned().into()),
        ("Result", machine.outcome().as_str().into()),
        ("ReloadResult", machine.reload_outcome().as_str().into()),
        ("CleanResult", "success".into()),
        ("NRestarts", machine.restarts().into()),
        ("WatchdogUSec", machine.watchdog_interval().map_or(0, |interval| usec(Some(interval))).into()),
        ("ExecMainPID", machine.last_main_pid().unwrap_or_default().into()),
        ("ExecMainCode", code.into()),
        ("ExecMainStatus", status.into()),
    ];
    stamp(&mut values, ["WatchdogTimestamp", "WatchdogTimestampMonotonic"], stamps.watchdog);
    stamp(&mut values, ["ExecMainStartTimestamp", "ExecMainStartTimestampMonotonic"], stamps.main_start);
    stamp(&mut values, ["ExecMainExitTimestamp", "ExecMainExitTimestampMonotonic"], stamps.main_exit);
    values
}

fn of_socket(socket: &SocketUnit) -> Values {
    let listen = socket.settings.listen.iter().map(|address| ("Stream", crate::driver::describe(address)));
    let result = if socket.failed { "resources" } else { "success" };
    vec![
        ("Listen", Variant::from(listen.collect::<Vec<_>>())),
        ("FileDescriptorName", socket.settings.descriptor_name.clone().into()),
        ("Backlog", socket.settings.backlog.into()),
        ("SocketMode", socket.settings.socket_mode.into()),
        ("Accept", false.into()),
        ("Result", result.into()),
        ("NConnections", 0_u32.into()),
        ("NAccepted", 0_u32.into()),
    ]
}

/// `PropertiesChanged` of what has changed, interface by interface.
pub(super) fn changes(manager: &Manager, name: &str) -> Vec<zbus::Result<Message>> {
    let Some(unit) = manager.units.get(name) else {
        return Vec::new();
    };
    let mut tables = vec![(UNIT, changing(unit))];
    tables.extend(unit.service().map(|service| (SERVICE, changing_service(service))));
    let signal = |(interface, values): (&str, Values)| {
        let values: std::collections::HashMap<_, _> = values.into_iter().collect();
        let signal = Message::signal(unit_path(name), PROPERTIES, "PropertiesChanged");
        signal.build(&(interface, values, Vec::<&str>::new()))
    };
    tables.into_iter().map(signal).collect()
}
