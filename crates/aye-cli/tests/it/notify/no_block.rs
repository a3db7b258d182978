//! `--no-block`: the caller is released at once, and a child that lets go of all that is the caller's stays until the
//! message has been received.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use aye::{Address, Datagram, Received, Receiver};
use rustix::process::{Pid, Signal, getsid, kill_process};

use super::{Bench, SILENT, through_a_shell};
use crate::place::{Outcome, await_exit};

fn next(bench: &Bench) -> Datagram {
    match bench.receiver.receive().unwrap() {
        Received::Datagram(datagram) => datagram,
        other @ Received::Dropped(..) => panic!("{other:?}"),
    }
}

#[test]
fn what_is_found_before_is_told_by_the_caller() {
    let bench = Bench::new();
    let mut command = bench.aye(&["--ready", "--no-block"]);
    command.env("NOTIFY_SOCKET", "/nonexistent");
    let stderr = "aye notify: cannot reach the notify socket /nonexistent: there is no such socket: is the service \
        manager running?\n";
    let outcome = Outcome { code: Some(1), stdout: String::new(), stderr: stderr.to_owned() };
    assert_eq!(bench.place.outcome(command), outcome);
    bench.place.assert_nothing_left();
}

#[test]
fn a_manager_that_never_reads_is_given_up_by_the_child() {
    let bench = Bench::new();
    // Its output ends with the caller: the child has none of it.
    assert_eq!(bench.place.outcome(bench.aye(&["--ready", "--no-block", "--timeout=50ms"])), SILENT);
    for left in bench.place.processes() {
        await_exit(left);
    }
    bench.place.assert_nothing_left();
}

#[test]
fn the_caller_is_released_and_the_child_stays_until_the_message_was_received() {
    let bench = Bench::new();
    assert_eq!(bench.place.outcome(bench.aye(&["--ready", "--no-block", "--timeout=20s"])), SILENT);
    let ready = next(&bench);
    assert_eq!(ready.bytes, b"READY=1");
    let child = bench.place.processes().into_iter().next().expect("nobody waits for the barrier");
    // Root's message is as its parent's; anybody else's has to be that of one who is still there.
    let speaker = if rustix::process::geteuid().is_root() { std::process::id() } else { child };
    assert_eq!(ready.sender.pid, speaker);
    let barrier = next(&bench);
    assert!(barrier.is_barrier());
    // By now it has let go of the caller.
    let pid = Pid::from_raw(child.cast_signed()).unwrap();
    assert_eq!(getsid(Some(pid)).unwrap(), pid, "it is in the caller's session");
    let folder = std::fs::read_link(format!("/proc/{child}/cwd")).unwrap();
    assert_eq!(folder, std::path::Path::new("/"));
    drop(barrier);
    await_exit(child);
    bench.place.assert_nothing_left();
}

#[test]
fn a_pipe_of_the_callers_closes_at_once() {
    let bench = Bench::new();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = through_a_shell(&bench, "exec \"$AYE\" notify --ready --no-block --timeout=20s 7>&1");
    let mut caller = command.stdout(writer).stdin(Stdio::null()).spawn().unwrap();
    drop(command);
    assert!(caller.wait().unwrap().success());
    // The barrier is not answered yet, so the child is there.
    let _barrier = (next(&bench), next(&bench));
    let mut all = String::new();
    reader.read_to_string(&mut all).unwrap();
    assert_eq!(all, "");
    assert_eq!(bench.place.processes().len(), 1);
}

#[test]
fn messages_come_in_the_order_of_the_calls() {
    let bench = Bench::new();
    for number in 0..5 {
        let assignment = format!("X_NUMBER={number}");
        assert_eq!(bench.place.outcome(bench.aye(&["--no-block", &assignment])), SILENT);
    }
    let mut seen = Vec::new();
    while seen.len() < 5 {
        let datagram = next(&bench);
        seen.extend(
            datagram.message.value("X_NUMBER").map(|value| String::from_utf8(value.to_vec()).unwrap()),
        );
    }
    assert_eq!(seen, ["0", "1", "2", "3", "4"]);
}

