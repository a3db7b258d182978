//! Clients and services that misbehave: one that never reads, never stops talking or never stops writing takes nothing
//! from the others.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use rustix::process::Signal;

use crate::place::{Place, READY, send};

/// A client that says who it is, as systemctl does, and then neither asks nor reads.
fn mute_client(place: &Place) -> UnixStream {
    let mut stream = UnixStream::connect(place.runtime().join("systemd/private")).unwrap();
    let uid = rustix::process::getuid().as_raw().to_string();
    write!(stream, "\0AUTH EXTERNAL ").unwrap();
    for digit in uid.bytes() {
        write!(stream, "{digit:02x}").unwrap();
    }
    write!(stream, "\r\n").unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap()).lines();
    assert!(answers.next().unwrap().unwrap().starts_with("OK "));
    write!(stream, "NEGOTIATE_UNIX_FD\r\n").unwrap();
    assert_eq!(answers.next().unwrap().unwrap(), "AGREE_UNIX_FD");
    write!(stream, "BEGIN\r\n").unwrap();
    stream
}

#[test]
fn a_client_that_reads_nothing_holds_up_no_other_and_not_the_end() {
    let place = Place::new().file("web.service", &format!("[Unit]\nStartLimitBurst=0\n[Service]\n{READY}"));
    let mut manager = place.run(&["web"]);
    manager.says("web: ready");
    let _mute = mute_client(&place);
    // What a unit tells of one restart fills about a tenth of a socket's buffer.
    for _ in 0..60 {
        let restarted = place.systemctl(&["restart", "web"]);
        assert_eq!((restarted.code, restarted.stderr.as_str()), (Some(0), ""));
    }
    assert_eq!(manager.interrupted().0, Some(130));
    place.assert_nothing_left();
}

#[test]
fn a_service_that_never_stops_writing_leaves_the_others_their_turn() {
    let place =
        Place::new().service("yes.service", "Type=exec\nExecStart=yes\n").service("web.service", READY);
    let mut command = place.command(&["run", "yes", "web"]);
    command.stdout(Stdio::null());
    let mut manager = place.start_silently(command);
    manager.says("web: ready");
    assert_eq!(place.property("yes", "ActiveState"), "active");
    assert_eq!(manager.interrupted().0, Some(130));
    place.assert_nothing_left();
}

#[test]
fn a_service_that_never_stops_talking_leaves_the_others_their_turn() {
    let talk = "import os\nos.write(3, b'READY=1\\nSTATUS=and another thing')\nwhile True: os.write(3, b'STATUS=and another thing')\n";
    let place = Place::new().file("talk.py", talk).service("web.service", READY).service(
        "talk.service",
        "Type=notify\nOpenFile=/run/systemd/notify:notify\nExecStart=python3 %Y/talk.py\n",
    );
    let mut manager = place.run(&["talk", "web"]);
    manager.says(": ready");
    manager.says(": ready");
    assert_eq!(place.systemctl(&["restart", "web"]).code, Some(0));
    assert_eq!(place.property("talk", "StatusText"), "and another thing");
    assert_eq!(manager.interrupted().0, Some(130));
    place.assert_nothing_left();
}

#[test]
fn a_service_that_repeats_its_main_pid_costs_no_descriptors() {
    let repeat = "import os, time\nfor _ in range(300): os.write(3, b'READY=1\\nMAINPID=%d' % os.getpid())\n\
                  print('said', flush=True)\ntime.sleep(1000)\n";
    let place = Place::new().file("repeat.py", repeat).service(
        "web.service",
        "Type=notify\nOpenFile=/run/systemd/notify:notify\nExecStart=python3 %Y/repeat.py\n",
    );
    let mut manager = place.run(&["web"]);
    manager.says("web | said");
    assert_eq!(place.property("web", "ActiveState"), "active");
    let open = std::fs::read_dir(format!("/proc/{}/fd", manager.pid())).unwrap().count();
    assert!(open < 50, "{open} descriptors");
    manager.interrupted();
    place.assert_nothing_left();
}

