//! `aye wrap`: the program gets the connected notify socket and is the same process; with probes aye stays beside it.

mod probes;
mod socket;

use std::os::unix::ffi::OsStrExt;

use aye::{Address, Received, Receiver};

use crate::place::Place;

#[test]
fn the_program_is_the_same_process_and_speaks_over_descriptor_3() {
    let place = Place::new();
    let socket = place.path().join("notify");
    let receiver = Receiver::bind(&Address::Path(socket.as_os_str().as_bytes())).unwrap();
    let script = "echo $$ $LISTEN_PID $LISTEN_FDS $LISTEN_FDNAMES; printf READY=1 >&3";
    let mut command = place.command(&["wrap", "--", "sh", "-c", script]);
    command.env("NOTIFY_SOCKET", &socket);
    let running = place.start(command);
    let pid = running.pid();
    let (code, said) = running.ends();
    assert_eq!((code, said), (Some(0), vec![format!("{pid} {pid} 1 notify")]));
    let Received::Datagram(datagram) = receiver.receive().unwrap() else { panic!("dropped") };
    assert!(datagram.message.contains("READY=1"));
    assert_eq!(datagram.sender.pid, pid);
}

#[test]
fn what_socket_activation_passed_stays_in_front() {
    let place = Place::new();
    let socket = place.path().join("notify");
    let _receiver = Receiver::bind(&Address::Path(socket.as_os_str().as_bytes())).unwrap();
    // The shell is what systemd would be: it passes a file as descriptor 3 and says so, then becomes aye.
    let script = "exec 3</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=http exec \"$AYE\" wrap -- \
        sh -c 'echo $LISTEN_FDS $LISTEN_FDNAMES; readlink /proc/self/fd/3; readlink /proc/self/fd/4'";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script]).env("AYE", env!("CARGO_BIN_EXE_aye")).env("NOTIFY_SOCKET", &socket);
    let outcome = place.outcome(command);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines[..2], ["2 http:notify", "/dev/null"], "{outcome:?}");
    assert!(lines[2].starts_with("socket:["), "{outcome:?}");
}

#[test]
fn a_descriptor_named_notify_is_not_handed_over_twice() {
    let place = Place::new();
    let script = "exec 3</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=notify exec \"$AYE\" wrap -- \
        sh -c 'echo $LISTEN_FDS $LISTEN_FDNAMES'";
    let socket = place.path().join("notify");
    let _receiver = Receiver::bind(&Address::Path(socket.as_os_str().as_bytes())).unwrap();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script]).env("AYE", env!("CARGO_BIN_EXE_aye")).env("NOTIFY_SOCKET", &socket);
    assert_eq!(place.outcome(command).stdout, "1 notify\n");
}

#[test]
fn without_a_manager_the_program_simply_runs() {
    let place = Place::new();
    let outcome = place.aye(&["wrap", "--", "sh", "-c", "echo [$LISTEN_FDS]; exit 7"]);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str(), outcome.code), ("[]\n", "", Some(7)));
}

#[test]
fn what_cannot_be_started_is_one_line_and_exit_1() {
    let place = Place::new().file("script", "#!/nonexistent/interpreter\n");
    let script = place.units().join("script");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for (program, error) in [
        ("no-such-program", "cannot execute no-such-program: there is no such program in $PATH"),
        ("/no/such/program", "cannot execute /no/such/program: no such file"),
        ("/etc/passwd", "cannot execute /etc/passwd: Permission denied (os error 13)"),
        ("./script", "cannot execute ./script: its interpreter or dynamic loader does not exist"),
    ] {
        let outcome = place.aye(&["wrap", "--", program]);
        assert_eq!((outcome.stderr, outcome.code), (format!("aye wrap: {error}\n"), Some(1)));
    }
    let mut command = place.command(&["wrap", "--", "true"]);
    command.env("NOTIFY_SOCKET", "/nonexistent");
    let outcome = place.outcome(command);
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr.starts_with("aye wrap: cannot reach the notify socket /nonexistent: "),
        "{outcome:?}"
    );
}

#[test]
fn contradictory_variables_are_named() {
    let place = Place::new();
    let mut command = std::process::Command::new("sh");
    let script = "LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=a:b exec \"$AYE\" wrap -- true";
    command.args(["-c", script]).env("AYE", env!("CARGO_BIN_EXE_aye"));
    let outcome = place.outcome(command);
    let error = "aye wrap: $LISTEN_FDNAMES has 2 names for the 1 descriptors of $LISTEN_FDS\n";
    assert_eq!((outcome.stderr.as_str(), outcome.code), (error, Some(1)));
}
