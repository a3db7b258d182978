//! Descriptors that were there when this process began.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

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
