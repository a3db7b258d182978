//! Handing descriptors to a program. Because the process that execs sets its own pid, the numbers are right without a
//! parent that would have to know them.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use super::{FIRST, number_of};
use crate::environment::{Environment, EnvironmentError};
use crate::sys;

/// What becomes of SIGPIPE in the program: systemd's `IgnoreSIGPIPE=yes` is what services expect, a shell's
/// children expect the default.
///
/// ```
/// use aye::listen::Sigpipe;
/// let under_a_manager = std::env::var_os("NOTIFY_SOCKET").is_some();
/// let sigpipe = if under_a_manager { Sigpipe::Ignore } else { Sigpipe::Default };
/// # let _ = sigpipe;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sigpipe {
    /// A write to a closed pipe is an error.
    Ignore,
    /// A write to a closed pipe ends the process.
    Default,
}

/// Forgets what this process inherited, as systemd does for the processes of a service, just before it becomes one: no
/// descriptor from 3 on is kept, every signal is as by default and none is blocked.
///
/// ```no_run
/// aye::listen::forget_inherited()?; // and then exec
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When `/proc` is not there to list the descriptors.
pub fn forget_inherited() -> io::Result<()> {
    sys::close_on_exec_from(FIRST)?;
    sys::reset_signals()
}

/// A copy of the descriptor `number` that was passed to this process; it is close-on-exec.
///
/// ```
/// assert!(aye::listen::passed(77).is_err(), "nobody passed it");
/// ```
///
/// # Errors
/// `EBADF` where nothing was passed under that number: what this process opened itself is close-on-exec and does not count.
pub fn passed(number: i32) -> io::Result<OwnedFd> {
    if !sys::is_inherited(number) {
        return Err(rustix::io::Errno::BADF.into());
    }
    sys::duplicate(number)
}

/// Takes the descriptor `number` that was passed to this process: it is close-on-exec from now on, and closed with its owner.
///
/// ```
/// assert!(aye::listen::adopt(77).is_err(), "nobody passed it");
/// ```
///
/// # Errors
/// `EBADF` where nothing was passed under that number, or it was taken before.
pub fn adopt(number: i32) -> io::Result<OwnedFd> {
    sys::adopt(number)
}

/// Puts a copy of `fd` in the place of an inherited descriptor, so that programs started from now on inherit that instead.
/// What was there goes on in what [`passed`] made of it.
///
/// ```
/// # let (ours, _theirs) = std::os::unix::net::UnixDatagram::pair()?;
/// # use std::os::fd::AsFd;
/// assert!(aye::listen::replace(9999, ours.as_fd()).is_err(), "nothing was inherited there");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// `EBADF` when there is no descriptor of that number, or one that the program would not inherit.
pub fn replace(number: i32, fd: BorrowedFd<'_>) -> io::Result<()> {
    if !sys::is_inherited(number) {
        return Err(rustix::io::Errno::BADF.into());
    }
    sys::duplicate_to(fd, number)
}

/// Lets the program that this process becomes inherit the standard descriptors only.
///
/// ```no_run
/// aye::listen::keep_standard_only()?; // and then exec
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When `/proc` is not there to list the others.
pub fn keep_standard_only() -> io::Result<()> {
    sys::close_on_exec_from(FIRST)
}

/// Descriptors for the program that this process becomes.
///
/// ```no_run
/// use aye::listen::{HandOver, Sigpipe};
/// use std::path::Path;
/// let mut hand_over = HandOver::default();
/// hand_over.add(std::net::TcpListener::bind("127.0.0.1:8080")?.into(), "http");
/// let error = hand_over.exec(Path::new("/usr/bin/server"), &["server".into()], Vec::new(), Sigpipe::Ignore);
/// eprintln!("cannot become the server: {error}");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct HandOver {
    inherited: Vec<String>,
    added: Vec<(OwnedFd, String)>,
    as_found: bool,
}

impl HandOver {
    /// Leaves what this process inherited, and what `LISTEN_*` say of it, as they are: for a program that takes its place.
    ///
    /// ```no_run
    /// use aye::listen::{HandOver, Sigpipe};
    /// let error = HandOver::as_found().exec("/bin/true".as_ref(), &["true".into()], Vec::new(), Sigpipe::Default);
    /// eprintln!("cannot become true: {error}");
    /// ```
    pub fn as_found() -> Self {
        Self { as_found: true, ..Self::default() }
    }

