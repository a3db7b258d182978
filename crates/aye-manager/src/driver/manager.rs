//! The manager's state and what each event does to it. Nothing here waits: every call runs to its end at once.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

use aye::verdict::{Role, permit};
use aye::{Address, Datagram, Notifier, Received, Sender};
use rustix::process::Signal;
use tokio::io::Interest;
use tokio::net::UnixStream as Executor;
use tokio::sync::{mpsc, watch};

use super::unit::{ServiceUnit, SocketUnit, Unit};
use super::{Broadcast, Observer, SearchPath, UnitError, environment, listener, tasks};
use crate::process::{self, Process};
use crate::runtime::RuntimeDir;
use crate::service::{
    Action, Event, Exit, Job, JobId, JobKind, JobResult, Machine, Notification, Report, Spawn, Stamp, State,
    Target,
};
use crate::spawn::{self, Order};
use crate::unit::value::{OpenFile, OpenMode};
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
    broadcasts: mpsc::UnboundedSender<Broadcast>,
    /// Told after everything that may have changed a deadline or ended a service.
    pub(crate) changed: watch::Sender<()>,
    variables: Vec<(OsString, OsString)>,
    home: PathBuf,
    me: Weak<RefCell<Manager>>,
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
                broadcasts,
                changed: watch::Sender::new(()),
                variables,
                home: home.filter(|home| home.is_absolute()).unwrap_or_else(|| PathBuf::from("/")),
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

    fn service_mut(&mut self, unit: &str) -> Option<&mut ServiceUnit> {
        self.units.get_mut(unit).and_then(Unit::service_mut)
    }

    fn service(&self, unit: &str) -> Option<&ServiceUnit> {
        self.units.get(unit).and_then(Unit::service)
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = (&String, &ServiceUnit)> {
        self.units.iter().filter_map(|(name, unit)| Some((name, unit.service()?)))
    }

    // Requests.

    /// Enqueues a job; one of the same kind that is under way is joined.
    pub(crate) fn request(&mut self, unit: &str, kind: JobKind) -> Result<JobId, UnitError> {
        let unit = self.load(unit)?;
        let not_applicable = || UnitError::NotApplicable { unit: unit.clone(), kind };
        match self.units.get(&unit) {
            Some(Unit::Service(service)) => {
                if kind == JobKind::Reload && !service.can_reload() {
                    return Err(not_applicable());
                }
                if let Some(id) = service.machine.pending(kind) {
                    return Ok(id);
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
            self.broadcast(Broadcast::Changed { unit: unit.to_owned() });
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
        self.broadcast(Broadcast::Changed { unit: unit.to_owned() });
        Ok(())
    }

    // Events and actions.

    /// Feeds one event to a service and performs what comes of it.
    pub(crate) fn dispatch(&mut self, unit: &str, event: Event) {
        let before = self.service(unit).map(|service| visible(&service.machine));
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let Some(service) = self.service_mut(unit) else {
                return;
            };
            for action in service.machine.handle(event, now()) {
                match action {
                    Action::Spawn(what) => events.push_back(self.spawn(unit, what)),
                    Action::Signal(signal, target) => self.signal(unit, signal, target),
                    Action::Report(report) => self.report(unit, &report),
                    Action::JobRemoved(job, result) => {
                        self.broadcast(Broadcast::JobRemoved { id: job.id, unit: unit.to_owned(), result });
                    }
                }
            }
            if events.is_empty() && self.is_empty(unit) {
                events.push_back(Event::Empty);
            }
        }
        if self.service(unit).map(|service| visible(&service.machine)) != before {
            self.broadcast(Broadcast::Changed { unit: unit.to_owned() });
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
    fn members(&self, unit: &str) -> Vec<Process> {
        let Some(service) = self.service(unit) else {
            return Vec::new();
        };
        let others = self.services().filter(|(name, _)| *name != unit);
        let foreign: HashSet<u32> = others.flat_map(|(_, other)| other.marks().roots).collect();
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

    fn spawn(&mut self, unit: &str, what: Spawn) -> Event {
        match self.try_spawn(unit, what) {
            Ok(pid) => Event::Spawned(what, pid),
            Err(why) => Event::SpawnFailed(what, why),
        }
    }

    fn try_spawn(&mut self, unit: &str, what: Spawn) -> Result<u32, String> {
        let fds = match what {
            Spawn::Main => self.descriptors(unit)?,
            Spawn::Reload(_) => Vec::new(),
        };
        let variables = self.variables.clone();
        let home = self.home.clone();
        let me = self.me.clone();
        let Some(service) = self.service_mut(unit) else {
            return Err("the unit is gone".to_owned());
        };
        if what == Spawn::Main {
            service.invocation = random_id();
        }
        let environment = environment::of(service, what, &variables)?;
        let command = match what {
            Spawn::Main => &service.settings.exec_start,
            Spawn::Reload(index) => &service.settings.exec_reload[index],
        };
        let lookup = |name: &str| {
            let found = environment.iter().find(|(key, _)| key.to_str() == Some(name));
            found.map(|(_, value)| value.to_string_lossy().into_owned())
        };
        let folder = service.settings.working_directory.as_ref();
        let (names, fds): (Vec<String>, Vec<OwnedFd>) = fds.into_iter().unzip();
        let order = Order {
            program: command.executable.clone().into(),
            arguments: command.argv(&lookup).into_iter().map(OsString::from).collect(),
            folder: folder.and_then(|folder| folder.path.clone()).unwrap_or(home),
            folder_optional: folder.is_some_and(|folder| folder.optional),
            environment,
            names,
        };
        let spawned = spawn::spawn(&order, &fds, &service.output)
            .map_err(|error| format!("cannot start a process: {error}"))?;
        if what == Spawn::Main {
            service.session = Some(spawned.pid);
            let executor = tasks::watch_exec(&me, unit, spawned.report).map_err(|error| error.to_string())?;
            service.executor = Some(executor);
        }
        Ok(spawned.pid)
    }

    /// What a service gets from 3 on: its sockets, then its open files.
    fn descriptors(&self, unit: &str) -> Result<Vec<(String, OwnedFd)>, String> {
        let Some(service) = self.service(unit) else {
            return Ok(Vec::new());
        };
        let mut fds = Vec::new();
        for name in &service.settings.sockets {
            if let Some(Unit::Socket(socket)) = self.units.get(&name.to_string()) {
                for fd in &socket.fds {
                    let copy = fd.try_clone().map_err(|error| error.to_string())?;
                    fds.push((socket.settings.descriptor_name.clone(), copy));
                }
            }
        }
        for file in &service.settings.open_files {
            match self.open_file(service, file) {
                Ok(fd) => fds.push((file.name.clone(), fd)),
                Err(_) if file.graceful => {}
                Err(error) => return Err(format!("cannot open OpenFile= {}: {error}", file.path)),
            }
        }
        Ok(fds)
    }

    /// Where PID 1, the user's manager or we ourselves would have the notify socket.
    fn is_notify_socket(&self, path: &Path) -> bool {
        let user = format!("/run/user/{}/systemd/notify", rustix::process::getuid().as_raw());
        path == Path::new(tasks::NOTIFY_PATH)
            || path == Path::new(&user)
            || path == self.runtime.path().join("systemd/notify")
    }

    fn open_file(&self, service: &ServiceUnit, file: &OpenFile) -> io::Result<OwnedFd> {
        let path = Path::new(&file.path);
        if self.is_notify_socket(path) {
            let address = service.notify_path.as_os_str().as_bytes();
            let notifier = Notifier::connect(&Address::Path(address)).map_err(io::Error::other)?;
            return Ok(notifier.into_socket());
        }
        if std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket()) {
            return match Notifier::connect(&Address::Path(path.as_os_str().as_bytes())) {
                Ok(notifier) => Ok(notifier.into_socket()),
                Err(_) => UnixStream::connect(path).map(OwnedFd::from),
            };
        }
        let mut options = OpenOptions::new();
        match file.mode {
            OpenMode::ReadOnly => options.read(true),
            OpenMode::ReadWrite => options.read(true).write(true),
            OpenMode::Append => options.read(true).append(true),
            OpenMode::Truncate => options.read(true).write(true).truncate(true),
        };
        options.open(path).map(OwnedFd::from)
    }

    // What the tasks report.

    /// Reads the notify socket of a service until it is empty.
    pub(crate) fn hear(&mut self, unit: &str) {
        let Some(service) = self.service(unit) else {
            return;
        };
        let (receiver, readiness) = (Rc::clone(&service.receiver), Rc::clone(&service.readiness));
        // Straight from the socket: the event loop may not have heard yet of what came a moment ago.
        while let Ok(received) = receiver.receive() {
            match received {
                Received::Datagram(datagram) => self.heard(unit, &datagram),
                Received::Dropped(why, sender) => {
                    let pid = sender.map_or(0, |sender| sender.pid);
                    self.observer.notice(unit, &format!("a message of PID {pid} was dropped: {why}"));
                }
            }
        }
        let _ = readiness.try_io(Interest::READABLE, drained);
    }

    fn heard(&mut self, unit: &str, datagram: &Datagram) {
        if datagram.message.is_empty() || datagram.message.contains("BARRIER=1") {
            return; // dropping the datagram closes its descriptor, and that is the barrier
        }
        let Some(service) = self.service(unit) else {
            return;
        };
        let sender = datagram.sender;
        let access = service.settings.notify_access;
        if let Err(refused) = permit(access, role(service, sender)) {
            let text = datagram.message.lines().map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
            return self
                .observer
                .notice(unit, &format!("{text} of PID {} was refused: {refused}", sender.pid));
        }
        let mut notification = Notification::of(&datagram.message);
        if !datagram.fds.is_empty() {
            notification.complaints.push("the file descriptor store is not there in aye run".to_owned());
        }
        if let Some(pid) = notification.main_pid {
            if self.may_be_main(unit, pid, sender) {
                tasks::watch_main(&self.me, unit, pid);
            } else {
                notification.main_pid = None;
                notification.complaints.push(format!("MAINPID={pid} is ignored: no process of this service"));
            }
        }
        for complaint in &notification.complaints {
            self.observer.notice(unit, complaint);
        }
        self.dispatch(unit, Event::Notified(notification));
    }

    fn may_be_main(&self, unit: &str, pid: u32, sender: Sender) -> bool {
        let control = self.service(unit).and_then(|service| service.machine.control_pid());
        pid != std::process::id()
            && Some(pid) != control
            && process::find(pid).is_some()
            && (sender.uid == 0 || self.members(unit).iter().any(|member| member.pid == pid))
    }

    /// Reads what a service wrote until there is nothing more for now.
    pub(crate) fn read_output(&mut self, unit: &str) {
        let Some(output) = self.service(unit).map(|service| Rc::clone(&service.output_read)) else {
            return;
        };
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = rustix::io::read(&*output, &mut buffer) {
            let lines = self.service_mut(unit).map(|service| service.lines.push(&buffer[..count]));
            self.keep_lines(unit, lines.unwrap_or_default());
        }
        let _ = output.try_io(drained);
    }

    fn keep_lines(&mut self, unit: &str, lines: Vec<String>) {
        for line in lines {
            self.observer.line(unit, &line);
            let Some(service) = self.service_mut(unit) else {
                return;
            };
            service.log.push_back(line);
            if service.log.len() > super::log::KEPT {
                service.log.pop_front();
            }
        }
    }

    /// Reads what a starting process has to say; true once it has said it. Nothing at all, and the end of the file, is
    /// good news: the socket closed on exec.
    pub(crate) fn hear_executor(&mut self, unit: &str, executor: &Rc<Executor>) -> bool {
        let mut text = [0; 4096];
        let event = match rustix::io::read(&**executor, &mut text) {
            Ok(0) => Event::Executed,
            Ok(length) => Event::NotExecuted(String::from_utf8_lossy(&text[..length]).into_owned()),
            Err(rustix::io::Errno::AGAIN) => {
                let _ = executor.try_io(Interest::READABLE, drained);
                return false;
            }
            Err(_) => return true,
        };
        let Some(service) = self.service_mut(unit) else {
            return true;
        };
        // It may be that of an earlier run, or heard already.
        if service.executor.as_ref().is_some_and(|current| Rc::ptr_eq(current, executor)) {
            service.executor = None;
            self.dispatch(unit, event);
        }
        true
    }

    /// A child ended. What it said and wrote before comes first.
    pub(crate) fn reaped(&mut self, pid: u32, exit: Exit) {
        let is_of = |service: &ServiceUnit| {
            let machine = &service.machine;
            machine.main_pid() == Some(pid) || machine.control_pid() == Some(pid)
        };
        let Some(unit) = self.services().find(|(_, service)| is_of(service)).map(|(name, _)| name.clone())
        else {
            return;
        };
        if let Some(executor) = self.service(&unit).and_then(|service| service.executor.clone()) {
            self.hear_executor(&unit, &executor);
        }
        self.hear(&unit);
        self.read_output(&unit);
        let Some(service) = self.service_mut(&unit) else {
            return;
        };
        let is_main = service.machine.main_pid() == Some(pid);
        let rest = service.lines.rest();
        self.keep_lines(&unit, rest.into_iter().collect());
        self.dispatch(&unit, if is_main { Event::MainExited(exit) } else { Event::ControlExited(exit) });
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

    /// Whether any service failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.services().any(|(_, service)| service.machine.state() == State::Failed)
    }

    /// Stops everything.
    pub(crate) fn stop_all(&mut self) {
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

impl ServiceUnit {
    /// Whether a reload means anything to it.
    pub(crate) fn can_reload(&self) -> bool {
        !self.settings.exec_reload.is_empty() || self.settings.kind == crate::unit::Type::NotifyReload
    }
}

/// What clients are told of when it changes; a heartbeat is not worth a word.
fn visible(machine: &Machine) -> impl PartialEq + use<> {
    let job = machine.job().map(|job| job.id);
    (
        (machine.state(), machine.outcome(), job, machine.restarts()),
        (machine.main_pid(), machine.control_pid(), machine.status().to_owned(), machine.errno()),
    )
}

/// Tells the event loop that a descriptor has been read until it was empty.
fn drained() -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}

fn role(service: &ServiceUnit, sender: Sender) -> Role {
    if service.machine.main_pid() == Some(sender.pid) {
        Role::Main
    } else if service.machine.control_pid() == Some(sender.pid) {
        Role::Control
    } else {
        Role::Other
    }
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

/// A random 128-bit id of the kind sd_id128_randomize(3) makes.
fn random_id() -> [u8; 16] {
    let mut id = [0; 16];
    let filled = rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty());
    debug_assert_eq!(filled, Ok(16), "up to 256 bytes come whole once the pool is ready (getrandom(2))");
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    id
}
