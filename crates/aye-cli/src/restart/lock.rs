//! One run at a time for each manager: a kernel lock on a file, gone with the process that held it, however it
//! ended. Two runs over the same units would each count the other's stopped ones as healthy.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::PathBuf;

use aye_bus::Where;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: Option<File>,
}

/// Why the lock was not to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("another `aye restart` is at work on this manager (pid {holder}); wait until it has ended")]
    Held { holder: String },
    #[error("cannot lock {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
}

impl Lock {
    /// Takes the lock of this manager, or fails at once. Where the caller has no place to put a lock that all
    /// others would look at (the system manager, asked by a user through polkit), there is none.
    pub(crate) fn take(place: &Where) -> Result<Self, Error> {
        let Some(path) = path(place) else {
            return Ok(Self { _file: None });
        };
        lock(&path).map_err(|error| match error {
            Trouble::Held(holder) => Error::Held { holder },
            Trouble::File(source) => Error::File { path, source },
        })
    }
}

enum Trouble {
    Held(String),
    File(io::Error),
}

fn path(place: &Where) -> Option<PathBuf> {
    match place {
        Where::System => rustix::process::geteuid().is_root().then(|| "/run/aye-restart.lock".into()),
        Where::User => {
            std::env::var_os("XDG_RUNTIME_DIR").map(|dir| PathBuf::from(dir).join("aye-restart.lock"))
        }
        Where::Embedded(dir) => Some(dir.join("restart.lock")),
        _ => None,
    }
}

fn lock(path: &PathBuf) -> Result<Lock, Trouble> {
    let mut options = OpenOptions::new();
    let opened = options.read(true).write(true).create(true).truncate(false).open(path);
    let mut file = opened.map_err(Trouble::File)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Err(Trouble::Held(holder(&mut file))),
        Err(error) => return Err(Trouble::File(error.into())),
    }
    file.set_len(0).map_err(Trouble::File)?;
    writeln!(file, "{}", std::process::id()).map_err(Trouble::File)?;
    Ok(Lock { _file: Some(file) })
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    match read {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_told_who_holds_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let place = Where::Embedded(dir.path().to_owned());
        let _held = Lock::take(&place).unwrap();
        let Err(Error::Held { holder }) = Lock::take(&place) else { panic!("locked twice") };
        assert_eq!(holder, std::process::id().to_string());
    }

    #[test]
    fn a_lock_ends_with_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let place = Where::Embedded(dir.path().to_owned());
        drop(Lock::take(&place).unwrap());
        Lock::take(&place).unwrap();
    }

    #[test]
    fn a_missing_directory_is_an_error_that_names_the_file() {
        let place = Where::Embedded("/nonexistent".into());
        let error = Lock::take(&place).unwrap_err().to_string();
        assert!(error.starts_with("cannot lock /nonexistent/restart.lock"), "{error}");
    }
}
