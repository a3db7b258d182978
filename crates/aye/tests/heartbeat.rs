//! The example `heartbeat` as a process: what it says to the manager, when it pings, and when it does not.

use std::io::{BufRead, BufReader, ErrorKind};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aye::{Address, Received, Receiver};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::process::{Pid, Signal, kill_process};

/// How long an event may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The watchdog's time, so short that silence for several of it is soon over. Where the machine is busy a check may come late,
/// and that is said in between: no test counts on a ping being the very next message.
const WITHIN: Duration = Duration::from_millis(400);

/// The example, which ends with the test.
struct Service {
    child: Child,
    address: String,
    receiver: Receiver,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    fn start(test: &str, variables: &[(&str, &str)]) -> Self {
        let name = format!("aye-heartbeat-{}-{test}", std::process::id());
        let receiver = Receiver::bind(&Address::Abstract(name.as_bytes())).unwrap();
        // Cargo builds the examples beside the tests.
        let program = std::env::current_exe().unwrap();
        let program = program.parent().unwrap().with_file_name("examples").join("heartbeat");
        let mut command = Command::new(program);
        command.env_clear().envs(variables.iter().copied()).stdout(Stdio::piped());
        if !variables.is_empty() {
            command.env("NOTIFY_SOCKET", format!("@{name}"));
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on ").expect("an address").to_owned();
        Self { child, address, receiver }
    }

    fn watched(test: &str) -> Self {
        Self::start(test, &[("WATCHDOG_USEC", &WITHIN.as_micros().to_string())])
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The next message; `None` when there was none for so long.
    fn heard_within(&self, patience: Duration) -> Option<String> {
        set_socket_timeout(&self.receiver, Timeout::Recv, Some(patience)).unwrap();
        match self.receiver.receive() {
            Ok(Received::Datagram(datagram)) => Some(String::from_utf8(datagram.bytes).unwrap()),
            Ok(Received::Dropped(why, _)) => panic!("dropped: {why}"),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn hears(&self) -> String {
        self.heard_within(PATIENCE).expect("a message")
    }

    fn hears_until(&self, wanted: &str) {
        while self.hears() != wanted {}
    }

    fn ends_well(mut self) {
        assert!(self.child.wait().unwrap().success());
    }
}

const PING: &str = "WATCHDOG=1";

#[test]
fn without_a_manager_it_serves_and_ends() {
    let service = Service::start("alone", &[]);
    drop(TcpStream::connect(&service.address).unwrap());
    service.signal(Signal::TERM);
    service.ends_well();
}

#[test]
fn without_a_watchdog_it_says_what_it_does_and_does_not_ping() {
    let service = Service::start("unwatched", &[("LANG", "C")]);
    assert_eq!(service.hears(), format!("READY=1\nSTATUS=listening on {}", service.address));
    assert_eq!(service.heard_within(2 * WITHIN), None);
    service.signal(Signal::TERM);
    assert_eq!(service.hears(), "STOPPING=1");
    service.ends_well();
}

#[test]
fn pings_follow_ready() {
    let service = Service::watched("pings");
    assert!(service.hears().starts_with("READY=1\n"));
    for _ in 0..4 {
        service.hears_until(PING);
    }
}

#[test]
fn a_blocked_runtime_does_not_ping() {
    let service = Service::watched("runtime");
    service.hears_until(PING);
    service.signal(Signal::USR1);
    // What was on its way comes; then there is silence, or the manager would never know.
    let mut left = 10;
    while service.heard_within(3 * WITHIN).is_some() {
        left -= 1;
        assert!(left > 0, "it goes on pinging");
    }
}

#[test]
fn a_main_loop_that_hangs_is_not_vouched_for_and_it_says_so() {
    let service = Service::watched("loop");
    service.hears_until(PING);
    service.signal(Signal::USR2);
    let mut overdue = 0;
    for _ in 0..20 {
        let is_overdue = service.hears() == "STATUS=no heartbeat: the main loop did not answer in time";
        overdue = if is_overdue { overdue + 1 } else { 0 };
        if overdue == 5 {
            return;
        }
    }
    panic!("it goes on pinging");
}

#[test]
fn it_pings_until_the_last_connection_is_closed() {
    let service = Service::watched("stopping");
    service.hears_until(PING);
    let connection = TcpStream::connect(&service.address).unwrap();
    // Two rounds later the connection has been accepted: it would be refused, not left waiting, if it came too late.
    service.hears_until(PING);
    service.hears_until(PING);
    service.signal(Signal::TERM);
    service.hears_until("STOPPING=1");
    for _ in 0..4 {
        service.hears_until(PING);
    }
    drop(connection);
    service.ends_well();
}
