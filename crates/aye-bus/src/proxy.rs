//! The calls of `org.freedesktop.systemd1` that are used here, and no others: each method sends one message and
//! reads one reply. Nothing is cached; what a manager says is true when it says it.

use std::collections::HashMap;

use futures_util::future::{join, try_join, try_join_all};
use serde::Serialize;
use zbus::message::Message;
use zbus::{Connection, DynamicType, ObjectPath, OwnedObjectPath};

use crate::ending::Ending;
use crate::unit::{self, Unit};
use crate::{Error, Result, Signals};

const NAME: &str = "org.freedesktop.systemd1";
pub(crate) const PATH: &str = "/org/freedesktop/systemd1";
pub(crate) const MANAGER: &str = "org.freedesktop.systemd1.Manager";
pub(crate) const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// The states of a unit file that count as enabled.
const ENABLED: [&str; 2] = ["enabled", "enabled-runtime"];

/// The same, and that of a template of which instances are enabled.
const LINKED: [&str; 3] = ["enabled", "enabled-runtime", "indirect"];

/// How many units are read at the same time: over ssh each reply takes its time, and waiting for one before asking
/// for the next would add those times up. A service's properties are some 25 KB on the wire, and are held until
/// they are read.
pub(crate) const AT_ONCE: usize = 32;

/// What to enqueue for a unit, always with the mode `replace`, as systemctl does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verb {
    /// Start it if it is not running.
    Start,
    /// Stop it.
    Stop,
    /// Ask the running service to reload.
    Reload,
    /// Stop it if it runs, then start it.
    Restart,
    /// Restart it if it runs, leave it alone otherwise.
    TryRestart,
    /// Reload it if it can, else restart it; start it if it does not run.
    ReloadOrRestart,
    /// Reload it if it can, else restart it; leave it alone if it does not run.
    ReloadOrTryRestart,
}

impl Verb {
    fn method(self) -> &'static str {
        match self {
            Self::Start => "StartUnit",
            Self::Stop => "StopUnit",
            Self::Reload => "ReloadUnit",
            Self::Restart => "RestartUnit",
            Self::TryRestart => "TryRestartUnit",
            Self::ReloadOrRestart => "ReloadOrRestartUnit",
            Self::ReloadOrTryRestart => "ReloadOrTryRestartUnit",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Reload => "reload",
            Self::Restart | Self::TryRestart => "restart",
            Self::ReloadOrRestart | Self::ReloadOrTryRestart => "reload or restart",
        }
    }
}

/// One unit of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The unit's name.
    pub name: String,
    /// What its file calls it.
    pub description: String,
    /// `LoadState`: loaded, not-found, masked, bad-setting, error.
    pub load: String,
}

