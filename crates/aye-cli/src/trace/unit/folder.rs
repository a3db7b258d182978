//! The folders of traces below /run/aye-trace, one for each: the socket that the unit is told of, the unit's name, and two
//! locks by which others see whether its trace is on and whether its socket is served. A lock is the kernel's: it is gone
//! with the processes that held it, however they ended.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Where the folders are; everybody may look in, because services of any user speak to the sockets in them.
pub(super) const BASE: &str = "/run/aye-trace";

/// The manager's own socket.
pub(super) const REAL: &str = "/run/systemd/notify";

/// What a lock of a folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The unit is traced: its drop-in is there for a reason.
    Trace,
    /// Somebody passes on what comes to the socket.
    Serve,
}

impl Part {
    fn file(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Serve => "serve",
        }
    }
}

/// One of the folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes one for a unit. The name is short, because the path of a socket holds 107 bytes and a unit's name up to 255.
    pub(super) fn make(unit: &str) -> io::Result<Self> {
        let name = format!("{:x}-{:x}", std::process::id(), aye::monotonic_usec());
        let folder = Self { path: Path::new(BASE).join(name) };
        open_folder(&folder.path)?;
        for part in [Part::Trace, Part::Serve] {
            // Root's alone: whoever can open a file can lock it.
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(0o600).open(folder.path.join(part.file()))?;
        }
        fs::write(folder.path.join("unit"), unit)?;
        Ok(folder)
    }

    /// The folder of that name; `None` for what is no name of one.
    pub(super) fn named(name: &str) -> Option<Self> {
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        is_name.then(|| Self { path: Path::new(BASE).join(name) })
    }

    /// All that there are.
    pub(super) fn all() -> io::Result<Vec<Self>> {
        let entries = match fs::read_dir(BASE) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let names = entries.flatten().filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name());
        Ok(names.filter_map(|name| Self::named(name.to_str()?)).collect())
    }

    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The unit that it was made for; `None` for one whose making was cut short.
    pub(super) fn unit(&self) -> Option<String> {
        fs::read_to_string(self.path.join("unit")).ok().filter(|unit| !unit.is_empty())
    }

    /// What the unit's `$NOTIFY_SOCKET` says.
    pub(super) fn socket(&self) -> PathBuf {
        self.path.join("notify")
    }

    /// Holds a lock, beside others that hold it, as long as the file is open.
    pub(super) fn hold(&self, part: Part) -> io::Result<File> {
        let file = File::open(self.path.join(part.file()))?;
        retry(|| flock(&file, FlockOperation::LockShared))?;
        Ok(file)
    }

    /// Whether somebody holds the lock.
    pub(super) fn is_held(&self, part: Part) -> io::Result<bool> {
        let file = match File::open(self.path.join(part.file())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            file => file?,
        };
        match retry(|| flock(&file, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => Ok(false),
            Err(Errno::WOULDBLOCK) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Has the path of the socket lead to the manager's own from now on, for whoever comes to it: connect(2) follows links.
    /// There is no moment at which it leads nowhere.
    pub(super) fn hand_back(&self) -> io::Result<()> {
        let (link, new) = (self.socket(), self.path.join("notify.new"));
        if fs::read_link(&link).is_ok() {
            return Ok(());
        }
        let _ = fs::remove_file(&new);
        symlink(REAL, &new)?;
        fs::rename(&new, &link)
    }

    /// Notes the start of the unit, by its invocation, that was told of the socket and runs on.
    pub(super) fn note_user(&self, invocation: &str) -> io::Result<()> {
        fs::write(self.path.join("user"), invocation)
    }

    /// The invocation noted.
    pub(super) fn user(&self) -> Option<String> {
        fs::read_to_string(self.path.join("user")).ok()
    }

    /// Notes the unit's `RootDirectory=`, in which systemd makes a folder to mount this one on.
    pub(super) fn note_root(&self, root: &str) -> io::Result<()> {
        fs::write(self.path.join("root"), root)
    }

    /// Removes it, and what systemd made for it in the unit's root.
    pub(super) fn remove(&self) -> io::Result<()> {
        if let Ok(root) = fs::read_to_string(self.path.join("root")) {
            // Only empty folders of a name that is ours alone: no link set by the unit can make this remove another.
            let below = PathBuf::from(root).join(BASE.trim_start_matches('/'));
            let _ = fs::remove_dir(below.join(self.name())).and_then(|()| fs::remove_dir(below));
        }
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

/// A lock that whoever begins a trace or cleans up after one holds for that short time.
pub(super) fn one_at_a_time() -> io::Result<File> {
    open_folder(Path::new(BASE))?;
    let path = Path::new(BASE).join("lock");
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    retry(|| flock(&file, FlockOperation::LockExclusive))?;
    Ok(file)
}

fn open_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(path)?;
    // Whatever the umask was.
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
}

fn retry(mut call: impl FnMut() -> Result<(), Errno>) -> Result<(), Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(dir: &Path) -> Folder {
        for part in [Part::Trace, Part::Serve] {
            File::create(dir.join(part.file())).unwrap();
        }
        Folder { path: dir.to_owned() }
    }

    #[test]
    fn a_name_from_elsewhere_leads_to_no_folder() {
        for name in ["", "..", "a/b", "lock", "../../etc"] {
            assert_eq!(Folder::named(name), None, "{name}");
        }
    }

    #[test]
    fn a_lock_is_seen_while_any_of_its_holders_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(dir.path());
        assert!(!folder.is_held(Part::Trace).unwrap());
        let one = folder.hold(Part::Trace).unwrap();
        let other = folder.hold(Part::Trace).unwrap();
        drop(one);
        assert!(folder.is_held(Part::Trace).unwrap() && !folder.is_held(Part::Serve).unwrap());
        drop(other);
        assert!(!folder.is_held(Part::Trace).unwrap());
    }

    #[test]
    fn a_path_that_was_handed_back_is_handed_back_once() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(dir.path());
        let _socket = std::os::unix::net::UnixDatagram::bind(folder.socket()).unwrap();
        for _ in 0..2 {
            folder.hand_back().unwrap();
            assert_eq!(fs::read_link(folder.socket()).unwrap(), Path::new(REAL));
        }
        folder.remove().unwrap();
        folder.remove().unwrap();
    }
}
