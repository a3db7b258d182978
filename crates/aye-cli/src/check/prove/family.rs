//! What is proved of the processes of a service: what its children were given, and whether any of them outlives it.

use std::time::{Duration, Instant};

use super::look::{self, Process};
use super::report::{Verdict, count};
use super::scenario::Proofs;
use super::stage::Stage;
use super::stand::Stand;

/// How long a child may take from fork to exec.
const FORK_TO_EXEC: Duration = Duration::from_millis(500);

/// Whether a child has a descriptor that was for the main process alone.
pub(super) fn descriptors(
    stage: &Stage,
    stand: &mut Stand,
    main: u32,
    children: &[Process],
    proofs: &mut Proofs<'_>,
) {
    let names: Vec<String> = stage.service.open_files.iter().map(|file| file.name.clone()).collect();
    let given = look::given(main, &names);
    if given.is_empty() {
        return proofs.skip("descriptors", "the manager gave it no descriptor (OpenFile=)");
    }
    if children.is_empty() {
        return proofs.skip("descriptors", "it had no child processes");
    }
    let mut leaks = leaks(main, children, &given);
    if !leaks.is_empty() {
        // A child between fork and exec has everything yet.
        stand.wait(FORK_TO_EXEC, |_| false);
        leaks = self::leaks(main, children, &given);
    }
    if leaks.is_empty() {
        let seen = format!("{} without a descriptor of the manager", named(children));
        proofs.add("descriptors", Verdict::Pass, seen, "");
    } else {
        let advice = "set close-on-exec (FD_CLOEXEC) on it before starting other programs";
        proofs.add("descriptors", Verdict::Fail, leaks.join("\n"), advice);
    }
}

/// How long a process that was killed may take to be gone.
const LAST_BREATH: Duration = Duration::from_secs(3);

fn named(children: &[Process]) -> String {
    count(children.len(), "child process", "child processes")
}

/// Which of the children has what.
fn leaks(main: u32, children: &[Process], given: &[(usize, String)]) -> Vec<String> {
    let of = |child: &Process| {
        let leaked = look::leaked(main, child.pid, given);
        let text = || format!("PID {} ({}) has descriptor {}", child.pid, child.name, leaked.join(", "));
        (!leaked.is_empty()).then(text)
    };
    children.iter().filter_map(of).collect()
}

/// Advice only: a child that has the variable may send, or may not.
pub(super) fn environment(children: &[Process], proofs: &mut Proofs<'_>) {
    let has = |child: &&Process| look::variable(child.pid, "NOTIFY_SOCKET").is_some();
    let holders: Vec<String> =
        children.iter().filter(has).map(|child| format!("{} (PID {})", child.name, child.pid)).collect();
    if children.is_empty() {
        proofs.skip("environment", "it had no child processes");
    } else if holders.is_empty() {
        let seen = format!("{} without NOTIFY_SOCKET", named(children));
        proofs.add("environment", Verdict::Pass, seen, "");
    } else {
        let seen = format!("NOTIFY_SOCKET was passed on to {}", holders.join(", "));
        let advice = "unset NOTIFY_SOCKET for children that do not speak for the service";
        proofs.add("environment", Verdict::Pass, seen, advice);
    }
}

/// Whether any process outlives the service; what does is ended here.
pub(super) fn orphans(all: &[Process], proofs: &mut Proofs<'_>) {
    let until = Instant::now() + LAST_BREATH;
    let mut left: Vec<&Process> = all.iter().collect();
    loop {
        left.retain(|process| look::is_alive(process));
        if left.is_empty() || Instant::now() >= until {
            break;
        }
        look::await_end(left[0], until.saturating_duration_since(Instant::now()));
    }
    for process in &left {
        look::kill(process);
    }
    let names: Vec<String> =
        left.iter().map(|process| format!("{} (PID {})", process.name, process.pid)).collect();
    if names.is_empty() {
        let seen = match all.len() {
            1 => "its process is gone".to_owned(),
            count => format!("all of its {count} processes are gone"),
        };
        proofs.add("orphans", Verdict::Pass, seen, "");
    } else {
        let seen = format!("still there after the stop, in a session of its own: {}", names.join(", "));
        let advice = "stop child processes before the main process ends: only a cgroup would end these";
        proofs.add("orphans", Verdict::Fail, seen, advice);
    }
}
