//! Heartbeats: summed up, late, missing, of another interval.

use aye::verdict::{Context, Descriptors, Type};

use super::*;
use crate::trace::samples::{message, note, scene};

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
fn heartbeats_of_several_pids_are_one_line_with_a_star() {
    let context = Context { watchdog: true, ..Context::default() };
    let mut events = ready();
    events.extend((0..3).map(|beat| message(2_000, &context, "/bin/aye notify", 50 + beat, b"WATCHDOG=1")));
    events.push(message(3_000, &context, "/bin/aye notify", 60, b"STATUS=up"));
    events.push(message(4_000, &context, "/bin/aye notify", 70, b"WATCHDOG=1"));
    let text = text(scene(), &events, 5);
    assert_says(&text, "aye[*] main                  WATCHDOG=1 x 3, ");
    assert_says(&text, "aye[70] main                 WATCHDOG=1, after 2.0 s");
}

/// `aye notify`: a message, and the barrier that it waits for.
fn notify(millis: u64, pid: u32, bytes: &[u8]) -> [Event; 2] {
    let context = Context { watchdog: true, ..Context::default() };
    [message(millis, &context, "/bin/aye notify", pid, bytes), barrier(millis + 1, pid)]
}

fn barrier(millis: u64, pid: u32) -> Event {
    let fds = Descriptors { count: 1, ..Descriptors::default() };
    message(millis, &Context { fds, ..Context::default() }, "/bin/aye notify", pid, b"BARRIER=1")
}

#[test]
fn the_barrier_of_a_heartbeat_belongs_to_it() {
    let mut events = ready();
    events.extend(
        (1..=42u32).flat_map(|beat| notify(1_000 + u64::from(beat) * 5_000, 50 + beat, b"WATCHDOG=1")),
    );
    events.push(note(211_500, "that was all"));
    let mut timeline = Timeline::new(scene(), PLAIN);
    let lines: Vec<_> = events.iter().flat_map(|event| timeline.feed(event)).collect();
    let rows: Vec<_> = lines.iter().filter(|line| line.contains("aye[")).collect();
    assert_eq!(rows, ["  211.000 aye[*] main          WATCHDOG=1 x 42, every 5.0 s, margin 5.0 s"]);
}

#[test]
fn a_barrier_belongs_to_a_heartbeat_though_others_speak_between() {
    let mut events = ready();
    let [[one, its], [other, others]] = [notify(2_000, 50, b"WATCHDOG=1"), notify(2_000, 51, b"WATCHDOG=1")];
    events.extend([one, other, others, said(2_001, b"STATUS=up"), its]);
    let text = text(scene(), &events, 3);
    assert_says(&text, "aye[*] main                  WATCHDOG=1 x 2, ");
    assert_silent(&text, "BARRIER=1  accepted");
    assert_says(&text, "2 x BARRIER=1");
}

#[test]
fn the_barrier_of_anything_but_a_heartbeat_is_shown() {
    let alone = [barrier(2_000, 50)];
    let of_another = [notify(2_000, 51, b"WATCHDOG=1")[0].clone(), barrier(2_001, 50)];
    let mut a_second_one = notify(2_000, 50, b"WATCHDOG=1").to_vec();
    a_second_one.push(barrier(2_002, 50));
    let mut of_what_was_said_since = notify(2_000, 50, b"WATCHDOG=1").to_vec();
    of_what_was_said_since.splice(1..1, [notify(2_001, 50, b"STATUS=up")[0].clone()]);
    let refused = changed(barrier(2_001, 50), |said| said.passed = crate::trace::scene::Passed::AsEnded);
    let that_came_late = [notify(2_000, 50, b"WATCHDOG=1")[0].clone(), refused];
    for after in [
        &alone[..],
        &of_another,
        &a_second_one,
        &of_what_was_said_since,
        &notify(2_000, 50, b"STATUS=up"),
        &that_came_late,
    ] {
        let text = text(scene(), &[&ready()[..], after].concat(), 3);
        assert_says(&text, "BARRIER=1  accepted: all sent before it was received");
    }
}

#[test]
fn of_too_many_kinds_of_heartbeats_the_oldest_is_shown_and_forgotten() {
    let context = Context { watchdog: true, ..Context::default() };
    let mut timeline = Timeline::new(Scene { kind: Type::Simple, ..scene() }, PLAIN);
    let mut beat = |program: &str| timeline.feed(&message(1_000, &context, program, 9, b"WATCHDOG=1"));
    let shown: Vec<_> = (0..18).flat_map(|number| beat(&format!("p{number}"))).collect();
    assert!(matches!(&shown[..], [one, two] if one.contains("p0[9]") && two.contains("p1[9]")), "{shown:#?}");
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
