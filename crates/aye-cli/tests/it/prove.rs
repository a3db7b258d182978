//! `aye check --run` with real services: one that does what it should, and for each check one that does not.

use std::fs;

use rustix::process::Signal;

use crate::place::{Outcome, Place, await_exit};

/// A service that is ready, says that it stops, and ends at SIGTERM; `$1` is what else it does. It writes to the descriptor
/// that `OpenFile=` gave it, where there is one.
const SERVE: &str = r#"#!/bin/bash
reloading() {
	local up
	read -r up _ </proc/uptime
	# Rounded up. A carriage return separates assignments, too, and bash writes line by line.
	printf 'RELOADING=1\rMONOTONIC_USEC=%s0000' "$((10#${up/./} + 1))"
}
say() { [[ -z ${LISTEN_FDS-} ]] || printf '%s\n' "$1" >&3; }
end() { say STOPPING=1; kill $(jobs -p); exit 0; }
trap end TERM
case ${1-} in
deaf) trap '' TERM ;;
needy) set -u; : "$NOTIFY_SOCKET" ;;
silent) say() { :; } ;;
tell) say() { :; }; echo up >"$0.told" ;;
status) end() { kill $(jobs -p); exit 7; } ;;
child) (say STATUS=starting) ;;
lock) mkdir lock || exit 1 ;;
orphan)
	# Ready only when it has left: before that it is a child like any other.
	[[ -p left ]] || mkfifo left
	(setsid env -i sh -c 'echo >left; exec sleep 1000' 3>&- & echo $! >orphan)
	read -r _ <left
	;;
beats) (while sleep .1; do say WATCHDOG=1; done) & ;;
reload) trap 'say "$(reloading)"; say READY=1' HUP ;;
mute) trap : HUP ;;
complains) [[ ${NOTIFY_SOCKET-} ]] || echo 'NOTIFY_SOCKET is not set' >&2 ;;
esac
if [[ ${1-} == leak || -z ${LISTEN_FDS-} ]]; then
	sleep 1000 &
else
	sleep 1000 3>&- &
fi
child=$!
say READY=1
[[ ${1-} != wrong ]] || say WATCHDOG_USEC=soon
while :; do wait "$child"; done
"#;

fn place(how: &str, settings: &str) -> Place {
    let place = Place::new().file("serve", SERVE);
    let serve = place.units().join("serve");
    let service = format!(
        "Type=notify\nOpenFile=/run/systemd/notify:notify\nExecStart=/bin/bash {} {how}\n{settings}",
        serve.display()
    );
    place.service("web.service", &service)
}

fn check(place: &Place, words: &[&str]) -> Outcome {
    place.aye(&[&["check", "--run", "web.service"], words].concat())
}

/// The verdict on one check.
fn verdict(outcome: &Outcome, check: &str) -> String {
    let row = outcome.stdout.lines().find(|line| line.split_whitespace().nth(1) == Some(check));
    let verdict = row.and_then(|row| row.split_whitespace().next());
    verdict.unwrap_or_else(|| panic!("{check}: {outcome:?}")).to_owned()
}

#[track_caller]
fn fails(how: &str, settings: &str, check_name: &str) {
    let place = place(how, settings);
    let outcome = check(&place, &["--only", check_name]);
    assert_eq!((verdict(&outcome, check_name).as_str(), outcome.code), ("FAIL", Some(1)), "{outcome:?}");
    place.assert_nothing_left();
}

#[test]
fn a_check_that_is_not_there_is_a_usage_error() {
    let outcome = check(&place("", ""), &["--only", "reddy"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""));
    assert!(outcome.stderr.starts_with("aye check: there is no check reddy: expected one of ready, "));
}

#[test]
fn a_unit_that_cannot_be_read_is_named_where_it_is() {
    let place = Place::new().file("web.service", "[Service]\nExecStart\n");
    let outcome = check(&place, &[]);
    assert_eq!(outcome.code, Some(2));
    assert_eq!(outcome.stderr, "aye check: web.service:2: expected KEY=VALUE, found \"ExecStart\"\n");
}

#[test]
fn a_service_that_never_says_ready_is_not_ready() {
    fails("silent", "TimeoutStartSec=300ms\n", "ready");
}

#[test]
fn a_message_that_is_not_understood_is_shown() {
    fails("wrong", "", "main-process");
}

#[test]
fn a_watchdog_without_heartbeats_is_a_failure() {
    fails("", "WatchdogSec=300ms\n", "heartbeat");
}

#[test]
fn a_child_that_has_the_descriptor_is_found() {
    fails("leak", "", "descriptors");
}

#[test]
fn a_service_that_ignores_sigterm_does_not_stop() {
    fails("deaf", "TimeoutStopSec=300ms\n", "stop");
}

#[test]
fn an_exit_status_that_nobody_named_is_no_clean_stop() {
    fails("status", "", "stop");
    let place = place("status", "SuccessExitStatus=7\n");
    assert_eq!(verdict(&check(&place, &["--only", "stop"]), "stop"), "pass");
}

#[test]
fn a_service_that_needs_a_manager_is_found_out() {
    fails("needy", "", "without-manager");
    fails("complains", "", "without-manager");
}

#[test]
fn a_message_of_a_child_is_refused() {
    fails("child", "", "main-process");
    let place = place("child", "NotifyAccess=all\n");
    assert_eq!(verdict(&check(&place, &["--only", "main-process"]), "main-process"), "pass");
}

