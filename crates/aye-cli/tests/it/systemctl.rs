//! The machine's own systemctl drives our manager: an independent client of the same interface.

use crate::place::{Place, READY};

fn place() -> Place {
    let reload = "ExecReload=/bin/sh -c 'kill -0 $MAINPID && echo reloaded $MAINPID'\n";
    Place::new().service("web@.service", &format!("{READY}{reload}"))
}

#[test]
fn systemctl_lists_shows_starts_stops_restarts_and_reloads() {
    let place = place();
    let mut manager = place.run(&["web@1", "web@2"]);
    manager.says(": ready");
    manager.says(": ready");

    let listed = place.systemctl(&["list-units", "--plain", "--no-legend"]);
    let rows: Vec<Vec<&str>> = listed.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        rows,
        ["web@1.service", "web@2.service"].map(|name| vec![name, "loaded", "active", "running", name])
    );

    let active = place.systemctl(&["is-active", "web@1", "web@2", "web@3"]);
    assert_eq!((active.stdout.as_str(), active.code), ("active\nactive\ninactive\n", Some(0)));
    let listed = place.systemctl(&["list-units", "--all", "--plain", "--no-legend"]);
    assert_eq!(listed.stdout.lines().count(), 2, "looking at web@3 does not make it one of web@*");

    let shown = place.systemctl(&[
        "show",
        "web@1",
        "-p",
        "Id,LoadState,ActiveState,SubState,Type,NotifyAccess,Result",
    ]);
    let mut lines: Vec<&str> = shown.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "ActiveState=active",
            "Id=web@1.service",
            "LoadState=loaded",
            "NotifyAccess=main",
            "Result=success",
            "SubState=running",
            "Type=notify",
        ]
    );

    let (pid, invocation) = (place.property("web@1", "MainPID"), place.property("web@1", "InvocationID"));
    assert_eq!(invocation.len(), 32, "{invocation}");
    let restarted = place.systemctl(&["restart", "web@1"]);
    assert_eq!((restarted.code, restarted.stderr.as_str()), (Some(0), ""));
    assert_ne!(place.property("web@1", "MainPID"), pid);
    assert_ne!(place.property("web@1", "InvocationID"), invocation);

    let main = place.property("web@1", "MainPID");
    assert_eq!(place.systemctl(&["reload", "web@1"]).code, Some(0));
    assert_eq!(manager.says("reloaded"), format!("web@1 | reloaded {main}"));
    assert_eq!(place.property("web@1", "MainPID"), main);

    assert_eq!(place.systemctl(&["stop", "web@2"]).code, Some(0));
    assert_eq!(place.systemctl(&["is-active", "web@2"]).stdout, "inactive\n");
    assert_eq!(place.systemctl(&["try-restart", "web@2"]).code, Some(0));
    assert_eq!(place.systemctl(&["is-active", "web@2"]).stdout, "inactive\n");
    assert_eq!(place.systemctl(&["start", "web@2", "web@3"]).code, Some(0));
    assert_eq!(place.systemctl(&["is-active", "web@2", "web@3"]).stdout, "active\nactive\n");

    let status = place.systemctl(&["status", "web@1"]);
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    assert!(status.stdout.contains("Active: active (running) since "), "{}", status.stdout);
    assert!(status.stdout.contains(&format!("Main PID: {main} (sleep)")), "{}", status.stdout);

    assert_eq!(place.systemctl(&["kill", "--signal=KILL", "web@3"]).code, Some(0));
    manager.says("web@3: FAILED: killed by SIGKILL after ");
    assert_eq!(place.systemctl(&["is-failed", "web@3"]).stdout, "failed\n");
    assert_eq!(place.systemctl(&["reset-failed", "web@3"]).code, Some(0));
    assert_eq!(place.systemctl(&["is-failed", "web@3"]).stdout, "inactive\n");

    assert_eq!(manager.interrupted().0, Some(130));
    place.assert_nothing_left();
}

#[test]
fn systemctl_hears_of_failures_as_from_systemd() {
    let place = place()
        .service("bad.service", "Type=notify\nExecStart=/bin/false\n")
        .service("broken.service", "Type=dbus\nExecStart=/bin/true\n");
    let mut manager = place.run(&["web@1"]);
    manager.says(": ready");

    let missing = place.systemctl(&["start", "nope"]);
    assert_eq!(
        (missing.stderr.as_str(), missing.code),
        ("Failed to start nope.service: Unit nope.service not found.\n", Some(5))
    );
    let failed = place.systemctl(&["start", "bad"]);
    assert_eq!(failed.code, Some(1));
    assert!(
        failed
            .stderr
            .starts_with("Job for bad.service failed because the control process exited with error code."),
        "{}",
        failed.stderr
    );
    assert_eq!(place.property("bad", "Result"), "exit-code");
    let broken = place.systemctl(&["start", "broken"]);
    assert!(broken.stderr.contains("broken.service:2: Type=: expected simple"), "{}", broken.stderr);
    assert_eq!(place.property("broken", "LoadState"), "bad-setting");
    let unloadable = place.systemctl(&["reload", "bad"]);
    assert_eq!(unloadable.code, Some(3), "systemctl's word for not implemented");
    assert!(
        unloadable.stderr.contains("Job type reload is not applicable for unit bad.service"),
        "{}",
        unloadable.stderr
    );
    manager.interrupted();
    place.assert_nothing_left();
}
