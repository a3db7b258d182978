//! What waits: one small local task for each source of events, each of which calls into the manager and waits again.
//! And the life of a manager from its first unit to its last.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::PathBuf;
use std::rc::{Rc, Weak};
use std::time::Duration;

use aye::{Environment, Notifier};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinSet, LocalSet, spawn_local, yield_now};

use super::manager::{Manager, Shared, now};
use super::unit::ServiceUnit;
use super::{Broadcast, Observer, SearchPath, UnitError, reap};
use crate::face;
use crate::process;
use crate::runtime::{RuntimeDir, RuntimeError};
use crate::service::{Event, Exit, JobKind};
use crate::unit::units_of_dir;

/// The path that `OpenFile=` names to get the notify socket: PID 1's. Here it stands for the service's own.
pub(crate) const NOTIFY_PATH: &str = "/run/systemd/notify";

/// How long a service's output waits while nobody takes what was read of it before.
const BREATH: Duration = Duration::from_millis(5);

/// What to run.
#[derive(Debug, Clone)]
pub enum What {
    /// These units, from files in the folder.
    Units(PathBuf, Vec<String>),
    /// Every unit of the folder that can start.
    Folder(PathBuf),
    /// A command, in the folder.
    Command(PathBuf, Vec<String>),
}

/// A manager to be.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where its sockets go.
    pub runtime_dir: PathBuf,
    /// What it runs.
    pub what: What,
}

/// How it came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Every service ended by itself; whether one of them failed.
    ByItself {
        /// At least one service failed.
        failed: bool,
    },
    /// It was told to stop, by SIGINT.
    Interrupted,
    /// It was told to stop, by SIGTERM, or by the SIGHUP of a terminal that was closed.
    Terminated,
}

/// Why it could not begin. Nothing was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The runtime directory is not to be had.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A unit cannot be loaded.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// The folder has no unit that can start.
    #[error("no unit in {} can start: expected a .service or .socket file that is no template", .0.display())]
    NoUnits(PathBuf),
    /// The system refused something basic.
    #[error("cannot {0}: {1}")]
    System(&'static str, io::Error),
}

/// Runs a manager until its end.
///
/// # Errors
/// [`StartError`] when it could not begin; nothing is left running then.
pub fn run(setup: Setup, observer: Box<dyn Observer>) -> Result<Ended, StartError> {
    let system = |what| move |error| StartError::System(what, error);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(system("make an event loop"))?;
    LocalSet::new().block_on(&runtime, live(setup, observer))
}

async fn live(setup: Setup, observer: Box<dyn Observer>) -> Result<Ended, StartError> {
    let system = |what| move |error| StartError::System(what, error);
    let subreaper = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    subreaper.map_err(|errno| StartError::System("become a subreaper", errno.into()))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(system("handle SIGINT"))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(system("handle SIGTERM"))?;
    // nohup(1) means what it says.
    let mut hang_up = if process::ignores(rustix::process::Signal::HUP) {
        None
    } else {
        Some(signal(SignalKind::hangup()).map_err(system("handle SIGHUP"))?)
    };
    let children = signal(SignalKind::child()).map_err(system("handle SIGCHLD"))?;

    let runtime = RuntimeDir::acquire(&setup.runtime_dir)?;
    let control = runtime.control_socket();
    let (manager, broadcasts) = Manager::new(runtime, search_path(&setup.what), observer);
    let units = load(&manager, setup.what)?;
    let listener = UnixListener::bind(control).map_err(system("bind the control socket"))?;

    spawn_local(reap_children(Rc::downgrade(&manager), children));
    spawn_local(keep_time(Rc::downgrade(&manager)));
    spawn_local(face::serve(Rc::downgrade(&manager), listener, broadcasts));
    for unit in &units {
        let started = manager.borrow_mut().request(unit, JobKind::Start);
        if let Err(error) = started {
            stop(&manager, &mut interrupt, &mut terminate).await;
            return Err(error.into());
        }
    }

    let mut changed = manager.borrow().changed.subscribe();
    let (mut superior, mut ready) = (superior(), None);
    let ended = loop {
        if superior.is_some() && manager.borrow().are_up(&units) {
            tell(superior.as_ref(), b"READY=1");
            ready = superior.take();
        }
        if manager.borrow().is_over() {
            let failed = manager.borrow().has_failed();
            break Ended::ByItself { failed };
        }
        tokio::select! {
            _ = changed.changed() => {}
            _ = interrupt.recv() => break Ended::Interrupted,
            _ = terminate.recv() => break Ended::Terminated,
            Some(()) = recv(&mut hang_up) => break Ended::Terminated,
        }
    };
    tell(ready.as_ref(), b"STOPPING=1");
    if !matches!(ended, Ended::ByItself { .. }) {
        stop(&manager, &mut interrupt, &mut terminate).await;
    }
    // Clients hear the last word before the socket goes.
    let (done, flushed) = tokio::sync::oneshot::channel();
    manager.borrow().broadcast(Broadcast::Flush(done));
    let _ = flushed.await;
    Ok(ended)
}

/// The manager above this one, where `aye run` is itself a service of Type=notify.
fn superior() -> Option<Notifier> {
    Notifier::from_environment(&Environment::of_process()).ok().flatten()
}

/// It is up when its services are. Whether anybody hears that changes nothing for them.
fn tell(superior: Option<&Notifier>, message: &[u8]) {
    if let Some(superior) = superior {
        let _ = superior.send(message);
    }
}

/// Waits for a signal that may not be listened to at all.
async fn recv(signal: &mut Option<Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => None,
    }
}

fn search_path(what: &What) -> SearchPath {
    match what {
        What::Units(folder, _) | What::Folder(folder) => vec![folder.clone()],
        What::Command(..) => Vec::new(),
    }
}

