//! Descriptors that were there when this process began.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Whether `number` is open and would survive exec: then it was inherited, since everything this process opens
/// itself is close-on-exec.
pub(crate) fn is_inherited(number: i32) -> bool {
    // SAFETY: F_GETFD only reads a flag; on a number that is not open it fails with EBADF.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC == 0
}

/// Takes possession of an inherited descriptor and sets close-on-exec.
///
/// # Errors
/// `EBADF` where nothing is open at `number`, or what is there was opened, or taken, by this process itself.
pub(crate) fn adopt(number: i32) -> io::Result<OwnedFd> {
    if !is_inherited(number) {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: F_SETFD changes a flag of the descriptor, not what it refers to.
    super::check(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) })?;
    // SAFETY: it is open, and nobody here owns it: what this process opens is close-on-exec, what was adopted before is,
    // too, and this one was not until now.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// A copy of `number` above the standard three, close-on-exec (fcntl(2), `F_DUPFD_CLOEXEC`).
pub(crate) fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the descriptor itself stays as it is, and of one that is not open the kernel makes no copy.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is new and ours alone.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}
