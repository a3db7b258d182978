//! What is wrong with a unit file, with the file, the line and what was expected.

use super::{socket, try_load};

fn refusal(text: &str) -> String {
    try_load("web@1.service", &[("web@.service", text)]).unwrap_err()
}

/// The refusal of one more line in an otherwise good `[Service]`.
fn refusal_of(line: &str) -> String {
    refusal(&format!("[Service]\nExecStart=/bin/x\n{line}\n"))
}

#[test]
fn names_file_and_line_of_what_cannot_be_parsed() {
    assert_eq!(
        refusal("[Service]\n\nExecStart\n"),
        r#"web@.service:3: expected KEY=VALUE, found "ExecStart""#
    );
}

#[test]
fn refuses_an_invalid_value_of_every_honoured_setting() {
    let span = "a time span such as 5s, 1min 30s, 200ms or infinity (a bare number is seconds)";
    let signal = "a signal such as SIGTERM, TERM or 15";
    let cases = [
        ("Type=forking", "simple, exec, notify or notify-reload (the types aye run has)", "forking"),
        (
            "Restart=sometimes",
            "no, on-success, on-failure, on-abnormal, on-watchdog, on-abort or always",
            "sometimes",
        ),
        ("NotifyAccess=some", "none, main, exec or all", "some"),
        ("TimeoutSec=x", span, "x"),
        ("TimeoutStartSec=", span, ""),
        ("TimeoutStopSec=-1", span, "-1"),
        ("RestartSec=5 x", span, "5 x"),
        ("RestartSec=infinity", "a time span other than infinity", "infinity"),
        ("WatchdogSec=abc", span, "abc"),
        ("KillSignal=SIGFOO", signal, "SIGFOO"),
        ("ReloadSignal=99", signal, "99"),
        ("KillMode=all", "control-group, mixed, process or none", "all"),
        ("Environment=A", "NAME=VALUE, in quotes where the value has spaces", "A"),
        ("EnvironmentFile=x", "an absolute path without ..", "x"),
        ("WorkingDirectory=srv", "an absolute path without ..", "srv"),
        ("WorkingDirectory=-", "an absolute path without ..", ""),
        ("OpenFile=notify", "an absolute path without ..", "notify"),
        ("Sockets=web.service", "the name of a .socket unit", "web.service"),
        ("Sockets=web@.socket", "the name of a .socket unit", "web@.socket"),
        ("ExecReload=bin/x", "an absolute path or the name of a program", "bin/x"),
        ("StartLimitBurst=x", "a number from 0 to 4294967295", "x"),
        ("RemainAfterExit=x", "yes or no", "x"),
    ];
    for (line, expected, found) in cases {
        let key = line.split_once('=').unwrap().0;
        assert_eq!(refusal_of(line), format!("web@.service:3: {key}=: expected {expected}, found {found:?}"));
    }
    assert_eq!(
        refusal_of("SuccessExitStatus=1 x"),
        "web@.service:3: SuccessExitStatus=: expected exit codes from 0 to 255, names of exit codes such as TEMPFAIL, \
         or signals such as SIGUSR1, found \"x\""
    );
    assert_eq!(
        refusal("[Unit]\nStartLimitIntervalSec=x\n[Service]\nExecStart=/bin/x\n"),
        format!("web@.service:2: StartLimitIntervalSec=: expected {span}, found \"x\"")
    );
}

#[test]
fn refuses_an_unknown_specifier_with_its_line() {
    let unknown = "unknown specifier %z (write %% for a percent sign)";
    for key in ["ExecReload=/bin/x ", "Environment=A=", "EnvironmentFile=/", "WorkingDirectory=/", "Sockets="]
    {
        let name = key.split_once('=').unwrap().0;
        assert_eq!(refusal_of(&format!("{key}%z")), format!("web@.service:3: {name}=: {unknown}"));
    }
    assert_eq!(refusal("[Unit]\nDescription=%z\n"), format!("web@.service:2: Description=: {unknown}"));
    assert_eq!(
        refusal_of("ExecReload=/bin/x %m"),
        "web@.service:3: ExecReload=: the specifier %m has no value here"
    );
}

#[test]
fn refuses_a_service_with_no_command_or_two() {
    let none = "web@.service: expected ExecStart= in [Service], found none";
    assert_eq!(refusal("[Unit]\nDescription=x\n"), none);
    assert_eq!(refusal("[Service]\nExecStart=/bin/x\nExecStart=\n"), none);
    let two = "ExecStart=: expected one command, found another (an empty ExecStart= forgets those before it)";
    assert_eq!(refusal_of("ExecStart=/bin/y"), format!("web@.service:3: {two}"));
    assert_eq!(refusal("[Service]\nExecStart=/bin/x ; /bin/y\n"), format!("web@.service:2: {two}"));
}

#[test]
fn refuses_a_bus_name_without_a_type() {
    assert_eq!(
        refusal_of("BusName=org.example.Web"),
        "web@.service:3: BusName=: expected Type= beside it, found none (it implies Type=dbus, which aye run does not have)"
    );
}

#[test]
fn refuses_a_template_and_a_unit_without_files() {
    let hint = "web@.service: web@.service is a template: name an instance, such as web@1.service";
    assert_eq!(try_load("web@.service", &[("web@.service", "")]), Err(hint.to_owned()));
    assert_eq!(try_load("web.service", &[]), Err("web.service: expected a unit file, found none".to_owned()));
}

#[test]
fn refuses_sockets_that_cannot_listen() {
    let none = "web.socket: expected ListenStream= in [Socket], found none";
    assert_eq!(socket("[Socket]\nBacklog=5\n").unwrap_err(), none);
    assert_eq!(socket("[Socket]\nListenStream=80\nListenStream=\n").unwrap_err(), none);
    let cases = [
        (
            "ListenStream=localhost:80",
            "a port, IP:PORT, [IPV6]:PORT, /PATH or @NAME to listen on",
            "localhost:80",
        ),
        (
            "FileDescriptorName=a:b",
            "a descriptor name of at most 255 printable ASCII characters without a colon",
            "a:b",
        ),
        ("SocketMode=9", "an octal mode such as 0660", "9"),
        ("Backlog=-1", "a number from 0 to 4294967295", "-1"),
        ("Service=web.socket", "the name of a .service unit", "web.socket"),
        ("Accept=yes", "no (aye run starts no service per connection)", "yes"),
    ];
    for (line, expected, found) in cases {
        let key = line.split_once('=').unwrap().0;
        let refusal = socket(&format!("[Socket]\n{line}\n")).unwrap_err();
        assert_eq!(refusal, format!("web.socket:2: {key}=: expected {expected}, found {found:?}"));
    }
}
