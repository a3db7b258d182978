//! Sending over vsock's loopback (CID 1) to plain sockets of each type. Few kernels have the loopback: where this one has
//! not, nothing is run and nothing is counted, the output says so, and `make vsock` boots a kernel that has it.
//!
//! The tests are run one after another by a main of their own, because the test harness knows no test that finds out
//! only when it runs that it cannot.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::panic::catch_unwind;
use std::process::{Command, ExitCode};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use aye::{Address, Notifier, SendError};
use socket2::{Domain, SockAddr, Socket, Type};

/// `VMADDR_CID_LOCAL` of `<linux/vm_sockets.h>`.
const LOOPBACK: u32 = 1;

/// The last port that takes `CAP_NET_BIND_SERVICE` (`LAST_RESERVED_PORT` in the kernel's af_vsock.c).
const LAST_PRIVILEGED: u32 = 1023;

/// How long an event may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long nothing has to happen to be taken for never.
const A_WHILE: Duration = Duration::from_millis(300);

/// How long Node takes to start in an emulator, and to spare.
const START: Duration = Duration::from_secs(60);

const TESTS: [(&str, fn()); 16] = [
    ("a_datagram_socket_that_is_asked_for_is_refused_with_its_type", refused_type_is_named),
    ("nobody_listening_is_a_clear_error", nobody_listening),
    ("a_listener_of_another_type_is_a_clear_error", listener_of_another_type),
    ("another_machine_that_cannot_be_reached_is_a_clear_error", other_machine),
    ("descriptors_are_refused", descriptors_are_refused),
    ("a_barrier_is_complete_at_once", barrier),
    ("what_answers_is_no_service_manager", an_answer),
    ("a_stream_carries_the_exact_message", || exact_message("vsock-stream", Type::STREAM)),
    ("a_sequenced_packet_carries_the_exact_message", || exact_message("vsock-seqpacket", Type::SEQPACKET)),
    ("any_type_falls_back_to_sequenced_packets", || exact_message("vsock", Type::SEQPACKET)),
    ("the_largest_message_arrives_whole", the_largest_message),
    ("every_message_is_a_connection_of_its_own", every_message_is_a_connection_of_its_own),
    ("root_sends_from_a_privileged_port", root_sends_from_a_privileged_port),
    ("others_send_from_any_port", others_send_from_any_port),
    ("the_sender_waits_until_the_receiver_closes", the_sender_waits),
    ("an_attempt_is_a_connection_as_well", an_attempt),
];

/// What `make vsock` has in its machine besides.
const WITH_NODE: [(&str, fn()); 3] = [
    ("node_sends_a_stream_through_the_addon", || node_sends("vsock-stream", Type::STREAM)),
    ("node_sends_sequenced_packets_through_the_addon", || node_sends("vsock-seqpacket", Type::SEQPACKET)),
    ("node_falls_back_through_the_addon", || node_sends("vsock", Type::SEQPACKET)),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--send", address] => {
            send(address, b"READY=1").unwrap();
            ExitCode::SUCCESS
        }
        ["--list", ..] => ExitCode::SUCCESS,
        ["--loopback-required", "--node"] => run_all(&[&TESTS[..], &WITH_NODE].concat()),
        ["--loopback-required", ..] => run_all(&TESTS),
        _ if has_loopback() => run_all(&TESTS),
        _ => {
            println!(
                "\nvsock: this kernel has no loopback (CID 1), so nothing is tested here; `make vsock` boots one that has"
            );
            println!("test result: ok. 0 passed; 0 failed; {} ignored\n", TESTS.len());
            ExitCode::SUCCESS
        }
    }
}

