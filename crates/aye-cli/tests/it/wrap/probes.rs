//! `aye wrap` with probes: what is said of a program that says nothing, what passes through, and how it all ends.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use aye::{Address, Datagram, Received, Receiver};
use rustix::process::Signal;

use crate::place::Place;

/// A manager's socket, and `aye wrap` that knows it.
struct Managed {
    place: Place,
    receiver: Receiver,
}

impl Managed {
    fn new() -> Self {
        let place = Place::new();
        let path = place.path().join("notify");
        let receiver = Receiver::bind(&Address::Path(path.as_os_str().as_bytes())).unwrap();
        let patience = Some(Duration::from_secs(20));
        rustix::net::sockopt::set_socket_timeout(&receiver, rustix::net::sockopt::Timeout::Recv, patience)
            .unwrap();
        Self { place, receiver }
    }

    fn command(&self, options: &[&str], script: &str) -> Command {
        let words: Vec<&str> =
            ["wrap"].iter().chain(options).chain(&["--", "sh", "-c", script]).copied().collect();
        let mut command = self.place.command(&words);
        command.env("NOTIFY_SOCKET", self.place.path().join("notify"));
        command
    }

    fn hears(&self) -> Datagram {
        match self.receiver.receive().unwrap() {
            Received::Datagram(datagram) => datagram,
            Received::Dropped(why, _) => panic!("dropped: {why}"),
        }
    }

    /// Everything up to and with the first message that begins like this.
    #[track_caller]
    fn hears_up_to(&self, start: &str) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            heard.push(String::from_utf8(self.hears().bytes).unwrap());
            if heard.last().unwrap().starts_with(start) {
                return heard;
            }
        }
    }
}

