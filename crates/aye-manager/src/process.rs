//! The processes of a service, read from `/proc`: without root there is no cgroup to ask, so a process belongs to a
//! service when it descends from its main or control process, or, once orphaned and adopted by the manager (a child
//! subreaper), when it is in the session its main process began or carries its `INVOCATION_ID`.

use std::collections::HashSet;
use std::fs;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// What tells the processes of one run of a service from others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marks {
    /// The main and control processes.
    pub(crate) roots: Vec<u32>,
    /// The session the main process began: its pid.
    pub(crate) session: Option<u32>,
    /// `INVOCATION_ID`, as hexadecimal digits.
    pub(crate) invocation: Option<String>,
}

/// A process and when it began, which together name it for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    began: u64,
}

/// The fields of `/proc/PID/stat` (proc_pid_stat(5)) that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    state: char,
    parent: u32,
    session: u32,
    began: u64,
}

/// Every living process that `marks` tell. `foreign` are the roots of other services, whose families are their own.
pub(crate) fn members(marks: &Marks, foreign: &HashSet<u32>) -> Vec<Process> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let orphans = orphans()
        .into_iter()
        .filter(|pid| !foreign.contains(pid) && !marks.roots.contains(pid) && is_marked(*pid, marks));
    let mut queue: Vec<u32> = marks.roots.iter().copied().chain(orphans).collect();
    while let Some(pid) = queue.pop() {
        if !seen.insert(pid) {
            continue;
        }
        queue.extend(children(pid));
        match stat(pid) {
            Some(stat) if !matches!(stat.state, 'Z' | 'X') => found.push(Process { pid, began: stat.began }),
            _ => {}
        }
    }
    found
}

fn is_marked(pid: u32, marks: &Marks) -> bool {
    let same_session = || marks.session.is_some() && stat(pid).map(|stat| stat.session) == marks.session;
    let same_invocation = || {
        let Some(invocation) = &marks.invocation else {
            return false;
        };
        let assignment = format!("INVOCATION_ID={invocation}");
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|&byte| byte == 0).any(|entry| entry == assignment.as_bytes())
    };
    same_session() || same_invocation()
}

/// The children of the first thread: all that the manager has adopted, as its own are those of another (see `starter`).
pub(crate) fn orphans() -> Vec<u32> {
    let pid = std::process::id();
    numbers(Path::new(&format!("/proc/{pid}/task/{pid}/children")))
}

/// The children of all threads of a process.
fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    tasks.flatten().flat_map(|task| numbers(&task.path().join("children"))).collect()
}

fn numbers(path: &Path) -> Vec<u32> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The second field is the program's name in parentheses and may hold anything, so fields count from its end.
fn parse_stat(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        began: fields.get(19)?.parse().ok()?,
    })
}

/// Whether this process is `pid` or descends from it.
pub(crate) fn is_ancestor(pid: u32) -> bool {
    let parent = |pid: &u32| stat(*pid).map(|stat| stat.parent).filter(|parent| *parent != 0);
    std::iter::successors(Some(std::process::id()), parent).any(|ancestor| ancestor == pid)
}

/// Whether this process was started with `signal` ignored (`SigIgn` of proc_pid_status(5)).
pub(crate) fn ignores(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (signal.as_raw() - 1) & 1 == 1
}

/// Signals a process through a pidfd, so that it never hits another one that got the same number.
pub(crate) fn signal(process: Process, signal: Signal) {
    let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) else {
        return;
    };
    let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else {
        return; // gone
    };
    if stat(process.pid).is_some_and(|stat| stat.began == process.began) {
        let _ = pidfd_send_signal(pidfd.as_fd(), signal);
    }
}

/// The process with this number, if it is alive.
pub(crate) fn find(pid: u32) -> Option<Process> {
    stat(pid).filter(|stat| stat.state != 'Z').map(|stat| Process { pid, began: stat.began })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    #[test]
    fn reads_a_program_name_with_parentheses_and_spaces() {
        let text = "7 (a) b (c)) S 1 2 3 0 -1 4 5 6 7 8 9 10 11 12 13 14 15 16 4242 18";
        assert_eq!(parse_stat(text), Some(Stat { state: 'S', parent: 1, session: 3, began: 4242 }));
        assert_eq!(parse_stat("7 (a"), None);
    }

    #[test]
    fn a_family_is_found_and_signalled_whole() {
        let script = "sleep 600 & sleep 600 & echo ready; wait";
        let mut shell = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let marks = Marks { roots: vec![shell.id()], ..Marks::default() };
        let family = members(&marks, &HashSet::new());
        assert_eq!(family.len(), 3, "{family:?}");
        for member in &family {
            signal(*member, Signal::KILL);
        }
        shell.wait().unwrap();
        for member in family {
            // Killed, if not yet reaped by whoever adopted it.
            assert!(find(member.pid).is_none_or(|found| found != member) || is_dying(member));
        }
    }

    fn is_dying(process: Process) -> bool {
        let pidfd = i32::try_from(process.pid)
            .ok()
            .and_then(Pid::from_raw)
            .map(|pid| pidfd_open(pid, PidfdFlags::empty()));
        let Some(Ok(pidfd)) = pidfd else {
            return true;
        };
        let mut fds = [rustix::event::PollFd::new(&pidfd, rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut fds, None).is_ok()
    }
}
