//! Just before exec, when nothing else of the process is left to be surprised: descriptors by number, signals, and the
//! replacement of this process.

use std::ffi::{CString, OsString};
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use super::check;
use crate::listen::Sigpipe;

/// Clears close-on-exec of `number`.
pub(crate) fn keep_across_exec(number: i32) -> io::Result<()> {
    // SAFETY: F_SETFD changes a flag of the descriptor, not what it refers to; EBADF where it is not open.
    check(unsafe { libc::fcntl(number, libc::F_SETFD, 0) })
}

/// Makes `number` the same file as `fd`, kept across exec; whatever was open there is closed.
pub(crate) fn duplicate_to(fd: BorrowedFd<'_>, number: i32) -> io::Result<()> {
    // SAFETY: the caller is about to exec and has moved all it owns above `number`; what is closed here, if
    // anything, was about to be lost to the program's list of descriptors anyway.
    check(unsafe { libc::dup2(fd.as_raw_fd(), number) })
}

/// Lets no descriptor from `first` on survive exec.
pub(crate) fn close_on_exec_from(first: i32) -> io::Result<()> {
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let number = entry?.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(number) = number.filter(|number| *number >= first) {
            // SAFETY: F_SETFD changes a flag of the descriptor, not what it refers to.
            check(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) })?;
        }
    }
    Ok(())
}

/// Every signal as it is by default, and none blocked.
pub(crate) fn reset_signals() -> io::Result<()> {
    for number in 1..=libc::SIGRTMAX() {
        // SAFETY: signal(2) is given a constant; what cannot be changed (SIGKILL, SIGSTOP) is refused.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
    unblock_signals()
}

/// Blocks no signal any more.
pub(crate) fn unblock_signals() -> io::Result<()> {
    // SAFETY: the set is initialised by sigemptyset(3) before it is used; the old mask is not asked for.
    check(unsafe {
        let mut none = mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut())
    })
}

/// execve(2). Returns only when it failed.
pub(crate) fn exec(
    program: &Path,
    arguments: &[OsString],
    environment: &[(OsString, OsString)],
    sigpipe: Sigpipe,
) -> io::Error {
    let assignments = environment.iter().map(|(key, value)| {
        let mut assignment = key.clone();
        assignment.push("=");
        assignment.push(value);
        assignment
    });
    let program = CString::new(program.as_os_str().as_bytes());
    let (Ok(program), Ok(arguments), Ok(environment)) =
        (program, strings(arguments.iter().cloned()), strings(assignments))
    else {
        return io::Error::new(io::ErrorKind::InvalidInput, "a NUL byte in an argument or variable");
    };
    let disposition = match sigpipe {
        Sigpipe::Ignore => libc::SIG_IGN,
        Sigpipe::Default => libc::SIG_DFL,
    };
    let (argv, envp) = (pointers(&arguments), pointers(&environment));
    // SAFETY: both arrays end in a null pointer and point to NUL-terminated strings that outlive the call;
    // signal(2) is given one of its two constants.
    unsafe {
        libc::signal(libc::SIGPIPE, disposition);
        libc::execve(program.as_ptr(), argv.as_ptr(), envp.as_ptr());
    }
    io::Error::last_os_error()
}

fn strings(texts: impl Iterator<Item = OsString>) -> Result<Vec<CString>, std::ffi::NulError> {
    texts.map(|text| CString::new(text.as_bytes())).collect()
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}
