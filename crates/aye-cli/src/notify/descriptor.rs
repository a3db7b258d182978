//! `--fd=`: descriptors that the caller passed, by their numbers. They are duplicated through a pidfd of this process
//! (pidfd_getfd(2), Linux 5.6), which needs no unsafe code; the copies are close-on-exec.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::io::{Errno, FdFlags, fcntl_getfd};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// Duplicates each. To be called before this process opens anything: what is not inherited counts as not open.
///
/// # Errors
/// A word that is no number, a number that is not open, or one above the standard three given twice.
pub(super) fn take(numbers: &[String]) -> Result<Vec<OwnedFd>, String> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let own = pidfd_open(getpid(), PidfdFlags::empty()).map_err(|error| {
        format!("--fd: cannot open a pidfd of this process (Linux 5.6 or later): {error}")
    })?;
    let mut taken: Vec<(i32, OwnedFd)> = Vec::with_capacity(numbers.len());
    for text in numbers {
        let number = parse(text)?;
        // The standard three stay open for what comes next, so they can be given as often as one likes.
        if number > 2 && taken.iter().any(|(before, _)| *before == number) {
            return Err(format!("--fd={number} is given twice: give each descriptor once"));
        }
        let copied = || {
            let is_ours = number == own.as_raw_fd() || taken.iter().any(|(_, fd)| fd.as_raw_fd() == number);
            if is_ours { Err(Errno::BADF) } else { pidfd_getfd(&own, number, PidfdGetfdFlags::empty()) }
        };
        let fd = copied().map_err(|error| explain(number, error))?;
        debug_assert!(fcntl_getfd(&fd).is_ok_and(|flags| flags.contains(FdFlags::CLOEXEC)));
        taken.push((number, fd));
    }
    Ok(taken.into_iter().map(|(_, fd)| fd).collect())
}

fn parse(text: &str) -> Result<i32, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| format!("--fd={text}: expected the number of an open descriptor, such as 3"))
}

fn explain(number: i32, error: Errno) -> String {
    match error {
        Errno::BADF => format!(
            "--fd={number} is not open: have the shell open it, as in `aye notify --fd={number} {number}<FILE`"
        ),
        Errno::NOSYS => format!("--fd={number}: cannot duplicate it: this takes Linux 5.6 or later"),
        other => format!("--fd={number}: cannot duplicate it: {other}"),
    }
}
