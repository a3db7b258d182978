//! What /proc says of the processes that messages come from and name, and what tells one descriptor from another.

use std::fs;
use std::os::fd::BorrowedFd;

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
pub(in crate::trace) fn is_dead(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

/// What tells one open file from another as far as anyone can from outside: its device and inode.
pub(in crate::trace) fn identity(fd: BorrowedFd<'_>) -> Option<(u64, u64)> {
    rustix::fs::fstat(fd).ok().map(|status| (status.st_dev, status.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_was_reaped_is_dead() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(is_dead(pid) && !is_dead(std::process::id()));
    }
}
