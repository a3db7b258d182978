//! A service unit with typed settings: what `aye run` needs to know to start, watch, reload and stop it.

mod draft;
mod status;

use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;

use super::command::Command;
use super::error::Invalid;
use super::name::Name;
use super::value::{EnvironmentFile, OpenFile};

pub use aye::NotifyAccess;
pub(super) use draft::Draft;
pub use status::ExitStatus;

/// A service, with defaults put in and drop-ins applied. Setting names and their meaning are those of
/// `systemd.service(5)`, `systemd.exec(5)` and `systemd.kill(5)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The unit's name; never a template.
    pub name: Name,
    /// `Description=`; the unit's name when it has none.
    pub description: String,
    /// `Documentation=`: URLs.
    pub documentation: Vec<String>,
    /// The unit file itself; empty for a service without one.
    pub fragment: PathBuf,
    /// The drop-ins that were applied, in order.
    pub drop_ins: Vec<PathBuf>,
    /// `Type=`.
    pub kind: Type,
    /// `ExecStart=`.
    pub exec_start: Command,
    /// `ExecReload=`, run one after another.
    pub exec_reload: Vec<Command>,
    /// `ReloadSignal=` of `Type=notify-reload`; SIGHUP by default.
    pub reload_signal: Signal,
    /// `Environment=`: names and values, each name once.
    pub environment: Vec<(String, String)>,
    /// `EnvironmentFile=`, in order; what they hold overrides `environment`.
    pub environment_files: Vec<EnvironmentFile>,
    /// `WorkingDirectory=`; `None` leaves the choice to the manager.
    pub working_directory: Option<WorkingDirectory>,
    /// `TimeoutStartSec=`; 90 s by default, `None` is no limit.
    pub timeout_start: Option<Duration>,
    /// `TimeoutStopSec=`; 90 s by default, `None` is no limit.
    pub timeout_stop: Option<Duration>,
    /// `KillSignal=`; SIGTERM by default.
    pub kill_signal: Signal,
    /// `Restart=`.
    pub restart: Restart,
    /// `RestartSec=`; 100 ms by default.
    pub restart_delay: Duration,
    /// `WatchdogSec=`; `None` is off.
    pub watchdog: Option<Duration>,
    /// Who may send notifications: `NotifyAccess=`, or what systemd implies where it is not set.
    pub notify_access: NotifyAccess,
    /// `OpenFile=`, in order.
    pub open_files: Vec<OpenFile>,
    /// `Sockets=`: socket units whose descriptors the service inherits, besides the one of its own name.
    pub sockets: Vec<Name>,
    /// `StartLimitIntervalSec=`; 10 s by default, zero turns the limit off, `Duration::MAX` is `infinity`.
    pub start_limit_interval: Duration,
    /// `StartLimitBurst=`: starts allowed in one interval; 5 by default, zero turns the limit off.
    pub start_limit_burst: u32,
    /// `SuccessExitStatus=`: what counts as a clean exit besides 0, SIGHUP, SIGINT, SIGTERM and SIGPIPE.
    pub success_exit_status: Vec<ExitStatus>,
}

/// `Type=`: when a service counts as started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Type {
    /// As soon as it is forked; the default.
    #[default]
    Simple,
    /// As soon as its program has been executed.
    Exec,
    /// When it says `READY=1`.
    Notify,
    /// The same, and it is reloaded by a signal that it answers with `RELOADING=1` and `READY=1`.
    NotifyReload,
}

impl Type {
    const NAMES: [(&str, Self); 4] = [
        ("simple", Self::Simple),
        ("exec", Self::Exec),
        ("notify", Self::Notify),
        ("notify-reload", Self::NotifyReload),
    ];

    /// Whether `READY=1` is what ends the start.
    pub fn is_notify(self) -> bool {
        matches!(self, Self::Notify | Self::NotifyReload)
    }
}

