//! `aye check --init` with real programs: what they were seen to do is what the unit says, and the unit holds.

use std::fs;

use crate::place::{Outcome, Place};

/// A program that does all that a unit can be made of, on the descriptor that `OpenFile=` gives it; `$1` is what it does else.
const SERVE: &str = r#"
say() { [[ -z ${LISTEN_FDS-} ]] || printf '%s\n' "$1" >&3; }
reloading() {
	local up
	read -r up _ </proc/uptime
	# Rounded up. A carriage return separates assignments, too, and bash writes line by line.
	printf 'RELOADING=1\rMONOTONIC_USEC=%s0000' "$((10#${up/./} + 1))"
}
trap 'say STOPPING=1; kill $(jobs -p); exit 143' TERM
trap 'say "$(reloading)"; say READY=1' HUP
beat() { [[ -z ${WATCHDOG_USEC-} ]] || say WATCHDOG=1; }
[[ ${1-} != beats ]] || (while sleep .2; do beat; done) &
if [[ ${1-} == child ]]; then (say READY=1); else say READY=1; fi
while :; do
	[[ ${1-} == beats ]] || beat
	sleep .2 3>&- &
	wait $!
done
"#;

fn init(place: &Place, words: &[&str]) -> Outcome {
    place.aye(&[&["check", "--init"], words].concat())
}

fn serve() -> Place {
    Place::new().file("serve", SERVE)
}

#[track_caller]
fn assert_lines(outcome: &Outcome, lines: &[&str]) {
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    for line in lines {
        assert!(outcome.stdout.lines().any(|found| found == *line), "{line}: {outcome:?}");
    }
}

#[test]
fn a_program_that_is_not_there_is_a_usage_error() {
    let outcome = init(&serve(), &["--", "no-such-program"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""));
    assert_eq!(outcome.stderr, "aye check: there is no program no-such-program: name one by its path\n");
    assert_eq!(init(&serve(), &["--observe", "soon", "--", "sleep", "1"]).code, Some(2));
    assert_eq!(init(&serve(), &["--json", "--", "sleep", "1"]).code, Some(2));
    assert_eq!(init(&serve(), &[]).code, Some(2));
}

#[test]
fn a_program_that_does_not_stay_gets_no_unit() {
    let place = serve();
    let outcome = init(&place, &["--", "sh", "-c", "echo no config >&2; exit 3"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""));
    assert!(outcome.stderr.contains("the program does not stay: FAILED: exited with 3"), "{outcome:?}");
    assert!(outcome.stderr.contains("\n  no config\n"), "{outcome:?}");
    place.assert_nothing_left();
}

#[test]
fn a_program_that_says_nothing_is_told_how_to_become_ready() {
    let place = serve();
    let outcome = init(&place, &["--observe", "100ms", "--", "sleep", "1000"]);
    assert_lines(&outcome, &["Type=exec", "Restart=on-failure", "#NoNewPrivileges=yes"]);
    assert!(outcome.stdout.contains("It said no READY=1 within 100 ms"), "{outcome:?}");
    place.assert_nothing_left();
}

#[test]
fn a_ready_of_a_child_needs_notify_access() {
    let outcome = init(&serve(), &["--", "bash", "serve", "child"]);
    assert_lines(&outcome, &["Type=notify-reload", "NotifyAccess=all"]);
}

#[test]
fn heartbeats_of_a_child_make_no_watchdog() {
    let outcome = init(&serve(), &["--", "bash", "serve", "beats"]);
    assert_lines(&outcome, &["Type=notify-reload"]);
    assert!(!outcome.stdout.contains("\nWatchdogSec="), "{outcome:?}");
    assert!(outcome.stdout.contains("It was a child process that sent WATCHDOG=1"), "{outcome:?}");
}

#[test]
fn the_unit_says_what_was_seen_and_holds() {
    let place = serve();
    let outcome = init(&place, &["--", "bash", "serve", ""]);
    let text = outcome.stdout.replace("PLACE", place.path().to_str().unwrap());
    let place = place.file("web.service", &text);
    let seen =
        ["Type=notify-reload", "WatchdogSec=30s", "SuccessExitStatus=143", "WorkingDirectory=PLACE/units"];
    assert_lines(&outcome, &seen);
    assert_lines(&outcome, &["OpenFile=/run/systemd/notify:notify", "TimeoutStartSec=30s"]);
    assert!(fs::read_to_string(place.units().join("web.service")).unwrap().contains("ExecStart=/"));
    place.assert_nothing_left();

    // Three intervals of half a minute are not for a test to wait.
    let words = ["check", "--run", "web.service", "--skip", "heartbeat", "--skip", "heartbeat-stops"];
    let outcome = place.aye(&words);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}
