//! What unit files become, and what they say in vain.

mod differential;
mod refusal;

use std::time::Duration;

use proptest::prelude::*;
use rustix::process::Signal;

use super::*;
use crate::unit::{ExitStatus, Listen, NotifyAccess, OpenFile, Restart, Type, WorkingDirectory};

fn try_load(name: &str, files: &[(&str, &str)]) -> Result<Loaded, String> {
    let sources: Vec<Source> = files.iter().map(|(file, text)| Source::new(*file, *text)).collect();
    let specifiers = Specifiers::default().with('t', "/run/user/7");
    load(&name.parse().unwrap(), &sources, &specifiers).map_err(|error| error.to_string())
}

fn service(text: &str) -> Service {
    let loaded = try_load("web@1.service", &[("web@.service", text)]).unwrap();
    assert_eq!(loaded.warnings, []);
    let Unit::Service(service) = loaded.unit else { panic!("a service was read as a socket") };
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
fn says_that_open_file_takes_no_specifiers() {
    let text = "[Service]\nExecStart=/bin/x\nOpenFile=/run/user/%U/x:x\n";
    let expected = ["unit:3: OpenFile= takes no specifiers in systemd: % stays as it is"];
    assert_eq!(warnings("web.service", text), expected);
}

#[test]
fn names_what_a_socket_does_not_honour() {
    let text =
        "[Unit]\nStartLimitBurst=3\n[Socket]\nListenStream=80\nListenDatagram=81\nNoDelay=yes\nAccept=no\n";
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
    assert_eq!((service.watchdog, service.notify_access), (None, NotifyAccess::None));
    assert_eq!((service.kill_signal, service.reload_signal), (Signal::TERM, Signal::HUP));
    assert_eq!((service.start_limit_interval, service.start_limit_burst), (Duration::from_secs(10), 5));
    assert_eq!((service.working_directory, service.fragment), (None, "web@.service".into()));
}

#[test]
fn reads_every_honoured_setting() {
    let text = "[Unit]\nDescription=web %i\nDocumentation=man:x(1) https://example.org\nStartLimitIntervalSec=infinity\n\
        StartLimitBurst=3\n[Service]\nType=notify-reload\nExecStart=-/usr/bin/node server.js %i $ARGS\n\
        ExecReload=/bin/a ; /bin/b\nExecReload=/bin/c\nReloadSignal=USR1\nEnvironment=A=1 'B=b c'\nEnvironment=A=2 C=%i\n\
        EnvironmentFile=-/etc/default/web\nWorkingDirectory=-/srv/%p\nTimeoutStartSec=1min\nTimeoutStopSec=0\n\
        NonBlocking=yes\nKillSignal=SIGINT\nRestart=on-failure\nRestartSec=250ms\nWatchdogSec=2\nNotifyAccess=all\n\
        OpenFile=/run/systemd/notify:notify\nSockets=web.socket %p-admin.socket\nSuccessExitStatus=143 SIGUSR2\n";
    let service = service(text);
    assert_eq!(service.description, "web 1");
    assert_eq!(service.documentation, ["man:x(1)", "https://example.org"]);
    assert_eq!((service.start_limit_interval, service.start_limit_burst), (Duration::MAX, 3));
    assert_eq!((service.kind, service.reload_signal), (Type::NotifyReload, Signal::USR1));
    assert!(service.exec_start.ignore_failure);
    assert_eq!(service.exec_start.arguments, ["/usr/bin/node", "server.js", "1", "$ARGS"]);
    let reload: Vec<&str> = service.exec_reload.iter().map(|command| command.executable.as_str()).collect();
    assert_eq!(reload, ["/bin/a", "/bin/b", "/bin/c"]);
    let environment: Vec<_> =
        service.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(environment, [("A", "2"), ("B", "b c"), ("C", "1")]);
    assert_eq!(
        (service.environment_files[0].path.as_str(), service.environment_files[0].optional),
        ("/etc/default/web", true)
    );
    assert_eq!(
        service.working_directory,
        Some(WorkingDirectory { path: Some("/srv/web".into()), optional: true })
    );
    assert_eq!((service.timeout_start, service.timeout_stop), (Some(Duration::from_secs(60)), None));
    assert_eq!((service.kill_signal, service.restart), (Signal::INT, Restart::OnFailure));
    assert_eq!(
        (service.restart_delay, service.watchdog),
        (Duration::from_millis(250), Some(Duration::from_secs(2)))
    );
    assert_eq!(service.notify_access, NotifyAccess::All);
    assert!(service.non_blocking);
    assert_eq!(service.open_files, [OpenFile::parse("/run/systemd/notify:notify").unwrap()]);
    let sockets: Vec<String> = service.sockets.iter().map(ToString::to_string).collect();
    assert_eq!(sockets, ["web.socket", "web-admin.socket"]);
    assert_eq!(service.success_exit_status, [ExitStatus::Code(143), ExitStatus::Signal(Signal::USR2)]);
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
    assert_eq!((no_limit.timeout_start, no_limit.timeout_stop, no_limit.watchdog), (None, None, None));
    let endless = service_with("TimeoutSec=infinity\nWatchdogSec=infinity");
    assert_eq!((endless.timeout_start, endless.timeout_stop, endless.watchdog), (None, None, None));
    let short = service_with("TimeoutSec=3\nTimeoutStopSec=4\nStartLimitInterval=0\nStartLimitBurst=0");
    assert_eq!(
        (short.timeout_start, short.timeout_stop),
        (Some(Duration::from_secs(3)), Some(Duration::from_secs(4)))
    );
    assert_eq!((short.start_limit_interval, short.start_limit_burst), (Duration::ZERO, 0));
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
        Some(WorkingDirectory { path: None, optional: false })
    );
}

