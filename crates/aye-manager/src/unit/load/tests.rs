//! What unit files become, what they say in vain, and what is wrong with them; a table is held against
//! `systemd-analyze verify`.

use std::time::Duration;

use proptest::prelude::*;
use rustix::process::Signal;

use super::*;
use crate::unit::testing::run;
use crate::unit::{ExitStatus, Listen, NotifyAccess, OpenFile, Restart, Type, WorkingDirectory};

fn try_load(name: &str, files: &[(&str, &str)]) -> Result<Loaded, String> {
    let sources: Vec<Source> = files
        .iter()
        .map(|(file, text)| Source::new(*file, *text))
        .collect();
    let specifiers = Specifiers::default().with('t', "/run/user/7");
    load(&name.parse().unwrap(), &sources, &specifiers).map_err(|error| error.to_string())
}

fn refusal(text: &str) -> String {
    try_load("web@1.service", &[("web@.service", text)]).unwrap_err()
}

/// The refusal of one more line in an otherwise good `[Service]`.
fn refusal_of(line: &str) -> String {
    refusal(&format!("[Service]\nExecStart=/bin/x\n{line}\n"))
}

fn service(text: &str) -> Service {
    let loaded = try_load("web@1.service", &[("web@.service", text)]).unwrap();
    assert_eq!(loaded.warnings, []);
    let Unit::Service(service) = loaded.unit else {
        panic!("a service was read as a socket")
    };
    service
}

fn service_with(lines: &str) -> Service {
    service(&format!("[Service]\nExecStart=/bin/x\n{lines}\n"))
}

fn warnings(name: &str, text: &str) -> Vec<String> {
    let loaded = try_load(name, &[("unit", text)]).unwrap();
    loaded.warnings.iter().map(ToString::to_string).collect()
}

fn socket(text: &str) -> Result<Loaded, String> {
    try_load("web.socket", &[("web.socket", text)])
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
        (
            "Type=forking",
            "simple, exec, notify or notify-reload (the types aye run has)",
            "forking",
        ),
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
        (
            "RestartSec=infinity",
            "a time span other than infinity",
            "infinity",
        ),
        ("WatchdogSec=abc", span, "abc"),
        ("KillSignal=SIGFOO", signal, "SIGFOO"),
        ("ReloadSignal=99", signal, "99"),
        (
            "KillMode=all",
            "control-group, mixed, process or none",
            "all",
        ),
        (
            "Environment=A",
            "NAME=VALUE, in quotes where the value has spaces",
            "A",
        ),
        ("EnvironmentFile=x", "an absolute path without ..", "x"),
        ("WorkingDirectory=srv", "an absolute path without ..", "srv"),
        ("WorkingDirectory=-", "an absolute path without ..", ""),
        ("OpenFile=notify", "an absolute path without ..", "notify"),
        (
            "Sockets=web.service",
            "the name of a .socket unit",
            "web.service",
        ),
        (
            "Sockets=web@.socket",
            "the name of a .socket unit",
            "web@.socket",
        ),
        (
            "ExecReload=bin/x",
            "an absolute path or the name of a program",
            "bin/x",
        ),
        ("StartLimitBurst=x", "a number from 0 to 4294967295", "x"),
        ("RemainAfterExit=x", "yes or no", "x"),
    ];
    for (line, expected, found) in cases {
        let key = line.split_once('=').unwrap().0;
        assert_eq!(
            refusal_of(line),
            format!("web@.service:3: {key}=: expected {expected}, found {found:?}")
        );
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
    for key in [
        "ExecReload=/bin/x ",
        "Environment=A=",
        "EnvironmentFile=/",
        "WorkingDirectory=/",
        "OpenFile=/",
        "Sockets=",
    ] {
        let name = key.split_once('=').unwrap().0;
        assert_eq!(
            refusal_of(&format!("{key}%z")),
            format!("web@.service:3: {name}=: {unknown}")
        );
    }
    assert_eq!(
        refusal("[Unit]\nDescription=%z\n"),
        format!("web@.service:2: Description=: {unknown}")
    );
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
    assert_eq!(
        refusal_of("ExecStart=/bin/y"),
        format!("web@.service:3: {two}")
    );
    assert_eq!(
        refusal("[Service]\nExecStart=/bin/x ; /bin/y\n"),
        format!("web@.service:2: {two}")
    );
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
    assert_eq!(
        try_load("web@.service", &[("web@.service", "")]),
        Err(hint.to_owned())
    );
    assert_eq!(
        try_load("web.service", &[]),
        Err("web.service: expected a unit file, found none".to_owned())
    );
}

