//! A service while its files are read, setting by setting; [`Draft::finish`] puts in what was left open.

use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;

use super::super::command::{self, Command};
use super::super::error::{Error, Invalid};
use super::super::load::{Context, Outcome, Place};
use super::super::name::{Kind, Name};
use super::super::value::{self, EnvironmentFile, OpenFile};
use super::{ExitStatus, NotifyAccess, Restart, Service, Type, WorkingDirectory};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(90);

/// What has been read so far.
#[derive(Debug)]
pub(in super::super) struct Draft {
    kind: Type,
    bus_name: Option<Place>,
    has_type: bool,
    exec_start: Vec<(Command, Place)>,
    exec_reload: Vec<Command>,
    reload_signal: Signal,
    environment: Vec<(String, String)>,
    environment_files: Vec<EnvironmentFile>,
    working_directory: Option<WorkingDirectory>,
    timeout_start: Option<Duration>,
    timeout_stop: Option<Duration>,
    kill_signal: Signal,
    restart: Restart,
    restart_delay: Duration,
    watchdog: Option<Duration>,
    notify_access: NotifyAccess,
    stores_descriptors: bool,
    open_files: Vec<OpenFile>,
    sockets: Vec<Name>,
    start_limit_interval: Duration,
    start_limit_burst: u32,
    success_exit_status: Vec<ExitStatus>,
}

impl Default for Draft {
    /// The defaults of systemd's own configuration; `systemd-system.conf(5)`.
    fn default() -> Self {
        Self {
            kind: Type::Simple,
            bus_name: None,
            has_type: false,
            exec_start: Vec::new(),
            exec_reload: Vec::new(),
            reload_signal: Signal::HUP,
            environment: Vec::new(),
            environment_files: Vec::new(),
            working_directory: None,
            timeout_start: Some(DEFAULT_TIMEOUT),
            timeout_stop: Some(DEFAULT_TIMEOUT),
            kill_signal: Signal::TERM,
            restart: Restart::No,
            restart_delay: Duration::from_millis(100),
            watchdog: None,
            notify_access: NotifyAccess::None,
            stores_descriptors: false,
            open_files: Vec::new(),
            sockets: Vec::new(),
            start_limit_interval: Duration::from_secs(10),
            start_limit_burst: 5,
            success_exit_status: Vec::new(),
        }
    }
}

impl Draft {
    /// A service of this type of which nothing else is known.
    pub(super) fn of_type(kind: Type) -> Self {
        Self { kind, ..Self::default() }
    }

    /// Applies a setting of `[Unit]` that is about starting.
    pub(in super::super) fn set_in_unit(&mut self, key: &str, text: &str) -> Result<Outcome, Invalid> {
        match key {
            "StartLimitIntervalSec" | "StartLimitInterval" => {
                self.start_limit_interval = value::span(text)?.unwrap_or(Duration::MAX);
            }
            "StartLimitBurst" => self.start_limit_burst = value::number(text)?,
            _ => return Ok(Outcome::NotHonoured),
        }
        Ok(Outcome::Honoured)
    }

    /// Applies a setting of `[Service]`.
    pub(in super::super) fn set(
        &mut self,
        key: &str,
        text: &str,
        context: &mut Context<'_>,
    ) -> Result<Outcome, Invalid> {
        match key {
            "ExecStart" | "ExecReload" => self.set_command(key, text, context)?,
            "Environment" | "EnvironmentFile" | "WorkingDirectory" | "OpenFile" | "Sockets" => {
                self.set_surroundings(key, text, context)?;
            }
            "TimeoutSec" | "TimeoutStartSec" | "TimeoutStopSec" | "RestartSec" | "WatchdogSec" => {
                self.set_time(key, text)?;
            }
            // Where these two stood before systemd 230.
            "StartLimitInterval" | "StartLimitBurst" => return self.set_in_unit(key, text),
            _ => return self.set_behaviour(key, text, context),
        }
        Ok(Outcome::Honoured)
    }

    fn set_command(&mut self, key: &str, text: &str, context: &mut Context<'_>) -> Result<(), Invalid> {
        let parsed = command::parse(text, &|word| context.expand(word))?;
        context.remark(parsed.remarks);
        if key == "ExecReload" {
            add(&mut self.exec_reload, text, parsed.commands);
            return Ok(());
        }
        let place = context.place();
        let placed = parsed.commands.into_iter().map(|command| (command, place.clone()));
        add(&mut self.exec_start, text, placed);
        Ok(())
    }

    fn set_surroundings(&mut self, key: &str, text: &str, context: &mut Context<'_>) -> Result<(), Invalid> {
        match key {
            "Environment" if text.is_empty() => self.environment.clear(),
            "Environment" => {
                for (name, value) in value::assignments(text, &|word| context.expand(word))? {
                    match self.environment.iter_mut().find(|(other, _)| *other == name) {
                        Some((_, old)) => *old = value,
                        None => self.environment.push((name, value)),
                    }
                }
            }
            "EnvironmentFile" if text.is_empty() => self.environment_files.clear(),
            "EnvironmentFile" => self.environment_files.push(EnvironmentFile::parse(&context.expand(text)?)?),
            "WorkingDirectory" => self.working_directory = working_directory(text, context)?,
            "OpenFile" if text.is_empty() => self.open_files.clear(),
            "OpenFile" => {
                self.open_files.push(OpenFile::parse(text)?);
                if text.contains('%') {
                    context.remark(vec![
                        "OpenFile= takes no specifiers in systemd: % stays as it is".to_owned(),
                    ]);
                }
            }
            _ => {
                for word in text.split_whitespace() {
                    self.sockets.push(context.unit_name(word, Kind::Socket)?);
                }
            }
        }
        Ok(())
    }