#[test]
fn a_drop_in_overrides_and_its_lines_are_named() {
    let base = ("web.service", "[Service]\nExecStart=/bin/x\nEnvironment=A=1\nRestart=no\n");
    let files = [
        base,
        ("web.service.d/a.conf", "[Service]\nExecStart=\nExecStart=/bin/y %n\nEnvironment=A=2\nNice=5\n"),
    ];
    let loaded = try_load("web.service", &files).unwrap();
    assert_eq!(loaded.warnings[0].to_string(), "web.service.d/a.conf:5: Nice= is not honoured by aye run");
    let Unit::Service(service) = loaded.unit else { panic!("a service was read as a socket") };
    assert_eq!(service.exec_start.arguments, ["/bin/y", "web.service"]);
    assert_eq!(service.environment, [("A".to_owned(), "2".to_owned())]);
    assert_eq!(service.drop_ins, [PathBuf::from("web.service.d/a.conf")]);
    let bad = [base, ("web.service.d/b.conf", "[Service]\nExecStart=/bin/y\n")];
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
    let Unit::Socket(socket) = loaded.unit else { panic!("a socket was read as a service") };
    assert_eq!(socket.listen, [Listen::Port(8080), Listen::Path("/run/user/7/web".into())]);
    assert_eq!((socket.description.as_str(), socket.descriptor_name.as_str()), ("web", "http"));
    assert_eq!((socket.backlog, socket.socket_mode), (128, 0o600));
    assert_eq!(socket.activates().unwrap().to_string(), "web@1.service");
}

#[test]
fn a_bare_socket_is_named_after_itself_and_is_for_the_service_of_its_name() {
    let Unit::Socket(socket) = socket("[Socket]\nListenStream=@x\n").unwrap().unit else {
        panic!("not a socket")
    };
    assert_eq!(
        (socket.descriptor_name.as_str(), socket.backlog, socket.socket_mode),
        ("web.socket", u32::MAX, 0o666)
    );
    assert_eq!(
        (socket.service.clone(), socket.activates().unwrap().to_string()),
        (None, "web.service".to_owned())
    );
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
