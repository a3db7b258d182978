//! `aye trace -- CMD`: everything that is said goes on as it was said, and the command ends as it would have ended.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use aye::{Address, Notifier, Raw, Receiver};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use crate::place::{Place, Running};

/// Longer than anything takes here; what takes longer has hung.
const PATIENCE: Timespec = Timespec { tv_sec: 20, tv_nsec: 0 };

/// A program that lets any process speak, says where, and stays. It says so by the descriptor of `aye wrap`, so that it is the
/// main process that does.
const OPEN: &str = "exec \"$AYE\" wrap -- sh -c \
    'printf NOTIFYACCESS=all >&3; trap \"echo heard\" USR1; echo \"at $NOTIFY_SOCKET\"; while :; do sleep 1000 >/dev/null 2>&1 & wait $!; kill $!; done'";

fn manager(place: &Place) -> (PathBuf, Receiver) {
    let path = place.path().join("notify");
    let receiver = Receiver::bind(&Address::Path(path.as_os_str().as_bytes())).unwrap();
    (path, receiver)
}

fn trace(place: &Place, options: &[&str], script: &str) -> Command {
    let mut command = place.command(&[&["trace"], options, &["--", "sh", "-c", script]].concat());
    command.env("AYE", env!("CARGO_BIN_EXE_aye")).env_remove("AYE_RUNTIME_DIR");
    command
}

/// The traced program once it runs, and the way to its socket.
fn open<'p>(place: &'p Place, manager: Option<&PathBuf>) -> (Running<'p>, String) {
    let mut command = trace(place, &["--json"], OPEN);
    if let Some(path) = manager {
        command.env("NOTIFY_SOCKET", path);
    }
    // It carries the place, so that what a failed test leaves is found.
    let mut running = place.start({
        command.env("PLACE", place.path());
        command
    });
    let line = running.says("at /");
    let address = line.strip_prefix("at ").unwrap().to_owned();
    (running, address)
}

fn connect(address: &str) -> Notifier {
    Notifier::connect(&Address::parse(address.as_bytes()).unwrap()).unwrap()
}

/// The next datagram, awaited.
#[track_caller]
fn next(receiver: &Receiver) -> Raw {
    await_event(receiver.as_fd(), PollFlags::IN);
    receiver.receive_raw().unwrap()
}

#[track_caller]
fn await_event(fd: BorrowedFd<'_>, event: PollFlags) {
    assert_eq!(poll(&mut [PollFd::from_borrowed_fd(fd, event)], Some(&PATIENCE)).unwrap(), 1, "nothing came");
}

fn identity(fd: &OwnedFd) -> (u64, u64) {
    let found = rustix::fs::fstat(fd).unwrap();
    (found.st_dev, found.st_ino)
}

fn end(running: Running<'_>) {
    assert_eq!(running.signalled(Signal::TERM).0, None, "the program ends by SIGTERM");
}

#[test]
fn refuses_a_command_with_a_place_and_neither_unit_nor_command() {
    let place = Place::new();
    assert_eq!(place.aye(&["trace"]).code, Some(2));
    assert_eq!(place.aye(&["trace", "-H", "web1", "--", "true"]).code, Some(2));
    assert_eq!(place.aye(&["trace", "--no-restart", "--", "true"]).code, Some(2));
    assert_eq!(place.aye(&["trace", "a.service", "--", "true"]).code, Some(2));
}

#[test]
fn what_cannot_be_started_or_written_is_said_and_exit_1() {
    let place = Place::new();
    let outcome = place.aye(&["trace", "-o", "/dev/null", "--", "/no/such/program"]);
    assert_eq!(
        (outcome.stderr.as_str(), outcome.code),
        ("aye: cannot execute /no/such/program: no such file\n", Some(1))
    );
    let outcome = place.aye(&["trace", "-o", "/no/such/file", "--", "touch", "started"]);
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr.starts_with("aye trace: cannot write the trace to /no/such/file: "),
        "{}",
        outcome.stderr
    );
    assert!(!place.units().join("started").exists());
}

#[test]
fn every_datagram_goes_on_byte_for_byte_and_in_order() {
    let place = Place::new();
    let (path, receiver) = manager(&place);
    let (running, address) = open(&place, Some(&path));
    assert_eq!(next(&receiver).bytes, b"NOTIFYACCESS=all");
    let notifier = connect(&address);
    let large = vec![b'a'; 4097];
    let huge = vec![b'\n'; 100_000];
    let sent: [&[u8]; 9] = [
        b"STATUS=ends with a backslash\\",
        &large,
        b"STATUS=a\0b",
        b"STATUS=one trailing\0",
        b"",
        &huge,
        b"STATUS=\xff\xfe",
        b"\n\r\r\n= =\nREADY=1 \n READY=1",
        b"READY=1\nSTATUS=C:\\\\tmp",
    ];
    for bytes in sent {
        notifier.send(bytes).unwrap();
    }
    for bytes in sent {
        let raw = next(&receiver);
        assert!(raw.bytes == bytes, "{} bytes came of {}", raw.bytes.len(), bytes.len());
        let as_root = rustix::process::geteuid().is_root();
        let speaker = if as_root { std::process::id() } else { running.pid() };
        assert_eq!(raw.sender.unwrap().pid, speaker);
    }
    end(running);
}

