//! Looks at the processes of a service in /proc (proc(5)).

use std::fs;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal, set_child_subreaper};

/// A process, told from a later one of the same number by when it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) name: String,
    parent: u32,
    began: String,
    state: char,
}

/// The process of this number; `None` when it has ended, also while it waits for its parent.
pub(super) fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let name = head.split_once('(')?.1.to_owned();
    let state = fields.first()?.chars().next()?;
    let (parent, began) = (fields.get(1)?.parse().ok()?, (*fields.get(19)?).to_owned());
    (!matches!(state, 'Z' | 'X')).then_some(Process { pid, name, parent, began, state })
}

/// Whether it still runs.
pub(super) fn is_alive(seen: &Process) -> bool {
    process(seen.pid).is_some_and(|found| found.began == seen.began)
}

/// Its end, or the end of patience.
pub(super) fn await_end(seen: &Process, patience: Duration) {
    let Some(handle) = handle(seen) else { return };
    let patience = Timespec::try_from(patience).ok();
    let _ = poll(&mut [PollFd::new(&handle, PollFlags::IN)], patience.as_ref());
}

/// Ends it, and waits until it has ended.
pub(super) fn kill(seen: &Process) {
    let Some(handle) = handle(seen) else { return };
    if pidfd_send_signal(&handle, Signal::KILL).is_ok() {
        let _ = poll(&mut [PollFd::new(&handle, PollFlags::IN)], None);
    }
}

/// The process itself, and not a later one of its number.
fn handle(seen: &Process) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(seen.pid).ok()?)?;
    let handle = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    is_alive(seen).then_some(handle)
}

/// Whether it and all below it wait for something to happen, as a service does that is up.
pub(super) fn rests(root: u32) -> bool {
    let all = descendants(root);
    all.iter().chain(&process(root)).all(|process| process.state == 'S')
}

/// Processes whose parents end come to this process, as long as this is there; those that are left then are ended.
#[derive(Debug)]
pub(in crate::check) struct Orphanage {
    /// Children from before, which execve(2) does not take from a process: they are somebody else's.
    foreign: Vec<Process>,
}

impl Orphanage {
    pub(in crate::check) fn open() -> Self {
        // Without it (before Linux 3.4), they go to PID 1.
        let _ = set_child_subreaper(Some(getpid()));
        Self { foreign: descendants(std::process::id()) }
    }

    fn left(&self) -> Vec<Process> {
        let foreign: Vec<u32> = self
            .foreign
            .iter()
            .flat_map(|process| {
                descendants(process.pid).into_iter().map(|below| below.pid).chain([process.pid])
            })
            .collect();
        let mut left = descendants(std::process::id());
        left.retain(|process| !foreign.contains(&process.pid));
        left
    }
}

impl Drop for Orphanage {
    fn drop(&mut self) {
        // What is ended may leave children in turn; what cannot be ended (another user's) is left alone.
        for _ in 0..GENERATIONS {
            let left = self.left();
            if left.is_empty() {
                break;
            }
            left.iter().for_each(kill);
        }
        let _ = set_child_subreaper(None);
    }
}

/// How often is looked for what is left.
const GENERATIONS: usize = 100;

/// Every process below this one, its children and theirs.
pub(super) fn descendants(root: u32) -> Vec<Process> {
    let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all: Vec<Process> =
        numbers.filter_map(|entry| process(entry.file_name().to_str()?.parse().ok()?)).collect();
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        let children = all.iter().filter(|process| process.parent == parent);
        for child in children {
            parents.push(child.pid);
            found.push(child.clone());
        }
    }
    found
}

/// A variable of the environment it was started with.
pub(super) fn variable(pid: u32, name: &str) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    environment.split(|byte| *byte == 0).map(String::from_utf8_lossy).find_map(|entry| {
        entry.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
    })
}

/// What a descriptor of it is, such as `socket:[123]`.
fn descriptor(pid: u32, number: usize) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/fd/{number}")).ok()
}

/// The descriptors that the manager gave the main process for itself alone, by number and name: those of `OpenFile=`.
pub(super) fn given(main: u32, names: &[String]) -> Vec<(usize, String)> {
    let held = variable(main, "LISTEN_FDNAMES").unwrap_or_default();
    let own = held.split(':').enumerate().filter(|(_, held)| names.iter().any(|name| name == held));
    own.map(|(index, name)| (index + 3, name.to_owned())).collect()
}

/// Those of them that another process has, too.
pub(super) fn leaked(main: u32, other: u32, given: &[(usize, String)]) -> Vec<String> {
    let same = |number: usize| {
        let found = descriptor(other, number);
        found.is_some() && found == descriptor(main, number)
    };
    given
        .iter()
        .filter(|(number, _)| same(*number))
        .map(|(number, name)| format!("{number} ({name})"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_never_was_is_not_there() {
        assert_eq!(process(0), None);
        assert!(!is_alive(&Process { began: "0".to_owned(), ..process(std::process::id()).unwrap() }));
    }

    #[test]
    fn a_child_is_below_its_parent_until_it_ends() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let found = descendants(std::process::id()).into_iter().find(|found| found.pid == child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.is_some_and(|found| !is_alive(&found)));
    }
}
