//! Starting processes: what a service gets from 3 on, what it finds around it, and the order that makes it.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use aye::{Address, Notifier};

use super::manager::Manager;
use super::unit::{ServiceUnit, Unit};
use super::{environment, tasks};
use crate::service::{Event, Spawn};
use crate::spawn::{self, Order};
use crate::unit::value::{OpenFile, OpenMode};

impl Manager {
    pub(crate) fn spawn(&mut self, unit: &str, what: Spawn) -> Event {
        match self.try_spawn(unit, what) {
            Ok(pid) => Event::Spawned(what, pid),
            Err(why) => Event::SpawnFailed(what, why),
        }
    }

    fn try_spawn(&mut self, unit: &str, what: Spawn) -> Result<u32, String> {
        // The process begins all the same and ends with the status that says so.
        let (fds, no_descriptors) = match what {
            Spawn::Main => {
                self.descriptors(unit).map_or_else(|why| (Vec::new(), Some(why)), |fds| (fds, None))
            }
            Spawn::Reload(_) => (Vec::new(), None),
        };
        let variables = self.variables.clone();
        let home = self.home.clone();
        let open_files = self.open_files;
        let me = self.me.clone();
        let Some(service) = self.service_mut(unit) else {
            return Err("the unit is gone".to_owned());
        };
        if what == Spawn::Main {
            service.invocation = random_id();
            service.log.clear();
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
            open_files,
            no_descriptors,
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
                    // As systemd does, and for all who share it: the flag belongs to the open socket.
                    rustix::io::ioctl_fionbio(fd, service.settings.non_blocking)
                        .map_err(|errno| errno.to_string())?;
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
            return notifier.into_socket().ok_or_else(|| io::ErrorKind::Unsupported.into());
        }
        if std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket()) {
            let datagrams = Notifier::connect(&Address::Path(path.as_os_str().as_bytes()));
            return match datagrams.ok().and_then(Notifier::into_socket) {
                Some(socket) => Ok(socket),
                None => UnixStream::connect(path).map(OwnedFd::from),
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
