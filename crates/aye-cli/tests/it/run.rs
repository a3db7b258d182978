//! `aye run` with real processes: what users get wrong first, then what must work.

use std::io::Read;
use std::os::unix::net::UnixStream;

use rustix::process::Signal;

use crate::place::{Place, READY, await_exit, send};

/// Runs a unit that cannot be run, to its end.
#[track_caller]
fn refused(place: &Place, arguments: &[&str], code: i32, stderr: &str) {
    let mut all = vec!["run"];
    all.extend(arguments);
    let outcome = place.aye(&all);
    assert_eq!((outcome.stderr.as_str(), outcome.code), (format!("{stderr}\n").as_str(), Some(code)));
    assert_eq!(outcome.stdout, "");
    place.assert_nothing_left();
}

#[test]
fn a_unit_file_that_cannot_be_parsed_names_file_line_and_what_was_expected() {
    for (text, error) in [
        ("[Service]\nType=notify\nExecStart\n", "web.service:3: expected KEY=VALUE, found \"ExecStart\""),
        (
            "[Service]\nType=forking\nExecStart=/bin/true\n",
            "web.service:2: Type=: expected simple, exec, notify or notify-reload (the types aye run has), found \"forking\"",
        ),
        ("[Service]\nType=notify\n", "web.service: expected ExecStart= in [Service], found none"),
        (
            "[Service]\nExecStart=/bin/true\nTimeoutStartSec=soon\n",
            "web.service:3: TimeoutStartSec=: expected a time span such as 5s, 1min 30s, 200ms or infinity (a bare number is seconds), found \"soon\"",
        ),
    ] {
        let place = Place::new().file("web.service", text);
        let outcome = place.aye(&["run", "web"]);
        assert_eq!((outcome.stderr, outcome.code), (format!("aye run: {error}\n"), Some(2)));
    }
}

#[test]
fn one_bad_unit_starts_none_of_the_others() {
    let place = Place::new().service("a.service", READY).file("b.service", "[Service\n");
    let outcome = place.aye(&["run", "a", "b"]);
    assert_eq!(outcome.code, Some(2));
    assert!(!outcome.stderr.contains("starting"), "{}", outcome.stderr);
    place.assert_nothing_left();
}

#[test]
fn a_missing_executable_is_named() {
    let place = Place::new().service("web.service", "Type=notify\nExecStart=/nonexistent/server --port 1\n");
    let outcome = place.aye(&["run", "web"]);
    let failed = "web: FAILED: cannot execute /nonexistent/server: no such file after ";
    assert!(outcome.stderr.lines().any(|line| line.starts_with(failed)), "{}", outcome.stderr);
    assert_eq!(outcome.code, Some(1));
    let place = Place::new().service("web.service", "Type=exec\nExecStart=no-such-server\n");
    let outcome = place.aye(&["run", "web"]);
    assert!(outcome.stderr.contains("cannot execute no-such-server: there is no such program in $PATH"));
    assert_eq!(outcome.code, Some(1));
    place.assert_nothing_left();
}

#[test]
fn an_exit_before_ready_is_a_failure_whatever_the_status() {
    for (status, why) in [(3, "exited with 3 before READY=1"), (0, "exited with 0 before READY=1")] {
        let service = format!("Type=notify\nExecStart=/bin/sh -c 'echo no port; exit {status}'\n");
        let place = Place::new().service("web.service", &service);
        let outcome = place.aye(&["run", "web"]);
        assert!(outcome.stderr.contains(&format!("web: FAILED: {why} after ")), "{}", outcome.stderr);
        assert_eq!((outcome.stdout.as_str(), outcome.code), ("web | no port\n", Some(1)));
        place.assert_nothing_left();
    }
}

#[test]
fn a_service_that_never_gets_ready_is_ended_with_all_its_children() {
    // The child ignores SIGTERM and leaves the session: only SIGKILL and the adoption of orphans get at it.
    let place = Place::new().service(
        "web.service",
        "Type=notify\nTimeoutStartSec=200ms\nTimeoutStopSec=200ms\n\
         ExecStart=/bin/sh -c 'setsid sh -c \"trap : TERM; while :; do sleep 1000; done\" & exec sleep 1000'\n",
    );
    let outcome = place.aye(&["run", "web"]);
    let timed_out = "web: start timed out: no READY=1 within 200 ms (TimeoutStartSec=); terminating\n";
    assert!(outcome.stderr.contains(timed_out), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("web: FAILED: start timed out: no READY=1 within 200 ms after "));
    assert_eq!(outcome.code, Some(1));
    place.assert_nothing_left();
}

