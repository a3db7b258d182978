//! The manager's state and what each event does to it. Nothing here waits: every call runs to its end at once.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::{Rc, Weak};

use rustix::process::Signal;
use tokio::sync::{mpsc, watch};

use super::unit::{ServiceUnit, SocketUnit, Unit};
use super::{Broadcast, Observer, SearchPath, UnitError, listener};
use crate::process::{self, Process};
use crate::runtime::RuntimeDir;
use crate::service::{
    Action, Event, Job, JobId, JobKind, JobResult, Machine, Meeting, Report, Stamp, State, Target,
};
use crate::spawn;
use crate::unit::{Name, Specifiers};

/// A manager as its tasks share it.
pub(crate) type Shared = Rc<RefCell<Manager>>;

/// All units and what the manager needs to run them.
pub(crate) struct Manager {
    pub(crate) units: BTreeMap<String, Unit>,
    pub(crate) runtime: RuntimeDir,
    pub(crate) search: SearchPath,
    pub(crate) specifiers: Specifiers,
    pub(crate) observer: Box<dyn Observer>,
    /// The units it was begun with, which it never forgets.
    pub(crate) named: HashSet<String>,
    /// How many services there were, for the names of their sockets.
    pub(crate) numbers: usize,
    jobs: JobId,
    /// Units whose change is to be told already: what changes until then is told along with it.
    changes: HashSet<String>,
    broadcasts: mpsc::UnboundedSender<Broadcast>,
    /// Told after everything that may have changed a deadline or ended a service.
    pub(crate) changed: watch::Sender<()>,
    pub(crate) variables: Vec<(OsString, OsString)>,
    pub(crate) home: PathBuf,
    /// The limit of open files that services get: the one the manager began with.
    pub(crate) open_files: Option<u64>,
    /// It is on its way out: nothing is started any more.
    pub(crate) closing: bool,
    pub(crate) me: Weak<RefCell<Manager>>,
}

/// Now, on the clock of the machines.
pub(crate) fn now() -> Stamp {
    Stamp::from_micros(aye::monotonic_usec())
}

impl Manager {
    pub(crate) fn new(
        runtime: RuntimeDir,
        search: SearchPath,
        observer: Box<dyn Observer>,
    ) -> (Shared, mpsc::UnboundedReceiver<Broadcast>) {
        let (broadcasts, receiver) = mpsc::unbounded_channel();
        let variables: Vec<(OsString, OsString)> = std::env::vars_os().collect();
        let home = variables.iter().find(|(key, _)| key == "HOME").map(|(_, home)| PathBuf::from(home));
        let specifiers = Specifiers::of_this_host(&|name| std::env::var(name).ok())
            .with('t', runtime.path().display().to_string());
        let shared = Rc::new_cyclic(|me| {
            RefCell::new(Self {
                units: BTreeMap::new(),
                runtime,
                search,
                specifiers,
                observer,
                named: HashSet::new(),
                numbers: 0,
                jobs: 0,
                changes: HashSet::new(),
                broadcasts,
                changed: watch::Sender::new(()),
                variables,
                home: home.filter(|home| home.is_absolute()).unwrap_or_else(|| PathBuf::from("/")),
                open_files: spawn::raise_open_files(),
                closing: false,
                me: me.clone(),
            })
        });
        (shared, receiver)
    }

    pub(crate) fn shared(&self) -> Weak<RefCell<Self>> {
        self.me.clone()
    }

    pub(crate) fn broadcast(&self, message: Broadcast) {
        // Nobody listens once the manager is on its way out.
        let _ = self.broadcasts.send(message);
    }

    /// Clients are to be told that a unit changed; once, however often it does until they are.
    fn broadcast_change(&mut self, unit: &str) {
        if self.changes.insert(unit.to_owned()) {
            self.broadcast(Broadcast::Changed { unit: unit.to_owned() });
        }
    }

    /// Clients are being told how the unit is now.
    pub(crate) fn changes_told(&mut self, unit: &str) {
        self.changes.remove(unit);
    }

    pub(crate) fn service_mut(&mut self, unit: &str) -> Option<&mut ServiceUnit> {
        self.units.get_mut(unit).and_then(Unit::service_mut)
    }

