//! `--exec`: the command takes the process over, with the descriptors and the environment it was given.

use super::{Bench, through_a_shell};
use crate::place::Outcome;

#[test]
fn a_command_that_is_missing_is_one_line_and_exit_1_after_the_message() {
    let bench = Bench::new();
    let (outcome, datagrams) = bench.datagrams(bench.aye(&["--ready", "--exec", ";", "/nonexistent"]));
    let stderr = "aye notify: cannot execute /nonexistent: no such file\n".to_owned();
    assert_eq!(outcome, Outcome { code: Some(1), stdout: String::new(), stderr });
    assert_eq!(datagrams[0].bytes, b"READY=1");
}

#[test]
fn the_command_is_the_same_process_and_has_its_arguments_for_itself() {
    let bench = Bench::new();
    let script = "echo $$; exec \"$AYE\" notify --exec X_A=1 \\; sh -c 'echo $$ $NOTIFY_SOCKET \"$@\"' - --ready \\; -- x";
    let (outcome, datagrams) = bench.datagrams(through_a_shell(&bench, script));
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines[1], format!("{} PLACE/notify --ready ; -- x", lines[0]), "{outcome:?}");
    assert_eq!(datagrams[0].bytes, b"X_A=1");
}

#[test]
fn the_form_of_262_with_two_dashes_is_the_same() {
    let bench = Bench::new();
    let (outcome, _) = bench.datagrams(bench.aye(&["--ready", "--exec", ";", "--", "echo", "-n", "--"]));
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "--"));
}

/// What the command has open, but for the folder it looks at.
const OPEN: &str = "cd /proc/self/fd; for fd in 0 1 2 3 4 5 6; do test ! -e $fd || printf $fd; done";

#[test]
fn descriptors_and_their_list_are_passed_on() {
    let bench = Bench::new();
    let script = format!(
        "exec 3</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$AYE\" notify --ready --exec \\; \
            sh -c 'echo $LISTEN_FDS; test $LISTEN_PID = $$ && {OPEN}' 5</dev/zero"
    );
    let (outcome, _) = bench.datagrams(through_a_shell(&bench, &script));
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "1\n01235"));
}

#[test]
fn what_was_for_the_manager_is_not_for_the_command() {
    let bench = Bench::new();
    let script = format!("exec \"$AYE\" notify --fd=3 --exec \\; sh -c '{OPEN}' 3</dev/zero 5</dev/zero");
    let (outcome, _) = bench.datagrams(through_a_shell(&bench, &script));
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "012"));
}
