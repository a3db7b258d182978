//! Starts, reloads and stops: what is overdue, what only just came in time, and what a trace says of it in the end.

use aye::verdict::{Context, Type};

use super::*;
use crate::trace::samples::{at, message, scene};

fn reloading_service() -> Scene {
    Scene { kind: Type::NotifyReload, watchdog: None, ..scene() }
}

fn reloading_service_with_watchdog() -> Scene {
    Scene { watchdog: Some(Duration::from_secs(10)), ..reloading_service() }
}

// Starts.

#[test]
fn a_start_without_a_word_is_told_at_half_at_nine_tenths_and_at_its_end() {
    let text = text(scene(), &[began(0)], 100);
    assert_says(&text, "! no READY=1 for 45.0 s of 90 s; nothing was said yet\n");
    assert_says(&text, "! no READY=1 for 81.0 s of 90 s; nothing was said yet\n");
    assert_says(&text, "no READY=1 for 90.0 s of 90 s; nothing was said yet; TimeoutStartSec is over");
    assert_says(&text, "no READY=1: the start timed out after 90 s");
    assert_silent(&text, "no STOPPING=1");
}

#[test]
fn a_long_start_says_what_was_last_heard() {
    let loading = said_in(15_000, State::Start, b"STATUS=loading");
    let text = text(scene(), &[began(0), loading], 60);
    assert_says(&text, "no READY=1 for 45.0 s of 90 s; last heard 30.0 s ago: STATUS=loading");
    assert_says(&text, "no READY=1: it ran for 60.0 s, and the start would have timed out after 90 s");
}

#[test]
fn a_start_without_an_end_stays_activating() {
    let endless = Scene { timeout_start: None, ..scene() };
    let text = text(endless, &[began(0)], 100_000);
    assert_silent(&text, "overdue");
    assert_says(&text, "no READY=1: the unit stays activating, because TimeoutStartSec=infinity");
}

#[test]
fn a_ready_that_was_refused_is_named_with_the_line_to_write() {
    let text = text(scene(), &[began(0), said_by_child(900, b"READY=1")], 2);
    assert_says(&text, "no READY=1 that counts: sh[4720] (other) said it and was refused; it ran for 2.0 s");
    assert_says(&text, "write: NotifyAccess=all, or exec");
    assert_says(&text, "1 message was refused, of sh (other): its sender is neither");
}

#[test]
fn an_end_before_ready_is_a_failed_start() {
    let text = text(scene(), &[began(0), ended(700, 0)], 1);
    assert_says(&text, "! ended with exit status 0 before READY=1: systemd counts that as a failed start");
    assert_says(&text, "no READY=1: it ended 700 ms after its begin, which is a failed start");
}

#[test]
fn a_start_that_systemd_gave_up_timed_out() {
    let state = Happening::State {
        active: "deactivating".into(),
        sub: "stop-sigterm".into(),
        result: "timeout".into(),
    };
    let text = text(scene(), &[began(3), at(90_001, state), ended(90_010, -15)], 91);
    assert_says(&text, "! deactivating (stop-sigterm), result timeout");
    assert_says(&text, "ended by SIGTERM, 9 ms after its stop began");
    assert_says(&text, "no READY=1: the start timed out after 90 s");
}

#[test]
fn a_start_that_was_stopped_says_so_and_misses_no_stopping() {
    let text = text(scene(), &[began(0), signalled(2_000, 15), ended(2_010, -15)], 3);
    assert_says(&text, "no READY=1: it was stopped 2.0 s into its start");
    assert_silent(&text, "STOPPING");
}

#[test]
fn without_a_manager_a_start_would_have_timed_out() {
    let text = text(Scene { unit: None, ..scene() }, &[began(0)], 100);
    assert_says(&text, "node server.js begins, and no manager hears it; Type=notify");
    assert_says(&text, "no READY=1: the start would have timed out after 90 s");
}

#[test]
fn an_interval_that_is_set_while_it_starts_is_watched_at_once() {
    let events = [began(0), said_in(1_000, State::Start, b"WATCHDOG_USEC=2000000")];
    let text = text(scene(), &events, 3);
    assert_says(&text, "! no heartbeat for 1.6 s of 2 s\n");
}

#[test]
fn an_extension_that_nearly_ran_out_is_told() {
    let events = [
        began(0),
        said_in(80_000, State::Start, b"EXTEND_TIMEOUT_USEC=20000000"),
        said_in(99_000, State::Start, b"READY=1"),
    ];
    let text = text(scene(), &events, 100);
    assert_says(&text, "EXTEND_TIMEOUT_USEC=20000000 (20 s)  accepted");
    assert_says(
        &text,
        "no READY=1 for 96.0 s, 16.0 s of them since EXTEND_TIMEOUT_USEC= gave 20 s; last heard 16.0 s ago",
    );
    assert_says(&text, "! EXTEND_TIMEOUT_USEC= of 20 s nearly ran out: 1.00 s were left");
    assert_says(&text, "READY after 99.0 s");
}