#[test]
fn as_many_descriptors_as_the_kernel_passes_go_on_as_they_are() {
    let place = Place::new();
    let (path, receiver) = manager(&place);
    let (mut running, address) = open(&place, Some(&path));
    next(&receiver);
    let files: Vec<OwnedFd> = (0..253).map(|_| tempfile::tempfile().unwrap().into()).collect();
    let handed: Vec<BorrowedFd<'_>> = files.iter().map(AsFd::as_fd).collect();
    connect(&address).send_with_fds(b"FDSTORE=1\nFDNAME=many", &handed).unwrap();
    let raw = next(&receiver);
    assert!(raw.message.is_ok());
    let ids = |fds: &[OwnedFd]| fds.iter().map(identity).collect::<Vec<_>>();
    assert_eq!(ids(&raw.fds), ids(&files));
    running.says("FDNAME=many");
    end(running);
}

#[test]
fn a_barrier_is_complete_when_the_manager_has_dropped_it_and_not_before() {
    let place = Place::new();
    let (path, receiver) = manager(&place);
    let (mut running, address) = open(&place, Some(&path));
    next(&receiver);
    let (read, write) = rustix::pipe::pipe().unwrap();
    connect(&address).send_with_fds(b"BARRIER=1", &[write.as_fd()]).unwrap();
    drop(write);
    running.says("BARRIER=1"); // shown, and so passed on and let go
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    assert_eq!(poll(&mut [PollFd::new(&read, PollFlags::IN)], Some(&now)).unwrap(), 0);
    drop(next(&receiver));
    await_event(read.as_fd(), PollFlags::IN);
    end(running);
}

#[test]
fn without_a_manager_a_barrier_completes_at_once() {
    let place = Place::new();
    let (mut running, address) = open(&place, None);
    connect(&address).barrier(std::time::Duration::from_secs(20)).unwrap();
    let line = running.says("BARRIER=1");
    assert!(line.contains("\"passed\":\"nowhere\""), "{line}");
    end(running);
}

#[test]
fn the_end_of_the_program_is_the_end_of_the_trace() {
    let place = Place::new();
    let status = |script: &str| trace(&place, &["-o", "/dev/null"], script).status().unwrap();
    for code in [0, 1, 7, 255] {
        assert_eq!(status(&format!("exit {code}")).code(), Some(code));
    }
    for signal in [Signal::TERM, Signal::KILL, Signal::SEGV, Signal::ABORT, Signal::USR1] {
        let script = format!("ulimit -c 0; kill -{} $$", signal.as_raw());
        assert_eq!(status(&script).signal(), Some(signal.as_raw()));
    }
}

#[test]
fn what_the_program_reads_and_writes_is_its_own() {
    let place = Place::new();
    let file = place.units().join("trace");
    let mut command = place.command(&["trace", "-o", file.to_str().unwrap(), "--", "cat"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let bytes: Vec<u8> = (0..=255).collect();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.stdout, output.stderr), (bytes, Vec::new()));
    assert_ne!(fs::read(file).unwrap(), b"");
}

#[test]
fn a_manager_that_went_away_and_came_back_is_found_again() {
    let place = Place::new();
    let (path, receiver) = manager(&place);
    let (mut running, address) = open(&place, Some(&path));
    next(&receiver);
    drop(receiver);
    fs::remove_file(&path).unwrap();
    let notifier = connect(&address);
    notifier.send(b"STATUS=nobody").unwrap();
    let line = running.says("STATUS=nobody");
    assert!(line.contains("\"passed\":\"failed\""), "{line}");
    let (_, receiver) = manager(&place);
    notifier.send(b"STATUS=somebody").unwrap();
    assert_eq!(next(&receiver).bytes, b"STATUS=somebody");
    end(running);
}

#[test]
fn a_manager_that_reads_nothing_holds_up_the_messages_and_not_the_signals() {
    let place = Place::new();
    let (path, receiver) = manager(&place);
    let (mut running, address) = open(&place, Some(&path));
    let queue: usize =
        fs::read_to_string("/proc/sys/net/unix/max_dgram_qlen").unwrap().trim().parse().unwrap();
    let count = 2 * queue + 50; // its queue, ours, and some that wait before
    let sender = std::thread::spawn(move || {
        let notifier = connect(&address);
        for number in 0..count {
            notifier.send(format!("X_NUMBER={number}").as_bytes()).unwrap();
        }
    });
    running.says(&format!("X_NUMBER={}\"", queue - 2)); // shown as passed on: there is no room any more
    running.signal(Signal::USR1);
    running.says("heard");
    assert_eq!(next(&receiver).bytes, b"NOTIFYACCESS=all");
    for number in 0..count {
        assert_eq!(next(&receiver).bytes, format!("X_NUMBER={number}").into_bytes());
    }
    sender.join().unwrap();
    end(running);
}

