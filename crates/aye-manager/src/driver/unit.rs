//! The units a manager holds: their settings, and what is open for them.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::Rc;

use aye::Receiver;
use tokio::net::unix::pipe;
use tokio::net::{UnixDatagram, UnixStream};
use tokio::task::JoinSet;

use super::log::Lines;
use crate::process::Marks;
use crate::service::{Machine, State};
use crate::unit::{Service, Socket, Type};

/// A unit of either kind.
#[derive(Debug)]
pub(crate) enum Unit {
    Service(Box<ServiceUnit>),
    Socket(Box<SocketUnit>),
}

/// A service with its machine and its channels, which outlive each run of it.
#[derive(Debug)]
pub(crate) struct ServiceUnit {
    pub(crate) settings: Service,
    pub(crate) machine: Machine,
    /// `INVOCATION_ID` of the last run, as bytes; all zero before the first.
    pub(crate) invocation: [u8; 16],
    /// The session its main process began.
    pub(crate) session: Option<u32>,
    /// Where its starting process says whether it became its program; `None` once it has.
    pub(crate) executor: Option<Rc<UnixStream>>,
    /// Watches a main process that the service named itself; the next one takes its place.
    pub(crate) main_watch: Option<JoinSet<()>>,
    pub(crate) notify_path: PathBuf,
    pub(crate) receiver: Rc<Receiver>,
    /// The same socket, for the event loop to say when there is something to receive.
    pub(crate) readiness: Rc<UnixDatagram>,
    /// Standard output and error of its processes: they write to one end and we read from the other.
    pub(crate) output: OwnedFd,
    pub(crate) output_read: Rc<pipe::Receiver>,
    pub(crate) lines: Lines,
    /// The last lines, oldest first.
    pub(crate) log: VecDeque<String>,
    /// What was last said of a message that did not count.
    pub(crate) last_told: String,
    /// The tasks that listen to it, which end with it.
    pub(crate) tasks: JoinSet<()>,
}

impl ServiceUnit {
    /// Whether a reload means anything to it.
    pub(crate) fn can_reload(&self) -> bool {
        !self.settings.exec_reload.is_empty() || self.settings.kind == Type::NotifyReload
    }

    /// Whether anything would be lost if it were forgotten.
    pub(crate) fn is_pristine(&self) -> bool {
        self.invocation == [0; 16] && self.machine.job().is_none() && self.machine.state() == State::Dead
    }

    /// The processes that the manager itself has started for it.
    pub(crate) fn roots(&self) -> impl Iterator<Item = u32> {
        self.machine.main_pid().into_iter().chain(self.machine.control_pid())
    }

    /// What tells its processes from others.
    pub(crate) fn marks(&self) -> Marks {
        let started = self.invocation != [0; 16];
        Marks {
            roots: self.roots().collect(),
            session: self.session,
            invocation: started.then(|| hexadecimal(&self.invocation)),
        }
    }
}

/// A socket and what it listens with. The descriptors stay open as long as the unit is active, whatever becomes of the
/// services that share them.
#[derive(Debug)]
pub(crate) struct SocketUnit {
    pub(crate) settings: Socket,
    pub(crate) fds: Vec<Rc<OwnedFd>>,
    /// It was asked to listen and could not.
    pub(crate) failed: bool,
    /// `CLOCK_MONOTONIC` when it began to listen, in microseconds.
    pub(crate) since: u64,
}

impl SocketUnit {
    pub(crate) fn is_listening(&self) -> bool {
        !self.fds.is_empty()
    }
}

impl Unit {
    /// The service, if it is one.
    pub(crate) fn service(&self) -> Option<&ServiceUnit> {
        match self {
            Self::Service(service) => Some(service),
            Self::Socket(_) => None,
        }
    }

    /// The same to change.
    pub(crate) fn service_mut(&mut self) -> Option<&mut ServiceUnit> {
        match self {
            Self::Service(service) => Some(service),
            Self::Socket(_) => None,
        }
    }

    /// `ActiveState` and `SubState`.
    pub(crate) fn states(&self) -> (&'static str, &'static str) {
        match self {
            Self::Service(service) => (service.machine.state().active(), service.machine.state().sub()),
            Self::Socket(socket) if socket.is_listening() => ("active", "listening"),
            Self::Socket(socket) if socket.failed => ("failed", "failed"),
            Self::Socket(_) => ("inactive", "dead"),
        }
    }

    /// `Description=`.
    pub(crate) fn description(&self) -> &str {
        match self {
            Self::Service(service) => &service.settings.description,
            Self::Socket(socket) => &socket.settings.description,
        }
    }
}

/// Lower-case hexadecimal digits, as `INVOCATION_ID` has them.
pub(crate) fn hexadecimal(id: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*id))
}