#[test]
fn a_type_that_waits_for_nothing_misses_no_ready() {
    let simple = Scene { kind: Type::Simple, watchdog: None, ..scene() };
    let text = text(simple, &[began(0)], 200);
    assert_silent(&text, "READY");
    assert_silent(&text, "overdue");
}

// Reloads.

#[test]
fn a_reload_without_an_answer_is_told() {
    let mut events = ready();
    events.push(signalled(2_000, 1));
    let text = text(reloading_service(), &events, 100);
    assert_says(&text, "! a reload waits for RELOADING=1 since 72.0 s of 90 s\n");
    assert_says(&text, "since 90.0 s of 90 s: systemd gives the reload up, and the service runs on");
    assert_says(&text, "no RELOADING=1 after the last SIGHUP: Type=notify-reload waits 90 s for it");
}

#[test]
fn a_reload_that_never_ends_is_told() {
    let mut events = ready();
    events.push(said(2_000, b"RELOADING=1"));
    let text = text(reloading_service(), &events, 3);
    assert_says(&text, "RELOADING=1 without READY=1 after it: the unit stays reloading");
    assert_says(&text, "RELOADING=1 without MONOTONIC_USEC= (1 time): it does not answer a reload");
}

#[test]
fn a_reload_is_timed_from_its_signal() {
    let context = Context {
        state: State::ReloadSignal,
        kind: Type::NotifyReload,
        reload_began: Some(5),
        ..Context::default()
    };
    let mut events = ready();
    events.extend([
        signalled(2_000, 1),
        message(2_012, &context, "node", 4711, b"RELOADING=1\nMONOTONIC_USEC=6"),
        said_in(2_312, State::ReloadNotify, b"READY=1"),
    ]);
    let text = text(reloading_service(), &events, 3);
    assert_says(&text, "RELOADING=1  accepted: 12 ms after SIGHUP");
    assert_says(&text, "READY=1  accepted: READY after 300 ms more");
    assert_silent(&text, "MONOTONIC_USEC= (");
}

// Stops.

#[test]
fn a_stop_that_takes_too_long_is_told() {
    let mut events = ready();
    events.extend([signalled(2_000, 15), ended(89_000, -9)]);
    let text = text(Scene { watchdog: None, ..scene() }, &events, 90);
    assert_says(&text, "! not ended for 72.0 s of 90 s after SIGTERM\n");
    assert_says(&text, "ended by SIGKILL, 87.0 s after SIGTERM");
    assert_says(&text, "! TimeoutStopSec=90 s nearly ran out: 3.00 s were left");
    assert_says(&text, "- no STOPPING=1: harmless");
}

#[test]
fn a_stop_of_its_own_accord_is_timed_from_its_word() {
    let mut events = ready();
    events.extend([said(2_000, b"STOPPING=1"), ended(2_500, 0)]);
    let text = text(scene(), &events, 3);
    assert_says(&text, "STOPPING=1  accepted: it stops of its own accord");
    assert_says(&text, "ended with exit status 0, 500 ms after STOPPING=1");
    assert_silent(&text, "no STOPPING=1");
}

#[test]
fn while_it_stops_nothing_else_is_awaited() {
    let mut events = ready();
    events.extend([
        signalled(2_000, 15),
        said_in(2_001, State::StopSigterm, b"WATCHDOG=1"),
        signalled(2_002, 1),
    ]);
    events.push(ended(80_000, 0));
    let text = text(Scene { timeout_stop: None, ..reloading_service_with_watchdog() }, &events, 200);
    assert_silent(&text, "overdue");
    assert_silent(&text, "a reload");
    assert_says(&text, "  WATCHDOG=1\n");
}

#[test]
fn of_a_process_that_has_ended_nothing_is_awaited() {
    assert_silent(&text(scene(), &[began(0), ended(700, 0)], 200), "overdue");
    let mut events = ready();
    events.push(ended(2_000, 0));
    assert_silent(&text(scene(), &events, 200), "overdue");
}

#[test]
fn a_service_that_says_so_when_it_is_told_to_stop_does_nothing_wrong() {
    let mut events = ready();
    events.extend([signalled(2_000, 15), said_in(2_003, State::StopSigterm, b"STOPPING=1"), ended(2_500, 0)]);
    let text = text(Scene { watchdog: None, ..scene() }, &events, 3);
    assert_says(&text, "  STOPPING=1  ignored: the service is stopping already, 3 ms after SIGTERM\n");
    assert_silent(&text, "!");
}
