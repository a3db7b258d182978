//! `aye restart` over a real embedded manager: what surrounds each unit's restart, and what makes a run stop.

use std::fs;

use crate::place::{Outcome, Place, READY, Running};

/// What is ready at once, and stays.
const STAYS: &str = "ExecStart=/bin/sh -c 'echo %i >>starts; printf READY=1 >&3; exec sleep 1000'\n";

/// A place with the template web@.service, whose instances append their names to `starts` in the folder of units.
fn counting(rest: &str) -> Place {
    let place = Place::new();
    let begin = "OpenFile=/run/systemd/notify:notify\nType=notify";
    let folder = place.units();
    place.service("web@.service", &format!("{begin}\nWorkingDirectory={}\n{rest}", folder.display()))
}

/// A place where these units of a template are up.
fn up<'p>(place: &'p Place, units: &[&str]) -> Running<'p> {
    let mut running = place.run(units);
    for _ in units {
        running.says(": ready");
    }
    fs::remove_file(place.units().join("starts")).unwrap();
    running
}

fn restart(place: &Place, words: &[&str]) -> Outcome {
    place.aye(&[&["restart"], words].concat())
}

fn starts(place: &Place) -> Vec<String> {
    let text = fs::read_to_string(place.units().join("starts")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[track_caller]
fn assert_says(outcome: &Outcome, code: i32, text: &str) {
    assert!(
        outcome.code == Some(code) && outcome.stderr.contains(text),
        "wanted {code} and {text:?}: {outcome:#?}"
    );
}

#[test]
fn a_before_hook_that_fails_leaves_the_unit_untouched_and_stops_the_run() {
    let place = counting(STAYS);
    let running = up(&place, &["web@1", "web@2"]);
    let outcome = restart(
        &place,
        &["--before", "echo no such backend; exit 3", "--on-fail", "echo failed $AYE_UNIT >>told", "web@*"],
    );
    assert_says(&outcome, 1, "FAILED: its before-hook exited with 3; the unit was not touched");
    assert!(outcome.stderr.contains("no such backend"), "{outcome:#?}");
    assert_eq!(starts(&place), [""; 0]);
    assert_eq!(fs::read_to_string(place.units().join("told")).unwrap(), "failed web@1.service\n");
    running.interrupted();
    place.assert_nothing_left();
}

#[test]
fn an_after_hook_that_fails_fails_the_unit() {
    let place = counting(STAYS);
    let running = up(&place, &["web@1", "web@2"]);
    let outcome = restart(&place, &["--after", "exit 7", "web@*"]);
    assert_says(&outcome, 1, "FAILED: ready, but its after-hook exited with 7");
    assert_eq!(starts(&place), ["1"]);
    running.interrupted();
}

#[test]
fn a_check_that_never_succeeds_fails_when_the_time_is_over() {
    let place = counting(STAYS);
    let running = up(&place, &["web@1"]);
    let outcome = restart(&place, &["--ready-timeout", "200ms", "--check", "echo not yet; exit 9", "web@1"]);
    assert_says(&outcome, 1, "FAILED: its check did not succeed within 2");
    assert_says(&outcome, 1, "at last it exited with 9");
    running.interrupted();
}

#[test]
fn a_check_that_hangs_is_ended_when_the_time_is_over() {
    let place = counting(STAYS);
    let running = up(&place, &["web@1"]);
    let outcome = restart(&place, &["--ready-timeout", "200ms", "--check", "sleep 1000", "web@1"]);
    assert_says(&outcome, 1, "it has not ended yet");
    running.interrupted();
    place.assert_nothing_left();
}

#[test]
fn a_unit_that_dies_in_its_soak_has_failed() {
    let place = counting("ExecStart=/bin/sh -c 'echo %i >>starts; printf READY=1 >&3; sleep 0.1; exit 3'\n")
        .service("api.service", READY);
    let mut running = place.run(&["api"]);
    running.says(": ready");
    let outcome = restart(&place, &["--min-ready", "60s", "web@1", "api"]);
    assert_says(&outcome, 1, "FAILED: ready, then exited with 3 after 1");
    assert_says(&outcome, 1, "1 failed, 1 not attempted");
    running.interrupted();
}

#[test]
fn a_unit_that_restarts_by_itself_in_its_soak_has_failed() {
    let service = "Restart=always\nRestartSec=0\nExecStart=/bin/sh -c 'echo %i >>starts; printf READY=1 >&3; sleep 0.2; exit 0'\n";
    let place = counting(service).service("api.service", READY);
    let mut running = place.run(&["api"]);
    running.says(": ready");
    let outcome = restart(&place, &["--min-ready", "60s", "web@1"]);
    assert_says(&outcome, 1, "FAILED: ready, then ");
    running.interrupted();
}

#[test]
fn a_unit_that_is_not_ready_in_time_has_failed_and_its_job_goes_on() {
    let place = Place::new()
        .service("slow@.service", "Type=notify\nExecStart=/bin/sleep 1000\nTimeoutStartSec=infinity\n")
        .service("api.service", READY);
    let mut running = place.run(&["api"]);
    running.says(": ready");
    let outcome = restart(&place, &["--ready-timeout", "100ms", "slow@1"]);
    assert_says(&outcome, 1, "FAILED: not ready within 100 ms (--ready-timeout); its job goes on");
    assert_eq!(place.property("slow@1.service", "ActiveState"), "activating");
    running.interrupted();
}

#[test]
fn a_run_that_takes_too_long_fails_what_is_in_flight_and_leaves_the_rest() {
    let place = Place::new()
        .service("slow@.service", "Type=notify\nExecStart=/bin/sleep 1000\nTimeoutStartSec=infinity\n")
        .service("api.service", READY);
    let mut running = place.run(&["api"]);
    running.says(": ready");
    let outcome = restart(&place, &["--deadline", "100ms", "slow@1", "api"]);
    assert_says(&outcome, 1, "when the deadline of the run passed; its job goes on");
    assert_says(&outcome, 1, "0 ready, 1 failed, 1 not attempted");
    running.interrupted();
}

#[test]
fn an_availability_that_leaves_none_to_restart_touches_nothing() {
    let place = counting(STAYS);
    let running = up(&place, &["web@1", "web@2"]);
    let outcome = restart(&place, &["--min-available", "100%", "web@*"]);
    assert_says(&outcome, 1, "--min-available asks for 2 of 2 units, which leaves none to restart");
    assert_eq!(starts(&place), [""; 0]);
    running.interrupted();
}

#[test]
fn a_unit_without_readiness_is_refused_when_readiness_is_required() {
    let place = counting(STAYS).service("plain.service", "ExecStart=/bin/sleep 1000\n");
    let running = up(&place, &["web@1"]);
    let outcome = restart(&place, &["--require-notify", "web@1", "plain"]);
    assert_says(
        &outcome,
        1,
        "--require-notify: no readiness to wait for, Type=notify gives one: plain.service",
    );
    assert_eq!(starts(&place), [""; 0]);
    running.interrupted();
}

#[test]
fn asking_takes_a_terminal() {
    let place = Place::new();
    assert_says(&restart(&place, &["--on-failure", "ask", "web@1"]), 2, "takes a terminal to ask on");
}

#[test]
fn a_moment_that_is_none_is_a_usage_error() {
    let place = Place::new();
    assert_says(
        &restart(&place, &["--started-before", "soon", "web@1"]),
        2,
        "--started-before: expected a moment",
    );
}

#[test]
fn hooks_run_around_each_unit_and_know_it() {
    let place = counting(STAYS);
    let running = up(&place, &["web@1", "web@2"]);
    let tell = |hook: &str| format!("echo {hook} $AYE_UNIT $AYE_INDEX/$AYE_TOTAL >>told");
    let outcome = restart(
        &place,
        &["--before", &tell("before"), "--check", &tell("check"), "--after", &tell("after"), "web@*"],
    );
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let told = fs::read_to_string(place.units().join("told")).unwrap();
    let expected = ["web@1.service 1/2", "web@2.service 2/2"]
        .map(|unit| ["before", "check", "after"].map(|hook| format!("{hook} {unit}\n")).concat());
    assert_eq!(told, expected.concat());
    running.interrupted();
}

#[test]
fn a_check_is_tried_until_it_succeeds() {
    let place = counting(STAYS);
    let running = up(&place, &["web@1"]);
    let outcome = restart(&place, &["--check", "echo >>tries; [ $(wc -l <tries) = 3 ]", "web@1"]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    assert_eq!(fs::read_to_string(place.units().join("tries")).unwrap().lines().count(), 3);
    running.interrupted();
}

#[test]
fn a_resumed_run_restarts_no_unit_twice() {
    let place = counting(STAYS);
    let running = up(&place, &["web@1", "web@2", "web@3"]);
    // The third is not let through until the file is there.
    let words = ["--before", "[ $AYE_UNIT != web@3.service ] || [ -e go ]", "web@*"];
    let first = restart(&place, &words);
    assert_eq!((first.code, starts(&place)), (Some(1), vec!["1".to_owned(), "2".to_owned()]));
    let again = restart(&place, &[&["--only-stale"], &words[..]].concat());
    assert_eq!((again.code, starts(&place).len()), (Some(1), 2), "{again:#?}");
    fs::write(place.units().join("go"), "").unwrap();
    let resumed = restart(&place, &[&["--only-stale"], &words[..]].concat());
    assert_eq!(
        (resumed.code, starts(&place)),
        (Some(0), ["1", "2", "3"].map(str::to_owned).to_vec()),
        "{resumed:#?}"
    );
    // That ended well, so the next run has everything to do.
    let next = restart(&place, &[&["--only-stale"], &words[..]].concat());
    assert_eq!((next.code, starts(&place).len()), (Some(0), 6), "{next:#?}");
    running.interrupted();
}

#[test]
fn what_was_started_since_is_left_alone() {
    let place = counting(STAYS);
    let running = up(&place, &["web@1"]);
    let outcome = restart(&place, &["--started-before", "1h ago", "web@1"]);
    assert_eq!((outcome.code, starts(&place)), (Some(0), Vec::new()), "{outcome:#?}");
    assert_eq!(restart(&place, &["--started-before", "now", "web@1"]).code, Some(0));
    assert_eq!(starts(&place), ["1"]);
    running.interrupted();
}

#[test]
fn units_in_flight_are_as_many_as_allowed() {
    // Each is ready only when the other has begun, too.
    let service = "TimeoutStartSec=10\nExecStart=/bin/sh -c 'echo %i >>starts; until [ \"$(cat starts | wc -l)\" -ge 2 ]; do sleep 0.01; done; printf READY=1 >&3; \
         exec sleep 1000'\n";
    let place = counting(service);
    let running = up(&place, &["web@1", "web@2"]);
    let outcome = restart(&place, &["--max-parallel", "100%", "web@*"]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    running.interrupted();
}

#[test]
fn a_failure_within_the_budget_does_not_stop_the_run() {
    let place = counting(STAYS);
    let running = up(&place, &["web@1", "web@2", "web@3"]);
    let words = ["--max-failures", "1", "--before", "[ $AYE_INDEX != 1 ]", "web@*"];
    let outcome = restart(&place, &words);
    assert_eq!(
        (outcome.code, starts(&place)),
        (Some(1), vec!["2".to_owned(), "3".to_owned()]),
        "{outcome:#?}"
    );
    running.interrupted();
}