/// `Restart=`: after what end a service is started again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Restart {
    /// Never; the default.
    #[default]
    No,
    /// A clean exit.
    OnSuccess,
    /// Anything but a clean exit.
    OnFailure,
    /// A signal, a timeout or the watchdog.
    OnAbnormal,
    /// The watchdog.
    OnWatchdog,
    /// A signal that is no clean end.
    OnAbort,
    /// Any end that was not asked for.
    Always,
}

impl Restart {
    const NAMES: [(&str, Self); 7] = [
        ("no", Self::No),
        ("on-success", Self::OnSuccess),
        ("on-failure", Self::OnFailure),
        ("on-abnormal", Self::OnAbnormal),
        ("on-watchdog", Self::OnWatchdog),
        ("on-abort", Self::OnAbort),
        ("always", Self::Always),
    ];
}

/// The values of an enumeration, as a unit file and D-Bus spell them.
macro_rules! spelled {
    ($($type:ident: $what:literal),+) => {$(
        impl $type {
            /// As a unit file and D-Bus spell it.
            pub fn as_str(self) -> &'static str {
                Self::NAMES.iter().find(|(_, value)| *value == self).map_or("", |(name, _)| name)
            }

            /// Reads the value of the setting.
            pub fn parse(text: &str) -> Result<Self, Invalid> {
                match Self::NAMES.iter().find(|(name, _)| *name == text) {
                    Some((_, value)) => Ok(*value),
                    None => Err(Invalid::expected($what, text)),
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    )+};
}

spelled! {
    Type: "simple, exec, notify or notify-reload (the types aye run has)",
    Restart: "no, on-success, on-failure, on-abnormal, on-watchdog, on-abort or always"
}

/// `WorkingDirectory=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingDirectory {
    /// Absolute, or `None` for the user's home folder (`~`).
    pub path: Option<PathBuf>,
    /// `-`: go on in `/` when it is missing.
    pub optional: bool,
}

impl Service {
    /// A `Type=notify` service without a unit file, for a command that was typed: `argv` is taken as it is.
    pub fn of_command(name: Name, argv: &[String]) -> Result<Self, Invalid> {
        let executable = argv.first().filter(|first| !first.is_empty());
        let executable =
            executable.ok_or_else(|| Invalid::because("expected a command to run, found nothing"))?;
        let command = Command {
            executable: executable.clone(),
            arguments: argv.to_vec(),
            ignore_failure: false,
            expands: false,
        };
        Ok(Draft::of_type(Type::Notify).into_service(name, command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_values_that_no_enumeration_has() {
        assert_eq!(
            Type::parse("forking").unwrap_err().to_string(),
            r#"expected simple, exec, notify or notify-reload (the types aye run has), found "forking""#
        );
        assert_eq!(
            Restart::parse("").unwrap_err().to_string(),
            r#"expected no, on-success, on-failure, on-abnormal, on-watchdog, on-abort or always, found """#
        );
    }

    #[test]
    fn refuses_a_typed_command_that_is_empty() {
        let name: Name = "run.service".parse().unwrap();
        for argv in [vec![], vec![String::new()]] {
            let refusal = Service::of_command(name.clone(), &argv).unwrap_err();
            assert_eq!(refusal.to_string(), "expected a command to run, found nothing");
        }
    }

    #[test]
    fn spells_every_value_as_it_reads_it() {
        for (name, value) in Restart::NAMES {
            assert_eq!((Restart::parse(name), value.to_string().as_str()), (Ok(value), name));
        }
        for (name, value) in Type::NAMES {
            assert_eq!((Type::parse(name), value.as_str()), (Ok(value), name));
        }
    }

    #[test]
    fn a_typed_command_is_a_notify_service_whose_words_stay_as_they_are() {
        let argv = ["node".to_owned(), "$HOME %i".to_owned()];
        let service = Service::of_command("run.service".parse().unwrap(), &argv).unwrap();
        assert_eq!((service.kind, service.notify_access), (Type::Notify, NotifyAccess::Main));
        assert_eq!(service.exec_start.argv(&|_| Some("x".into())), argv);
        assert_eq!(service.timeout_start, Some(Duration::from_secs(90)));
    }
}