/// Reads every unit before any is started.
fn load(manager: &Shared, what: What) -> Result<Vec<String>, StartError> {
    let mut manager = manager.borrow_mut();
    let names = match what {
        What::Units(_, names) => names,
        What::Command(folder, arguments) => return Ok(vec![manager.load_command(&arguments, folder)?]),
        What::Folder(folder) => {
            let names = units_of_dir(&folder).map_err(UnitError::from)?;
            if names.is_empty() {
                return Err(StartError::NoUnits(folder));
            }
            names.iter().map(ToString::to_string).collect()
        }
    };
    let loaded: Result<Vec<String>, UnitError> = names.iter().map(|name| manager.load(name)).collect();
    let loaded = loaded?;
    manager.named = manager.units.keys().cloned().collect();
    Ok(loaded)
}

/// Stops everything and waits; a second signal kills what is left.
async fn stop(manager: &Shared, interrupt: &mut Signal, terminate: &mut Signal) {
    let mut changed = manager.borrow().changed.subscribe();
    manager.borrow_mut().stop_all();
    while !manager.borrow().all_down() {
        tokio::select! {
            _ = changed.changed() => {}
            _ = interrupt.recv() => manager.borrow_mut().kill_all(),
            _ = terminate.recv() => manager.borrow_mut().kill_all(),
        }
    }
}

async fn reap_children(manager: Weak<RefCell<Manager>>, mut children: Signal) {
    while children.recv().await.is_some() {
        let Some(manager) = manager.upgrade() else {
            return;
        };
        let mut manager = manager.borrow_mut();
        while let Some((pid, exit)) = reap::next() {
            manager.reaped(pid, exit);
        }
        manager.settle();
    }
}

async fn keep_time(manager: Weak<RefCell<Manager>>) {
    let Some(mut changed) = manager.upgrade().map(|manager| manager.borrow().changed.subscribe()) else {
        return;
    };
    loop {
        let Some(deadline) = manager.upgrade().map(|manager| manager.borrow().deadline()) else {
            return;
        };
        let wait = deadline.map_or(Duration::from_secs(3600), |deadline| deadline.saturating_sub(now()));
        tokio::select! {
            changed = changed.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(wait) => {
                let Some(manager) = manager.upgrade() else { return };
                manager.borrow_mut().elapse();
            }
        }
    }
}

/// Listens to a service: its messages and its output.
pub(crate) fn watch_service(manager: &Weak<RefCell<Manager>>, unit: &str, service: &mut ServiceUnit) {
    let (readiness, output) = (Rc::clone(&service.readiness), Rc::clone(&service.output_read));
    let (me, name) = (Weak::clone(manager), unit.to_owned());
    service.tasks.spawn_local(async move {
        while readiness.readable().await.is_ok() {
            let Some(manager) = me.upgrade() else { return };
            manager.borrow_mut().hear(&name);
            yield_now().await; // there may be more, and others have their turn first
        }
    });
    let (me, name) = (Weak::clone(manager), unit.to_owned());
    service.tasks.spawn_local(async move {
        while output.readable().await.is_ok() {
            let Some(manager) = me.upgrade() else { return };
            if manager.borrow_mut().observer.is_congested() {
                drop(manager);
                tokio::time::sleep(BREATH).await;
                continue;
            }
            manager.borrow_mut().read_output(&name);
            yield_now().await;
        }
    });
}

/// Waits for the word of a process that becomes its program.
pub(crate) fn watch_exec(
    manager: &Weak<RefCell<Manager>>,
    unit: &str,
    report: StdUnixStream,
) -> io::Result<Rc<UnixStream>> {
    report.set_nonblocking(true)?;
    let report = Rc::new(UnixStream::from_std(report)?);
    let (me, name, waiting) = (Weak::clone(manager), unit.to_owned(), Rc::clone(&report));
    spawn_local(async move {
        while waiting.readable().await.is_ok() {
            let Some(manager) = me.upgrade() else { return };
            if manager.borrow_mut().hear_executor(&name, &waiting) {
                return;
            }
        }
    });
    Ok(report)
}

/// Watches a main process that the service named itself, until the guard is dropped: it may not be a child of ours.
pub(crate) fn watch_main(manager: &Weak<RefCell<Manager>>, unit: &str, pid: u32) -> Option<JoinSet<()>> {
    let opened =
        i32::try_from(pid).ok().and_then(Pid::from_raw).map(|pid| pidfd_open(pid, PidfdFlags::empty()));
    let Some(Ok(pidfd)) = opened else { return None };
    #[expect(
        deprecated,
        reason = "its successor is unsafe; an OwnedFd inside an AsyncFd cannot be closed early"
    )]
    let pidfd = AsyncFd::<OwnedFd>::with_interest(pidfd, Interest::READABLE).ok()?;
    let (me, name) = (Weak::clone(manager), unit.to_owned());
    let mut watch = JoinSet::new();
    watch.spawn_local(async move {
        if pidfd.readable().await.is_err() {
            return;
        }
        let Some(manager) = me.upgrade() else { return };
        let mut manager = manager.borrow_mut();
        while let Some((child, exit)) = reap::next() {
            manager.reaped(child, exit); // a child's status is worth more than knowing that it is gone
        }
        manager.main_is_gone(&name, pid);
        manager.settle();
    });
    Some(watch)
}

impl Manager {
    fn main_is_gone(&mut self, unit: &str, pid: u32) {
        let main = self
            .units
            .get(unit)
            .and_then(super::Unit::service)
            .and_then(|service| service.machine.main_pid());
        if main == Some(pid) {
            self.dispatch(unit, Event::MainExited(Exit::Unknown));
        }
    }
}
