//! Where a manager is, and how one connection to it is made. A manager's private socket is spoken to directly,
//! as systemctl does: it works without a bus daemon, and one hop fewer is one wake-up fewer for each job.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::process::Command;
use zbus::connection::Builder;

use crate::ending::Ending;
use crate::link::{Link, Showed};
use crate::peer::Peer;
use crate::{Error, Host, Machine, Manager, Result, advice};

/// How long a manager may take over the handshake and over each method call: what libsystemd allows (25 s).
const PATIENCE: Duration = Duration::from_secs(25);

const INSTALL: &str = "install it, or name another with --ssh-command or $SYSTEMD_SSH";

/// Which manager is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Where {
    /// PID 1 of this machine.
    System,
    /// The manager of the calling user.
    User,
    /// `aye run` in this runtime directory; its socket is `DIR/systemd/private`.
    Embedded(PathBuf),
    /// A manager in a container or virtual machine of this machine.
    Machine(Machine),
    /// A manager of another host, behind ssh.
    Host(Host),
}

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => write!(f, "the system manager"),
            Self::User => write!(f, "the user manager"),
            Self::Machine(machine) => write!(f, "the {} of machine {}", scope(machine.user), machine.name),
            Self::Host(host) => write!(f, "the {} of {}", scope(host.user), host.destination),
            Self::Embedded(dir) => write!(f, "the embedded manager of {}", dir.display()),
        }
    }
}

fn scope(user: bool) -> &'static str {
    if user { "user manager" } else { "system manager" }
}

/// The embedded manager's runtime directory when none is named: `$AYE_RUNTIME_DIR`, else `aye` under
/// `$XDG_RUNTIME_DIR`, else `/run/aye` for root and `/tmp/aye-UID` for others.
pub fn runtime_dir() -> PathBuf {
    if let Some(dir) = directory("AYE_RUNTIME_DIR") {
        return dir;
    }
    if let Some(dir) = directory("XDG_RUNTIME_DIR") {
        return dir.join("aye");
    }
    match rustix::process::geteuid() {
        root if root.is_root() => PathBuf::from("/run/aye"),
        user => PathBuf::from(format!("/tmp/aye-{}", user.as_raw())),
    }
}