#[test]
fn a_wrong_instance_name_says_what_is_wrong() {
    let place = Place::new().service("web@.service", READY);
    refused(
        &place,
        &["web"],
        5,
        "aye run: no web.service in .; web@.service is a template: name an instance, such as web@1.service",
    );
    refused(
        &place,
        &["web@"],
        2,
        "aye run: web@.service is a template: name an instance, such as web@1.service",
    );
    refused(&place, &["wab@1"], 5, "aye run: no wab@1.service or wab@.service in .");
    let outcome = place.aye(&["run", "web@1 2"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    refused(
        &place,
        &["../units/web@1"],
        2,
        "aye run: ../units/web@1 is no folder and no unit name: expected the name of a unit, and its folder with -C DIR",
    );
}

#[test]
fn a_folder_without_units_is_nothing_to_run() {
    let place = Place::new().service("web@.service", READY);
    refused(
        &place,
        &["."],
        5,
        "aye run: no unit in ./. can start: expected a .service or .socket file that is no template",
    );
    refused(&place, &["-C", "nowhere", "web@1"], 2, "aye run: there is no folder nowhere");
}

#[test]
fn a_second_manager_in_the_same_directory_is_refused() {
    let place = Place::new().service("web.service", READY);
    let mut first = place.run(&["web"]);
    first.says("web: ready");
    let error = format!(
        "aye run: another aye run (PID {}) serves PLACE/run: stop it, or choose another runtime directory with AYE_RUNTIME_DIR",
        first.pid()
    );
    let second = place.aye(&["run", "web"]);
    assert_eq!((second.stderr, second.code), (format!("{error}\n"), Some(75)));
    assert_eq!(place.property("web", "ActiveState"), "active", "the first one goes on");
    assert_eq!(first.interrupted().0, Some(130));
    place.assert_nothing_left();
}

#[test]
fn services_do_not_survive_a_manager_that_was_killed() {
    let place = Place::new().service("web.service", READY);
    let mut manager = place.run(&["web"]);
    manager.says("web: ready");
    let main: u32 = place.property("web", "MainPID").parse().unwrap();
    manager.signal(Signal::KILL);
    await_exit(main);
    drop(manager);
    let outcome = place.aye(&["restart", "web"]);
    assert_eq!(outcome.code, Some(69), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("start one with `aye run`"), "{}", outcome.stderr);
    // What it left in the runtime directory is in nobody's way.
    let mut manager = place.run(&["web"]);
    manager.says("web: ready");
    assert_eq!(manager.interrupted().0, Some(130));
    place.assert_nothing_left();
}

#[test]
fn settings_that_are_not_honoured_are_named_with_file_and_line() {
    let text = format!(
        "[Unit]\nAfter=network.target\n[Service]\nPrivateTmp=yes\nColour=red\n{READY}[Install]\nWantedBy=x.target\n"
    );
    let place = Place::new().file("web.service", &text);
    let mut manager = place.run(&["web"]);
    manager.says("web: ready");
    let (_, said) = manager.interrupted();
    assert_eq!(
        said[..3],
        [
            "web.service:2: After= is not honoured by aye run",
            "web.service:4: PrivateTmp= is not honoured by aye run",
            "web.service:5: unknown setting Colour= in [Service]",
        ]
    );
}

#[test]
fn a_message_that_may_not_be_sent_is_refused_aloud() {
    let service = "Type=notify\nTimeoutStartSec=5\nExecStart=/bin/sh -c '\"$AYE\" notify --pid=self X=1; exec sleep 1000'\n";
    let place = Place::new().service("web.service", service);
    let mut command = place.command(&["run", "web"]);
    command.env("AYE", env!("CARGO_BIN_EXE_aye"));
    let mut manager = place.start(command);
    let line = manager.says("was refused");
    assert!(line.contains("set NotifyAccess=all to accept it"), "{line}");
    manager.interrupted();
    place.assert_nothing_left();
}

#[test]
fn what_of_a_message_does_not_count_is_shown_with_the_reason_and_the_remedy() {
    // Straight to the socket: `aye notify` would leave out the status that does not count.
    let said = r"READY=1\\nSTATUS=up\\nSTATUS=down\\nready=1\\nX_MORE=1";
    let service = format!(
        "Type=exec\nNotifyAccess=all\nOpenFile=/run/systemd/notify:notify\n\
         ExecStart=/bin/sh -c 'printf \"{said}\" >&3; echo said; exec sleep 1000'\n"
    );
    let place = Place::new().service("web.service", &service);
    let mut manager = place.run(&["web"]);
    for reason in [
        "READY=1 is ignored: Type=exec does not wait for READY=1: set Type=notify",
        "STATUS=down is ignored: STATUS was there before in this message, and the first one counts",
        "ready=1 is ignored: systemd does not know \"ready\": write READY, in capitals and without spaces",
    ] {
        let line = manager.says("is ignored");
        assert!(line.ends_with(reason), "{line}");
    }
    manager.says("web | said");
    assert_eq!(place.property("web", "StatusText"), "up");
    manager.interrupted();
    place.assert_nothing_left();
}

#[test]
fn a_service_is_active_at_its_ready_and_not_before() {
    // It waits for a line on a pipe between its start and its READY, so the test decides when that is.
    let place = Place::new().service(
        "web.service",
        "OpenFile=/run/systemd/notify:notify\nType=notify\nWorkingDirectory=%Y\n\
         ExecStart=/bin/sh -c 'printf \"STATUS=warming up\" >&3; echo waiting; read line < gate; printf READY=1 >&3; exec sleep 1000'\n",
    );
    rustix::fs::mknodat(
        rustix::fs::CWD,
        place.units().join("gate"),
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    let mut manager = place.run(&["web"]);
    manager.says("web | waiting");
    assert_eq!(place.property("web", "ActiveState"), "activating");
    assert_eq!(place.property("web", "SubState"), "start");
    assert_eq!(place.property("web", "StatusText"), "warming up");
    std::fs::write(place.units().join("gate"), "go\n").unwrap();
    manager.says("web: ready in ");
    assert_eq!(place.property("web", "ActiveState"), "active");
    manager.interrupted();
}

#[test]
fn what_a_unit_says_of_its_environment_reaches_the_process() {
    let place = Place::new()
        .file("web.env", "# for all\nFROM_FILE=\"two words\"\n")
        .file("here/mark", "")
        .service(
            "web@.service",
            "Type=notify\nNotifyAccess=main\nEnvironment=\"A=one two\" B=%i\nEnvironmentFile=%Y/web.env\n\
             EnvironmentFile=-%Y/missing.env\nWorkingDirectory=%Y/here\nOpenFile=/run/systemd/notify:notify\n\
             ExecStart=/bin/sh -c 'echo \"A=$$A B=$$B F=$$FROM_FILE\"; ls; printf READY=1 >&3; exec sleep 1000' ${A}\n",
        );
    let mut manager = place.run(&["web@x-1"]);
    assert_eq!(manager.says("A="), "web@x-1 | A=one two B=x-1 F=two words");
    manager.says("web@x-1 | mark");
    manager.says("ready");
    manager.interrupted();
}

#[test]
fn a_missing_environment_file_fails_the_start_and_is_named() {
    let place = Place::new().service("web.service", "EnvironmentFile=%Y/missing.env\nExecStart=/bin/true\n");
    let outcome = place.aye(&["run", "web"]);
    let failed =
        "web: FAILED: cannot read EnvironmentFile= PLACE/units/missing.env: no such file after 0 ms\n";
    assert!(outcome.stderr.contains(failed), "{}", outcome.stderr);
    assert_eq!(outcome.code, Some(1));
}

#[test]
fn a_shared_socket_stays_open_while_the_services_behind_it_restart() {
    let place = Place::new();
    let socket = place.path().join("web.sock");
    let place = place
        .file(
            "web.socket",
            &format!("[Socket]\nListenStream={}\nFileDescriptorName=http\n", socket.display()),
        )
        .file(
            "answer.js",
            "console.log('fds=' + process.env.LISTEN_FDNAMES)\n\
             const server = require('net').createServer((connection) => connection.end(process.argv[2]))\n\
             server.listen({ fd: 3 }, () => require('fs').writeSync(4, 'READY=1'))\n",
        )
        .service(
            "web@.service",
            "Type=notify\nSockets=web.socket\nNonBlocking=yes\nOpenFile=/run/systemd/notify:notify\n\
             ExecStart=node %Y/answer.js %i\n",
        );
    let mut manager = place.run(&["web@1"]);
    manager.says("web@1 | fds=http:notify");
    manager.says("web@1: ready");
    let ask = || {
        let mut answer = String::new();
        UnixStream::connect(&socket).unwrap().read_to_string(&mut answer).unwrap();
        answer
    };
    assert_eq!(ask(), "1");
    assert_eq!(place.systemctl(&["stop", "web@1"]).code, Some(0));
    // Nobody accepts now, yet the connection is not refused: it waits in the manager's socket.
    let mut waiting = UnixStream::connect(&socket).unwrap();
    assert_eq!(place.systemctl(&["start", "web@2"]).code, Some(0));
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "2");
    manager.interrupted();
    place.assert_nothing_left();
}

#[test]
fn a_socket_that_cannot_listen_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let place = Place::new()
        .file("web.socket", &format!("[Socket]\nListenStream={address}\n"))
        .service("web.service", READY);
    refused(
        &place,
        &["web"],
        1,
        &format!("aye run: web.socket cannot listen on {address}: Address already in use (os error 98)"),
    );
}

#[test]
fn a_service_that_dies_is_started_again_and_one_that_stops_is_not() {
    let place = Place::new().service("web.service", &format!("Restart=on-failure\nRestartSec=10ms\n{READY}"));
    let mut manager = place.run(&["web"]);
    manager.says("web: ready");
    send(place.property("web", "MainPID").parse().unwrap(), Signal::KILL);
    manager.says("web: FAILED: killed by SIGKILL after ");
    manager.says("web: restart 1 in 10 ms");
    manager.says("web: ready");
    assert_eq!(place.property("web", "NRestarts"), "1");
    send(place.property("web", "MainPID").parse().unwrap(), Signal::TERM);
    manager.says("web: stopped");
    assert_eq!(manager.ends().0, Some(0), "a service that ended well by itself ends the manager");
    place.assert_nothing_left();
}

#[test]
fn the_watchdog_ends_a_service_whose_heart_stops() {
    let place = Place::new().service("web.service", &format!("WatchdogSec=300ms\n{READY}"));
    let outcome = place.aye(&["run", "web"]);
    assert!(
        outcome.stderr.contains("web: watchdog: no WATCHDOG=1 within 300 ms (WatchdogSec=); aborting\n"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("web: FAILED: killed by the watchdog: no WATCHDOG=1 within 300 ms after ")
    );
    assert_eq!(outcome.code, Some(1));
    place.assert_nothing_left();
}

/// A ready service that does this on that signal. Not in shell: between fork and exec, its children swallow signals.
fn on_signal(signal: &str, what: &str) -> String {
    format!(
        "Type=notify\nOpenFile=/run/systemd/notify:notify\nExecStart=node -e \"process.on('{signal}', () => {{ {what} }}); \
         require('fs').writeSync(3, 'READY=1'); setInterval(() => {{}}, 1e6)\"\n"
    )
}

#[test]
fn the_kill_signal_is_the_one_the_unit_names() {
    let place = Place::new().service(
        "web.service",
        &format!("KillSignal=SIGUSR2\n{}", on_signal("SIGUSR2", "console.log('got USR2'); process.exit()")),
    );
    let mut manager = place.run(&["web"]);
    manager.says("web: ready");
    let (code, said) = manager.interrupted();
    assert!(said.contains(&"web | got USR2".to_owned()), "{said:?}");
    assert_eq!(code, Some(130));
    place.assert_nothing_left();
}

#[test]
fn a_command_needs_no_unit_file() {
    let place = Place::new();
    let mut manager =
        place.run(&["--", "sh", "-c", "echo $LISTEN_FDNAMES in $(pwd); printf READY=1 >&3; exec sleep 1000"]);
    assert_eq!(manager.says("run |"), "run | notify in PLACE/units");
    manager.says("run: ready in ");
    manager.signal(Signal::TERM);
    assert_eq!(manager.ends().0, Some(143));
    let outcome = place.aye(&["run", "--", "sh", "-c", "printf READY=1 >&3; exit 7"]);
    assert!(outcome.stderr.contains("run: FAILED: exited with 7 after "), "{}", outcome.stderr);
    assert_eq!(outcome.code, Some(1));
    place.assert_nothing_left();
}

#[test]
fn a_folder_means_every_unit_of_it_that_can_start() {
    let place = Place::new()
        .service("a.service", READY)
        .service("b@.service", READY)
        .file("c@.service", &format!("[Service]\n{READY}[Install]\nDefaultInstance=one\n"));
    std::os::unix::fs::symlink("b@.service", place.units().join("b@2.service")).unwrap();
    let mut manager = place.run(&["."]);
    for _ in 0..3 {
        manager.says(": ready");
    }
    let listed = place.systemctl(&["list-units", "--plain", "--no-legend", "--state=active"]);
    let names: Vec<&str> =
        listed.stdout.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["a.service", "b@2.service", "c@one.service"]);
    manager.interrupted();
    place.assert_nothing_left();
}

#[test]
fn a_second_interrupt_kills_what_does_not_stop() {
    let place = Place::new().service("web.service", &on_signal("SIGTERM", "console.log('not yet')"));
    let mut manager = place.run(&["web"]);
    manager.says("web: ready");
    manager.signal(Signal::INT);
    manager.says("web | not yet");
    let (code, _) = manager.interrupted();
    assert_eq!(code, Some(130));
    place.assert_nothing_left();
}

#[test]
fn the_manager_tells_programs_in_json() {
    let place = Place::new().service("web.service", "ExecStart=/bin/echo hello\n");
    let outcome = place.aye(&["run", "--json", "web"]);
    let events: Vec<serde_json::Value> =
        outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said: Vec<(&str, &str)> = events
        .iter()
        .map(|event| (event["event"].as_str().unwrap(), event["unit"].as_str().unwrap()))
        .collect();
    assert_eq!(said, ["starting", "ready", "line", "stopped"].map(|event| (event, "web.service")));
    assert_eq!(events[2]["text"], "hello");
    assert_eq!((outcome.stderr.as_str(), outcome.code), ("", Some(0)));
}
