//! Processes by pidfd: the number that no other process will ever have, and who a process was that is gone. And what a
//! process needs that stands in for another one: its signals as a descriptor, and an end as that one's.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::sys;

/// `PID_FS_MAGIC` of `<linux/magic.h>`: the file system of pidfds, from Linux 6.9 on.
const PIDFS: u64 = 0x5049_4446;

/// A pidfd of the process `pid` (pidfd_open(2)).
///
/// ```
/// let own = aye::process::pidfd(std::process::id())?;
/// assert!(aye::process::pidfd(u32::MAX).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// `ESRCH` where there is no such process, `ENOSYS` before Linux 5.3.
pub fn pidfd(pid: u32) -> std::io::Result<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

/// The pidfd's inode number, which no other process will have until the next boot: what `MAINPIDFDID=` and
/// `LISTEN_PIDFDID` say (sd_pidfd_get_inode_id(3)). `None` before Linux 6.9, where all pidfds share one, and for what is no
/// pidfd.
///
/// ```
/// use std::os::fd::AsFd;
/// let own = aye::process::pidfd(std::process::id())?;
/// let again = aye::process::pidfd(std::process::id())?;
/// assert_eq!(aye::process::pidfd_id(own.as_fd()), aye::process::pidfd_id(again.as_fd()));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn pidfd_id(pidfd: BorrowedFd<'_>) -> Option<u64> {
    let file_system = rustix::fs::fstatfs(pidfd).ok()?;
    let is_pidfs = u64::try_from(file_system.f_type).is_ok_and(|magic| magic == PIDFS);
    is_pidfs.then(|| rustix::fs::fstat(pidfd).ok().map(|status| status.st_ino)).flatten()
}

/// What the kernel knows of a process, dead or alive (`PIDFD_GET_INFO` of `<linux/pidfd.h>`).
///
/// ```
/// use aye::process::{Attributed, pidfd};
/// use std::os::fd::AsFd;
/// let mut child = std::process::Command::new("true").spawn()?;
/// let pinned = pidfd(child.id())?;
/// let status = child.wait()?; // reaped: no such process any more
/// if let Ok(process) = Attributed::of(pinned.as_fd()) {
///     assert_eq!(process.exit_status, Some(status));
///     println!("it died in the cgroup with inode number {:?}", process.cgroup);
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributed {
    /// Its pid in this process' namespace; `None` once it has been reaped.
    pub pid: Option<u32>,
    /// Its effective user; `None` once it has been reaped.
    pub uid: Option<u32>,
    /// The inode number of its cgroup's folder in the unified hierarchy: at the end, the one it died in.
    pub cgroup: Option<u64>,
    /// How it ended; `None` while it lives.
    pub exit_status: Option<ExitStatus>,
}

impl Attributed {
    /// Asks the kernel.
    ///
    /// ```
    /// use std::os::fd::AsFd;
    /// let pidfd = aye::process::pidfd(std::process::id())?;
    /// match aye::process::Attributed::of(pidfd.as_fd()) {
    ///     Ok(process) => assert_eq!(process.exit_status, None),
    ///     Err(_) => println!("this kernel is older than 6.13"),
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// Before Linux 6.13 `ENOTTY` or `EINVAL`; for a reaped process before 6.15 `ESRCH`.
    pub fn of(pidfd: BorrowedFd<'_>) -> std::io::Result<Self> {
        let info = sys::pidfd_info(pidfd)?;
        let has = |flag| info.mask & flag != 0;
        Ok(Self {
            pid: has(sys::PIDFD_INFO_PID).then_some(info.tgid).filter(|pid| *pid != 0),
            uid: has(sys::PIDFD_INFO_CREDENTIALS).then_some(info.euid),
            cgroup: has(sys::PIDFD_INFO_CGROUP).then_some(info.cgroup),
            exit_status: has(sys::PIDFD_INFO_EXIT).then(|| ExitStatus::from_raw(info.exit_code)),
        })
    }
}

/// A signal that was sent to this process.
///
/// ```
/// let signals = aye::process::Signals::block()?;
/// rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::USR1)?;
/// let signal = signals.next()?.expect("one is pending");
/// assert_eq!(signal.number, rustix::process::Signal::USR1.as_raw());
/// assert!(!signal.is_by_terminal());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    /// Its number, see signal(7).
    pub number: i32,
    /// Who sent it; 0 for the kernel.
    pub pid: u32,
    code: i32,
}

/// `SI_KERNEL` of sigaction(2).
const BY_KERNEL: i32 = 0x80;

impl Signal {
    /// Whether the terminal sent it (Ctrl-C, Ctrl-\, Ctrl-Z, a new size, a hang-up), which tells every process of the
    /// foreground group at once: those do not need to be told again.
    ///
    /// ```
    /// # let signals = aye::process::Signals::block()?;
    /// while let Some(signal) = signals.next()? {
    ///     println!("{} {}", signal.number, signal.is_by_terminal());
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn is_by_terminal(&self) -> bool {
        self.code == BY_KERNEL && self.pid == 0
    }
}

/// The signals of this process, as a descriptor to poll (signalfd(2)): from its making on all that can be are blocked, and
/// none has its default effect. Children inherit that, and are to [`unblock`](Self::unblock) before they become a program.
///
/// ```
/// let signals = aye::process::Signals::block()?;
/// assert_eq!(signals.next()?, None);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Signals(OwnedFd);

impl Signals {
    /// Blocks them, in the calling thread and in those it starts from now on: to be called before there is another one.
    ///
    /// ```
    /// let signals = aye::process::Signals::block()?;
    /// # drop(signals);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// What the kernel says to signalfd(2).
    pub fn block() -> std::io::Result<Self> {
        sys::open_signals().map(Self)
    }

    /// Blocks none any more, as a manager starts its programs: for a child that is about to become one.
    ///
    /// ```
    /// let signals = aye::process::Signals::block()?;
    /// aye::process::Signals::unblock()?;
    /// # drop(signals);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// What the kernel says to sigprocmask(2).
    pub fn unblock() -> std::io::Result<()> {
        sys::unblock_signals()
    }

    /// The next one; `None` while there is none.
    ///
    /// ```
    /// # let signals = aye::process::Signals::block()?;
    /// assert!(signals.next()?.is_none());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    /// What the kernel says to read(2).
    pub fn next(&self) -> std::io::Result<Option<Signal>> {
        let arrived = sys::next_signal(self.0.as_fd())?;
        Ok(arrived.map(|arrived| Signal { number: arrived.number, pid: arrived.pid, code: arrived.code }))
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Sends a signal to one process by its number, also a real-time one, which has no name (kill(2)).
///
/// ```
/// aye::process::send(std::process::id(), 0)?; // it is there
/// assert!(aye::process::send(0, 15).is_err(), "that would be a whole group");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// What the kernel says to kill(2), and `ESRCH` for what is no process.
pub fn send(pid: u32, number: i32) -> std::io::Result<()> {
    let pid = i32::try_from(pid).ok().filter(|pid| *pid > 0).ok_or(Errno::SRCH)?;
    sys::send_signal(pid, number)
}

/// Ends this process as another one ended, so that whoever waits for it sees the same: by the same signal, or with the same
/// status. No second core is dumped.
///
/// ```no_run
/// let status = std::process::Command::new("server").status()?;
/// aye::process::end_as(status);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn end_as(status: ExitStatus) -> ! {
    if let Some(signal) = status.signal() {
        let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
        let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
        sys::end_by(signal);
        std::process::exit(128 + signal); // as a shell has it, should the signal be no end
    }
    std::process::exit(status.code().unwrap_or(1))
}
