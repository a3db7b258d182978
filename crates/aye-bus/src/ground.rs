//! What a manager knows of a service that decides what it makes of the service's next notify message, read in one call; and
//! the settings of the service that decide where its notify socket can be reached. Reading is asking: nothing is cached.

use std::time::Duration;

use zbus::ObjectPath;
use zbus::Variant;
use zbus::message::Message;

use crate::proxy::{MANAGER, PATH, PROPERTIES};
use crate::unit::{self, Properties};
use crate::{Error, Invocation, Manager, Result};

/// The ground that a message meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The unit's primary name (`Id`).
    pub name: String,
    /// Its object.
    pub path: zbus::OwnedObjectPath,
    /// `ActiveState`
    pub active: String,
    /// `SubState`
    pub sub: String,
    /// `Result`
    pub result: String,
    /// `InvocationID`; `None` for a unit that was never started.
    pub invocation: Option<Invocation>,
    /// When `SubState` last changed (`StateChangeTimestampMonotonic`), since boot.
    pub changed: Duration,
    /// `Type`
    pub kind: String,
    /// `NotifyAccess`, the one in force.
    pub access: String,
    /// `MainPID`; 0 when there is none.
    pub main_pid: u32,
    /// `ControlPID`; 0 when there is none.
    pub control_pid: u32,
    /// `ExecMainCode`, as in `siginfo_t`.
    pub exit_code: i32,
    /// `ExecMainStatus`
    pub exit_status: i32,
    /// `WatchdogUSec`, the one in force; `None` when off.
    pub watchdog: Option<Duration>,
    /// `TimeoutStartUSec`; `None` when infinite.
    pub start_timeout: Option<Duration>,
    /// `TimeoutStopUSec`; `None` when infinite.
    pub stop_timeout: Option<Duration>,
    /// `NFileDescriptorStore`
    pub stored: u32,
    /// `FileDescriptorStoreMax`
    pub store_max: u32,
    /// `ReloadSignal`; 0 before systemd 253.
    pub reload_signal: i32,
    /// `KillSignal`
    pub kill_signal: i32,
    /// `KillMode`
    pub kill_mode: String,
}

/// What of a service's settings decides which paths its processes see, and which notify socket they are told of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// `LoadState`
    pub load: String,
    /// `RootDirectory`, or `RootImage`, or `RootMStack`; empty when the root is the machine's.
    pub root: String,
    /// The paths of `TemporaryFileSystem`.
    pub temporary: Vec<String>,
    /// The destinations of `BindPaths` and `BindReadOnlyPaths`.
    pub binds: Vec<String>,
    /// `InaccessiblePaths`
    pub inaccessible: Vec<String>,
    /// `OpenFile`: path, name and flags.
    pub open_files: Vec<(String, String, u64)>,
    /// `UnsetEnvironment`
    pub unset: Vec<String>,
    /// The files of `EnvironmentFiles`.
    pub environment_files: Vec<String>,
    /// `ExecStart` has at least one command.
    pub starts: bool,
}

impl Manager {
    /// Reads the ground of a service in one call.
    ///
    /// # Errors
    /// As any call.
    pub async fn ground(&self, path: &ObjectPath<'_>) -> Result<Ground> {
        unit::read(&self.everything(path).await?, path, |properties| ground(properties, path))
    }

    /// Reads where a service can reach its notify socket.
    ///
    /// # Errors
    /// As any call.
    pub async fn reach(&self, path: &ObjectPath<'_>) -> Result<Reach> {
        unit::read(&self.everything(path).await?, path, reach)
    }

    /// The object path of the unit that the process belongs to.
    ///
    /// # Errors
    /// [`Error::Refused`] when it belongs to none.
    pub async fn unit_of(&self, pid: u32) -> Result<zbus::OwnedObjectPath> {
        let doing = format!("find the unit of process {pid}");
        let reply = self.call(PATH, MANAGER, "GetUnitByPID", &pid, &doing).await?;
        reply.body().deserialize().map_err(|error| Error::from_zbus(&error, doing))
    }

    /// The manager's version, such as 257.
    ///
    /// # Errors
    /// As any call; [`Error::Malformed`] for one that begins with no number.
    pub async fn version(&self) -> Result<u16> {
        let doing = "read the manager's version";
        let reply = self.call(PATH, PROPERTIES, "Get", &(MANAGER, "Version"), doing).await?;
        let body = reply.body();
        let value: Variant<'_> = body.deserialize().map_err(|error| Error::from_zbus(&error, doing))?;
        let Variant::Str(text) = value else {
            return Err(Error::Malformed { doing: doing.to_owned(), reason: "it is no text".to_owned() });
        };
        number(text.as_str()).ok_or_else(|| Error::Malformed {
            doing: doing.to_owned(),
            reason: format!("{:?} begins with no number", text.as_str()),
        })
    }

    /// Has the manager read all unit files anew, and waits until it has (`systemctl daemon-reload`).
    ///
    /// # Errors
    /// As any call; [`Error::Refused`] where the manager reads its files once.
    pub async fn reload(&self) -> Result<()> {
        self.call(PATH, MANAGER, "Reload", &(), "have the manager read its unit files").await.map(drop)
    }

