//! The same lines, judged by us and by `systemd-analyze verify`.

use super::try_load;
use crate::unit::testing::run;

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
    let output = run("systemd-analyze", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let complaints = String::from_utf8_lossy(&output.stderr);
    for (at, (line, good)) in LINES.iter().enumerate() {
        let theirs = !complaints.contains(&format!("case{at}.service"));
        assert_eq!((ours[at], theirs), (*good, *good), "{line}: ours, systemd's\n{complaints}");
    }
}