fn directory(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn user_runtime_dir() -> PathBuf {
    let uid = rustix::process::geteuid().as_raw();
    directory("XDG_RUNTIME_DIR").unwrap_or_else(|| PathBuf::from(format!("/run/user/{uid}")))
}

impl Where {
    /// The manager's private socket, if the caller may use one. PID 1 lets only root in.
    fn private_socket(&self) -> Option<PathBuf> {
        match self {
            Self::System => rustix::process::geteuid().is_root().then(|| "/run/systemd/private".into()),
            Self::User => Some(user_runtime_dir().join("systemd/private")),
            Self::Embedded(dir) => Some(dir.join("systemd/private")),
            Self::Machine(_) | Self::Host(_) => None,
        }
    }

    fn bus(&self) -> Option<(&'static str, Builder<'static>)> {
        match self {
            Self::System => Some(("the system bus", Builder::system())),
            Self::User => Some(("the user bus", Builder::session())),
            Self::Embedded(_) | Self::Machine(_) | Self::Host(_) => None,
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::System => "is systemd running as PID 1 here? `aye run` is a manager that needs no systemd",
            Self::Machine(_) => "`machinectl list` shows the machines; only root may enter one",
            Self::Host(_) if self.machine().is_some() => {
                "`machinectl list` there shows its machines; only root may enter one"
            }
            Self::Host(_) => "does `ssh -o BatchMode=yes` reach it, and does systemd run there?",
            Self::User => "is there a login session, or lingering (loginctl enable-linger) for this user?",
            Self::Embedded(_) => "start one with `aye run`, or name its directory with --embedded=DIR",
        }
    }

    /// The host or machine as it was typed; `None` for a manager of this machine.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Machine(machine) => Some(&machine.name),
            Self::Host(host) => Some(&host.destination),
            _ => None,
        }
    }

    /// Whether it is a user's manager and not the system's.
    pub fn is_user(&self) -> bool {
        match self {
            Self::User => true,
            Self::Machine(machine) => machine.user,
            Self::Host(host) => host.user,
            Self::System | Self::Embedded(_) => false,
        }
    }

    /// The machine that the manager is in, as `journalctl --machine=` takes it: without a user, and `None` for
    /// `.host`; for a [`Host`], that is one there.
    pub fn machine(&self) -> Option<&str> {
        let typed = match self {
            Self::Machine(machine) => Some(machine.name.as_str()),
            Self::Host(host) => host.parts().ok()?.machine,
            _ => None,
        };
        let name = typed.map(|typed| typed.rsplit_once('@').map_or(typed, |(_, name)| name));
        name.filter(|name| !matches!(*name, "" | ".host"))
    }

    /// A command on the host: through ssh for a [`Host`], each word quoted for the shell there, and here for all
    /// others. Neither a terminal's input nor its Ctrl-C reaches it, and it ends with its [`tokio::process::Child`].
    /// To reach into a [`Where::machine`], the program's own `--machine=` is needed.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let plain = || std::iter::once(&program).chain(arguments).map(|word| (*word).to_owned()).collect();
        let line: Vec<String> = match self {
            // A destination that is none was refused when it was connected to; `false` cannot reach another place.
            Self::Host(host) => {
                host.command_line(program, arguments).unwrap_or_else(|_| vec!["false".to_owned()])
            }
            _ => plain(),
        };
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        command
    }

    /// Connects: to a manager of this machine by its private socket first, then over the bus; to a machine or a host
    /// over its bus, by a child that lives as long as the connection.
    ///
    /// # Errors
    /// [`Error::Unreachable`] names each address tried and why it did not answer, in ssh's own words where there was
    /// one; [`Error::Denied`] when the socket is there and refuses this user; [`Error::BadPlace`].
    pub async fn connect(&self) -> Result<Manager> {
        match self {
            Self::Machine(machine) => {
                machine.check()?;
                self.bridged(&machine.bridge(), false).await
            }
            Self::Host(host) => self.bridged(&host.bridge()?, host.is_direct()).await,
            _ => self.local().await,
        }
    }

    async fn local(&self) -> Result<Manager> {
        let mut tried = Vec::new();
        if let Some(path) = self.private_socket() {
            match peer(&path).await {
                Ok(connection) => return Ok(Manager::new(connection, Ending::default())),
                Err(Trouble::Denied(reason)) if self.bus().is_none() => {
                    return Err(Error::Denied { doing: format!("connect to {}", path.display()), reason });
                }
                Err(Trouble::Denied(reason) | Trouble::Other(reason)) => {
                    tried.push(format!("{}: {reason}", path.display()));
                }
            }
        }
        if let Some((name, builder)) = self.bus() {
            match handshake(builder).await {
                Ok(connection) => return Ok(Manager::new(connection, Ending::default())),
                Err(showed) => tried.push(format!("{name}: {}", showed.reason)),
            }
        }
        Err(Error::Unreachable { place: self.to_string(), tried: tried.join(", "), advice: self.advice() })
    }

    /// To what is at the other end of a child: a manager itself, or a bus, which wants to be greeted as any does. The child's own login is the
    /// authentication: its server takes whoever speaks to it.
    async fn bridged(&self, line: &[String], direct: bool) -> Result<Manager> {
        let unreachable =
            |tried: String, advice| Err(Error::Unreachable { place: self.to_string(), tried, advice });
        let (link, stream, leash) = match Link::start(line) {
            Ok((link, stream, leash)) => (link, stream, Arc::new(leash)),
            Err(error) => return unreachable(format!("cannot run {}: {}", line[0], plain(&error)), INSTALL),
        };
        let builder = Builder::socket(Peer::bridged(stream, leash.clone(), direct));
        match handshake(if direct { builder.p2p() } else { builder }).await {
            Ok(connection) => Ok(Manager::new(connection, Ending::of(link))),
            Err(showed) => {
                let reason = link.blame(showed).await;
                let advice = advice::on(&reason, self.advice());
                unreachable(reason, advice)
            }
        }
    }
}

enum Trouble {
    Denied(String),
    Other(String),
}

/// A direct connection: SASL EXTERNAL and no Hello, since there is no bus that could give us a name.
async fn peer(path: &Path) -> std::result::Result<zbus::Connection, Trouble> {
    let stream = UnixStream::connect(path).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => Trouble::Denied(plain(&error)),
        _ => Trouble::Other(plain(&error)),
    })?;
    handshake(Builder::socket(Peer::direct(stream)).p2p())
        .await
        .map_err(|showed| Trouble::Other(showed.reason))
}

async fn handshake(builder: Builder<'static>) -> std::result::Result<zbus::Connection, Showed> {
    let building = builder.method_timeout(PATIENCE).build();
    match tokio::time::timeout(PATIENCE, building).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(zbus::Error::Connection(error, _))) => Err(Showed::broken(plain(&error))),
        Ok(Err(error)) => Err(Showed::broken(error.to_string())),
        Err(_) => Err(Showed::silent(format!("no answer within {} s", PATIENCE.as_secs()))),
    }
}

/// An I/O error without Rust's `(os error N)`, in lower case, as part of a sentence.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_named_without_its_user_and_this_one_is_none() {
        let table = [
            ("web", Some("web")),
            ("alice@web", Some("web")),
            ("@web", Some("web")),
            ("alice@", None),
            (".host", None),
            ("alice@.host", None),
        ];
        for (typed, expected) in table {
            let here = Where::Machine(Machine::new(typed, true).unwrap());
            let there = Where::Host(Host::new(format!("h/{typed}"), true, Vec::new()).unwrap());
            assert_eq!([here.machine(), there.machine()], [expected; 2], "{typed}");
        }
        assert_eq!(Where::Host(Host::new("alice@web1", true, Vec::new()).unwrap()).machine(), None);
    }
}
