//! A copy of this process by fork(2), and what the copy needs to let go of its origin.

use std::io;
use std::os::fd::RawFd;

/// Which of the two processes this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forked {
    Parent(i32),
    Child,
}

/// fork(2), in a process of one thread only.
///
/// # Errors
/// What the kernel says (`EAGAIN` at the limit of tasks), and `EDEADLK` when there are other threads, or `/proc` is not
/// there to count them.
pub(crate) fn fork() -> io::Result<Forked> {
    // A folder's link count is 2 and one more for each folder in it; here that is one for each thread.
    let alone = std::fs::metadata("/proc/self/task")
        .is_ok_and(|task| std::os::unix::fs::MetadataExt::nlink(&task) == 3);
    if !alone {
        return Err(io::Error::from_raw_os_error(libc::EDEADLK));
    }
    // SAFETY: there is no other thread, so none can hold a lock that the child would wait for: after fork(2) both
    // processes are whole.
    match unsafe { libc::fork() } {
        0 => Ok(Forked::Child),
        pid if pid > 0 => Ok(Forked::Parent(pid)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// waitpid(2) for a child that is about to exit.
pub(crate) fn reap(pid: i32) {
    // SAFETY: the status is not asked for, so nothing is written.
    while unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) } < 0
        && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {}
}

/// _exit(2): the end of a copy, without what its origin has registered for its own end.
pub(crate) fn exit_now(status: i32) -> ! {
    // SAFETY: it does not return, and nothing of this process is left to be in a wrong state.
    unsafe { libc::_exit(status) }
}

/// Ends this process after that many seconds, whatever it waits for then (alarm(2), SIGALRM by default).
pub(crate) fn end_after(seconds: u32) {
    // SAFETY: signal(2) is given a constant; the set is initialised by sigemptyset(3) before it is used; alarm(2) takes
    // a number.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGALRM);
        libc::signal(libc::SIGALRM, libc::SIG_DFL);
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
        libc::alarm(seconds);
    }
}

/// Closes every descriptor from `first` on but those in `kept`, in a copy, which has no owner of them left to be surprised:
/// close_range(2), and one by one before Linux 5.9 or where a sandbox forbids it.
pub(crate) fn close_all_but(first: RawFd, kept: &mut [RawFd]) -> io::Result<()> {
    kept.sort_unstable();
    let mut start = first;
    for &number in &*kept {
        close_range(start, number - 1, kept)?;
        start = start.max(number + 1);
    }
    close_range(start, RawFd::MAX, kept)
}

fn close_range(first: RawFd, last: RawFd, kept: &[RawFd]) -> io::Result<()> {
    if first > last {
        return Ok(());
    }
    // SAFETY: only a copy that never returns to its origin's code closes descriptors that this code owns.
    if unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0 {
        return Ok(());
    }
    let open: Vec<RawFd> = std::fs::read_dir("/proc/self/fd")?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    for number in open.into_iter().filter(|number| (first..=last).contains(number) && !kept.contains(number))
    {
        close(number);
    }
    Ok(())
}

/// Closes `number` in a copy.
pub(crate) fn close(number: RawFd) {
    // SAFETY: as above.
    unsafe { libc::close(number) };
}
