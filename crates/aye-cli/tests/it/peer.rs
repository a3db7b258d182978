//! What `aye wrap` hands over, as libsystemd's sd_listen_fds_with_names(3) takes it: names, numbers, files.

use std::fs::metadata;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use aye::{Address, Receiver};

use crate::libsystemd;
use crate::place::{Outcome, Place};

/// What the program finds when a shell with these variables becomes `aye wrap`, and that the program. The shell is what
/// systemd would be; the files of the place are its descriptors from 3 on.
fn found(place: &Place, variables: &str) -> Outcome {
    let script =
        format!("exec 3<first.service 4<second.service; {variables} exec \"$AYE\" wrap -- \"$PEER\" listen");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(place.units()).env_remove("NOTIFY_SOCKET");
    command.env("AYE", env!("CARGO_BIN_EXE_aye")).env("PEER", libsystemd::compiled());
    for variable in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID"] {
        command.env_remove(variable);
    }
    place.outcome(command)
}

fn place() -> Place {
    Place::new().service("first.service", "").service("second.service", "")
}

/// The lines for the two files under these names.
fn both(place: &Place, names: [&str; 2]) -> String {
    let inode = |file: &str| metadata(place.units().join(file)).unwrap().ino();
    let [first, second] = [inode("first.service"), inode("second.service")];
    format!("{} {first} cloexec\n{} {second} cloexec\n", names[0], names[1])
}

#[test]
fn what_was_inherited_keeps_its_names_and_places() {
    let place = place();
    let outcome = found(&place, "LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=http:control");
    assert_eq!(outcome.stdout, both(&place, ["http", "control"]), "{outcome:?}");
    let outcome = found(&place, "LISTEN_PID=$$ LISTEN_FDS=2");
    assert_eq!(outcome.stdout, both(&place, ["unknown", "unknown"]), "{outcome:?}");
    let outcome = found(&place, "LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=http");
    assert_eq!(outcome.stdout, both(&place, ["http", "unknown"]), "what is open has no gap: {outcome:?}");
}

#[test]
fn names_for_another_process_are_not_passed_on() {
    let place = place();
    let outcome = found(&place, "LISTEN_PID=1 LISTEN_FDS=2 LISTEN_FDNAMES=http:control");
    assert_eq!(outcome.stdout, both(&place, ["unknown", "unknown"]), "{outcome:?}");
}

#[test]
fn names_that_do_not_match_are_an_error_for_both() {
    let place = place();
    let variables = "LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=http";
    let outcome = found(&place, variables);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""), "{outcome:?}");
    let script = format!("exec 3</dev/null 4</dev/null; {variables} exec \"$PEER\" listen");
    let mut alone = Command::new("sh");
    alone.args(["-c", &script]).env("PEER", libsystemd::compiled());
    assert_eq!(place.outcome(alone).stdout, "-EINVAL\n");
}

#[test]
fn the_notify_socket_is_the_last_of_them() {
    let place = place();
    let socket = place.path().join("notify");
    let _receiver = Receiver::bind(&Address::Path(socket.to_str().unwrap().as_bytes())).unwrap();
    let variables =
        format!("NOTIFY_SOCKET={} LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=http:control", socket.display());
    let outcome = found(&place, &variables);
    let (files, notify) = outcome.stdout.split_at(both(&place, ["http", "control"]).len());
    assert_eq!(files, both(&place, ["http", "control"]));
    assert!(notify.starts_with("notify ") && notify.ends_with(" cloexec\n"), "{outcome:?}");
}
