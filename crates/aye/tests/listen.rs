//! Descriptors as a manager hands them over: a shell puts them in place and becomes the example `listen`, which takes them.

use std::path::PathBuf;
use std::process::Command;

/// Cargo builds the examples beside the tests.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().with_file_name("examples").join(name)
}

/// What the example says when a shell with these variables and redirections becomes it. `$$` in a variable is its pid.
fn taken(variables: &str, redirections: &str) -> String {
    let script = format!("{variables} exec \"$0\" {redirections}");
    let mut shell = Command::new("sh");
    let inherited = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID"];
    for name in inherited {
        shell.env_remove(name);
    }
    let output = shell.arg("-c").arg(script).arg(example("listen")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

const AGAIN: &str = "of $LISTEN_FDS is not open, or was taken before: take them once, and early\n";

#[test]
fn without_variables_there_is_nothing_to_take() {
    assert_eq!(taken("", "3</dev/null"), "0 taken\n");
}

#[test]
fn what_is_meant_for_another_process_is_left_alone() {
    assert_eq!(taken("LISTEN_PID=1 LISTEN_FDS=1", "3</dev/null"), "0 taken\n");
    assert_eq!(taken("LISTEN_PID=$$ LISTEN_PIDFDID=1 LISTEN_FDS=1", "3</dev/null"), {
        // Before Linux 6.9 pidfds have no number of their own, and the pid has to do.
        let own = aye::Caller::this_process();
        if own.pidfd_id.is_some() { "0 taken\n".to_owned() } else { wrong("unknown", "a character device") }
    });
}

fn wrong(name: &str, found: &str) -> String {
    format!(
        "1 taken\n{name}: descriptor {name:?} is {found}, and a Unix datagram socket was expected: \
         see the unit's Listen...= and OpenFile=\nagain: descriptor 3 ({name}) {AGAIN}"
    )
}

#[test]
fn each_has_its_name_and_a_wrong_kind_is_said() {
    assert_eq!(taken("LISTEN_PID=$$ LISTEN_FDS=1", "3</dev/null"), wrong("unknown", "a character device"));
    let named = "LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=state";
    assert_eq!(taken(named, "3</etc/passwd"), wrong("state", "a regular file"));
    assert_eq!(taken(named, "3</"), wrong("state", "a directory"));
}

#[test]
fn a_number_that_is_not_open_takes_none_of_them() {
    let refused = "refused: descriptor 4 (unknown) of $LISTEN_FDS is not open, or was taken before: \
        take them once, and early\n";
    let again = refused.replace("refused", "again");
    assert_eq!(taken("LISTEN_PID=$$ LISTEN_FDS=2", "3</dev/null"), format!("{refused}{again}"));
}

#[test]
fn variables_that_contradict_each_other_are_an_error() {
    for (variables, error) in [
        ("LISTEN_FDS=x", "$LISTEN_FDS is \"x\": expected a number"),
        (
            "LISTEN_FDS=1 LISTEN_FDNAMES=a:b",
            "$LISTEN_FDNAMES has 2 names for the 1 descriptors of $LISTEN_FDS",
        ),
    ] {
        let expected = format!("refused: {error}\nagain: {error}\n");
        assert_eq!(taken(&format!("LISTEN_PID=$$ {variables}"), "3</dev/null"), expected);
    }
}