    pub(crate) fn service(&self, unit: &str) -> Option<&ServiceUnit> {
        self.units.get(unit).and_then(Unit::service)
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = (&String, &ServiceUnit)> {
        self.units.iter().filter_map(|(name, unit)| Some((name, unit.service()?)))
    }

    // Requests.

    /// Enqueues a job, or lets the one under way be it.
    pub(crate) fn request(&mut self, unit: &str, kind: JobKind) -> Result<JobId, UnitError> {
        let unit = self.load(unit)?;
        if self.closing && matches!(kind, JobKind::Start | JobKind::Restart) {
            return Err(UnitError::Closing { unit });
        }
        let not_applicable = || UnitError::NotApplicable { unit: unit.clone(), kind };
        match self.units.get(&unit) {
            Some(Unit::Service(service)) => {
                if kind == JobKind::Reload && !service.can_reload() {
                    return Err(not_applicable());
                }
                match service.machine.meeting(kind) {
                    Meeting::Apart => {}
                    Meeting::Joins(id) => return Ok(id),
                    Meeting::Becomes(job) => {
                        self.dispatch(&unit, Event::Request(job));
                        return Ok(job.id);
                    }
                }
                if matches!(kind, JobKind::Start | JobKind::Restart) {
                    for socket in service.settings.sockets.clone() {
                        self.open(&socket.to_string())?;
                    }
                }
            }
            Some(Unit::Socket(_)) if kind == JobKind::Reload => return Err(not_applicable()),
            _ => {}
        }
        self.jobs += 1;
        let job = Job { id: self.jobs, kind };
        self.broadcast(Broadcast::JobNew { id: job.id, unit: unit.clone() });
        if self.service(&unit).is_some() {
            self.dispatch(&unit, Event::Request(job));
        } else {
            let done = self.request_of_socket(&unit, kind);
            let result = if done.is_ok() { JobResult::Done } else { JobResult::Failed };
            self.broadcast(Broadcast::JobRemoved { id: job.id, unit: unit.clone(), result });
            done?;
        }
        Ok(job.id)
    }

    /// A job that is done as soon as it exists.
    pub(crate) fn request_nothing(&mut self, unit: &str) -> JobId {
        self.jobs += 1;
        let (id, unit) = (self.jobs, unit.to_owned());
        self.broadcast(Broadcast::JobNew { id, unit: unit.clone() });
        self.broadcast(Broadcast::JobRemoved { id, unit, result: JobResult::Done });
        id
    }

    fn request_of_socket(&mut self, unit: &str, kind: JobKind) -> Result<(), UnitError> {
        if matches!(kind, JobKind::Stop | JobKind::Restart) {
            if let Some(Unit::Socket(socket)) = self.units.get_mut(unit) {
                socket.fds.clear();
            }
            self.broadcast_change(unit);
        }
        if kind == JobKind::Stop { Ok(()) } else { self.open(unit) }
    }

    /// Makes a socket unit listen, unless it does.
    fn open(&mut self, unit: &str) -> Result<(), UnitError> {
        self.load(unit)?;
        let Some(Unit::Socket(socket)) = self.units.get_mut(unit) else {
            return Ok(());
        };
        if socket.is_listening() {
            return Ok(());
        }
        let opened = open_all(socket);
        socket.failed = opened.is_err();
        socket.fds = opened?;
        socket.since = aye::monotonic_usec();
        self.broadcast_change(unit);
        Ok(())
    }

    // Events and actions.

    /// Feeds one event to a service and performs what comes of it.
    pub(crate) fn dispatch(&mut self, unit: &str, event: Event) {
        let before = self.service(unit).map(|service| visible(&service.machine));
        let mut events = VecDeque::from([event]);
        let mut ended = Vec::new();
        while let Some(event) = events.pop_front() {
            let Some(service) = self.service_mut(unit) else {
                return;
            };
            for action in service.machine.handle(event, now()) {
                match action {
                    Action::Spawn(what) => events.push_back(self.spawn(unit, what)),
                    Action::Signal(signal, target) => self.signal(unit, signal, target),
                    Action::Report(report) => self.report(unit, &report),
                    Action::JobRemoved(job, result) => ended.push((job.id, result)),
                }
            }
            if events.is_empty() && self.is_empty(unit) {
                events.push_back(Event::Empty);
            }
        }
        // As from systemd, the new state is told before the end of the job that led to it: who waits for the job need
        // not ask.
        if self.service(unit).map(|service| visible(&service.machine)) != before {
            self.broadcast_change(unit);
        }
        for (id, result) in ended {
            self.broadcast(Broadcast::JobRemoved { id, unit: unit.to_owned(), result });
        }
        self.changed.send_replace(());
    }

    fn report(&mut self, unit: &str, report: &Report) {
        self.observer.report(unit, report);
    }

    /// Whether a service that is on its way down has no process left.
    fn is_empty(&self, unit: &str) -> bool {
        let Some(service) = self.service(unit) else {
            return false;
        };
        let machine = &service.machine;
        machine.state().is_stopping()
            && machine.main_pid().is_none()
            && machine.control_pid().is_none()
            && self.members(unit).is_empty()
    }

    /// The processes of a service; those of the others are left alone.
    pub(crate) fn members(&self, unit: &str) -> Vec<Process> {
        let Some(service) = self.service(unit) else {
            return Vec::new();
        };
        let others = self.services().filter(|(name, _)| *name != unit);
        let foreign: HashSet<u32> = others.flat_map(|(_, other)| other.roots()).collect();
        process::members(&service.marks(), &foreign)
    }

    pub(crate) fn signal(&self, unit: &str, signal: Signal, target: Target) {
        let Some(service) = self.service(unit) else {
            return;
        };
        let one = |pid: Option<u32>| pid.and_then(process::find).into_iter().collect();
        let mut told: HashSet<Process> = HashSet::new();
        // All of them until there is no new one: what forked in the meantime is not spared.
        loop {
            let found: Vec<Process> = match target {
                Target::Main => one(service.machine.main_pid()),
                Target::Control => one(service.machine.control_pid()),
                Target::All => self.members(unit),
            };
            let fresh: Vec<Process> = found.into_iter().filter(|process| told.insert(*process)).collect();
            if fresh.is_empty() {
                return;
            }
            for process in fresh {
                process::signal(process, signal);
                if matches!(signal, Signal::TERM | Signal::HUP) {
                    process::signal(process, Signal::CONT); // a stopped process must get to its handler
                }
            }
        }
    }

    /// After children ended: services that waited for their last process.
    pub(crate) fn settle(&mut self) {
        let stopping = self.services().filter(|(_, service)| service.machine.state().is_stopping());
        let names: Vec<String> = stopping.map(|(name, _)| name.clone()).collect();
        for unit in names {
            if self.is_empty(&unit) {
                self.dispatch(&unit, Event::Empty);
            }
        }
    }

    /// The next moment something is due.
    pub(crate) fn deadline(&self) -> Option<Stamp> {
        self.services().filter_map(|(_, service)| service.machine.deadline()).min()
    }

    /// Tells every service whose moment has come.
    pub(crate) fn elapse(&mut self) {
        let at = now();
        let due =
            self.services().filter(|(_, service)| service.machine.deadline().is_some_and(|due| due <= at));
        let names: Vec<String> = due.map(|(name, _)| name.clone()).collect();
        for unit in names {
            // A heartbeat that waits in the socket counts.
            self.hear(&unit);
            self.dispatch(&unit, Event::Elapsed);
        }
    }

    /// Whether every service has come to its end without anyone asking for it, so that there is nothing left to do.
    pub(crate) fn is_over(&self) -> bool {
        let ended = |service: &ServiceUnit| {
            matches!(service.machine.state(), State::Dead | State::Failed)
                && service.machine.job().is_none()
                && !service.machine.was_stopped_on_request()
        };
        self.services().next().is_some() && self.services().all(|(_, service)| ended(service))
    }

    /// Whether all of these that are services are up.
    pub(crate) fn are_up(&self, units: &[String]) -> bool {
        let services = units.iter().filter_map(|unit| self.service(unit));
        services.into_iter().all(|service| service.machine.state().is_up())
    }

    /// Whether any service failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.services().any(|(_, service)| service.machine.state() == State::Failed)
    }

