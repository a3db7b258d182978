//! `aye wrap --ready-on notify:PATH`: the socket at a path, what may be in its way, and who may speak to it.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use aye::{Address, Received, Receiver};
use rustix::process::Signal;

use crate::place::{Outcome, Place};

fn wrap(place: &Place, path: &Path, script: &str) -> Command {
    let probe = format!("notify:{}", path.display());
    let mut command =
        place.command(&["wrap", "--ready-on", &probe, "--alive-on", &probe, "--", "sh", "-c", script]);
    command.env("AYE", env!("CARGO_BIN_EXE_aye")).env("NOTIFY_SOCKET", place.path().join("notify"));
    command
}

fn manager(place: &Place) -> Receiver {
    let path = place.path().join("notify");
    let receiver = Receiver::bind(&Address::Path(path.as_os_str().as_bytes())).unwrap();
    let patience = Some(Duration::from_secs(20));
    rustix::net::sockopt::set_socket_timeout(&receiver, rustix::net::sockopt::Timeout::Recv, patience)
        .unwrap();
    receiver
}

/// The first message with that assignment.
#[track_caller]
fn hears(manager: &Receiver, assignment: &str) {
    loop {
        match manager.receive().unwrap() {
            Received::Datagram(datagram) if datagram.message.contains(assignment) => return,
            Received::Datagram(_) => {}
            Received::Dropped(why, _) => panic!("dropped: {why}"),
        }
    }
}

/// Nothing has run, and aye has said why.
#[track_caller]
fn refuses(place: &Place, path: &str, reason: &str) {
    let _manager = manager(place);
    let outcome = place.outcome(wrap(place, &place.units().join(path), "echo ran"));
    let stderr = format!("aye wrap: cannot bind notify:PLACE/units/{path}: {reason}\n");
    assert_eq!(outcome, Outcome { code: Some(1), stdout: String::new(), stderr });
}

#[test]
fn what_is_no_path_or_not_the_same_is_refused_before_anything_runs() {
    let place = Place::new();
    let long = format!("notify:/{}", "a".repeat(107));
    for (ready, alive, says) in [
        ("notify:web/notify", "port", "expected the absolute path of a socket, as in notify:/run/web/notify"),
        (
            &long,
            "port",
            "the path is 108 bytes long, and a socket's address holds at most 107: give a shorter one",
        ),
        (
            "notify:/a",
            "notify:/b",
            "aye wrap: notify:/a and notify:/b: the program has one socket to speak to",
        ),
        ("notify", "notify:/b", "aye wrap: notify and notify:/b: the program has one socket to speak to"),
    ] {
        let outcome = place.aye(&["wrap", "--ready-on", ready, "--alive-on", alive, "--", "echo", "ran"]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
        assert!(outcome.stderr.contains(says), "{outcome:?}");
    }
}

#[test]
fn a_folder_that_is_missing_is_named() {
    let reason = "there is no folder PLACE/units/web: create it, in a unit with RuntimeDirectory=";
    refuses(&Place::new(), "web/notify", reason);
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let place = Place::new().file("notify", "precious");
    refuses(&place, "notify", "something that is no socket is there: remove it, or give another path");
    assert_eq!(std::fs::read_to_string(place.units().join("notify")).unwrap(), "precious");
}

#[test]
fn a_socket_that_another_process_listens_on_is_left_alone() {
    let reason = "another process listens there: end it, or give each service a path of its own";
    let place = Place::new();
    let _datagrams = UnixDatagram::bind(place.units().join("datagrams")).unwrap();
    refuses(&place, "datagrams", reason);
    let place = Place::new();
    let listener = UnixListener::bind(place.units().join("stream")).unwrap();
    refuses(&place, "stream", reason);
    assert!(place.units().join("stream").exists());
    drop(listener);
}

#[test]
fn a_socket_that_was_left_behind_is_replaced_and_the_new_one_goes_with_aye() {
    let place = Place::new();
    let manager = manager(&place);
    let path = place.units().join("web");
    drop(UnixListener::bind(&path).unwrap());
    let running = place.start(wrap(
        &place,
        &path,
        "\"$AYE\" notify --ready --status=\"$NOTIFY_SOCKET\"; exec sleep 1000",
    ));
    hears(&manager, &format!("STATUS={}", path.display()));
    let file = path.symlink_metadata().unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.mode() & 0o7777, 0o666);
    hears(&manager, "READY=1");
    running.signalled(Signal::TERM);
    assert!(!path.exists());
}

#[test]
fn the_socket_goes_too_when_the_program_cannot_be_started_and_stays_when_it_is_anothers() {
    let place = Place::new();
    let manager = manager(&place);
    let path = place.units().join("web");
    let probe = format!("notify:{}", path.display());
    let mut command = place.command(&["wrap", "--ready-on", &probe, "--", "/no/such/program"]);
    command.env("NOTIFY_SOCKET", place.path().join("notify"));
    assert_ne!(place.outcome(command).code, Some(0));
    assert!(!path.exists());
    // As when systemd has made the folder anew.
    let running = place.start(wrap(&place, &path, "\"$AYE\" notify --ready; exec sleep 1000"));
    hears(&manager, "READY=1");
    std::fs::remove_file(&path).unwrap();
    let _others = UnixDatagram::bind(&path).unwrap();
    running.signalled(Signal::TERM);
    assert!(path.exists());
}
