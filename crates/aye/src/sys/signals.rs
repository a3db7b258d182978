//! Signals as a descriptor that can be polled (signalfd(2)), and an end by a signal.

use std::io;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use super::check;

/// What can be known of one signal that was sent to this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) number: i32,
    /// `si_code`: above zero for what the kernel sent by itself.
    pub(crate) code: i32,
    pub(crate) pid: u32,
}

/// What a process cannot or must not put off: the first two cannot be blocked, the others are its own faults.
const NEVER: [libc::c_int; 8] = [
    libc::SIGKILL,
    libc::SIGSTOP,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGTRAP,
    libc::SIGSYS,
];

/// Blocks every signal that can be, and gives the descriptor on which they arrive from now on.
pub(crate) fn open_signals() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised by sigfillset(3) before it is used; the old mask is not asked for.
    let number = unsafe {
        let mut set = mem::zeroed();
        libc::sigfillset(&raw mut set);
        for signal in NEVER {
            libc::sigdelset(&raw mut set, signal);
        }
        check(libc::sigprocmask(libc::SIG_SETMASK, &raw const set, ptr::null_mut()))?;
        libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    };
    check(number)?;
    // SAFETY: signalfd(2) has just opened it, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// The next signal; `None` while there is none.
pub(crate) fn next_signal(fd: BorrowedFd<'_>) -> io::Result<Option<Arrived>> {
    let mut info = MaybeUninit::<libc::signalfd_siginfo>::uninit();
    let size = size_of::<libc::signalfd_siginfo>();
    // SAFETY: the kernel writes at most `size` bytes into the structure of that size.
    let length = unsafe { libc::read(fd.as_raw_fd(), info.as_mut_ptr().cast(), size) };
    if length.unsigned_abs() == size {
        // SAFETY: the kernel has written all of it.
        let info = unsafe { info.assume_init() };
        let number = i32::try_from(info.ssi_signo).unwrap_or_default();
        return Ok(Some(Arrived { number, code: info.ssi_code, pid: info.ssi_pid }));
    }
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::WouldBlock { Ok(None) } else { Err(error) }
}

/// kill(2) by number, real-time signals included.
pub(crate) fn send_signal(pid: i32, number: i32) -> io::Result<()> {
    // SAFETY: two numbers, of which the kernel refuses what is none.
    check(unsafe { libc::kill(pid, number) })
}

/// Ends this process by a signal, as its default action has it. Returns where that is no end.
pub(crate) fn end_by(number: i32) {
    // SAFETY: the set is initialised by sigemptyset(3) before it is used; signal(2) and raise(3) are given a number, which
    // they refuse when it is none.
    unsafe {
        let mut set = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, number);
        libc::signal(number, libc::SIG_DFL);
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
        libc::raise(number);
    }
}
