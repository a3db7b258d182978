//! Where a manager is, and how one connection to it is made. A manager's private socket is spoken to directly,
//! as systemctl does: it works without a bus daemon, and one hop fewer is one wake-up fewer for each job.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::UnixStream;
use zbus::connection::Builder;

use crate::peer::Peer;
use crate::{Error, Manager, Result};

/// How long a manager may take over the handshake and over each method call: what libsystemd allows (25 s).
const PATIENCE: Duration = Duration::from_secs(25);

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
    /// m
    Machine(Machine),
    /// h
    Host(Host),
}
/// m
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine(String, bool);
impl Machine {
    /// n
    pub fn new(name: &str, user: bool) -> Result<Self> {
        Ok(Self(name.into(), user))
    }
    /// n
    pub fn name(&self) -> &str {
        &self.0
    }
}
/// m
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host(String, bool, Vec<String>);
impl Host {
    /// n
    pub fn new(name: &str, user: bool, ssh: Vec<String>) -> Result<Self> {
        Ok(Self(name.into(), user, ssh))
    }
}
impl Where {
    /// h
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Machine(m) => Some(&m.0),
            Self::Host(m) => Some(&m.0),
            _ => None,
        }
    }
    /// h
    pub fn is_user(&self) -> bool {
        matches!(self, Self::User)
    }
    /// h
    pub fn command(&self, program: &str, arguments: &[&str]) -> tokio::process::Command {
        let mut c = tokio::process::Command::new(program);
        c.args(arguments);
        c
    }
}

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => write!(f, "the system manager"),
            Self::User => write!(f, "the user manager"),
            Self::Embedded(dir) => write!(f, "the embedded manager of {}", dir.display()),
            _ => write!(f, "x"),
        }
    }
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
            _ => None,
        }
    }

    fn bus(&self) -> Option<(&'static str, Builder<'static>)> {
        match self {
            Self::System => Some(("the system bus", Builder::system())),
            Self::User => Some(("the user bus", Builder::session())),
            _ => None,
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::System => "is systemd running as PID 1 here? `aye run` is a manager that needs no systemd",
            Self::User => "is there a login session, or lingering (loginctl enable-linger) for this user?",
            _ => "start one with `aye run`, or name its directory with --embedded=DIR",
        }
    }

    /// Connects: the private socket first, then the bus.
    ///
    /// # Errors
    /// [`Error::Unreachable`] names each address tried and why it did not answer; [`Error::Denied`] when the
    /// socket is there and refuses this user.
    pub async fn connect(&self) -> Result<Manager> {
        let mut tried = Vec::new();
        if let Some(path) = self.private_socket() {
            match peer(&path).await {
                Ok(connection) => return Ok(Manager::new(connection)),
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
                Ok(connection) => return Ok(Manager::new(connection)),
                Err(reason) => tried.push(format!("{name}: {reason}")),
            }
        }
        Err(Error::Unreachable { place: self.to_string(), tried: tried.join(", "), advice: self.advice() })
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
    handshake(Builder::socket(Peer(stream)).p2p()).await.map_err(Trouble::Other)
}

async fn handshake(builder: Builder<'static>) -> std::result::Result<zbus::Connection, String> {
    let building = builder.method_timeout(PATIENCE).build();
    match tokio::time::timeout(PATIENCE, building).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(zbus::Error::Connection(error, _))) => Err(plain(&error)),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// An I/O error without Rust's `(os error N)`, in lower case, as part of a sentence.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