#[test]
fn refuses_sockets_that_cannot_listen() {
    let none = "web.socket: expected ListenStream= in [Socket], found none";
    assert_eq!(socket("[Socket]\nBacklog=5\n").unwrap_err(), none);
    assert_eq!(
        socket("[Socket]\nListenStream=80\nListenStream=\n").unwrap_err(),
        none
    );
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
        (
            "Service=web.socket",
            "the name of a .service unit",
            "web.socket",
        ),
        (
            "Accept=yes",
            "no (aye run starts no service per connection)",
            "yes",
        ),
    ];
    for (line, expected, found) in cases {
        let key = line.split_once('=').unwrap().0;
        let refusal = socket(&format!("[Socket]\n{line}\n")).unwrap_err();
        assert_eq!(
            refusal,
            format!("web.socket:2: {key}=: expected {expected}, found {found:?}")
        );
    }
}

#[test]
fn names_every_setting_that_is_not_honoured() {
    let text = "[Unit]\nAfter=network.target\nRestart=no\nX-Mine=1\nDescription=d\nDocumentation=man:x\n\
        [Service]\nExecStart=+/bin/grep '\\d'\nPrivateTmp=yes\nPrivatTmp=yes\nKillMode=mixed\nKillMode=control-group\n\
        RemainAfterExit=yes\nRemainAfterExit=no\nSendSIGKILL=no\nSendSIGKILL=yes\nFileDescriptorStoreMax=2\nX-Mine=2\n\
        [Servce]\nA=1\nB=2\n[X-Mine]\nA=1\n[Socket]\nAccept=yes\n[Install]\nWantedBy=multi-user.target\nWat=1\n";
    let expected = [
        "unit:2: After= is not honoured by aye run",
        "unit:3: Restart= in [Unit] has no effect: it belongs in [Service]",
        "unit:8: the prefix + is not honoured by aye run",
        r#"unit:8: unknown escape in "\\d": kept as written"#,
        "unit:9: PrivateTmp= is not honoured by aye run",
        "unit:10: unknown setting PrivatTmp= in [Service] (did you mean PrivateTmp=?)",
        "unit:11: KillMode=mixed is not honoured by aye run",
        "unit:13: RemainAfterExit= is not honoured by aye run",
        "unit:15: SendSIGKILL= is not honoured by aye run",
        "unit:17: FileDescriptorStoreMax= is not honoured by aye run",
        "unit:20: unknown section [Servce] (did you mean [Service]?)",
        "unit:25: section [Socket] has no effect in a .service unit",
    ];
    assert_eq!(warnings("web.service", text), expected);
}

#[test]
fn names_what_a_socket_does_not_honour() {
    let text = "[Unit]\nStartLimitBurst=3\n[Socket]\nListenStream=80\nListenDatagram=81\nNoDelay=yes\nAccept=no\n";
    let expected = ["2: StartLimitBurst=", "5: ListenDatagram=", "6: NoDelay="];
    assert_eq!(
        warnings("web.socket", text),
        expected.map(|what| format!("unit:{what} is not honoured by aye run"))
    );
}

#[test]
fn a_bare_service_has_the_defaults_of_systemd() {
    let service = service_with("");
    assert_eq!(
        (service.description.as_str(), service.kind, service.restart),
        ("web@1.service", Type::Simple, Restart::No)
    );
    assert_eq!(service.timeout_start, Some(Duration::from_secs(90)));
    assert_eq!(service.timeout_stop, Some(Duration::from_secs(90)));
    assert_eq!(service.restart_delay, Duration::from_millis(100));
    assert_eq!(
        (service.watchdog, service.notify_access),
        (None, NotifyAccess::None)
    );
    assert_eq!(
        (service.kill_signal, service.reload_signal),
        (Signal::TERM, Signal::HUP)
    );
    assert_eq!(
        (service.start_limit_interval, service.start_limit_burst),
        (Duration::from_secs(10), 5)
    );
    assert_eq!(
        (service.working_directory, service.fragment),
        (None, "web@.service".into())
    );
}