    fn set_time(&mut self, key: &str, text: &str) -> Result<(), Invalid> {
        // For a timeout zero means none, for the watchdog it means off: both are "no limit".
        let limit = |text| Ok(value::span(text)?.filter(|span| !span.is_zero()));
        match key {
            "TimeoutStartSec" => self.timeout_start = limit(text)?,
            "TimeoutStopSec" => self.timeout_stop = limit(text)?,
            "WatchdogSec" => self.watchdog = limit(text)?,
            "RestartSec" => self.restart_delay = value::finite(text)?,
            _ => {
                self.timeout_start = limit(text)?;
                self.timeout_stop = self.timeout_start;
            }
        }
        Ok(())
    }

    fn set_behaviour(&mut self, key: &str, text: &str, context: &Context<'_>) -> Result<Outcome, Invalid> {
        match key {
            "Type" => (self.kind, self.has_type) = (Type::parse(text)?, true),
            "Restart" => self.restart = Restart::parse(text)?,
            "NotifyAccess" => {
                let access = NotifyAccess::parse(text);
                self.notify_access =
                    access.ok_or_else(|| Invalid::expected("none, main, exec or all", text))?;
            }
            "KillSignal" => self.kill_signal = value::signal(text)?,
            "ReloadSignal" => self.reload_signal = value::signal(text)?,
            "SuccessExitStatus" => {
                let statuses: Result<Vec<_>, _> = text.split_whitespace().map(ExitStatus::parse).collect();
                add(&mut self.success_exit_status, text, statuses?);
            }
            "KillMode" => return kill_mode(text),
            "RemainAfterExit" => return Ok(Outcome::honoured_if(!value::boolean(text)?)),
            "SendSIGKILL" => return Ok(Outcome::honoured_if(value::boolean(text)?)),
            "FileDescriptorStoreMax" => {
                self.stores_descriptors = value::number(text)? > 0;
                return Ok(Outcome::honoured_if(!self.stores_descriptors));
            }
            "BusName" => {
                self.bus_name = Some(context.place()).filter(|_| !text.is_empty());
                return Ok(Outcome::NotHonoured);
            }
            _ => return Ok(Outcome::NotHonoured),
        }
        Ok(Outcome::Honoured)
    }

    /// The service, or what is missing; `label` names the unit file in that message.
    pub(in super::super) fn finish(mut self, name: &Name, label: &str) -> Result<Service, Error> {
        if let Some((_, place)) = self.exec_start.get(1) {
            let what = "ExecStart=: expected one command, found another (an empty ExecStart= forgets those before it)";
            return Err(Error::at(&place.file, place.line, what));
        }
        if let Some(place) = self.bus_name.take().filter(|_| !self.has_type) {
            let what = "BusName=: expected Type= beside it, found none (it implies Type=dbus, which aye run does not have)";
            return Err(Error::at(&place.file, place.line, what));
        }
        match self.exec_start.pop() {
            Some((command, _)) => Ok(self.into_service(name.clone(), command)),
            None => Err(Error::in_file(label, "expected ExecStart= in [Service], found none")),
        }
    }

    /// Puts the command in, and the notify access that systemd implies.
    pub(super) fn into_service(self, name: Name, exec_start: Command) -> Service {
        let needs_access = self.kind.is_notify() || self.watchdog.is_some() || self.stores_descriptors;
        let notify_access = match self.notify_access {
            NotifyAccess::None if needs_access => NotifyAccess::Main,
            access => access,
        };
        Service {
            description: name.to_string(),
            name,
            documentation: Vec::new(),
            fragment: PathBuf::new(),
            drop_ins: Vec::new(),
            kind: self.kind,
            exec_start,
            exec_reload: self.exec_reload,
            reload_signal: self.reload_signal,
            environment: self.environment,
            environment_files: self.environment_files,
            working_directory: self.working_directory,
            timeout_start: self.timeout_start,
            timeout_stop: self.timeout_stop,
            kill_signal: self.kill_signal,
            restart: self.restart,
            restart_delay: self.restart_delay,
            watchdog: self.watchdog,
            notify_access,
            open_files: self.open_files,
            sockets: self.sockets,
            start_limit_interval: self.start_limit_interval,
            start_limit_burst: self.start_limit_burst,
            success_exit_status: self.success_exit_status,
        }
    }
}

/// Appends to a list; an empty assignment forgets what it held.
fn add<T>(list: &mut Vec<T>, text: &str, more: impl IntoIterator<Item = T>) {
    if text.is_empty() {
        list.clear();
    }
    list.extend(more);
}

fn working_directory(text: &str, context: &Context<'_>) -> Result<Option<WorkingDirectory>, Invalid> {
    let (path, optional) = match text.strip_prefix('-') {
        Some(path) => (path, true),
        None => (text, false),
    };
    match path {
        "" if !optional => Ok(None),
        "~" => Ok(Some(WorkingDirectory { path: None, optional })),
        _ => {
            let path = value::absolute_path(&context.expand(path)?)?;
            Ok(Some(WorkingDirectory { path: Some(path.into()), optional }))
        }
    }
}

/// `control-group` is what the manager does; the others are valid and not honoured.
fn kill_mode(text: &str) -> Result<Outcome, Invalid> {
    match text {
        "control-group" => Ok(Outcome::Honoured),
        "process" | "mixed" | "none" => Ok(Outcome::NotHonouredAs(format!("KillMode={text}"))),
        _ => Err(Invalid::expected("control-group, mixed, process or none", text)),
    }
}
