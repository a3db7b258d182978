//! Putting units into the manager: from their files, or from a command that was typed.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use aye::{Address, Receiver};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::net::UnixDatagram;
use tokio::net::unix::pipe;
use tokio::task::JoinSet;

use super::log::Lines;
use super::manager::Manager;
use super::unit::{ServiceUnit, SocketUnit, Unit};
use super::{Broadcast, UnitError, tasks};
use crate::service::{Machine, Rules};
use crate::unit::value::{OpenFile, OpenMode};
use crate::unit::{self, Kind, Name, Service, Socket, WorkingDirectory};

impl Manager {
    /// The unit of this name, read from its files unless it is there already. Returns its name, which differs from
    /// the one given when that is an alias or lacks its suffix.
    pub(crate) fn load(&mut self, name: &str) -> Result<String, UnitError> {
        if self.units.contains_key(name) {
            return Ok(name.to_owned());
        }
        let name: Name = name.parse()?;
        let found = unit::find(&name, &self.search)?;
        let key = found.name.to_string();
        if self.units.contains_key(&key) {
            return Ok(key);
        }
        let loaded = unit::load(&found.name, &found.sources, &self.specifiers)?;
        for warning in &loaded.warnings {
            self.observer.warning(warning);
        }
        match loaded.unit {
            unit::Unit::Service(service) => self.add_service(service),
            unit::Unit::Socket(socket) => {
                self.add_socket(socket);
                Ok(())
            }
        }?;
        self.broadcast(Broadcast::UnitNew { unit: key.clone() });
        Ok(key)
    }

    /// Forgets a unit that was only looked at: asking for the state of `web@9` must not make it one of `web@*`. systemd
    /// collects such units as garbage.
    pub(crate) fn forget_if_unused(&mut self, name: &str) {
        let unused = match self.units.get(name) {
            Some(Unit::Service(service)) => service.is_pristine(),
            Some(Unit::Socket(socket)) => !socket.is_listening() && !socket.failed,
            None => false,
        };
        if unused && !self.named.contains(name) {
            self.units.remove(name);
        }
    }

    /// A nameless `Type=notify` service that runs `arguments` in `folder` and gets the notify socket as a descriptor.
    pub(crate) fn load_command(
        &mut self,
        arguments: &[String],
        folder: PathBuf,
    ) -> Result<String, UnitError> {
        let name: Name = "run.service".parse()?;
        let mut service = Service::of_command(name, arguments).map_err(|invalid| UnitError::Setup {
            unit: unit_name(),
            source: io::Error::other(invalid.to_string()),
        })?;
        service.working_directory = Some(WorkingDirectory { path: Some(folder), optional: false });
        service.description = arguments.join(" ");
        service.open_files.push(OpenFile {
            path: tasks::NOTIFY_PATH.to_owned(),
            name: aye::DESCRIPTOR_NAME.to_owned(),
            mode: OpenMode::ReadWrite,
            graceful: false,
        });
        self.add_service(service)?;
        Ok(unit_name().to_string())
    }

    fn add_service(&mut self, settings: Service) -> Result<(), UnitError> {
        let failed = |source| UnitError::Setup { unit: settings.name.clone(), source };
        let key = settings.name.to_string();
        let sockets: Vec<Name> = sockets_of(&settings, |name| self.has_file(name));
        for socket in &sockets {
            self.load(&socket.to_string())?;
        }
        self.numbers += 1;
        let notify_path = self.runtime.notify_socket(self.numbers);
        let (receiver, readiness) = notify_socket(&notify_path).map_err(failed)?;
        let (read, output) = pipe_with(PipeFlags::CLOEXEC).map_err(|errno| failed(errno.into()))?;
        rustix::io::ioctl_fionbio(&read, true).map_err(|errno| failed(errno.into()))?;
        let output_read = pipe::Receiver::from_owned_fd(read).map_err(failed)?;
        let settings = Service { sockets, ..settings };
        let mut service = ServiceUnit {
            machine: Machine::new(Rules::from(&settings)),
            settings,
            invocation: [0; 16],
            session: None,
            executor: None,
            main_watch: None,
            notify_path,
            receiver: Rc::new(receiver),
            readiness: Rc::new(readiness),
            output,
            output_read: Rc::new(output_read),
            lines: Lines::default(),
            log: VecDeque::new(),
            last_told: String::new(),
            tasks: JoinSet::new(),
        };
        tasks::watch_service(&self.shared(), &key, &mut service);
        self.units.insert(key, Unit::Service(Box::new(service)));
        Ok(())
    }

    fn add_socket(&mut self, settings: Socket) {
        let key = settings.name.to_string();
        let socket = SocketUnit { settings, fds: Vec::new(), failed: false, since: 0 };
        self.units.insert(key, Unit::Socket(Box::new(socket)));
    }

    fn has_file(&self, name: &Name) -> bool {
        self.units.contains_key(&name.to_string()) || unit::find(name, &self.search).is_ok()
    }
}

fn unit_name() -> Name {
    "run.service".parse().expect("it is a unit name")
}

/// `Sockets=`, and the socket of the service's own name where there is one (systemd.socket(5)).
fn sockets_of(settings: &Service, exists: impl Fn(&Name) -> bool) -> Vec<Name> {
    let mut sockets = settings.sockets.clone();
    let own = settings.name.with_kind(Kind::Socket).ok();
    sockets.extend(own.filter(|own| !settings.sockets.contains(own) && exists(own)));
    sockets
}

/// The socket to receive from, and the same one for the event loop to watch.
fn notify_socket(path: &Path) -> io::Result<(Receiver, UnixDatagram)> {
    let receiver = Receiver::bind(&Address::Path(path.as_os_str().as_bytes()))?;
    rustix::io::ioctl_fionbio(receiver.as_fd(), true)?;
    let watched = std::os::unix::net::UnixDatagram::from(receiver.as_fd().try_clone_to_owned()?);
    Ok((receiver, UnixDatagram::from_std(watched)?))
}