#[test]
fn a_main_process_that_the_manager_itself_descends_from_is_refused() {
    // As root a service may name any process; to end the service would then be to end everything.
    for pid in [1, std::process::id()] {
        let service = format!(
            "Type=notify\nOpenFile=/run/systemd/notify:notify\n\
             ExecStart=/bin/sh -c 'printf \"MAINPID={pid}\\nREADY=1\" >&3; exec sleep 1000'\n"
        );
        let place = Place::new().service("web.service", &service);
        let mut manager = place.run(&["web"]);
        manager.says(&format!("web: MAINPID={pid} is refused"));
        assert_ne!(place.property("web", "MainPID"), pid.to_string());
        assert_eq!(manager.interrupted().0, Some(130));
        place.assert_nothing_left();
    }
}

#[test]
fn a_reader_that_left_ends_the_listening_and_not_the_services() {
    let place = Place::new().service("web.service", READY);
    let mut command = place.command(&["run", "web"]);
    let (reader, writer) = std::io::pipe().unwrap();
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    drop(reader);
    let mut manager = command.spawn().unwrap();
    drop(command);
    while place.systemctl(&["is-active", "web"]).code != Some(0) {
        assert_eq!(manager.try_wait().unwrap(), None, "it goes on");
    }
    crate::place::send(manager.id(), Signal::INT);
    assert_eq!(manager.wait().unwrap().code(), Some(130));
    place.assert_nothing_left();
}

#[test]
fn a_terminal_that_is_closed_stops_everything() {
    // The child outside the session would outlive a manager that simply died.
    let place = Place::new().service(
        "web.service",
        "Type=notify\nOpenFile=/run/systemd/notify:notify\n\
         ExecStart=/bin/sh -c 'setsid sleep 1000 & printf READY=1 >&3; exec sleep 1000'\n",
    );
    // Whoever runs the tests under nohup has SIGHUP ignored, and so would the manager.
    let heeding = place.command_through(&["env", "--default-signal=HUP"], &["run", "web"]);
    let mut manager = place.start(heeding);
    manager.says("web: ready");
    manager.signal(Signal::HUP);
    let (code, said) = manager.ends();
    assert!(said.contains(&"web: stopped".to_owned()), "{said:?}");
    assert_eq!(code, Some(143));
    place.assert_nothing_left();
}

#[test]
fn nohup_keeps_its_word() {
    let place = Place::new().service("web.service", READY);
    let mut manager = place.start(place.command_through(&["nohup"], &["run", "web"]));
    manager.says("web: ready");
    manager.signal(Signal::HUP);
    assert_eq!(place.systemctl(&["is-active", "web"]).code, Some(0));
    assert_eq!(manager.interrupted().0, Some(130));
    place.assert_nothing_left();
}

#[test]
fn a_runtime_directory_that_is_somebody_elses_is_left_alone() {
    let place = Place::new().service("web.service", READY);
    let precious = place.runtime().join("systemd/inhibit");
    std::fs::create_dir_all(&precious).unwrap();
    let outcome = place.aye(&["run", "web"]);
    assert_eq!(
        outcome.stderr,
        "aye run: PLACE/run is not a runtime directory of aye run: it has a systemd of another's; \
         choose a directory of its own with AYE_RUNTIME_DIR\n"
    );
    assert_eq!(outcome.code, Some(1));
    assert!(precious.is_dir());
}

#[test]
fn a_low_limit_of_open_files_starts_services_all_the_same() {
    let place = Place::new().service("web.service", READY);
    let aye = place.command(&[]);
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "ulimit -n 256; exec \"$0\" run web"])
        .arg(aye.get_program())
        .current_dir(place.units());
    shell.envs(aye.get_envs().filter_map(|(key, value)| Some((key, value?)))).stdin(Stdio::null());
    let mut manager = place.start(shell);
    manager.says("web: ready");
    manager.interrupted();
    place.assert_nothing_left();
}