#[test]
fn reads_every_honoured_setting() {
    let text = "[Unit]\nDescription=web %i\nDocumentation=man:x(1) https://example.org\nStartLimitIntervalSec=infinity\n\
        StartLimitBurst=3\n[Service]\nType=notify-reload\nExecStart=-/usr/bin/node server.js %i $ARGS\n\
        ExecReload=/bin/a ; /bin/b\nExecReload=/bin/c\nReloadSignal=USR1\nEnvironment=A=1 'B=b c'\nEnvironment=A=2 C=%i\n\
        EnvironmentFile=-/etc/default/web\nWorkingDirectory=-/srv/%p\nTimeoutStartSec=1min\nTimeoutStopSec=0\n\
        KillSignal=SIGINT\nRestart=on-failure\nRestartSec=250ms\nWatchdogSec=2\nNotifyAccess=all\n\
        OpenFile=%t/systemd/notify:notify\nSockets=web.socket %p-admin.socket\nSuccessExitStatus=143 SIGUSR2\n";
    let service = service(text);
    assert_eq!(service.description, "web 1");
    assert_eq!(service.documentation, ["man:x(1)", "https://example.org"]);
    assert_eq!(
        (service.start_limit_interval, service.start_limit_burst),
        (Duration::MAX, 3)
    );
    assert_eq!(
        (service.kind, service.reload_signal),
        (Type::NotifyReload, Signal::USR1)
    );
    assert!(service.exec_start.ignore_failure);
    assert_eq!(
        service.exec_start.arguments,
        ["/usr/bin/node", "server.js", "1", "$ARGS"]
    );
    let reload: Vec<&str> = service
        .exec_reload
        .iter()
        .map(|command| command.executable.as_str())
        .collect();
    assert_eq!(reload, ["/bin/a", "/bin/b", "/bin/c"]);
    let environment: Vec<_> = service
        .environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(environment, [("A", "2"), ("B", "b c"), ("C", "1")]);
    assert_eq!(
        (
            service.environment_files[0].path.as_str(),
            service.environment_files[0].optional
        ),
        ("/etc/default/web", true)
    );
    assert_eq!(
        service.working_directory,
        Some(WorkingDirectory {
            path: Some("/srv/web".into()),
            optional: true
        })
    );
    assert_eq!(
        (service.timeout_start, service.timeout_stop),
        (Some(Duration::from_secs(60)), None)
    );
    assert_eq!(
        (service.kill_signal, service.restart),
        (Signal::INT, Restart::OnFailure)
    );
    assert_eq!(
        (service.restart_delay, service.watchdog),
        (Duration::from_millis(250), Some(Duration::from_secs(2)))
    );
    assert_eq!(service.notify_access, NotifyAccess::All);
    assert_eq!(
        service.open_files,
        [OpenFile::parse("/run/user/7/systemd/notify:notify").unwrap()]
    );
    let sockets: Vec<String> = service.sockets.iter().map(ToString::to_string).collect();
    assert_eq!(sockets, ["web.socket", "web-admin.socket"]);
    assert_eq!(
        service.success_exit_status,
        [ExitStatus::Code(143), ExitStatus::Signal(Signal::USR2)]
    );
}

#[test]
fn an_empty_assignment_resets_a_list() {
    let reset = "ExecReload=/bin/a\nExecReload=\nEnvironment=A=1\nEnvironment=\nEnvironmentFile=/a\nEnvironmentFile=\n\
        OpenFile=/a\nOpenFile=\nSuccessExitStatus=1\nSuccessExitStatus=\nWorkingDirectory=/a\nWorkingDirectory=";
    assert_eq!(service_with(reset), service_with(""));
}

#[test]
fn zero_and_infinity_mean_what_the_manual_says() {
    let no_limit = service_with("TimeoutSec=0\nWatchdogSec=0");
    assert_eq!(
        (
            no_limit.timeout_start,
            no_limit.timeout_stop,
            no_limit.watchdog
        ),
        (None, None, None)
    );
    let endless = service_with("TimeoutSec=infinity\nWatchdogSec=infinity");
    assert_eq!(
        (
            endless.timeout_start,
            endless.timeout_stop,
            endless.watchdog
        ),
        (None, None, None)
    );
    let short =
        service_with("TimeoutSec=3\nTimeoutStopSec=4\nStartLimitInterval=0\nStartLimitBurst=0");
    assert_eq!(
        (short.timeout_start, short.timeout_stop),
        (Some(Duration::from_secs(3)), Some(Duration::from_secs(4)))
    );
    assert_eq!(
        (short.start_limit_interval, short.start_limit_burst),
        (Duration::ZERO, 0)
    );
}