#[test]
fn the_descriptor_named_notify_is_traced_too() {
    let place = Place::new();
    let (path, receiver) = manager(&place);
    let mut command = place.command(&["wrap", "--", env!("CARGO_BIN_EXE_aye"), "trace", "--json", "--"]);
    command.args(["sh", "-c", "echo $LISTEN_FDNAMES; printf READY=1 >&3"]);
    command.env("NOTIFY_SOCKET", &path).env_remove("AYE_RUNTIME_DIR");
    let mut running = place.start(command);
    let tracer = running.pid();
    assert!(running.says("\"data\":\"READY=1\"").contains("\"role\":\"main\""));
    let raw = next(&receiver);
    assert_eq!((raw.bytes.as_slice(), raw.sender.unwrap().pid), (&b"READY=1"[..], tracer));
    assert!(running.ends().1.contains(&"notify".to_owned()));
}

#[test]
fn a_program_that_names_itself_the_main_process_leaves_the_trace_in_its_place() {
    let place = Place::new();
    let (path, receiver) = manager(&place);
    let script =
        "exec \"$AYE\" wrap -- sh -c 'echo at $$; printf \"MAINPID=%s\" $$ >&3; printf WATCHDOG=1 >&3'";
    let mut command = trace(&place, &["-o", "/dev/null"], script);
    command.env("NOTIFY_SOCKET", &path);
    let mut running = place.start(command);
    let tracer = running.pid();
    let program = running.says("at ").replace("at ", "");
    let mut said = Vec::new();
    while said.last().is_none_or(|(bytes, _)| bytes != "WATCHDOG=1") {
        let raw = next(&receiver);
        said.push((String::from_utf8(raw.bytes).unwrap(), raw.sender.unwrap().pid));
    }
    let texts: Vec<&str> = said.iter().map(|(text, _)| text.as_str()).collect();
    let (itself, back) = (format!("MAINPID={program}"), format!("MAINPID={tracer}"));
    if rustix::process::geteuid().is_root() {
        assert_eq!(texts, [&itself, &back, "WATCHDOG=1"]);
        assert_eq!(said[1].1.to_string(), program, "the place is given by who has it");
    } else {
        let back = format!("{back}\nNOTIFYACCESS=main");
        assert_eq!(texts, ["NOTIFYACCESS=all", &itself, &back, "WATCHDOG=1"]);
    }
    assert_eq!(said.last().unwrap().1, tracer);
    assert_eq!(running.ends().0, Some(0));
}

#[test]
fn without_root_what_the_manager_would_refuse_of_its_sender_stays_here() {
    let place = Place::new();
    let name = format!("aye-it-trace-{}", std::process::id());
    let receiver = Receiver::bind(&Address::Abstract(name.as_bytes())).unwrap();
    // The shell forks for the first of the two, and is the main process itself with the second.
    let words = ["trace", "--json", "--", env!("CARGO_BIN_EXE_aye"), "wrap", "--", "sh", "-c"];
    let script = "(printf READY=1 >&3); printf STOPPING=1 >&3";
    let arguments = [&words[..], &[script]].concat();
    let mut command = if rustix::process::geteuid().is_root() {
        place.command_through(&["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], &arguments)
    } else {
        place.command(&arguments)
    };
    command
        .env("NOTIFY_SOCKET", format!("@{name}"))
        .env_remove("AYE_RUNTIME_DIR")
        .env_remove("XDG_RUNTIME_DIR");
    let mut running = place.start(command);
    assert!(running.says("\"data\":\"READY=1\"").contains("\"passed\":\"withheld\""));
    running.says("only root can pass on a message under its sender's name");
    assert!(running.says("\"data\":\"STOPPING=1\"").contains("\"passed\":\"as-tracer\""));
    assert_eq!(running.ends().0, Some(0));
    assert_eq!(next(&receiver).bytes, b"STOPPING=1");
}

#[test]
fn what_a_killed_trace_left_goes_with_the_next_one() {
    let place = Place::new();
    let (running, address) = open(&place, None);
    assert!(!address.starts_with('@'), "{address}");
    let folder = PathBuf::from(&address).parent().unwrap().to_owned();
    running.signal(Signal::KILL);
    crate::place::await_exit(running.pid());
    assert!(folder.exists());
    drop(running);
    assert_eq!(place.aye(&["trace", "-o", "/dev/null", "--", "true"]).code, Some(0));
    assert!(!folder.exists());
}

#[test]
fn a_trace_that_ends_leaves_nothing() {
    let place = Place::new();
    let address = trace(&place, &["-o", "/dev/null"], "echo $NOTIFY_SOCKET").output().unwrap().stdout;
    let address = String::from_utf8(address).unwrap();
    assert!(!PathBuf::from(address.trim_end()).parent().unwrap().exists());
    File::open(place.units()).unwrap();
    place.assert_nothing_left();
}