/// A row of `ListUnitsByPatterns`: name, description, load, active, sub, following, path, job id, type and path.
type Row<'a> =
    (&'a str, &'a str, &'a str, &'a str, &'a str, &'a str, ObjectPath<'a>, u32, &'a str, ObjectPath<'a>);

/// A connection to one service manager.
#[derive(Debug, Clone)]
pub struct Manager {
    connection: Connection,
    ending: Ending,
}

impl Manager {
    pub(crate) fn new(connection: Connection, ending: Ending) -> Self {
        Self { connection, ending }
    }

    /// Why the connection has ended, once it has; each call answers [`Error::Lost`] from then on. The silence of a
    /// host shows within 15 s, when its ssh gives up.
    pub fn lost(&self) -> Option<String> {
        self.ending.reason()
    }

    pub(crate) async fn call<B>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
        doing: &str,
    ) -> Result<Message>
    where
        B: Serialize + DynamicType,
    {
        self.ending.check(doing)?;
        match self.connection.call_method(Some(NAME), path, Some(interface), method, body).await {
            Ok(reply) => Ok(reply),
            Err(error) => Err(self.ending.explain(&error, doing).await),
        }
    }

    /// Starts the flow of signals. Call it before enqueuing anything: a job can end before its own reply.
    ///
    /// # Errors
    /// As any call: the manager may be gone or may refuse.
    pub async fn watch(&self) -> Result<Signals> {
        self.signals(&["JobRemoved", "PropertiesChanged"]).await
    }

    /// The same, with the units that are loaded and unloaded.
    ///
    /// # Errors
    /// As any call.
    pub async fn watch_units(&self) -> Result<Signals> {
        self.signals(&["PropertiesChanged", "UnitNew", "UnitRemoved"]).await
    }

    async fn signals(&self, members: &[&str]) -> Result<Signals> {
        let signals = Signals::of(&self.connection, self.ending.clone());
        if self.connection.is_bus() {
            for member in members {
                let rule = format!("type='signal',sender='{NAME}',member='{member}'");
                let bus = "org.freedesktop.DBus";
                let added = self.connection.call_method(
                    Some(bus),
                    "/org/freedesktop/DBus",
                    Some(bus),
                    "AddMatch",
                    &rule,
                );
                if let Err(error) = added.await {
                    return Err(self.ending.explain(&error, "match the manager's signals").await);
                }
            }
        }
        self.call(PATH, MANAGER, "Subscribe", &(), "subscribe to the manager's signals").await?;
        Ok(signals)
    }

    /// Loads a unit if it is not loaded, and gives its object path. A unit that does not exist has a path too;
    /// its `LoadState` says `not-found`.
    ///
    /// # Errors
    /// [`Error::Refused`] for a name that is not a unit's.
    pub async fn load(&self, name: &str) -> Result<OwnedObjectPath> {
        self.path("LoadUnit", name).await
    }

    /// The object path of a unit that is loaded already.
    ///
    /// # Errors
    /// [`Error::Refused`] with `NoSuchUnit` when it is not.
    pub async fn get(&self, name: &str) -> Result<OwnedObjectPath> {
        self.path("GetUnit", name).await
    }

    async fn path(&self, method: &str, name: &str) -> Result<OwnedObjectPath> {
        let doing = format!("find {name}");
        let reply = self.call(PATH, MANAGER, method, &name, &doing).await?;
        reply.body().deserialize().map_err(|error| Error::from_zbus(&error, doing))
    }

    /// Every loaded unit whose name matches the glob.
    ///
    /// # Errors
    /// As any call.
    pub async fn list_units(&self, pattern: &str) -> Result<Vec<Listed>> {
        let doing = format!("list the units matching '{pattern}'");
        let body = (&[] as &[&str], with_suffix(pattern));
        let reply = self.call(PATH, MANAGER, "ListUnitsByPatterns", &body, &doing).await?;
        let body = reply.body();
        let rows: Vec<Row<'_>> = body.deserialize().map_err(|error| Error::from_zbus(&error, doing))?;
        let listed = |row: &Row<'_>| {
            let [name, description, load] = [row.0, row.1, row.2].map(str::to_owned);
            Listed { name, description, load }
        };
        Ok(rows.iter().map(listed).collect())
    }

    /// The names of the enabled unit files that match the glob.
    ///
    /// # Errors
    /// As any call.
    pub async fn list_enabled(&self, pattern: &str) -> Result<Vec<String>> {
        self.list_files(pattern, &ENABLED).await
    }

    /// The same, and those that are enabled by another name alone, as a template is by its instances.
    ///
    /// # Errors
    /// As any call.
    pub async fn list_linked(&self, pattern: &str) -> Result<Vec<String>> {
        self.list_files(pattern, &LINKED).await
    }

    async fn list_files(&self, pattern: &str, states: &[&str]) -> Result<Vec<String>> {
        let doing = format!("list the unit files matching '{pattern}'");
        let body = (states, with_suffix(pattern));
        let reply = self.call(PATH, MANAGER, "ListUnitFilesByPatterns", &body, &doing).await?;
        let body = reply.body();
        let rows: Vec<(&str, &str)> = body.deserialize().map_err(|error| Error::from_zbus(&error, doing))?;
        // Asked for above, and looked at again: a manager may list more than it was asked for.
        let enabled = rows.iter().filter(|(_, state)| states.contains(state));
        let names = enabled.filter_map(|(path, _)| path.rsplit('/').next());
        Ok(names.map(str::to_owned).collect())
    }

    /// The names under which a unit file is enabled: of a template, its instances, which no listing has when nothing has
    /// loaded them. A manager that does not know them, as `aye run` does not, knows none.
    ///
    /// # Errors
    /// As any call.
    pub async fn list_links(&self, file: &str) -> Result<Vec<String>> {
        let (lasting, runtime) = try_join(self.links(file, false), self.links(file, true)).await?;
        Ok(lasting.into_iter().chain(runtime).collect())
    }

    /// Those in /etc, or those in /run.
    async fn links(&self, file: &str, runtime: bool) -> Result<Vec<String>> {
        let doing = format!("list the links to {file}");
        let reply = match self.call(PATH, MANAGER, "GetUnitFileLinks", &(file, runtime), &doing).await {
            Err(Error::Refused { .. } | Error::Denied { .. }) => return Ok(Vec::new()),
            reply => reply?,
        };
        let body = reply.body();
        let paths: Vec<&str> = body.deserialize().map_err(|error| Error::from_zbus(&error, doing))?;
        Ok(paths.iter().filter_map(|path| path.rsplit('/').next()).map(str::to_owned).collect())
    }

    /// Enqueues a job for a unit and gives the job's path, which its [`Signal::JobRemoved`] will carry. That
    /// signal may already be waiting when this returns.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Refused`] with the manager's reason, such as a masked unit.
    ///
    /// [`Signal::JobRemoved`]: crate::Signal::JobRemoved
    pub async fn enqueue(&self, verb: Verb, name: &str) -> Result<OwnedObjectPath> {
        let doing = format!("{} {name}", verb.words());
        let reply = self.call(PATH, MANAGER, verb.method(), &(name, "replace"), &doing).await?;
        reply.body().deserialize().map_err(|error| Error::from_zbus(&error, doing))
    }

    /// Reads everything that judging a unit needs: one call, and for a service a second one at the same time.
    ///
    /// # Errors
    /// As any call.
    pub async fn unit(&self, path: &ObjectPath<'_>) -> Result<Unit> {
        if !path.ends_with("_2eservice") {
            return self.state(path).await;
        }
        let (state, service) =
            join(self.state(path), self.all(path, "org.freedesktop.systemd1.Service")).await;
        let mut unit = state?;
        // One that is not loaded has nothing to say there, or no such interface.
        if unit.load == "loaded" {
            unit.service = Some(unit::read(&service?, path, unit::service)?);
        }
        Ok(unit)
    }

    /// Reads many units as [`Manager::unit`] does, without waiting for one answer before the next question.
    ///
    /// # Errors
    /// The first that any of the calls gives.
    pub async fn units(&self, paths: &[OwnedObjectPath]) -> Result<Vec<Unit>> {
        let mut units = Vec::with_capacity(paths.len());
        for some in paths.chunks(AT_ONCE) {
            units.extend(try_join_all(some.iter().map(|path| self.unit(path))).await?);
        }
        Ok(units)
    }

    /// Reads a unit's state without what only a service has: one call.
    ///
    /// # Errors
    /// As any call.
    pub async fn state(&self, path: &ObjectPath<'_>) -> Result<Unit> {
        let reply = self.all(path, "org.freedesktop.systemd1.Unit").await?;
        unit::read(&reply, path, |properties| properties.unit(path))?
    }

    async fn all(&self, path: &ObjectPath<'_>, interface: &str) -> Result<Message> {
        self.call(path.as_str(), PROPERTIES, "GetAll", &interface, &format!("read {path}")).await
    }

    /// The files a unit was read from: the unit file, then its drop-ins in their order. None for a unit without a file.
    ///
    /// # Errors
    /// As any call.
    pub async fn files(&self, path: &ObjectPath<'_>) -> Result<Vec<String>> {
        let doing = format!("read the files of {path}");
        let reply = self.all(path, "org.freedesktop.systemd1.Unit").await?;
        let body = reply.body();
        let mut properties: HashMap<&str, zbus::Variant<'_>> =
            body.deserialize().map_err(|error| Error::from_zbus(&error, &*doing))?;
        let mut take = |name: &str| properties.remove(name);
        let fragment = take("FragmentPath").and_then(|value| String::try_from(value).ok());
        let drop_ins = take("DropInPaths").and_then(|value| Vec::<String>::try_from(value).ok());
        let fragment = fragment.filter(|file| !file.is_empty());
        Ok(fragment.into_iter().chain(drop_ins.unwrap_or_default()).collect())
    }

    /// The last lines a unit wrote, oldest first, as the embedded manager keeps them (`io.aye.Unit1.LogTail`).
    ///
    /// # Errors
    /// [`Error::Refused`] from a manager that keeps none, such as systemd.
    pub async fn log_tail(&self, path: &ObjectPath<'_>) -> Result<Vec<String>> {
        let doing = format!("read the log of {path}");
        let body = ("io.aye.Unit1", "LogTail");
        let reply = self.call(path.as_str(), PROPERTIES, "Get", &body, &doing).await?;
        let body = reply.body();
        let value: zbus::Variant<'_> =
            body.deserialize().map_err(|error| Error::from_zbus(&error, &*doing))?;
        Vec::try_from(value).map_err(|error: zbus::Error| Error::from_zbus(&error, doing))
    }
}

/// The pattern, and what it is when the suffix was left away: `web@?` is to find web@1.service.
fn with_suffix(pattern: &str) -> Vec<String> {
    vec![pattern.to_owned(), format!("{pattern}.service")]
}