/// Whether a connection to CID 1 gets as far as being refused by it.
fn has_loopback() -> bool {
    let Ok(socket) = Socket::new(Domain::VSOCK, Type::STREAM, None) else { return false };
    match socket.connect(&SockAddr::vsock(LOOPBACK, 9)) {
        Ok(()) => true,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

fn run_all(tests: &[(&str, fn())]) -> ExitCode {
    let mut failed = 0;
    println!("\nrunning {} tests over vsock's loopback", tests.len());
    for (name, test) in tests {
        let verdict = if catch_unwind(test).is_ok() { "ok" } else { "FAILED" };
        failed += u8::from(verdict == "FAILED");
        println!("test {name} ... {verdict}");
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {} passed; {failed} failed; 0 ignored\n",
        tests.len() - usize::from(failed)
    );
    ExitCode::from(u8::from(failed > 0))
}

/// A listening socket on a port the kernel chose.
struct Listener {
    socket: Socket,
    port: u32,
}

/// What one connection brought.
struct Heard {
    bytes: Vec<u8>,
    source_cid: u32,
    source_port: u32,
}

impl Listener {
    fn new(kind: Type) -> Self {
        let socket = Socket::new(Domain::VSOCK, kind, None).unwrap();
        socket.bind(&SockAddr::vsock(LOOPBACK, u32::MAX)).unwrap();
        socket.listen(4).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let (_, port) = socket.local_addr().unwrap().as_vsock_address().unwrap();
        assert!(port > LAST_PRIVILEGED);
        Self { socket, port }
    }

    fn address(&self, scheme: &str) -> String {
        format!("{scheme}:{LOOPBACK}:{}", self.port)
    }

    /// Accepts, and reads until the sender has shut down its side.
    fn hear(&self) -> (Heard, Socket) {
        let (connection, source) = self.socket.accept().unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        let (source_cid, source_port) = source.as_vsock_address().unwrap();
        let mut bytes = Vec::new();
        // Whole packets: what does not fit the buffer of one read is lost to the next.
        let mut packet = [0; 8192];
        loop {
            match (&connection).read(&mut packet).unwrap() {
                0 => return (Heard { bytes, source_cid, source_port }, connection),
                length => bytes.extend_from_slice(&packet[..length]),
            }
        }
    }
}

fn send(address: &str, message: &[u8]) -> Result<(), String> {
    let address = Address::parse(address.as_bytes()).unwrap();
    let notifier = Notifier::connect(&address).map_err(|error| error.to_string())?;
    notifier.send(message).map_err(|error| error.to_string())
}

/// What a listener of that type hears of a message.
fn heard(scheme: &str, kind: Type, message: &'static [u8]) -> Heard {
    let listener = Listener::new(kind);
    let address = listener.address(scheme);
    let sending = thread::spawn(move || send(&address, message));
    let (heard, connection) = listener.hear();
    drop(connection);
    sending.join().unwrap().unwrap();
    heard
}

fn exact_message(scheme: &str, kind: Type) {
    let heard = heard(scheme, kind, b"READY=1\nSTATUS=over vsock");
    assert_eq!(String::from_utf8_lossy(&heard.bytes), "READY=1\nSTATUS=over vsock");
    assert_eq!(heard.source_cid, LOOPBACK);
}

fn the_largest_message() {
    static LARGEST: [u8; 4096] = [b'x'; 4096];
    for (scheme, kind) in [("vsock-stream", Type::STREAM), ("vsock-seqpacket", Type::SEQPACKET)] {
        assert_eq!(heard(scheme, kind, &LARGEST).bytes, LARGEST, "{scheme}");
    }
}

fn every_message_is_a_connection_of_its_own() {
    let listener = Listener::new(Type::STREAM);
    let address = listener.address("vsock-stream");
    let sending = thread::spawn(move || {
        let notifier = Notifier::connect(&Address::parse(address.as_bytes()).unwrap()).unwrap();
        notifier.status("warming up").unwrap();
        notifier.ready().unwrap();
    });
    assert_eq!(listener.hear().0.bytes, b"STATUS=warming up");
    assert_eq!(listener.hear().0.bytes, b"READY=1");
    sending.join().unwrap();
}

fn root_sends_from_a_privileged_port() {
    let heard = heard("vsock-stream", Type::STREAM, b"READY=1");
    assert!(heard.source_port <= LAST_PRIVILEGED, "{}", heard.source_port);
}

fn others_send_from_any_port() {
    let listener = Listener::new(Type::STREAM);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--send", &listener.address("vsock-stream")]).uid(65534).gid(65534);
    let mut sender = command.spawn().unwrap();
    let (heard, connection) = listener.hear();
    drop(connection);
    assert!(sender.wait().unwrap().success());
    assert_eq!(heard.bytes, b"READY=1");
    assert!(heard.source_port > LAST_PRIVILEGED, "{}", heard.source_port);
}

fn an_attempt() {
    let listener = Listener::new(Type::STREAM);
    let address = listener.address("vsock-stream");
    let sending = thread::spawn(move || {
        let notifier = Notifier::connect(&Address::parse(address.as_bytes()).unwrap()).unwrap();
        notifier.try_send(b"WATCHDOG=1").unwrap();
    });
    assert_eq!(listener.hear().0.bytes, b"WATCHDOG=1");
    sending.join().unwrap();
}

fn node_sends(scheme: &str, kind: Type) {
    let listener = Listener::new(kind);
    listener.socket.set_read_timeout(Some(START)).unwrap();
    let mut node = Command::new("/node").args(["/send.js", &listener.address(scheme)]).spawn().unwrap();
    assert_eq!(listener.hear().0.bytes, b"STATUS=over vsock");
    assert_eq!(listener.hear().0.bytes, b"READY=1");
    assert!(node.wait().unwrap().success());
}

fn the_sender_waits() {
    for (scheme, kind) in [("vsock-stream", Type::STREAM), ("vsock-seqpacket", Type::SEQPACKET)] {
        let listener = Listener::new(kind);
        let address = listener.address(scheme);
        let (sent, was_sent) = mpsc::channel();
        let sending = thread::spawn(move || sent.send(send(&address, b"READY=1")).unwrap());
        let (_, connection) = listener.hear();
        let early = was_sent.recv_timeout(A_WHILE);
        assert!(early.is_err(), "{scheme}: {early:?} while the connection was open");
        drop(connection);
        was_sent.recv_timeout(PATIENCE).unwrap().unwrap();
        sending.join().unwrap();
    }
}

/// The error of sending to where nobody takes it, which has to come soon.
fn refusal(address: String) -> String {
    let (sent, was_sent) = mpsc::channel();
    thread::spawn(move || sent.send(send(&address, b"READY=1")));
    was_sent.recv_timeout(PATIENCE).expect("an answer").expect_err("a refusal")
}

fn nobody_listening() {
    for scheme in ["vsock", "vsock-stream", "vsock-seqpacket"] {
        let gone = Listener::new(Type::STREAM);
        let address = gone.address(scheme);
        drop(gone);
        let error = refusal(address);
        assert!(error.contains("nobody listens on that vsock port"), "{scheme}: {error}");
    }
}

/// The kinds share their port numbers, and a listener of one kind does not take connections of another.
fn listener_of_another_type() {
    for (scheme, kind) in [("vsock-seqpacket", Type::STREAM), ("vsock-stream", Type::SEQPACKET)] {
        let listener = Listener::new(kind);
        let error = refusal(listener.address(scheme));
        assert!(error.contains("nobody listens on that vsock port"), "{scheme}: {error}");
    }
}

/// What answers for the host, if anything, has no manager on that port.
fn other_machine() {
    for scheme in ["vsock", "vsock-stream", "vsock-seqpacket", "vsock-dgram"] {
        let error = refusal(format!("{scheme}:2:1"));
        let said =
            ["no vsock device here reaches that CID", "nobody listens on that vsock port", "no answer"];
        assert!(said.iter().any(|said| error.contains(said)), "{scheme}: {error}");
    }
}

/// The loopback's transport has no datagrams.
fn refused_type_is_named() {
    let listener = Listener::new(Type::STREAM);
    let error = refusal(listener.address("vsock-dgram"));
    assert!(error.contains(&listener.address("vsock-dgram")), "{error}");
}

fn descriptors_are_refused() {
    let listener = Listener::new(Type::STREAM);
    let address = listener.address("vsock-stream");
    let notifier = Notifier::connect(&Address::parse(address.as_bytes()).unwrap()).unwrap();
    let error = notifier.send_with_fds(b"FDSTORE=1", &[std::io::stdout().as_fd()]).unwrap_err();
    assert!(matches!(error, SendError::DescriptorsOverVsock), "{error}");
}

/// What was sent was read when the sender was told so: there is nothing left to wait for, and nothing is sent.
fn barrier() {
    let listener = Listener::new(Type::STREAM);
    let address = listener.address("vsock-stream");
    let notifier = Notifier::connect(&Address::parse(address.as_bytes()).unwrap()).unwrap();
    notifier.barrier(PATIENCE).unwrap();
    listener.socket.set_nonblocking(true).unwrap();
    assert_eq!(listener.socket.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

fn an_answer() {
    let listener = Listener::new(Type::STREAM);
    let address = listener.address("vsock-stream");
    let sending = thread::spawn(move || send(&address, b"READY=1"));
    let (_, mut connection) = listener.hear();
    connection.write_all(b"HTTP/1.1 400").unwrap();
    let error = sending.join().unwrap().unwrap_err();
    assert!(error.contains("is no service manager"), "{error}");
}
