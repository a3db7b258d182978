//! Becoming a program: the last steps between a process of ours and the one it is to be. `aye wrap` takes them as
//! itself; a child of the manager takes them after a re-exec of the binary, which is why there is no code between
//! fork and exec, and why `LISTEN_PID`, `WATCHDOG_PID` and `SYSTEMD_EXEC_PID` are right: the process sets its own pid.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use aye::listen::{HandOver, Sigpipe};
use rustix::fs::{Access, access};

/// Where a program is looked for when `$PATH` is unset: systemd's `DEFAULT_PATH` without the sbin folders.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A program about to be.
#[derive(Debug)]
pub struct Program {
    /// A path, or a name to be searched in `$PATH` of `environment`.
    pub program: OsString,
    /// Its arguments, the first of which is the name it goes by.
    pub arguments: Vec<OsString>,
    /// Its whole environment, without `LISTEN_*`.
    pub environment: Vec<(OsString, OsString)>,
    /// The descriptors it gets besides the standard ones.
    pub hand_over: HandOver,
    /// What becomes of SIGPIPE.
    pub sigpipe: Sigpipe,
}

/// Why a program could not be started.
#[derive(Debug)]
pub enum ExecError {
    /// There is no such program.
    NotFound(OsString),
    /// It is there, but execve(2) refused it.
    Refused(PathBuf, io::Error),
}

impl fmt::Display for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(name) if name.as_bytes().contains(&b'/') => {
                write!(f, "cannot execute {}: no such file", name.display())
            }
            Self::NotFound(name) => {
                write!(f, "cannot execute {}: there is no such program in $PATH", name.display())
            }
            Self::Refused(program, error) => match error.raw_os_error() {
                Some(2) => write!(
                    f,
                    "cannot execute {}: its interpreter or dynamic loader does not exist",
                    program.display()
                ),
                _ => write!(f, "cannot execute {}: {error}", program.display()),
            },
        }
    }
}

impl std::error::Error for ExecError {}

impl Program {
    /// Becomes the program. Returns only when that failed.
    pub fn exec(self) -> ExecError {
        let search =
            self.environment.iter().find(|(key, _)| key == "PATH").map(|(_, value)| value.as_os_str());
        let Some(program) = find_program(&self.program, search) else {
            return ExecError::NotFound(self.program);
        };
        let error = self.hand_over.exec(&program, &self.arguments, self.environment, self.sigpipe);
        ExecError::Refused(program, error)
    }
}

/// The program that `name` means: itself when it has a `/`, else the first executable of that name in `search`.
fn find_program(name: &OsStr, search: Option<&OsStr>) -> Option<PathBuf> {
    if name.is_empty() {
        return None;
    }
    if name.as_bytes().contains(&b'/') {
        let path = PathBuf::from(name);
        return path.exists().then_some(path);
    }
    let search = search.unwrap_or(OsStr::new(DEFAULT_PATH));
    std::env::split_paths(search).map(|folder| folder.join(name)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}
