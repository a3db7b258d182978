//! `aye notify` against our receiver on a real socket, and beside the machine's own systemd-notify: the same
//! arguments to both, the same datagrams from both.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use aye::{Address, Datagram, Received, Receiver};

use crate::place::{Outcome, Place};

/// A notify socket in a place of its own.
struct Bench {
    place: Place,
    receiver: Receiver,
    socket: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let place = Place::new();
        let socket = place.path().join("notify");
        let receiver = Receiver::bind(&Address::Path(socket.as_os_str().as_bytes())).unwrap();
        Self { place, receiver, socket }
    }

    fn aye(&self, arguments: &[&str]) -> Command {
        let mut all = vec!["notify"];
        all.extend(arguments);
        let mut command = self.place.command(&all);
        command.env("NOTIFY_SOCKET", &self.socket);
        command
    }

    fn systemd_notify(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("systemd-notify");
        command.args(arguments).env("NOTIFY_SOCKET", &self.socket);
        command
    }

    /// Runs the command and gives what it said before its barrier, which is answered.
    fn datagrams(&self, command: Command) -> (Outcome, Vec<Datagram>) {
        thread::scope(|scope| {
            let running = scope.spawn(|| self.place.outcome(command));
            let mut datagrams = Vec::new();
            loop {
                let Received::Datagram(datagram) = self.receiver.receive().unwrap() else {
                    panic!("dropped")
                };
                if datagram.is_barrier() {
                    drop(datagram);
                    return (running.join().unwrap(), datagrams);
                }
                datagrams.push(datagram);
            }
        })
    }
}

const SILENT: Outcome = Outcome { code: Some(0), stdout: String::new(), stderr: String::new() };

#[test]
fn says_what_systemd_notify_says() {
    let bench = Bench::new();
    for arguments in [
        &["--ready"][..],
        &["--status=up and running"],
        &["--ready", "--status=listening on 3000", "--pid=7", "X_ONE=1", "X_TWO=a b"],
        &["WATCHDOG=1"],
        &["--pid", "--ready"],
        &["--pid=parent"],
        &["--ready", "--", "ERRNO=2"],
    ] {
        let (ours, by_us) = bench.datagrams(bench.aye(arguments));
        let (theirs, by_systemd) = bench.datagrams(bench.systemd_notify(arguments));
        let said = |datagrams: Vec<Datagram>| -> Vec<(String, u32, usize)> {
            let one = |datagram: Datagram| {
                let text = String::from_utf8(datagram.bytes).unwrap();
                (text, datagram.sender.pid, datagram.fds.len())
            };
            datagrams.into_iter().map(one).collect()
        };
        assert_eq!(said(by_us), said(by_systemd), "{arguments:?}");
        assert_eq!((ours, theirs), (SILENT, SILENT), "{arguments:?}");
    }
}

#[test]
fn says_what_252_cannot() {
    let bench = Bench::new();
    let (outcome, datagrams) = bench.datagrams(bench.aye(&["--stopping"]));
    assert_eq!((outcome, datagrams[0].bytes.as_slice()), (SILENT, &b"STOPPING=1"[..]));
    let (_, datagrams) = bench.datagrams(bench.aye(&["--reloading"]));
    let message = &datagrams[0].message;
    assert!(message.contains("RELOADING=1") && message.value("MONOTONIC_USEC").is_some(), "{message:?}");
}

#[test]
fn a_status_arrives_as_it_was_given_and_stays_one_line() {
    let bench = Bench::new();
    let (_, datagrams) = bench.datagrams(bench.aye(&["--status", "C:\\tmp\nMAINPID=1"]));
    assert_eq!(datagrams[0].message.value("STATUS"), Some(&b"C:\\tmp MAINPID=1"[..]));
    assert_eq!(datagrams[0].message.lines().count(), 1);
}

#[test]
fn waits_until_the_message_was_received() {
    let bench = Bench::new();
    let mut child = bench.aye(&["--ready"]).spawn().unwrap();
    let Received::Datagram(ready) = bench.receiver.receive().unwrap() else { panic!("dropped") };
    assert!(ready.message.contains("READY=1"));
    let Received::Datagram(barrier) = bench.receiver.receive().unwrap() else { panic!("dropped") };
    assert!(child.try_wait().unwrap().is_none(), "it left before its barrier");
    drop(barrier);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn does_not_wait_when_told_so() {
    let bench = Bench::new();
    assert_eq!(bench.place.outcome(bench.aye(&["--ready", "--no-block"])), SILENT);
    let Received::Datagram(ready) = bench.receiver.receive().unwrap() else { panic!("dropped") };
    assert!(ready.message.contains("READY=1"));
}

#[test]
fn a_socket_that_is_missing_or_bad_is_one_line_and_exit_1() {
    let place = Place::new();
    let nowhere = "$NOTIFY_SOCKET is not set: no service manager waits for a message here \
        (Type=notify in the unit, or NotifyAccess=all for a child of its main process)";
    for (socket, error) in [
        (None, nowhere),
        (Some(""), nowhere),
        (Some("7"), "$NOTIFY_SOCKET is \"7\": it is too short for a socket address"),
        (
            Some("run/notify"),
            "$NOTIFY_SOCKET is \"run/notify\": expected an absolute path, @NAME or vsock:CID:PORT",
        ),
        (
            Some("/nonexistent"),
            "cannot reach the notify socket /nonexistent: there is no such socket: is the service manager running?",
        ),
    ] {
        let mut command = place.command(&["notify", "--ready"]);
        socket.map(|socket| command.env("NOTIFY_SOCKET", socket));
        let stderr = format!("aye notify: {error}\n");
        assert_eq!(place.outcome(command), Outcome { code: Some(1), stdout: String::new(), stderr });
    }
}

#[test]
fn a_manager_that_is_gone_is_one_line_and_exit_1() {
    let bench = Bench::new();
    let command = bench.aye(&["--ready"]);
    let Bench { place, receiver, .. } = bench;
    drop(receiver);
    let stderr = "aye notify: cannot reach the notify socket PLACE/notify: nobody listens there any more: \
        the service manager is gone\n";
    assert_eq!(
        place.outcome(command),
        Outcome { code: Some(1), stdout: String::new(), stderr: stderr.to_owned() }
    );
}

#[test]
fn what_cannot_be_sent_is_refused_before_anything_is() {
    let bench = Bench::new();
    let long = format!("--status={}", "a".repeat(5000));
    for (arguments, error) in [
        (&[][..], "nothing to say: give --ready, --status=TEXT or KEY=VALUE (see aye notify --help)"),
        (&["READY"], "\"READY\": expected KEY=VALUE"),
        (&["--ready", &long], "the message is over 4096 bytes, which systemd drops whole: shorten it"),
        (
            &["STATUS=a\\"],
            "\"STATUS=a\\\\\": it ends in a backslash, and systemd drops such a message: write \\\\",
        ),
    ] {
        let stderr = format!("aye notify: {error}\n");
        let outcome = bench.place.outcome(bench.aye(arguments));
        assert_eq!(outcome, Outcome { code: Some(1), stdout: String::new(), stderr });
    }
    for arguments in [&["--pid=me"][..], &["--colour"], &["--status"]] {
        assert_eq!(bench.place.outcome(bench.aye(arguments)).code, Some(1), "{arguments:?}");
    }
}
