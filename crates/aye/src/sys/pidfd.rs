//! What the kernel knows of the process behind a pidfd, also when that has been reaped.

use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use rustix::ioctl::{Updater, ioctl, opcode};

/// `PIDFD_INFO_*` of `<linux/pidfd.h>`: what is asked for, and then what is given.
pub(crate) const PID: u64 = 1 << 0;
pub(crate) const CREDENTIALS: u64 = 1 << 1;
pub(crate) const CGROUP: u64 = 1 << 2;
pub(crate) const EXIT: u64 = 1 << 3;

/// `struct pidfd_info` of `<linux/pidfd.h>`, as Linux 6.13 first had it; later ones are longer and give this much when
/// asked with this size.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PidfdInfo {
    pub(crate) mask: u64,
    pub(crate) cgroup: u64,
    pub(crate) pid: u32,
    pub(crate) tgid: u32,
    pub(crate) ppid: u32,
    pub(crate) ruid: u32,
    pub(crate) rgid: u32,
    pub(crate) euid: u32,
    pub(crate) egid: u32,
    pub(crate) suid: u32,
    pub(crate) sgid: u32,
    pub(crate) fsuid: u32,
    pub(crate) fsgid: u32,
    pub(crate) exit_code: i32,
}

/// `PIDFD_GET_INFO`.
///
/// # Errors
/// `ENOTTY` or `EINVAL` before Linux 6.13; `ESRCH` for a process that is gone, before 6.15.
pub(crate) fn pidfd_info(pidfd: BorrowedFd<'_>) -> Result<PidfdInfo, Errno> {
    const GET_INFO: rustix::ioctl::Opcode = opcode::read_write::<PidfdInfo>(0xFF, 11);
    const { assert!(size_of::<PidfdInfo>() == 64) };
    let mut info = PidfdInfo { mask: PID | CREDENTIALS | CGROUP | EXIT, ..PidfdInfo::default() };
    // SAFETY: the request reads and writes one such structure, whose size is part of its number.
    unsafe { ioctl(pidfd, Updater::<GET_INFO, PidfdInfo>::new(&mut info)) }?;
    Ok(info)
}