#[test]
fn the_end_of_the_callers_group_does_not_take_the_child_along() {
    let bench = Bench::new();
    let mut command = bench.aye(&["--ready", "--no-block", "--timeout=20s"]);
    let mut caller = command.process_group(0).spawn().unwrap();
    let group = caller.id();
    assert!(caller.wait().unwrap().success());
    let group = Pid::from_raw(group.cast_signed()).unwrap();
    assert!(rustix::process::kill_process_group(group, Signal::KILL).is_err(), "somebody is left in it");
    let (_ready, barrier) = (next(&bench), next(&bench));
    assert!(barrier.is_barrier());
}

#[test]
fn a_program_that_takes_over_has_no_child_to_wait_for() {
    let bench = Bench::new();
    // With nothing but the shell itself: a program that reads the list would be in it.
    let script = "read -r children </proc/$$/task/$$/children; echo \"children: $children\"";
    let command = bench.aye(&["--ready", "--no-block", "--exec", ";", "sh", "-c", script]);
    let outcome = bench.place.outcome(command);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "children: \n"), "{outcome:?}");
    let (_ready, barrier) = (next(&bench), next(&bench));
    assert!(barrier.is_barrier());
}

#[test]
fn what_the_manager_started_speaks_for_itself() {
    let bench = Bench::new();
    let mut command = bench.aye(&["--ready", "--no-block"]);
    command.env("MANAGERPID", std::process::id().to_string());
    let caller = command.spawn().unwrap();
    let own = caller.id();
    let ready = next(&bench);
    assert_eq!((ready.bytes.as_slice(), ready.sender.pid), (&b"READY=1"[..], own));
    assert!(caller.wait_with_output().unwrap().status.success());
    bench.place.assert_nothing_left();
}

#[test]
fn an_orphan_has_a_child_all_the_same() {
    let bench = Bench::new();
    let mut command = bench.aye(&["--ready", "--no-block"]);
    // Started by the manager was another: this one only has it as its parent.
    command.env("MANAGERPID", std::process::id().to_string()).env("SYSTEMD_EXEC_PID", "1");
    let own = command.spawn().unwrap().wait_with_output().map(|output| output.status).unwrap();
    assert!(own.success());
    let (_ready, barrier) = (next(&bench), next(&bench));
    assert!(barrier.is_barrier());
}

#[test]
fn a_child_that_is_killed_harms_nobody() {
    let bench = Bench::new();
    assert_eq!(bench.place.outcome(bench.aye(&["--ready", "--no-block", "--timeout=20s"])), SILENT);
    let child = bench.place.processes().into_iter().next().unwrap();
    kill_process(Pid::from_raw(child.cast_signed()).unwrap(), Signal::TERM).unwrap();
    await_exit(child);
    assert_eq!(next(&bench).bytes, b"READY=1");
}

#[test]
fn without_a_child_the_caller_waits_itself() {
    let name = format!("aye-test-{}-no-child", std::process::id());
    let receiver = Receiver::bind(&Address::Abstract(name.as_bytes())).unwrap();
    let next = || match receiver.receive().unwrap() {
        Received::Datagram(datagram) => datagram,
        other @ Received::Dropped(..) => panic!("{other:?}"),
    };
    // No user but root, whom no limit holds, gets another process; the binary may be where only root may go.
    let mut limited = Command::new("setpriv");
    if rustix::process::geteuid().is_root() {
        limited.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        limited.args(["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]);
    }
    limited.args(["prlimit", "--nproc=0", env!("CARGO_BIN_EXE_aye"), "notify", "--ready", "--no-block"]);
    let mut caller = limited.env("NOTIFY_SOCKET", format!("@{name}")).spawn().unwrap();
    let ready = next();
    assert_eq!((ready.bytes.as_slice(), ready.sender.pid), (&b"READY=1"[..], caller.id()));
    let barrier = next();
    assert!(barrier.is_barrier());
    assert_eq!(caller.try_wait().unwrap(), None, "it left before its message was received");
    drop(barrier);
    assert_eq!(caller.wait().unwrap().code(), Some(0));
}
