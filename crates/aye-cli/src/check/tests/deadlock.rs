//! A start that waits for itself, in all its ways.

use super::*;

/// What live systemd 262 does with each of them.
#[test]
fn a_start_that_asks_for_its_own_unit_is_found_where_it_harms() {
    let reloads = "\nExecReload=/bin/kill -HUP $MAINPID";
    let ends = "ends the very start that it is part of, and the next one does it again";
    let waits = "waits for a job of its own unit, which waits for ExecStartPost=";
    let table = [
        ("restart", "", Some(ends)),
        ("--no-block restart", "", Some(ends)),
        ("stop", "", Some(ends)),
        ("--no-block stop", "", Some(ends)),
        ("try-restart", "", Some(ends)),
        ("reload-or-restart", "", Some(ends)),
        ("try-reload-or-restart", "", Some(ends)),
        ("kill", "", Some(ends)),
        ("kill --kill-whom=main -s WINCH", "", None),
        ("start", "", Some(waits)),
        ("--no-block start", "", None),
        ("reload", reloads, Some(waits)),
        ("reload-or-restart", reloads, Some(waits)),
        ("try-reload-or-restart", reloads, None),
        ("--no-block reload", reloads, None),
        ("--no-block reload-or-restart", reloads, None),
        ("is-active", "", None),
    ];
    for (verb, more, expected) in table {
        let unit = format!(
            "[Service]\nType=exec\nExecStart=/srv/web\nExecStartPost=systemctl {verb} web.service{more}\n"
        );
        let found: Vec<_> = findings(&unit)
            .into_iter()
            .filter(|finding| finding.rule.id == "start-post-deadlock")
            .map(|finding| finding.found.what)
            .collect();
        let expected: Vec<_> = expected.map(|what| format!("ExecStartPost= {what}")).into_iter().collect();
        assert_eq!(found, expected, "{unit}");
    }
}

#[test]
fn a_start_that_waits_for_itself_is_found_however_it_does() {
    let line = "ExecStartPost=/bin/sh -c 'until systemctl is-active web; do sleep 1; done'";
    let table = [
        (
            format!("Type=exec\nExecStart=/srv/web\n{line}"),
            "the unit is not active before ExecStartPost= has ended",
        ),
        (
            "Type=notify\nNotifyAccess=exec\nExecStart=/srv/web\nExecStartPost=systemd-notify --ready"
                .to_owned(),
            "ExecStartPost= begins after READY=1, and this is what says it",
        ),
        (
            "Type=notify\nNotifyAccess=exec\nExecStart=/srv/web\nExecStartPost=/usr/bin/aye notify READY=1"
                .to_owned(),
            "ExecStartPost= begins after READY=1, and this is what says it",
        ),
        (
            "Type=exec\nExecStart=/srv/web\nExecStartPre=systemctl start %n".to_owned(),
            "ExecStartPre= waits for a job of its own unit, which waits for ExecStartPre=",
        ),
        (
            "Type=oneshot\nExecStart=systemctl start %N".to_owned(),
            "ExecStart= waits for a job of its own unit, which waits for ExecStart=",
        ),
    ];
    for (unit, what) in table {
        let findings = findings(&format!("[Service]\n{unit}\n"));
        assert_eq!(ids(&findings), ["start-post-deadlock"], "{unit}\n{}", said(&findings));
        assert_eq!(findings[0].found.what, what, "{unit}");
    }
}
