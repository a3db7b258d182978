//! `aye notify` against our receiver on a real socket, and beside the machine's own systemd-notify: the same
//! arguments to both, the same datagrams from both.

use std::os::fd::{AsRawFd, OwnedFd};
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
        &["--ready", "--status=listening on 3000", "X_ONE=1", "X_TWO=a b"],
        &["WATCHDOG=1"],
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

/// Nothing arrived: the refusal came before anything was sent.
#[track_caller]
fn assert_refused(bench: &Bench, command: Command, error: &str) {
    let what = format!("{:?}", command.get_args().collect::<Vec<_>>());
    let outcome = bench.place.outcome(command);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""), "{what}");
    let stderr = outcome.stderr.lines().next().unwrap_or_default().to_owned();
    assert_eq!(stderr, error, "{what}");
    rustix::io::ioctl_fionbio(&bench.receiver, true).unwrap();
    let heard = bench.receiver.receive();
    assert!(heard.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock), "{what}: {heard:?}");
}

#[test]
fn what_cannot_be_sent_is_refused_before_anything_is() {
    let bench = Bench::new();
    let long = format!("--status={}", "a".repeat(5000));
    let many = "x".repeat(256);
    for (arguments, error) in [
        (&[][..], "nothing to say: give --ready, --status=TEXT or KEY=VALUE (see aye notify --help)"),
        (&["--no-block"], "nothing to say: give --ready, --status=TEXT or KEY=VALUE (see aye notify --help)"),
        (&["READY"], "expected KEY=VALUE, found \"READY\""),
        (&["=1"], "expected KEY=VALUE, found \"=1\""),
        (&[""], "expected KEY=VALUE, found \"\""),
        (&["--ready", &long], "the message is over 4096 bytes, which systemd drops whole: shorten STATUS="),
        (&["--pid=2147483647"], "--pid=2147483647: there is no process with that PID: give one that runs"),
        (&["--fd=x"], "--fd=x: expected the number of an open descriptor, such as 3"),
        (&["--fd=-1"], "--fd=-1: expected the number of an open descriptor, such as 3"),
        (&["--fd="], "--fd=: expected the number of an open descriptor, such as 3"),
        (&["--fd=33"], "--fd=33 is not open: have the shell open it, as in `aye notify --fd=33 33<FILE`"),
        (&["--fd=3"], "--fd=3 is not open: have the shell open it, as in `aye notify --fd=3 3<FILE`"),
        (
            &["--fd=0", "--fd=4"],
            "--fd=4 is not open: have the shell open it, as in `aye notify --fd=4 4<FILE`",
        ),
        (&["--ready", "--fdname=a"], "--fdname without a descriptor to name: give --fd=FD, too"),
        (
            &["--fd=0", "--fdname=a:b"],
            "--fdname=\"a:b\": expected at most 255 printable ASCII characters and no colon",
        ),
        (
            &["--fd=0", "--fdname", &many],
            &format!("--fdname={many:?}: expected at most 255 printable ASCII characters and no colon"),
        ),
        (&["--exec", "X_A=1"], "--exec without a `;`: put `\\;` between the assignments and CMD"),
        (&["--exec", "X_A=1", ";"], "--exec without a command: give CMD after the `;`"),
        (
            &["--exec", ";", "true"],
            "nothing to say: give --ready, --status=TEXT or KEY=VALUE (see aye notify --help)",
        ),
        (
            &["--ready", "--uid=nobody-of-that-name"],
            "--uid=nobody-of-that-name: no such user in /etc/passwd: give a name from there or a number below \
                4294967295",
        ),
        (&["--booted", "--fork", "true"], "--booted and --fork exclude each other: give one of them"),
        (
            &["--booted", "--ready"],
            "--ready has no meaning with --booted, which sends no message: leave it out",
        ),
        (&["--fork"], "--fork without a command: give it after `--`, as in `--fork -- CMD`"),
        (
            &["--fork", "--uid=nobody", "true"],
            "--uid has no meaning with --fork, which sends no message: leave it out",
        ),
    ] {
        assert_refused(&bench, bench.aye(arguments), &format!("aye notify: {error}"));
    }
}

#[test]
fn what_is_no_option_is_exit_1_as_in_systemd_notify() {
    let bench = Bench::new();
    for (arguments, error) in [
        (
            &["--pid=me"][..],
            "error: invalid value 'me' for '--pid[=<PID>]': expected a PID, `auto`, `parent` or `self`",
        ),
        (
            &["--pid=0"],
            "error: invalid value '0' for '--pid[=<PID>]': expected a PID, `auto`, `parent` or `self`",
        ),
        (&["--colour"], "error: unexpected argument '--colour' found"),
        (&["--re"], "error: unexpected argument '--re' found"),
        (&["--status"], "error: a value is required for '--status <TEXT>' but none was supplied"),
        (
            &["--ready", "--timeout=0"],
            "error: invalid value '0' for '--timeout <SPAN>': expected a time span above zero",
        ),
    ] {
        assert_refused(&bench, bench.aye(arguments), error);
    }
    for span in ["soon", "infinity", "-1", ""] {
        let outcome = bench.place.outcome(bench.aye(&["--ready", "--timeout", span]));
        assert_eq!(outcome.code, Some(1), "{span}");
        assert!(outcome.stderr.contains("for '--timeout <SPAN>': expected a time span"), "{outcome:?}");
    }
}