    /// Keeps what was handed to this process already, under its names.
    ///
    /// Descriptors from 3 on that are open but belong to nobody's list (a shell's `3>file`) are kept in place and
    /// listed as `unknown`, which is what sd_listen_fds(3) calls a descriptor without a name: the list has no gaps.
    ///
    /// ```
    /// use aye::{Environment, listen::HandOver};
    /// let hand_over = HandOver::keeping_inherited(&Environment::of_process())?;
    /// # drop(hand_over);
    /// # Ok::<(), aye::EnvironmentError>(())
    /// ```
    ///
    /// # Errors
    /// [`EnvironmentError`] when `LISTEN_*` contradict each other.
    pub fn keeping_inherited(environment: &Environment) -> Result<Self, EnvironmentError> {
        let mut inherited = environment.listen_names(std::process::id())?;
        while sys::is_inherited(number_of(inherited.len())) {
            inherited.push("unknown".to_owned());
        }
        Ok(Self { inherited, ..Self::default() })
    }

    /// Whether a descriptor of this name is handed over already.
    ///
    /// ```
    /// assert!(!aye::listen::HandOver::default().has("http"));
    /// ```
    pub fn has(&self, name: &str) -> bool {
        self.inherited.iter().chain(self.added.iter().map(|(_, name)| name)).any(|found| found == name)
    }

    /// Adds a descriptor under a name (ASCII without `:`).
    ///
    /// ```
    /// let mut hand_over = aye::listen::HandOver::default();
    /// hand_over.add(std::net::TcpListener::bind("127.0.0.1:0")?.into(), "http");
    /// assert!(hand_over.has("http"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn add(&mut self, fd: OwnedFd, name: &str) {
        self.added.push((fd, name.to_owned()));
    }

    /// Becomes `program`, an absolute path or one relative to here, called with `arguments` (the first of them being
    /// the name it goes by) and `environment` plus the `LISTEN_*` variables that describe the descriptors. The pid
    /// stays. Returns only when that failed.
    ///
    /// ```no_run
    /// use aye::listen::{HandOver, Sigpipe};
    /// let arguments = ["sh".into(), "-c".into(), "echo $LISTEN_FDS".into()];
    /// let error = HandOver::default().exec("/bin/sh".as_ref(), &arguments, Vec::new(), Sigpipe::Default);
    /// eprintln!("cannot become a shell: {error}");
    /// ```
    pub fn exec(
        self,
        program: &Path,
        arguments: &[OsString],
        environment: Vec<(OsString, OsString)>,
        sigpipe: Sigpipe,
    ) -> io::Error {
        if self.as_found {
            return sys::exec(program, arguments, &environment, sigpipe);
        }
        let environment = self.described_in(environment);
        match self.place() {
            Ok(_kept_open) => sys::exec(program, arguments, &environment, sigpipe),
            Err(error) => error,
        }
    }

    fn described_in(&self, environment: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
        const OURS: [&str; 4] = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID"];
        let others =
            environment.into_iter().filter(|(key, _)| !OURS.iter().any(|ours| key == OsStr::new(ours)));
        let mut environment: Vec<_> = others.collect();
        let added = self.added.iter().map(|(_, name)| name.as_str());
        let names: Vec<&str> = self.inherited.iter().map(String::as_str).chain(added).collect();
        if !names.is_empty() {
            environment.push(("LISTEN_FDS".into(), names.len().to_string().into()));
            environment.push(("LISTEN_PID".into(), std::process::id().to_string().into()));
            environment.push(("LISTEN_FDNAMES".into(), names.join(":").into()));
        }
        environment
    }

    /// Moves the added descriptors to where the list says they are. They go through high numbers first, so that none
    /// is overwritten while it waits for its place.
    fn place(self) -> io::Result<Vec<OwnedFd>> {
        let end = number_of(self.inherited.len() + self.added.len());
        let mut high = Vec::with_capacity(self.added.len());
        for (fd, _) in self.added {
            high.push(rustix::io::fcntl_dupfd_cloexec(&fd, end)?);
        }
        for number in FIRST..number_of(self.inherited.len()) {
            sys::keep_across_exec(number)?;
        }
        for (index, fd) in high.iter().enumerate() {
            sys::duplicate_to(fd.as_fd(), number_of(self.inherited.len() + index))?;
        }
        Ok(high)
    }
}