#[test]
fn a_service_that_leaves_its_lock_behind_does_not_start_again() {
    let place = place("lock", "");
    let folder = format!("WorkingDirectory={}\n", place.units().display());
    fails("lock", &folder, "restart");
}

#[test]
fn a_process_that_left_the_service_is_found_and_ended() {
    let place = place("orphan", "");
    let folder = format!("[Service]\nWorkingDirectory={}\n", place.units().display());
    let place = place.file("web.service.d/folder.conf", &folder);
    let outcome = check(&place, &["--only", "orphans"]);
    assert_eq!((verdict(&outcome, "orphans").as_str(), outcome.code), ("FAIL", Some(1)), "{outcome:?}");
    let orphan = fs::read_to_string(place.units().join("orphan")).unwrap();
    // Whoever inherits it may not have waited for it yet.
    let stat = fs::read_to_string(format!("/proc/{}/stat", orphan.trim())).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
}

#[test]
fn heartbeats_of_another_process_hide_that_the_main_process_hangs() {
    fails("beats", "NotifyAccess=all\nWatchdogSec=3s\n", "heartbeat-stops");
}

#[test]
fn a_heartbeat_is_awaited_for_as_long_as_it_may_take() {
    let place = place("beats", "NotifyAccess=all\n");
    let words = ["--only", "heartbeat", "--watchdog", "1min", "--observe", "1ms"];
    let outcome = check(&place, &words);
    assert_eq!((verdict(&outcome, "heartbeat").as_str(), outcome.code), ("pass", Some(0)), "{outcome:?}");
}

#[test]
fn a_watchdog_notices_that_the_main_process_hangs() {
    let outcome = check(&place("", "WatchdogSec=300ms\n"), &["--only", "heartbeat-stops"]);
    assert_eq!(verdict(&outcome, "heartbeat-stops"), "pass", "{outcome:?}");
}

#[test]
fn a_reload_that_ends_the_service_is_a_failure() {
    fails("", "Type=notify-reload\n", "reload");
}

#[test]
fn a_reload_that_is_not_answered_is_a_failure() {
    fails("", "ExecReload=/bin/false\n", "reload");
    fails("mute", "Type=notify-reload\nTimeoutStartSec=6s\n", "reload");
}

#[test]
fn a_reload_that_is_answered_passes() {
    let outcome = check(&place("reload", "Type=notify-reload\n"), &["--only", "reload"]);
    assert_eq!((verdict(&outcome, "reload").as_str(), outcome.code), ("pass", Some(0)), "{outcome:?}");
    assert!(outcome.stdout.contains("RELOADING=1, MONOTONIC_USEC=, READY=1"), "{outcome:?}");
}

#[test]
fn a_check_that_is_killed_leaves_nothing() {
    let place = place("tell", "");
    let told = place.units().join("serve.told");
    assert!(std::process::Command::new("mkfifo").arg(&told).status().unwrap().success());
    let mut command = place.command(&["check", "--run", "web.service"]);
    command.env("TMPDIR", place.path());
    let running = place.start(command);
    assert_eq!(fs::read_to_string(told).unwrap(), "up\n");
    let processes = place.processes();
    assert!(processes.len() >= 3, "the check, the manager and the service: {processes:?}");
    running.signalled(Signal::KILL);
    processes.into_iter().for_each(await_exit);
    place.assert_nothing_left();
    let left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["units"]);
}

#[test]
fn a_command_is_proved_as_a_service_and_told_as_json() {
    let place = place("", "");
    let words = ["check", "--json", "--only", "ready", "--only", "stop", "--", "bash", "serve"];
    let outcome = place.aye(&words);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let lines: Vec<serde_json::Value> =
        outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<[&str; 4]> = lines
        .iter()
        .map(|line| ["event", "unit", "check", "verdict"].map(|key| line[key].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [["check", "command.service", "ready", "pass"], ["check", "command.service", "stop", "pass"]]
    );
    assert_eq!(lines[0]["v"], 1);
    place.assert_nothing_left();
}

#[test]
fn a_failed_check_is_a_failure_in_the_report() {
    let place = place("status", "");
    let outcome = check(&place, &["--only", "stop", "--junit", "report.xml"]);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    let xml = fs::read_to_string(place.units().join("report.xml")).unwrap();
    assert!(xml.contains("tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\""), "{xml}");
    assert!(xml.contains("<failure message=\"FAILED: exited with 7"), "{xml}");
    let outcome = check(&place, &["--only", "stop", "--junit", "no/such/report.xml"]);
    assert!(outcome.stderr.starts_with("aye check: cannot write no/such/report.xml: "), "{outcome:?}");
}

#[test]
fn a_good_service_passes_everything_that_applies_and_leaves_nothing() {
    let place = place("", "");
    let outcome = check(&place, &["--junit", "report.xml"]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    for name in ["ready", "main-process", "descriptors", "stop", "orphans", "restart", "without-manager"] {
        assert_eq!(verdict(&outcome, name), "pass", "{outcome:?}");
    }
    for name in ["heartbeat", "reload", "heartbeat-stops"] {
        assert_eq!(verdict(&outcome, name), "skip", "{outcome:?}");
    }
    let xml = fs::read_to_string(place.units().join("report.xml")).unwrap();
    assert!(xml.contains("tests=\"11\" failures=\"0\" errors=\"0\" skipped=\"3\""), "{xml}");
    place.assert_nothing_left();
}