    /// Stops everything.
    pub(crate) fn stop_all(&mut self) {
        self.closing = true;
        let names: Vec<String> = self.services().map(|(name, _)| name.clone()).collect();
        for unit in names {
            let _ = self.request(&unit, JobKind::Stop);
        }
    }

    /// Kills everything.
    pub(crate) fn kill_all(&mut self) {
        let names: Vec<String> = self.services().map(|(name, _)| name.clone()).collect();
        for unit in names {
            self.signal(&unit, Signal::KILL, Target::All);
        }
    }

    /// Whether every service is down.
    pub(crate) fn all_down(&self) -> bool {
        self.services().all(|(_, service)| service.machine.state().is_down())
    }
}

/// What clients are told of when it changes; a heartbeat is not worth a word.
fn visible(machine: &Machine) -> impl PartialEq + use<> {
    let job = machine.job().map(|job| job.id);
    (
        (machine.state(), machine.outcome(), machine.reload_outcome(), job, machine.restarts()),
        (machine.main_pid(), machine.control_pid(), machine.status().to_owned(), machine.errno()),
    )
}

fn open_all(socket: &SocketUnit) -> Result<Vec<Rc<OwnedFd>>, UnitError> {
    let settings = &socket.settings;
    let open = |address| {
        let opened = listener::listen(address, settings.backlog, settings.socket_mode);
        opened.map(Rc::new).map_err(|source| UnitError::Listen {
            unit: Name::clone(&settings.name),
            address: listener::describe(address),
            source,
        })
    };
    settings.listen.iter().map(open).collect()
}