#[test]
fn what_is_no_probe_is_refused_before_anything_runs() {
    let place = Place::new();
    for (options, says) in [
        (["--ready-on", "https://h/"], "there is no TLS in aye"),
        (["--alive-on", "8080"], "expected tcp:HOST:PORT"),
        (["--interval", "0"], "expected a span above zero"),
        (["--s6-notify", "2"], "2 is not in 3.."),
    ] {
        let outcome = place.aye(&["wrap", options[0], options[1], "--", "echo", "ran"]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{outcome:?}");
        assert!(outcome.stderr.contains(says), "{outcome:?}");
    }
}

#[test]
fn a_program_that_is_not_ready_in_time_is_ended_and_said_what_was_missing() {
    let managed = Managed::new();
    let command =
        managed.command(&["--ready-on", "file:never", "--ready-timeout", "300ms"], "exec sleep 1000");
    let outcome = managed.place.outcome(command);
    let missing = "not ready in time, waiting for file:never: does not exist";
    assert_eq!(
        (outcome.code, outcome.stderr),
        (Some(1), format!("aye wrap: {missing}: ending the program\n"))
    );
    let heard = managed.hears_up_to("STATUS=not ready");
    assert_eq!(heard.last().unwrap(), &format!("STATUS={missing}"));
    assert!(!heard.iter().any(|message| message.contains("READY=1")), "{heard:?}");
}

#[test]
fn ready_is_said_by_aye_when_all_probes_have_held_and_not_before() {
    let managed = Managed::new();
    let script = "wait_for() { until [ -e $1 ]; do sleep 0.01; done; }; wait_for 1; touch there; wait_for 2; \
        echo listening; wait_for 3; exit 5";
    let running = managed
        .place
        .start(managed.command(&["--ready-on", "file:there", "--ready-on", "log:^listen"], script));
    let units = managed.place.units();
    managed.hears_up_to("STATUS=waiting for file:there: does not exist; log:^listen");
    let go = |step: &str| std::fs::write(units.join(step), "").unwrap();
    go("1");
    managed.hears_up_to("STATUS=waiting for log:^listen");
    go("2");
    let datagram = managed.hears();
    assert!(datagram.message.contains("READY=1"), "{:?}", datagram.message);
    assert_eq!(datagram.sender.pid, running.pid());
    go("3");
    assert_eq!(managed.hears_up_to("STOPPING=1"), ["STOPPING=1\nSTATUS=the program ended with status 5"]);
    assert_eq!(running.ends().0, Some(5));
}

#[test]
fn each_probe_holds_when_what_it_names_is_there() {
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let probe = format!("tcp:{}", tcp.local_addr().unwrap());
    let name = format!("aye-it-unix-{}", std::process::id());
    let _unix = Receiver::bind(&Address::Abstract(name.as_bytes())).unwrap();
    let unix = format!("unix:@{name}");
    for (probe, script) in [
        (probe.as_str(), "exec sleep 1000"),
        (unix.as_str(), "exec sleep 1000"),
        ("fd:3", "echo >&3; exec sleep 1000"),
        ("fd:7", "echo >&7; exec sleep 1000"),
        ("cmd:exit 0", "exec sleep 1000"),
        ("log:ready.$", "printf ready! >&2; exec sleep 1000"),
        ("notify", "printf READY=1 | \"$AYE\" notify --ready; exec sleep 1000"),
        ("port", "exec node -e 'require(`net`).createServer().listen(0)'"),
    ] {
        let managed = Managed::new();
        let mut command = managed.command(&["--ready-on", probe], script);
        command.env("AYE", env!("CARGO_BIN_EXE_aye"));
        let running = managed.place.start(command);
        managed.hears_up_to("READY=1");
        assert_eq!(running.signalled(Signal::TERM).0, None, "{probe}");
        assert_eq!(managed.hears_up_to("STOPPING=1").len(), 1);
    }
}

#[test]
fn output_passes_through_byte_for_byte() {
    let place = Place::new();
    let script = "head -c 300000 /dev/zero; printf '\\377\\n\\nno newline'; printf 'also here' >&2";
    let output = place.command(&["wrap", "--ready-on", "log:x", "--", "sh", "-c", script]).output().unwrap();
    let mut wanted = vec![0; 300_000];
    wanted.extend(b"\xff\n\nno newline");
    assert!(output.stdout == wanted, "{} bytes came", output.stdout.len());
    let said = "aye wrap: $NOTIFY_SOCKET is not set: nobody waits for the probes\nalso here";
    assert_eq!(String::from_utf8(output.stderr).unwrap(), said);
}

#[test]
fn nobody_reads_any_more_is_the_programs_to_learn() {
    let place = Place::new();
    let mut command = place.command(&["wrap", "--ready-on", "log:x", "--", "yes"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::PIPE.as_raw()));
}

#[test]
fn the_end_is_the_programs_own() {
    let place = Place::new();
    for (script, code, signal) in
        [("exit 42", Some(42), None), ("kill -KILL $$", None, Some(9)), ("kill -SEGV $$", None, Some(11))]
    {
        let mut command = place.command(&["wrap", "--ready-on", "file:/", "--", "sh", "-c", script]);
        let status = command.stderr(Stdio::null()).status().unwrap();
        assert_eq!((status.code(), status.signal()), (code, signal), "{script}");
    }
}

#[test]
fn heartbeats_end_when_the_program_is_stopped_and_begin_again_with_it() {
    let managed = Managed::new();
    let mut command = managed
        .command(&["--ready-on", "file:/"], "echo $$; echo [$WATCHDOG_USEC$NOTIFY_SOCKET]; exec sleep 1000");
    command.env("WATCHDOG_USEC", "200000");
    let mut running = managed.place.start(command);
    running.says("[]");
    managed.hears_up_to("WATCHDOG=1");
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", running.pid())).unwrap();
    let program: u32 = children.split_whitespace().next().unwrap().parse().unwrap();
    crate::place::send(program, Signal::STOP);
    managed.hears_up_to("STATUS=no heartbeat: the program is stopped");
    crate::place::send(program, Signal::CONT);
    assert_eq!(managed.hears().bytes, b"WATCHDOG=1");
    assert_eq!(running.signalled(Signal::TERM).0, None);
}

#[test]
fn no_heartbeat_while_an_alive_probe_fails() {
    let managed = Managed::new();
    std::fs::write(managed.place.units().join("alive"), "").unwrap();
    let mut command = managed.command(&["--alive-on", "file:alive"], "exec sleep 1000");
    command.env("WATCHDOG_USEC", "200000");
    let running = managed.place.start(command);
    managed.hears_up_to("WATCHDOG=1");
    std::fs::remove_file(managed.place.units().join("alive")).unwrap();
    managed.hears_up_to("STATUS=no heartbeat: file:alive: does not exist");
    std::fs::write(managed.place.units().join("alive"), "").unwrap();
    assert_eq!(managed.hears().bytes, b"WATCHDOG=1", "nothing was said in between");
    running.signalled(Signal::TERM);
}

#[test]
fn progress_extends_the_start() {
    let managed = Managed::new();
    let options = ["--ready-on", "log:^done", "--extend-at-most", "10min"];
    let running =
        managed.place.start(managed.command(&options, "echo working; read word; echo done; exec sleep 1000"));
    managed.hears_up_to("EXTEND_TIMEOUT_USEC=30000000");
    running.signalled(Signal::TERM);
}

#[test]
fn what_speaks_sd_notify_becomes_ready_for_s6() {
    let place = Place::new();
    let script = "exec 5>ready; exec \"$AYE\" wrap --s6-notify 5 -- sh -c '\"$AYE\" notify --ready; exit 3'";
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .env("AYE", env!("CARGO_BIN_EXE_aye"))
        .current_dir(place.units())
        .env_remove("NOTIFY_SOCKET");
    let outcome = place.outcome(command);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(3), ""));
    assert_eq!(std::fs::read_to_string(place.units().join("ready")).unwrap(), "\n");
}

