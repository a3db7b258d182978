//! The socket that the program is told of: in a folder of its own, which nobody can list and whose name nobody can guess,
//! but which a program that has become another user can still reach. A lock on the folder tells that it is in use: the
//! kernel drops it however its holder ends, so that the next trace finds what was left behind.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aye::{Address, Receiver};
use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock, fstat, openat};

/// What the folders' names begin with.
const PREFIX: &str = "aye-trace-";

/// The socket in each.
const SOCKET: &str = "notify";

/// The socket, and where it is.
#[derive(Debug)]
pub(super) struct Folder {
    /// `None` for an abstract socket, which is nowhere.
    place: Option<(PathBuf, OwnedFd)>,
    address: OsString,
}

impl Folder {
    /// Binds a socket in the first place that has room for one. Where nothing may be written (`ProtectSystem=strict`), its
    /// name is an abstract one.
    pub(super) fn open() -> io::Result<(Self, Receiver)> {
        let places = places();
        for place in &places {
            sweep(place);
        }
        for place in &places {
            if let Ok(found) = Self::below(place) {
                return Ok(found);
            }
        }
        let name = format!("{PREFIX}{}", random());
        let receiver = Receiver::bind(&Address::Abstract(name.as_bytes()))?;
        Ok((Self { place: None, address: format!("@{name}").into() }, receiver))
    }

    /// What `$NOTIFY_SOCKET` is to be.
    pub(super) fn address(&self) -> &OsString {
        &self.address
    }

    fn below(place: &Path) -> io::Result<(Self, Receiver)> {
        let path = place.join(format!("{PREFIX}{}", random()));
        let socket = path.join(SOCKET);
        DirBuilder::new().mode(0o711).create(&path)?;
        let made = lock(&path).and_then(|lock| {
            // Whatever the umask took away.
            fs::set_permissions(&path, Permissions::from_mode(0o711))?;
            let receiver = Receiver::bind(&Address::Path(socket.as_os_str().as_bytes()))?;
            fs::set_permissions(&socket, Permissions::from_mode(0o666))?;
            Ok((lock, receiver))
        });
        match made {
            Ok((lock, receiver)) => {
                Ok((Self { place: Some((path, lock)), address: socket.into() }, receiver))
            }
            Err(error) => {
                remove(&path);
                Err(error)
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.place {
            remove(path);
        }
    }
}

/// Where to look for room. Root's own runtime directory comes after /run: no other user may enter it.
fn places() -> Vec<PathBuf> {
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let run = rustix::process::geteuid().is_root().then(|| PathBuf::from("/run"));
    run.into_iter().chain(own).chain([PathBuf::from("/tmp")]).collect()
}

fn random() -> String {
    let mut bytes = [0; 8];
    // Short of random numbers the name still is one that nobody else has.
    if rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).is_err() {
        bytes = (aye::monotonic_usec() ^ u64::from(std::process::id()) << 40).to_ne_bytes();
    }
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Takes the lock of a folder; an error where another process has it.
fn lock(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
    let folder = openat(CWD, path, flags, Mode::empty())?;
    flock(&folder, FlockOperation::NonBlockingLockExclusive)?;
    Ok(folder)
}

/// Removes what traces of ours that were killed have left.
fn sweep(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else {
        return;
    };
    let is_ours = |name: &OsString| name.as_bytes().starts_with(PREFIX.as_bytes());
    for entry in entries.flatten().filter(|entry| is_ours(&entry.file_name())) {
        let own = rustix::process::geteuid().as_raw();
        if lock(&entry.path()).is_ok_and(|lock| fstat(&lock).is_ok_and(|found| found.st_uid == own)) {
            remove(&entry.path());
        }
    }
}

/// The socket and the folder, and nothing else that somebody may have put there.
fn remove(path: &Path) {
    let _ = fs::remove_file(path.join(SOCKET));
    let _ = fs::remove_dir(path);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_stays_and_one_whose_owner_is_gone_goes() {
        let place = tempfile::tempdir().unwrap();
        let (used, _receiver) = Folder::below(place.path()).unwrap();
        let left = place.path().join(format!("{PREFIX}left"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join(SOCKET), "").unwrap();
        sweep(place.path());
        assert!(Path::new(used.address()).exists());
        assert!(!left.exists());
        drop(used);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn others_may_reach_the_socket_and_not_list_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let (folder, _receiver) = Folder::below(place.path()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let socket = Path::new(folder.address());
        assert_eq!((mode(socket), mode(socket.parent().unwrap())), (0o666, 0o711));
    }

    #[test]
    fn a_path_too_long_for_a_socket_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let long = place.path().join("x".repeat(100));
        fs::create_dir(&long).unwrap();
        assert!(Folder::below(&long).is_err());
        assert_eq!(fs::read_dir(&long).unwrap().count(), 0);
    }
}