#[test]
fn many_services_fit_under_a_low_soft_limit_which_they_themselves_keep() {
    let tells = READY.replace("printf READY=1", "ulimit -S -n; printf READY=1");
    let place = Place::new().service("web@.service", &tells);
    let names: Vec<String> = (1..=40).map(|number| format!("web@{number}")).collect();
    let aye = place.command(&[]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "ulimit -S -n 64; exec \"$0\" run \"$@\""]).arg(aye.get_program()).args(&names);
    shell.current_dir(place.units()).stdin(Stdio::null());
    shell.envs(aye.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let mut manager = place.start(shell);
    for name in &names {
        manager.says(&format!("{name}: ready"));
    }
    assert_eq!(manager.says("web@7 | "), "web@7 | 64");
    manager.interrupted();
    place.assert_nothing_left();
}

#[test]
fn nothing_is_started_any_more_once_everything_is_stopped() {
    let place = Place::new()
        .service("web.service", READY)
        .service("deaf.service", "Type=notify\nTimeoutStopSec=20\nOpenFile=/run/systemd/notify:notify\n\
            ExecStart=node -e \"process.on('SIGTERM', () => console.log('not yet')); process.on('SIGUSR2', () => process.exit()); \
            require('fs').writeSync(3, 'READY=1'); setInterval(() => {}, 1e6)\"\n");
    let mut manager = place.run(&["web", "deaf"]);
    manager.says("deaf: ready");
    let deaf: u32 = place.property("deaf", "MainPID").parse().unwrap();
    manager.signal(Signal::INT);
    manager.says("deaf | not yet");
    let refused = place.systemctl(&["start", "web"]);
    assert!(
        refused.stderr.contains("Cannot start web.service: the manager is stopping everything"),
        "{refused:?}"
    );
    send(deaf, Signal::USR2);
    assert_eq!(manager.ends().0, Some(130));
    place.assert_nothing_left();
}

#[test]
fn a_manager_that_is_itself_a_service_is_ready_when_its_services_are() {
    let place = Place::new().service("a.service", READY).service("b.service", READY);
    let path = place.path().join("above");
    let above = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    above.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let mut command = place.command(&["run", "a", "b"]);
    command.env("NOTIFY_SOCKET", &path);
    let mut manager = place.start(command);
    let mut buffer = [0; 64];
    let mut heard = || {
        let length = above.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    assert_eq!(heard(), "READY=1");
    assert_eq!(place.systemctl(&["is-active", "a", "b"]).stdout, "active\nactive\n");
    manager.signal(Signal::TERM);
    assert_eq!(heard(), "STOPPING=1");
    manager.says(": stopped");
    assert_eq!(manager.ends().0, Some(143));
    place.assert_nothing_left();
}

#[test]
fn a_reader_that_stops_does_not_stop_the_manager() {
    // Ready only after more lines than any pipe holds: a manager that waited for its reader would never hear of it.
    let loud = "Type=notify\nOpenFile=/run/systemd/notify:notify\n\
        ExecStart=/bin/sh -c 'seq 200000; printf READY=1 >&3; exec sleep 1000'\n";
    let place = Place::new().service("loud.service", loud).service("web.service", READY);
    let socket = place.path().join("notify");
    let receiver = aye::Receiver::bind(&aye::Address::Path(socket.as_os_str().as_bytes())).unwrap();
    let mut command = place.command(&["run", "web"]);
    command.env("NOTIFY_SOCKET", &socket).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let aye::Received::Datagram(said) = receiver.receive().unwrap() else { panic!("dropped") };
    assert!(said.message.contains("READY=1"), "{said:?}");
    let started = place.systemctl(&["start", "loud"]);
    assert_eq!((started.code, started.stderr.as_str()), (Some(0), ""));
    send(child.id(), Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let lines = String::from_utf8(output.stdout).unwrap().lines().count();
    assert!((1..200_000).contains(&lines), "{lines} lines were kept for a reader that never read");
    place.assert_nothing_left();
}
