//! Single moments: what is overdue, what only just came in time, and what a trace says in the end.

use aye::verdict::{Context, Role, Type};

use super::*;
use crate::trace::samples::{at, message, note, of_nobody, scene};
use crate::trace::scene::{Happening, Passed, Said};

/// All lines as one text without breaks, for sentences that may wrap.
fn text(scene: Scene, events: &[Event], end_seconds: u64) -> String {
    let look = Look { width: usize::MAX, colour: false };
    play(scene, look, events, Duration::from_secs(end_seconds)).join("\n")
}

fn assert_says(text: &str, sentence: &str) {
    assert_eq!(text.matches(sentence).count(), 1, "expected once: {sentence}\n{text}");
}

fn assert_silent(text: &str, word: &str) {
    assert!(!text.contains(word), "not expected: {word}\n{text}");
}

fn ready() -> Vec<Event> {
    vec![began(0), said_in(1_000, State::Start, b"READY=1")]
}

fn changed(event: Event, change: impl FnOnce(&mut Said)) -> Event {
    let Event { at, time, what: Happening::Said(mut said) } = event else { panic!("no message") };
    change(&mut said);
    Event { at, time, what: Happening::Said(said) }
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

// Heartbeats.

#[test]
fn a_heartbeat_that_never_comes_is_told_while_it_happens_and_at_the_end() {
    let text = text(scene(), &ready(), 20);
    assert_says(&text, "! no heartbeat for 8.0 s of 10 s\n");
    assert_says(&text, "no heartbeat for 10.0 s of 10 s: its watchdog bites, and systemd ends it by SIGABRT");
    assert_says(&text, "no heartbeat in the 19.0 s it was up, though WatchdogSec=10 s");
    assert_says(&text, "write: say WATCHDOG=1 every 5 s, or drop WatchdogSec=");
}

#[test]
fn a_waker_that_is_late_says_how_late_it_is() {
    let mut timeline = Timeline::new(scene(), PLAIN);
    for event in ready() {
        timeline.feed(&event);
    }
    let lines = timeline.wake(Duration::from_millis(9_200)).join("\n");
    assert!(lines.ends_with("! no heartbeat for 8.2 s of 10 s"), "{lines}");
}

#[test]
fn heartbeats_in_time_are_one_line() {
    let mut events = ready();
    events.extend((1..=42).map(|beat| said(1_000 + beat * 5_000, b"WATCHDOG=1")));
    events.push(note(211_500, "that was all"));
    let mut timeline = Timeline::new(scene(), PLAIN);
    let lines: Vec<_> = events.iter().flat_map(|event| timeline.feed(event)).collect();
    let beats: Vec<_> = lines.iter().filter(|line| line.contains("WATCHDOG=1")).collect();
    assert_eq!(beats, ["  211.000 node[4711] main      WATCHDOG=1 x 42, every 5.0 s, margin 5.0 s"]);
}

#[test]
fn without_anything_else_heartbeats_are_shown_at_intervals_that_grow() {
    let mut events = ready();
    events.extend((1..=100).map(|beat| said(1_000 + beat * 1_000, b"WATCHDOG=1")));
    let lines = play(scene(), PLAIN, &events, Duration::from_secs(102));
    let counts: Vec<_> = lines
        .iter()
        .filter_map(|line| line.split_once("WATCHDOG=1 x ")?.1.split(',').next())
        .filter_map(|count| count.parse::<u32>().ok())
        .collect();
    assert_eq!(counts.iter().sum::<u32>(), 100, "{lines:#?}");
    assert_eq!(counts.len(), 4, "{counts:?}");
    assert!(
        counts.is_sorted_by_key(|count| if *count == counts[3] { u32::MAX } else { *count }),
        "{counts:?}"
    );
}

#[test]
fn heartbeats_that_do_not_count_are_summed_up_with_their_reason() {
    let mut events = ready();
    events.extend((0..3).map(|beat| said_by_child(2_000 + beat * 1_000, b"WATCHDOG=1")));
    let text = text(scene(), &events, 5);
    assert_says(&text, "sh[4720] other             ! WATCHDOG=1 x 3, every 1.0 s\n");
    assert_says(&text, "! refused: its sender is neither");
    assert_says(&text, "no heartbeat in the 4.0 s it was up");
}

#[test]
fn a_heartbeat_later_than_the_watchdog_is_told() {
    let mut events = ready();
    events.push(said(12_500, b"WATCHDOG=1"));
    let text = text(scene(), &events, 13);
    assert_says(&text, "too late: 11.5 s after READY=1, and WatchdogSec is 10 s");
    assert_says(&text, "1 x WATCHDOG=1, late by 1.5 s");
}

#[test]
fn another_interval_is_told_and_counts_from_then_on() {
    let mut events = ready();
    events.push(said(2_000, b"WATCHDOG_USEC=2000000"));
    let text = text(scene(), &events, 4);
    assert_says(&text, "WATCHDOG_USEC=2000000 (2 s)  accepted: the watchdog is 2 s, and was 10 s");
    assert_says(&text, "! no heartbeat for 1.6 s of 2 s");
}

#[test]
fn a_watchdog_that_is_switched_off_waits_for_nothing() {
    let mut events = ready();
    events.push(said(2_000, b"WATCHDOG_USEC=0"));
    let text = text(scene(), &events, 60);
    assert_says(&text, "WATCHDOG_USEC=0 (off)  accepted: the watchdog is off, and was 10 s");
    assert_silent(&text, "no heartbeat");
}

// Reloads.

fn reloading_service() -> Scene {
    Scene { kind: Type::NotifyReload, watchdog: None, ..scene() }
}

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
    assert_says(&text, "ended with exit status 0, 500 ms after its stop began");
    assert_silent(&text, "no STOPPING=1");
}