    /// The properties of all interfaces: that is what an empty name asks sd-bus for.
    async fn everything(&self, path: &ObjectPath<'_>) -> Result<Message> {
        self.call(path.as_str(), PROPERTIES, "GetAll", &"", &format!("read {path}")).await
    }
}

fn number(version: &str) -> Option<u16> {
    let digits = version.trim_start_matches('v');
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

fn ground(of: &Properties<'_>, path: &ObjectPath<'_>) -> Ground {
    Ground {
        path: path.to_owned().into(),
        name: of.text("Id").to_owned(),
        active: of.text("ActiveState").to_owned(),
        sub: of.text("SubState").to_owned(),
        result: of.text("Result").to_owned(),
        invocation: of.invocation(),
        changed: of.micros("StateChangeTimestampMonotonic"),
        kind: of.text("Type").to_owned(),
        access: of.text("NotifyAccess").to_owned(),
        main_pid: of.unsigned("MainPID"),
        control_pid: of.unsigned("ControlPID"),
        exit_code: of.signed("ExecMainCode"),
        exit_status: of.signed("ExecMainStatus"),
        watchdog: of.span("WatchdogUSec"),
        start_timeout: of.span("TimeoutStartUSec"),
        stop_timeout: of.span("TimeoutStopUSec"),
        stored: of.unsigned("NFileDescriptorStore"),
        store_max: of.unsigned("FileDescriptorStoreMax"),
        reload_signal: of.signed("ReloadSignal"),
        kill_signal: of.signed("KillSignal"),
        kill_mode: of.text("KillMode").to_owned(),
    }
}

fn reach(of: &Properties<'_>) -> Reach {
    let roots = ["RootDirectory", "RootImage", "RootMStack"].map(|name| of.text(name));
    let firsts = |name| of.rows(name).iter().filter_map(|row| texts(row).next()).collect::<Vec<_>>();
    // Source, destination, whether it may be missing, flags.
    let destinations = |name| of.rows(name).iter().filter_map(|row| texts(row).nth(1)).collect::<Vec<_>>();
    let open_file = |row: &Vec<Variant<'_>>| match row.as_slice() {
        [Variant::Str(path), Variant::Str(name), Variant::U64(flags)] => {
            Some((path.as_str().to_owned(), name.as_str().to_owned(), *flags))
        }
        _ => None,
    };
    Reach {
        load: of.text("LoadState").to_owned(),
        root: roots.into_iter().find(|root| !root.is_empty()).unwrap_or_default().to_owned(),
        temporary: firsts("TemporaryFileSystem"),
        binds: [destinations("BindPaths"), destinations("BindReadOnlyPaths")].concat(),
        inaccessible: of.texts("InaccessiblePaths"),
        open_files: of.rows("OpenFile").iter().filter_map(open_file).collect(),
        unset: of.texts("UnsetEnvironment"),
        environment_files: firsts("EnvironmentFiles"),
        starts: !of.rows("ExecStart").is_empty(),
    }
}

/// The texts of a row, in their order.
fn texts(row: &[Variant<'_>]) -> impl Iterator<Item = String> {
    row.iter().filter_map(|field| match field {
        Variant::Str(text) => Some(text.as_str().to_owned()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn properties<const N: usize>(values: [(&'static str, Variant<'static>); N]) -> Properties<'static> {
        Properties::of(HashMap::from(values))
    }

    #[test]
    fn what_a_manager_does_not_tell_is_nothing() {
        assert_eq!(reach(&properties([])), Reach::default());
        let path = ObjectPath::try_from("/a").unwrap();
        let ground = ground(&properties([]), &path);
        assert_eq!((ground.main_pid, ground.watchdog, ground.invocation), (0, None, None));
    }

    #[test]
    fn mounts_are_read_by_their_destination_and_files_with_their_flags() {
        let binds = vec![("/a", "/b", false, 0_u64), ("/c", "/d", true, 1)];
        let reach = reach(&properties([
            ("BindReadOnlyPaths", Variant::from(binds)),
            ("TemporaryFileSystem", Variant::from(vec![("/run", "ro")])),
            ("OpenFile", Variant::from(vec![("/run/systemd/notify", "notify", 8_u64)])),
            ("InaccessiblePaths", Variant::from(vec!["-/run/x"])),
        ]));
        assert_eq!(
            (reach.binds, reach.temporary),
            (vec!["/b".to_owned(), "/d".to_owned()], vec!["/run".to_owned()])
        );
        assert_eq!(reach.open_files, [("/run/systemd/notify".to_owned(), "notify".to_owned(), 8)]);
        assert_eq!(reach.inaccessible, ["-/run/x"]);
    }

    #[test]
    fn a_version_is_the_number_it_begins_with() {
        let table =
            [("257.8-1~deb13u2", Some(257)), ("v262", Some(262)), ("262~rc1", Some(262)), ("devel", None)];
        for (text, expected) in table {
            assert_eq!(number(text), expected, "{text}");
        }
    }
}
