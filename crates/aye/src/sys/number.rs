//! Descriptors by number.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

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