#[test]
fn notify_access_is_implied_by_what_needs_it() {
    for (lines, expected) in [
        ("", NotifyAccess::None),
        ("Type=notify", NotifyAccess::Main),
        ("Type=notify-reload\nNotifyAccess=none", NotifyAccess::Main),
        ("WatchdogSec=1", NotifyAccess::Main),
        ("WatchdogSec=0", NotifyAccess::None),
        ("Type=notify\nNotifyAccess=exec", NotifyAccess::Exec),
        ("NotifyAccess=all", NotifyAccess::All),
    ] {
        assert_eq!(service_with(lines).notify_access, expected, "{lines}");
    }
}

#[test]
fn the_home_folder_is_a_working_directory() {
    assert_eq!(
        service_with("WorkingDirectory=~").working_directory,
        Some(WorkingDirectory {
            path: None,
            optional: false
        })
    );
}

#[test]
fn a_drop_in_overrides_and_its_lines_are_named() {
    let base = (
        "web.service",
        "[Service]\nExecStart=/bin/x\nEnvironment=A=1\nRestart=no\n",
    );
    let files = [
        base,
        (
            "web.service.d/a.conf",
            "[Service]\nExecStart=\nExecStart=/bin/y %n\nEnvironment=A=2\nNice=5\n",
        ),
    ];
    let loaded = try_load("web.service", &files).unwrap();
    assert_eq!(
        loaded.warnings[0].to_string(),
        "web.service.d/a.conf:5: Nice= is not honoured by aye run"
    );
    let Unit::Service(service) = loaded.unit else {
        panic!("a service was read as a socket")
    };
    assert_eq!(service.exec_start.arguments, ["/bin/y", "web.service"]);
    assert_eq!(service.environment, [("A".to_owned(), "2".to_owned())]);
    assert_eq!(service.drop_ins, [PathBuf::from("web.service.d/a.conf")]);
    let bad = [
        base,
        ("web.service.d/b.conf", "[Service]\nExecStart=/bin/y\n"),
    ];
    assert_eq!(
        try_load("web.service", &bad).unwrap_err(),
        "web.service.d/b.conf:2: ExecStart=: expected one command, found another (an empty ExecStart= forgets those before it)"
    );
}

#[test]
fn reads_a_socket() {
    let text = "[Unit]\nDescription=%p\n[Socket]\nListenStream=8080\nListenStream=%t/web\nFileDescriptorName=http\n\
        Service=web@1.service\nBacklog=128\nSocketMode=0600\nAccept=no\n";
    let loaded = socket(text).unwrap();
    assert_eq!(loaded.warnings, []);
    let Unit::Socket(socket) = loaded.unit else {
        panic!("a socket was read as a service")
    };
    assert_eq!(
        socket.listen,
        [Listen::Port(8080), Listen::Path("/run/user/7/web".into())]
    );
    assert_eq!(
        (socket.description.as_str(), socket.descriptor_name.as_str()),
        ("web", "http")
    );
    assert_eq!((socket.backlog, socket.socket_mode), (128, 0o600));
    assert_eq!(socket.activates().unwrap().to_string(), "web@1.service");
}

#[test]
fn a_bare_socket_is_named_after_itself_and_is_for_the_service_of_its_name() {
    let Unit::Socket(socket) = socket("[Socket]\nListenStream=@x\n").unwrap().unit else {
        panic!("not a socket")
    };
    assert_eq!(
        (
            socket.descriptor_name.as_str(),
            socket.backlog,
            socket.socket_mode
        ),
        ("web.socket", u32::MAX, 0o666)
    );
    assert_eq!(
        (
            socket.service.clone(),
            socket.activates().unwrap().to_string()
        ),
        (None, "web.service".to_owned())
    );
}