#[test]
fn the_descriptor_for_s6_is_not_the_programs_and_ends_with_the_newline() {
    let place = Place::new();
    let ready = place.units().join("ready");
    assert!(Command::new("mkfifo").arg(&ready).status().unwrap().success());
    let script = "exec 5>ready; exec \"$AYE\" wrap --s6-notify 5 --ready-on file:/ -- \
        sh -c '[ -e /proc/self/fd/5 ] && echo inherited; exec sleep 1000'";
    let mut command = Command::new("sh");
    command.args(["-c", script]).env("AYE", env!("CARGO_BIN_EXE_aye")).current_dir(place.units());
    let running = place.start(command);
    // To its end, with the program still running.
    assert_eq!(std::fs::read_to_string(&ready).unwrap(), "\n");
    let (code, said) = running.signalled(Signal::TERM);
    assert_eq!((code, said), (None, vec![]));
}

#[test]
fn what_was_passed_to_the_program_is_not_passed_to_probes() {
    let managed = Managed::new();
    let script = "exec 3</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$AYE\" wrap \
        --ready-on 'cmd:[ ! -e /proc/self/fd/3 ] && [ ! \"$LISTEN_FDS$NOTIFY_SOCKET\" ]' -- sleep 1000";
    let mut command = Command::new("sh");
    command.args(["-c", script]).env("AYE", env!("CARGO_BIN_EXE_aye"));
    command.env("NOTIFY_SOCKET", managed.place.path().join("notify"));
    let running = managed.place.start(command);
    managed.hears_up_to("READY=1");
    running.signalled(Signal::TERM);
}

#[test]
fn a_signal_that_is_no_stop_is_handed_on_and_nothing_said() {
    let managed = Managed::new();
    // Not QUIT: a shell that starts something in the background has it ignore that, and what is ignored cannot be trapped.
    let script = "trap 'echo usr1' USR1; trap 'echo hup; exit 4' HUP; echo set; while :; do sleep 0.01; done";
    let mut running = managed.place.start(managed.command(&["--ready-on", "file:/"], script));
    running.says("set");
    managed.hears_up_to("READY=1");
    running.signal(Signal::USR1);
    running.says("usr1");
    running.signal(Signal::HUP);
    running.says("hup");
    assert_eq!(managed.hears_up_to("STOPPING=1"), ["STOPPING=1\nSTATUS=the program ended with status 4"]);
    assert_eq!(running.ends().0, Some(4));
}

#[test]
fn a_probe_that_hangs_is_late_and_what_it_started_is_ended() {
    let managed = Managed::new();
    let hangs = managed.place.units().join("hangs");
    assert!(Command::new("mkfifo").arg(&hangs).status().unwrap().success());
    let name = "cmd:echo $$ >hangs; exec sleep 1000";
    let running =
        managed.place.start(managed.command(&["--timeout", "300ms", "--ready-on", name], "exec sleep 1000"));
    // A try that is ended before it could write is followed by another.
    let hung =
        std::iter::repeat_with(|| std::fs::read_to_string(&hangs).unwrap()).find(|text| !text.is_empty());
    crate::place::await_exit(hung.unwrap().trim().parse().unwrap());
    managed.hears_up_to(&format!("STATUS=waiting for {name}: took too long"));
    running.signalled(Signal::TERM);
}

#[test]
fn a_server_that_answers_nothing_and_a_port_that_is_closed_are_named() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}/", silent.local_addr().unwrap());
    let closed = "tcp:127.0.0.1:1";
    let managed = Managed::new();
    let options = ["--timeout", "100ms", "--ready-on", &silent, "--ready-on", closed];
    let running = managed.place.start(managed.command(&options, "exec sleep 1000"));
    managed.hears_up_to(&format!(
        "STATUS=waiting for {silent}: no answer in time; {closed}: connection refused"
    ));
    running.signalled(Signal::TERM);
}

#[test]
fn socket_activation_passes_through_to_the_program() {
    let place = Place::new();
    let script = "exec 3</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=http exec \"$AYE\" wrap --ready-on file:/ -- \
        sh -c '[ $LISTEN_PID = $$ ] && echo $LISTEN_FDS $LISTEN_FDNAMES; readlink /proc/self/fd/3'";
    let mut command = Command::new("sh");
    command.args(["-c", script]).env("AYE", env!("CARGO_BIN_EXE_aye")).env_remove("NOTIFY_SOCKET");
    assert_eq!(place.outcome(command).stdout, "1 http\n/dev/null\n");
    let script = script.replace("--ready-on file:/", "--ready-on fd:3");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).env("AYE", env!("CARGO_BIN_EXE_aye")).env_remove("NOTIFY_SOCKET");
    let outcome = place.outcome(command);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("descriptor 3 of fd:3 was passed to aye"), "{outcome:?}");
}
