//! A service under examination: its settings in effect, its commands, what was seen of its programs, and how long its starts
//! have taken. Rules look at this and at nothing else.

use std::time::Duration;

use aye_manager::unit::Name;
use aye_manager::unit::value;

use super::command::Command;
use super::look::Signs;
use super::setting::{Setting, Settings};

/// `Type=`, as `systemd.service(5)` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Simple,
    Exec,
    Forking,
    Oneshot,
    Dbus,
    Notify,
    NotifyReload,
    Idle,
}

/// Its values.
pub(crate) const TYPES: [&str; 8] =
    ["simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"];

/// Whose messages are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    None,
    Main,
    Exec,
    All,
}

/// A service.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) name: Name,
    pub(crate) settings: Settings,
    /// What `ExecStart=` runs at last.
    pub(crate) main: Option<Command>,
    /// What was seen of it.
    pub(crate) signs: Signs,
    /// The command of the package that `npm start` and its kind would run, as `package.json` has it.
    pub(crate) script: Option<String>,
    /// Whether the unit file came with a package of the distribution, unchanged by a drop-in.
    pub(crate) is_vendors: bool,
    /// Whether a socket unit of the same name was found.
    pub(crate) has_socket: bool,
    /// Whether a manager of a user runs it.
    pub(crate) is_users: bool,
    /// How long its starts took, as far as a journal knows.
    pub(crate) starts: Vec<Duration>,
}

impl Subject {
    /// The setting of `[Service]` in effect.
    pub(crate) fn get(&self, key: &str) -> Option<&Setting> {
        self.settings.get(key)
    }

    /// Its value, or nothing.
    pub(crate) fn value(&self, key: &str) -> &str {
        self.get(key).map_or("", |setting| setting.value.as_str())
    }

    /// Its value as a yes.
    pub(crate) fn yes(&self, key: &str) -> bool {
        value::boolean(self.value(key)).unwrap_or(false)
    }

    /// The commands of a setting, in order.
    pub(crate) fn commands(&self, key: &str) -> Vec<Command> {
        self.settings.list(key).flat_map(Command::of).collect()
    }

    /// What systemd makes of `Type=` and its absence.
    pub(crate) fn kind(&self) -> Type {
        match self.value("Type") {
            "exec" => Type::Exec,
            "forking" => Type::Forking,
            "oneshot" => Type::Oneshot,
            "dbus" => Type::Dbus,
            "notify" => Type::Notify,
            "notify-reload" => Type::NotifyReload,
            "idle" => Type::Idle,
            "" if self.get("BusName").is_some() => Type::Dbus,
            "" if self.get("ExecStart").is_none() => Type::Oneshot,
            _ => Type::Simple,
        }
    }

    /// Whether a start waits for READY.
    pub(crate) fn awaits_ready(&self) -> bool {
        matches!(self.kind(), Type::Notify | Type::NotifyReload)
    }

    /// Whether its messages matter: for its start or for its watchdog.
    pub(crate) fn must_speak(&self) -> bool {
        self.awaits_ready() || self.watchdog().is_some()
    }

    /// `NotifyAccess=` in effect: types that await READY, a watchdog and stored descriptors imply `main`.
    pub(crate) fn access(&self) -> Access {
        let implied = if self.must_speak() || self.stores() { Access::Main } else { Access::None };
        match self.value("NotifyAccess") {
            "main" => Access::Main,
            "exec" => Access::Exec,
            "all" => Access::All,
            _ => implied,
        }
    }

    /// Whether systemd would keep descriptors for it.
    pub(crate) fn stores(&self) -> bool {
        !matches!(self.value("FileDescriptorStoreMax"), "" | "0")
    }

    /// The setting of the watchdog and its period, when there is one.
    pub(crate) fn watchdog(&self) -> Option<(&Setting, Duration)> {
        let setting = self.get("WatchdogSec")?;
        let period = value::span(&setting.value).ok()??;
        (!period.is_zero()).then_some((setting, period))
    }

    /// A timeout as systemd reads it: 0 and infinity are none. `None` also when it is not set.
    pub(crate) fn timeout(&self, key: &str) -> Option<Timeout<'_>> {
        let setting = self.get(key)?;
        let limit = value::span(&setting.value).ok()?.filter(|span| !span.is_zero());
        Some(Timeout { setting, limit })
    }

    /// The longest start a journal knows.
    pub(crate) fn longest_start(&self) -> Option<Duration> {
        self.starts.iter().copied().max()
    }

    /// The line that a finding about the start can point to: `Type=`, else `ExecStart=`, else whatever there is.
    pub(crate) fn main_line(&self) -> Option<&Setting> {
        self.get("ExecStart").or_else(|| self.settings.written.first())
    }

    /// Whether it gets the notify socket as an open descriptor.
    pub(crate) fn has_open_socket(&self) -> bool {
        self.settings
            .list("OpenFile")
            .any(|file| file.value.contains("systemd/notify") && !file.value.contains('%'))
    }

    /// Whether it runs without root's rights from the start.
    pub(crate) fn is_unprivileged(&self) -> bool {
        let user = self.value("User");
        self.is_users || self.yes("DynamicUser") || !matches!(user, "" | "root" | "0")
    }
}

/// A timeout and where it is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeout<'a> {
    pub(crate) setting: &'a Setting,
    pub(crate) limit: Option<Duration>,
}