/// Lines of `[Service]`, after `ExecStart=` unless they have their own, and whether they are good.
const LINES: [(&str, bool); 46] = [
    ("Type=notify", true),
    ("Type=never", false),
    ("Restart=on-abnormal", true),
    ("Restart=on-monday", false),
    ("TimeoutStartSec=5s 200ms", true),
    ("TimeoutStartSec=5x", false),
    ("TimeoutStopSec=", false),
    ("WatchdogSec=infinity", true),
    ("WatchdogSec=1.", false),
    ("RestartSec=.5", true),
    ("KillSignal=TERM", true),
    ("KillSignal=term", false),
    ("KillSignal=15", true),
    ("KillMode=control-group", true),
    ("KillMode=group", false),
    ("NotifyAccess=exec", true),
    ("NotifyAccess=everyone", false),
    ("RemainAfterExit=No", true),
    ("RemainAfterExit=never", false),
    ("Environment=A=1 \"B=2 3\" C=", true),
    ("Environment=1A=1", false),
    ("Environment=A", false),
    ("Environment=\"A=1", false),
    ("Environment=A=\\q", false),
    ("Environment=A=%z", false),
    ("Environment='A=%i%% 50%'", true),
    ("EnvironmentFile=-/nowhere", true),
    ("EnvironmentFile=nowhere", false),
    ("WorkingDirectory=/", true),
    ("WorkingDirectory=~", true),
    ("WorkingDirectory=tmp", false),
    ("SuccessExitStatus=1 TEMPFAIL SIGUSR1", true),
    ("SuccessExitStatus=FOO", false),
    ("SuccessExitStatus=256", false),
    ("Sockets=a.service", false),
    ("StartLimitBurst=7", true),
    ("StartLimitBurst=x", false),
    ("ExecReload=/bin/true 'a b' \\x20 \\; x ; /bin/true", true),
    ("ExecReload=/bin/true 'a", false),
    ("ExecReload=bin/true", false),
    ("ExecReload=/bin/", false),
    ("ExecReload=@/bin/true", false),
    ("ExecReload=/bin/true %z", false),
    ("ExecStart=/bin/true", false),
    ("ExecStart=\nExecStart=:@/bin/true x", true),
    ("ExecStart=", false),
];

/// One file for each line, all checked by one run; what systemd complains about it names by file.
#[test]
fn agrees_with_systemd_analyze_on_what_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = vec!["verify".to_owned(), "--man=no".to_owned()];
    let mut ours = Vec::new();
    for (at, (line, _)) in LINES.iter().enumerate() {
        let text = format!("[Service]\nExecStart=/bin/true\n{line}\n");
        let file = folder.path().join(format!("case{at}.service"));
        std::fs::write(&file, &text).unwrap();
        arguments.push(file.to_string_lossy().into_owned());
        let loaded = try_load(&format!("case{at}.service"), &[("f", &text)]);
        ours.push(loaded.is_ok_and(|loaded| loaded.warnings.is_empty()));
    }
    let output = run(
        "systemd-analyze",
        &arguments.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let complaints = String::from_utf8_lossy(&output.stderr);
    for (at, (line, good)) in LINES.iter().enumerate() {
        let theirs = !complaints.contains(&format!("case{at}.service"));
        assert_eq!(
            (ours[at], theirs),
            (*good, *good),
            "{line}: ours, systemd's\n{complaints}"
        );
    }
}

proptest! {
    #[test]
    fn loading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let name: Name = "web@1.service".parse().unwrap();
        let _ = load(&name, &[Source::new("f", bytes)], &Specifiers::default());
    }

    #[test]
    fn loading_any_value_of_any_setting_never_panics(
        key in prop::sample::select(vec![
            "ExecStart", "ExecReload", "Environment", "EnvironmentFile", "OpenFile", "Sockets", "WorkingDirectory",
            "TimeoutSec", "KillSignal", "SuccessExitStatus", "StartLimitBurst", "ListenStream", "SocketMode",
        ]),
        value in "([%a-i0-9:/@$;\\\\'\"= .-]|ä){0,30}",
    ) {
        let text = format!("[Unit]\nDescription={value}\n[Service]\nExecStart=/x\n{key}={value}\n[Socket]\n{key}={value}\n");
        for name in ["web@1.service", "web.socket"] {
            let _ = load(&name.parse().unwrap(), &[Source::new("f", text.clone())], &Specifiers::default());
        }
    }
}
