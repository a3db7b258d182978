//! The notify socket that aye gives to its program: under an abstract name of its own, or at a path that can be mounted into a
//! container.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aye::{Address, Received, Receiver};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::probe::Spot;

pub(super) struct Socket {
    pub(super) receiver: Receiver,
    /// For `$NOTIFY_SOCKET`.
    pub(super) address: String,
    file: Option<File>,
}

impl Socket {
    pub(super) fn open(spot: &Spot) -> Result<Self, String> {
        match spot {
            Spot::Path(path) => {
                at(path).map_err(|error| format!("cannot bind notify:{}: {error}", path.display()))
            }
            Spot::Abstract => {
                anywhere().map_err(|error| format!("cannot open a notify socket for the program: {error}"))
            }
        }
    }

    /// The next message. An abstract name is visible to everybody in `/proc/net/unix`, so of those who found it only the
    /// program's user, root and aye's own count; at a path everybody counts whom its folder lets through.
    pub(super) fn next(&self, program: u32) -> Option<aye::Message> {
        loop {
            match self.receiver.receive() {
                Ok(Received::Datagram(datagram))
                    if self.file.is_some() || may_speak(datagram.sender.uid, program) =>
                {
                    return Some(datagram.message);
                }
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}

fn may_speak(uid: u32, program: u32) -> bool {
    uid == 0
        || uid == rustix::process::geteuid().as_raw()
        || fs::metadata(format!("/proc/{program}")).is_ok_and(|process| process.uid() == uid)
}

fn bind(address: &Address<'_>) -> io::Result<Receiver> {
    let receiver = Receiver::bind(address)?;
    ioctl_fionbio(&receiver, true)?;
    Ok(receiver)
}

/// Under a name that nobody guesses.
fn anywhere() -> io::Result<Socket> {
    let mut random = [0; 8];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
    let name = format!("aye-wrap-{:016x}", u64::from_ne_bytes(random));
    let receiver = bind(&Address::Abstract(name.as_bytes()))?;
    Ok(Socket { receiver, address: format!("@{name}"), file: None })
}

fn at(path: &Path) -> Result<Socket, String> {
    clear(path)?;
    let receiver =
        bind(&Address::Path(path.as_os_str().as_bytes())).map_err(|error| unbound(&error, path))?;
    let file = File::new(path).map_err(|error| error.to_string())?;
    Ok(Socket { receiver, address: path.display().to_string(), file: Some(file) })
}

/// Removes a socket that an earlier start left behind, and nothing else.
fn clear(path: &Path) -> Result<(), String> {
    let Ok(found) = path.symlink_metadata() else {
        return Ok(()); // bind(2) says what else is wrong
    };
    if !found.file_type().is_socket() {
        return Err("something that is no socket is there: remove it, or give another path".to_owned());
    }
    match knock(path) {
        Err(Errno::CONNREFUSED) => fs::remove_file(path)
            .map_err(|error| format!("cannot remove the socket of an earlier start: {error}")),
        Ok(()) | Err(Errno::PROTOTYPE) => {
            Err("another process listens there: end it, or give each service a path of its own".to_owned())
        }
        Err(error) => Err(format!("cannot tell whether anybody listens there: {}", io::Error::from(error))),
    }
}

/// A socket that nobody has bound any more refuses, and a bound one of another type says so (unix(7)).
fn knock(path: &Path) -> Result<(), Errno> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)
}

fn unbound(error: &io::Error, path: &Path) -> String {
    let folder = path.parent().unwrap_or(path).display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("there is no folder {folder}: create it, in a unit with RuntimeDirectory=")
        }
        io::ErrorKind::PermissionDenied => {
            format!("{folder} may not be written to: give a path below a RuntimeDirectory= of the unit")
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            format!("{folder} is read-only: give a path below a RuntimeDirectory= of the unit")
        }
        _ => format!("{error}: give a path below a RuntimeDirectory= of the unit"),
    }
}

/// Of a socket, what is in the file system: anyone may write to it, and it goes when aye does.
struct File {
    path: PathBuf,
    made: Metadata,
}

impl File {
    fn new(path: &Path) -> io::Result<Self> {
        let made = path.symlink_metadata()?;
        let file = Self { path: path.to_owned(), made };
        fs::set_permissions(path, Permissions::from_mode(0o666))?;
        Ok(file)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let same = |found: Metadata| (found.dev(), found.ino()) == (self.made.dev(), self.made.ino());
        if self.path.symlink_metadata().is_ok_and(same) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