/// Through a shell that opens and closes descriptors and then becomes the command.
fn through_a_shell(bench: &Bench, script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).env("AYE", env!("CARGO_BIN_EXE_aye")).env("NOTIFY_SOCKET", &bench.socket);
    command
}

#[test]
fn a_descriptor_given_twice_is_refused() {
    let bench = Bench::new();
    let command = through_a_shell(&bench, "exec \"$AYE\" notify --fd=3 --fd=3 3</dev/zero");
    assert_refused(&bench, command, "aye notify: --fd=3 is given twice: give each descriptor once");
}

#[test]
fn closed_standard_descriptors_are_no_obstacle() {
    let bench = Bench::new();
    let (outcome, datagrams) =
        bench.datagrams(through_a_shell(&bench, "exec \"$AYE\" notify --ready <&- >&- 2>&-"));
    assert_eq!((outcome, datagrams.len()), (SILENT, 1));
}

#[test]
fn descriptors_go_along_and_are_the_same_files() {
    let bench = Bench::new();
    let script = "exec \"$AYE\" notify --fd=3 --fd=0 --fdname=both 3</dev/zero </dev/full";
    let (outcome, datagrams) = bench.datagrams(through_a_shell(&bench, script));
    assert_eq!(outcome, SILENT);
    assert_eq!(datagrams[0].bytes, b"FDSTORE=1\nFDNAME=both");
    assert_eq!(files(&datagrams[0]), ["/dev/zero", "/dev/full"]);
}

fn files(datagram: &Datagram) -> Vec<String> {
    let path = |fd: &OwnedFd| std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).unwrap();
    datagram.fds.iter().map(|fd| path(fd).to_str().unwrap().to_owned()).collect()
}

#[test]
fn another_user_takes_root() {
    let bench = Bench::new();
    let is_root = rustix::process::geteuid().is_root();
    let other = if is_root { "12345" } else { "0" };
    let command = bench.aye(&["--ready", &format!("--uid={other}")]);
    if is_root {
        let (outcome, datagrams) = bench.datagrams(command);
        assert_eq!((outcome, datagrams[0].sender.uid), (SILENT, 12345));
    } else {
        let error = "aye notify: --uid=0: not permitted to send as another user: run it as root (CAP_SETUID and \
            CAP_SETGID)";
        assert_refused(&bench, command, error);
    }
}

#[test]
fn an_assignment_takes_the_place_of_an_option() {
    let bench = Bench::new();
    let arguments = ["--stopping", "--ready", "X_A=1", "--status=a", "READY=0", "X_A=2", "--", "X_B=3"];
    let (_, datagrams) = bench.datagrams(bench.aye(&arguments));
    assert_eq!(datagrams[0].bytes, b"READY=0\nSTOPPING=1\nSTATUS=a\nX_A=2\nX_B=3");
}

#[test]
fn under_the_name_of_systemd_notify_it_is_that() {
    let bench = Bench::new();
    let name = bench.place.path().join("systemd-notify");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_aye"), &name).unwrap();
    let as_that = |arguments: &[&str]| {
        let mut command = Command::new(&name);
        command.args(arguments).env("NOTIFY_SOCKET", &bench.socket);
        command
    };
    let (outcome, datagrams) = bench.datagrams(as_that(&["--ready", "--exec", "X_A=1", ";", "true"]));
    assert_eq!((outcome, datagrams[0].bytes.as_slice()), (SILENT, &b"READY=1\nX_A=1"[..]));
    assert_refused(&bench, as_that(&["READY"]), "systemd-notify: expected KEY=VALUE, found \"READY\"");
    // What systemd-notify has no word for is not a verb there either.
    assert_refused(&bench, as_that(&["notify"]), "systemd-notify: expected KEY=VALUE, found \"notify\"");
}

#[test]
fn booted_is_what_the_machine_says() {
    let place = Place::new();
    let expected = i32::from(!std::path::Path::new("/run/systemd/system").is_dir());
    let outcome = place.aye(&["notify", "--booted"]);
    assert_eq!(outcome, Outcome { code: Some(expected), stdout: String::new(), stderr: String::new() });
}

#[test]
fn a_manager_that_does_not_read_is_not_waited_for_longer_than_told() {
    let bench = Bench::new();
    let outcome = bench.place.outcome(bench.aye(&["--ready", "--timeout=50ms"]));
    let stderr = "aye notify: the service manager did not read the message within 50ms: it may still do so\n";
    assert_eq!(outcome, Outcome { code: Some(1), stdout: String::new(), stderr: stderr.to_owned() });
}

mod exec;
mod fork;
mod no_block;
