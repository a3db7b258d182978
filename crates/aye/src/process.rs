//! Processes by pidfd: the number that no other process will ever have, and who a process was that is gone.

use std::os::fd::{BorrowedFd, OwnedFd};
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
