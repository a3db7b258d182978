//! `--fork`: the roles are changed, and the command is the one that has to be ready.

use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::place::{Outcome, Place, await_exit};

/// The command finds `aye` as `$AYE`.
fn fork(place: &Place, arguments: &[&str]) -> Command {
    let mut all = vec!["notify", "--fork"];
    all.extend(arguments);
    let mut command = place.command(&all);
    command.env("AYE", env!("CARGO_BIN_EXE_aye"));
    command
}

/// The PID that was printed, and the rest: the numbers in it are `PID`.
fn printed(outcome: &Outcome) -> (u32, Outcome) {
    let pid: u32 = outcome.stdout.trim().parse().unwrap_or_else(|_| panic!("{outcome:?}"));
    let stderr = outcome.stderr.replace(&pid.to_string(), "PID");
    (pid, Outcome { code: outcome.code, stdout: String::new(), stderr })
}

#[test]
fn a_program_that_is_missing_is_one_line_and_203_as_in_systemd_notify() {
    let place = Place::new();
    for program in ["/nonexistent", "no-such-program-anywhere"] {
        let outcome = place.outcome(fork(&place, &["--", program]));
        let stderr = format!("aye notify: cannot execute {program}: there is no such program\n");
        assert_eq!(outcome, Outcome { code: Some(203), stdout: String::new(), stderr });
    }
}

#[test]
fn a_command_that_ends_before_it_is_ready_has_failed() {
    let place = Place::new();
    for (script, code, how) in [
        ("exit 0", 1, "exited with 0"),
        ("exit 7", 7, "exited with 7"),
        ("kill -KILL $$", 1, "was killed by signal 9"),
        ("\"$AYE\" notify X_A=1; exit 3", 3, "exited with 3"),
    ] {
        let (_, outcome) = printed(&place.outcome(fork(&place, &["--", "sh", "-c", script])));
        let stderr = format!("aye notify: PID PID {how} before it said READY=1\n");
        assert_eq!(outcome, Outcome { code: Some(code), stdout: String::new(), stderr }, "{script}");
    }
}

#[test]
fn a_command_that_is_not_ready_in_time_is_ended_and_that_is_said() {
    let place = Place::new();
    let (pid, outcome) = printed(&place.outcome(fork(&place, &["--timeout=50ms", "sleep", "1000"])));
    let stderr = "aye notify: PID PID did not say READY=1 within 50 ms, and was ended by SIGTERM: give it more time \
        with --timeout\n";
    assert_eq!(outcome, Outcome { code: Some(1), stdout: String::new(), stderr: stderr.to_owned() });
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    place.assert_nothing_left();
}

#[test]
fn a_command_that_does_not_heed_that_is_killed() {
    let place = Place::new();
    let script = "trap '' TERM; exec sleep 1000";
    let (pid, outcome) = printed(&place.outcome(fork(&place, &["--timeout=2s", "--", "sh", "-c", script])));
    let stderr = "aye notify: PID PID did not say READY=1 within 2 s, and was ended by SIGKILL, since it went on for \
        5 s after SIGTERM: give it more time with --timeout\n";
    assert_eq!(outcome, Outcome { code: Some(1), stdout: String::new(), stderr: stderr.to_owned() });
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    place.assert_nothing_left();
}

#[test]
fn a_strangers_word_does_not_count() {
    let place = Place::new();
    // The stranger is this test: it learns the address from the command's environment, of which nobody is a part.
    let mut running =
        place.start(fork(&place, &["--", "sh", "-c", "echo \"at $NOTIFY_SOCKET\" >&2; exec sleep 1000"]));
    let address = running.says("at @").trim_start_matches("at ").to_owned();
    let mut stranger = place.command(&["notify", "--ready"]);
    stranger.env("NOTIFY_SOCKET", &address);
    assert_eq!(place.outcome(stranger).code, Some(0), "it is received");
    running.says("which is no process of CMD");
    let (_, said) = running.signalled(Signal::TERM);
    assert!(
        said.iter().any(|line| line.contains("was killed by signal 15 before it said READY=1")),
        "{said:?}"
    );
}

#[test]
fn a_signal_is_for_the_command() {
    let place = Place::new();
    let script = "trap 'exit 42' TERM; echo trapped >&2; while :; do sleep 0.01; done";
    let mut running = place.start(fork(&place, &["--quiet", "--", "sh", "-c", script]));
    running.says("trapped");
    let (code, said) = running.signalled(Signal::TERM);
    assert_eq!(code, Some(42), "{said:?}");
    place.assert_nothing_left();
}

#[test]
fn a_command_that_is_ready_goes_on_and_its_pid_is_printed() {
    let place = Place::new();
    // By a process below it, whose barrier is answered.
    let script = "\"$AYE\" notify --ready --pid=parent || echo lost >&2; exec sleep 1000";
    let (pid, outcome) = printed(&place.outcome_without_stderr(fork(&place, &["--", "sh", "-c", script])));
    assert_eq!(outcome.code, Some(0));
    let raw = Pid::from_raw(pid.cast_signed()).unwrap();
    kill_process(raw, Signal::TERM).expect("it goes on");
    await_exit(pid);
}

#[test]
fn quietly_there_is_no_pid() {
    let place = Place::new();
    let outcome =
        place.outcome_without_stderr(fork(&place, &["-q", "--", "sh", "-c", "exec \"$AYE\" notify --ready"]));
    assert_eq!(outcome, Outcome { code: Some(0), stdout: String::new(), stderr: String::new() });
}

#[test]
fn what_a_manager_said_to_us_is_not_said_to_the_command() {
    let place = Place::new();
    let script =
        "test -z \"$LISTEN_FDS$WATCHDOG_USEC\" && test $NOTIFY_SOCKET != /elsewhere && exit 5; exit 6";
    let mut command = fork(&place, &["-q", "--", "sh", "-c", script]);
    command.env("NOTIFY_SOCKET", "/elsewhere").env("LISTEN_FDS", "1").env("WATCHDOG_USEC", "1000000");
    assert_eq!(place.outcome(command).code, Some(5));
}