#[test]
fn a_service_that_says_so_when_it_is_told_to_stop_does_nothing_wrong() {
    let mut events = ready();
    events.extend([signalled(2_000, 15), said_in(2_003, State::StopSigterm, b"STOPPING=1"), ended(2_500, 0)]);
    let text = text(Scene { watchdog: None, ..scene() }, &events, 3);
    assert_says(&text, "  STOPPING=1  ignored: the service is stopping already, 3 ms after SIGTERM\n");
    assert_silent(&text, "!");
}

// Messages that do not arrive.

#[test]
fn a_message_that_is_lost_says_why_and_what_to_do() {
    let text = text(scene(), &[began(0), said(10, b"STATUS=C:\\"), of_nobody(11, b"")], 1);
    assert_says(&text, "! STATUS=C:\\\n");
    assert_says(
        &text,
        "lost: systemd drops it whole, because of a lone backslash at its end: double every backslash",
    );
    assert_says(&text, "! (empty)\n");
    assert_says(
        &text,
        "2 messages were lost, because systemd drops them whole: a lone backslash at its end; it has no sender",
    );
}

#[test]
fn a_message_that_is_not_passed_on_is_told() {
    let withheld = changed(said(10, b"STATUS=a"), |said| said.passed = Passed::Withheld);
    let failed = changed(said(20, b"WATCHDOG=1"), |said| said.passed = Passed::Failed("no such file".into()));
    let text = text(scene(), &[began(0), withheld, failed], 1);
    assert_says(&text, "! not passed on: under another sender's name it would fare otherwise");
    assert_says(&text, "! not passed on: no such file");
    assert_says(&text, "2 messages were not passed on by the trace");
}

#[test]
fn descriptors_are_named_and_those_stored_are_counted() {
    use aye::verdict::{Descriptors, Store};
    let context = Context {
        fds: Descriptors { count: 2, ..Descriptors::default() },
        store: Store { maximum: 8, used: 0 },
        role: Role::Main,
        ..Context::default()
    };
    let stored = message(10, &context, "node", 4711, b"FDSTORE=1\nFDNAME=web");
    let text = text(scene(), &[began(0), stored], 1);
    assert_says(&text, "┌ FDSTORE=1  accepted: 2 descriptors are kept");
    assert_says(&text, "│ FDNAME=web  accepted");
    assert_says(&text, "└ with 2 descriptors: pipe, pipe");
    assert_says(&text, "  2 descriptors stored");
}

#[test]
fn a_barrier_says_what_it_is_for() {
    use aye::verdict::Descriptors;
    let context = Context { fds: Descriptors { count: 1, ..Descriptors::default() }, ..Context::default() };
    let text = text(scene(), &[began(0), message(10, &context, "node", 4711, b"BARRIER=1")], 1);
    assert_says(&text, "┌ BARRIER=1  accepted: everything sent before it has been received\n");
    assert_says(&text, "└ with 1 descriptor: pipe\n");
}

#[test]
fn a_message_of_many_lines_is_cut_and_says_so() {
    let many = "X_A=1\n".repeat(40);
    let text = text(scene(), &[began(0), said(10, many.as_bytes())], 1);
    assert_says(&text, "… and 24 lines more: see --json or --raw");
}

#[test]
fn a_second_run_begins_anew() {
    let mut events = ready();
    events.extend([ended(2_000, 1), began(3_000), said_in(5_000, State::Start, b"READY=1")]);
    let text = text(Scene { watchdog: None, ..scene() }, &events, 6);
    assert_says(&text, "accepted: READY after 1.00 s");
    assert_says(&text, "accepted: READY after 2.00 s");
    assert_says(&text, "2 x READY=1, the start took 2.00 s");
}

#[test]
fn a_long_text_is_cut_and_says_how_much_is_left_out() {
    let status = format!("STATUS={}", "word ".repeat(600));
    let lines = play(scene(), PLAIN, &[began(0), said(10, status.as_bytes())], Duration::from_secs(1));
    let cut = lines.iter().filter(|line| line.contains("bytes more")).count();
    assert_eq!(cut, 1, "{lines:#?}");
    assert!(lines.len() < 20, "{lines:#?}");
}

#[test]
fn a_state_is_shown_once_until_it_changes() {
    let state = |millis, sub: &str, result: &str| {
        at(millis, Happening::State { active: "active".into(), sub: sub.into(), result: result.into() })
    };
    let events =
        [state(1, "running", "success"), state(2, "running", "success"), state(3, "exited", "timeout")];
    let text = text(scene(), &events, 1);
    assert_says(&text, "active (running)");
    assert_says(&text, "! active (exited), result timeout");
}

#[test]
fn the_last_lines_come_once() {
    let mut timeline = Timeline::new(scene(), PLAIN);
    assert!(!timeline.finish(Duration::ZERO).is_empty());
    assert_eq!(timeline.finish(Duration::ZERO), [""; 0]);
    assert_eq!(timeline.next_wake(), None);
}
