//! The runtime directory of a manager: one lock, one control socket, one notify socket a service. Only its owner may
//! enter it, and two managers never share one.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// What a manager keeps in its runtime directory.
const FOLDERS: [&str; 2] = ["systemd", "notify"];
const LOCK: &str = "aye.lock";

/// Why a runtime directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// Another manager is there.
    #[error(
        "another aye run{} serves {}: stop it, or choose another runtime directory with AYE_RUNTIME_DIR",
        pid.map(|pid| format!(" (PID {pid})")).unwrap_or_default(), path.display()
    )]
    Locked {
        /// The directory.
        path: PathBuf,
        /// The other manager.
        pid: Option<u32>,
    },
    /// It belongs to someone else, who could put sockets of their own there.
    #[error("the runtime directory {} belongs to another user: choose another with AYE_RUNTIME_DIR", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
    },
    /// It has folders that no manager of ours made: the runtime directory of a user, or of the machine.
    #[error(
        "{} is not a runtime directory of aye run: it has a {folder} of another's; choose a directory of its own with \
         AYE_RUNTIME_DIR", path.display()
    )]
    Occupied {
        /// The directory.
        path: PathBuf,
        /// What is in it.
        folder: &'static str,
    },
    /// Its name leaves no room for the sockets in it.
    #[error(
        "the runtime directory {} has too long a name for sockets in it: choose one of at most {} bytes with \
         AYE_RUNTIME_DIR", path.display(), RuntimeDir::LONGEST
    )]
    TooLong {
        /// The directory.
        path: PathBuf,
    },
    /// It cannot be made or written.
    #[error("cannot use the runtime directory {}: {source}", path.display())]
    Io {
        /// What was touched.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

/// A runtime directory that is ours as long as this lives.
#[derive(Debug)]
pub struct RuntimeDir {
    path: PathBuf,
    lock: File,
}

impl RuntimeDir {
    /// The longest path of the directory: `sun_path` holds 107 bytes, the longest name below it has 20.
    pub const LONGEST: usize = 87;

    /// Makes and locks `path`.
    ///
    /// # Errors
    /// [`RuntimeError::Locked`] when another manager has it, and whatever else stands in the way.
    pub fn acquire(path: &Path) -> Result<Self, RuntimeError> {
        let failed = |source| RuntimeError::Io { path: path.to_owned(), source };
        if path.as_os_str().len() > Self::LONGEST {
            return Err(RuntimeError::TooLong { path: path.to_owned() });
        }
        let private = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
        private(path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        let owner = fs::metadata(&path).map_err(failed)?.uid();
        if owner != rustix::process::geteuid().as_raw() {
            return Err(RuntimeError::Foreign { path });
        }
        // What is in our folders is removed below, so they must be ours: where a manager was, there is its lock.
        if !path.join(LOCK).exists()
            && let Some(folder) = FOLDERS.into_iter().find(|folder| path.join(folder).exists())
        {
            return Err(RuntimeError::Occupied { path, folder });
        }
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join(LOCK))
            .map_err(failed)?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut pid = String::new();
            let _ = lock.read_to_string(&mut pid);
            return Err(RuntimeError::Locked { path, pid: pid.trim().parse().ok() });
        }
        let fresh = |lock: &mut File| {
            lock.set_len(0)?;
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())?;
            clear(&path)?; // a manager that was killed left it
            for folder in FOLDERS {
                private(&path.join(folder))?;
            }
            Ok(())
        };
        fresh(&mut lock).map_err(failed)?;
        Ok(Self { path, lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The socket that serves org.freedesktop.systemd1, where `systemctl --user` looks for it.
    pub fn control_socket(&self) -> PathBuf {
        self.path.join("systemd/private")
    }

    /// The notify socket of the service with this number. A number keeps the name short whatever the unit's is.
    pub fn notify_socket(&self, number: usize) -> PathBuf {
        self.path.join(format!("notify/{number}"))
    }
}

impl Drop for RuntimeDir {
    fn drop(&mut self) {
        let _ = clear(&self.path);
        let _ = self.lock.set_len(0);
    }
}

/// Removes our sockets, and our folders where nothing else is in them.
fn clear(path: &Path) -> io::Result<()> {
    for folder in FOLDERS {
        let folder = path.join(folder);
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let entry = entry?;
            if entry.file_type()?.is_socket() {
                fs::remove_file(entry.path())?;
            }
        }
        let _ = fs::remove_dir(&folder);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_manager_has_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        let first = RuntimeDir::acquire(&path).unwrap();
        let second = RuntimeDir::acquire(&path).unwrap_err();
        assert_eq!(
            second.to_string(),
            format!(
                "another aye run (PID {}) serves {}: stop it, or choose another runtime directory with AYE_RUNTIME_DIR",
                std::process::id(),
                first.path().display()
            )
        );
        assert!(first.path().join("notify").is_dir());
        drop(first);
        assert!(!path.join("notify").exists());
        RuntimeDir::acquire(&path).unwrap();
    }

    #[test]
    fn a_name_that_is_too_long_for_sockets_is_refused_before_anything_is_made() {
        let long = PathBuf::from(format!("/nonexistent/{}", "a".repeat(80)));
        let error = RuntimeDir::acquire(&long).unwrap_err().to_string();
        assert!(error.ends_with("choose one of at most 87 bytes with AYE_RUNTIME_DIR"), "{error}");
    }
}
