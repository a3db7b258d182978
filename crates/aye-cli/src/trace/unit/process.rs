//! What /proc says of the processes that messages come from and name, and of the descriptors that come along.

use std::fs;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use aye::verdict::{Process, Role};
use aye_bus::Ground;

/// The command line, while the process is there; of a zombie its name.
pub(super) fn command(pid: u32) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words = String::from_utf8_lossy(&bytes).trim_end_matches('\0').replace('\0', " ");
    if !words.is_empty() {
        return Some(words);
    }
    fs::read_to_string(format!("/proc/{pid}/comm")).ok().map(|name| name.trim_end().to_owned())
}

/// What a process is to the service.
pub(super) fn role(pid: u32, ground: &Ground, members: &[u32]) -> Role {
    match pid {
        main if main == ground.main_pid => Role::Main,
        control if control == ground.control_pid => Role::Control,
        other if members.contains(&other) => Role::Other,
        _ => Role::Outside,
    }
}

/// What a process that is named as the main one is to the service.
pub(super) fn named(pid: u32, ground: &Ground, members: &[u32]) -> Process {
    match pid {
        1 => Process::Manager,
        control if control == ground.control_pid => Process::Control,
        dead if is_dead(dead) => Process::Dead,
        main if main == ground.main_pid => Process::Main,
        member if members.contains(&member) => Process::Member,
        _ => Process::Foreign,
    }
}

/// Whether it is gone or a zombie: the state is the first field behind the name, which may hold anything (proc_pid_stat(5)).
fn is_dead(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

/// The process of a pidfd: `None` for what is none, and 0 for one that has been reaped.
pub(super) fn of_pidfd(fd: BorrowedFd<'_>) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd())).ok()?;
    let pid: i64 = text.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()?;
    Some(u32::try_from(pid).unwrap_or(0))
}

/// A descriptor in a word.
pub(super) fn describe(fd: BorrowedFd<'_>) -> String {
    match fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())) {
        Ok(target) => target.display().to_string(),
        Err(_) => "unknown".to_owned(),
    }
}

/// What tells one open file from another as far as anyone can from outside: its device and inode.
pub(super) fn identity(fd: BorrowedFd<'_>) -> Option<(u64, u64)> {
    rustix::fs::fstat(fd).ok().map(|status| (status.st_dev, status.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd as _;

    #[test]
    fn a_pidfd_tells_its_process_and_another_descriptor_none() {
        let own = aye::process::pidfd(std::process::id()).unwrap();
        assert_eq!(of_pidfd(own.as_fd()), Some(std::process::id()));
        assert_eq!(of_pidfd(std::io::stdin().as_fd()), None);
    }

    #[test]
    fn a_process_that_was_reaped_is_dead() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(is_dead(pid) && !is_dead(std::process::id()));
    }
}
