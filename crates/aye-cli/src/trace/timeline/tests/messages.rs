//! Messages that do not arrive, and those that are long or bring something along.

use aye::verdict::{Context, Role};

use super::*;
use crate::trace::samples::{at, message, of_nobody, scene};
use crate::trace::scene::Passed;

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
fn a_message_that_may_have_come_too_late_is_told() {
    let ended = changed(said(10, b"STATUS=a"), |said| said.passed = Passed::AsEnded);
    let text = text(scene(), &[began(0), ended], 1);
    assert_says(
        &text,
        "! its sender had ended when it was passed on: systemd may not know whose it is any more",
    );
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
    assert_says(&text, "  BARRIER=1  accepted: all sent before it was received\n");
    assert!(!text.contains("descriptor"), "{text}");
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

/// By a process that is gone by then.
fn said_and_gone(millis: u64, bytes: &[u8]) -> Event {
    changed(said(millis, bytes), |said| said.command = None)
}

#[test]
fn a_sender_that_is_gone_has_the_name_it_had_before() {
    let events = [began(0), said(10, b"STATUS=a"), said_and_gone(20, b"STATUS=b")];
    let text = text(scene(), &events, 1);
    assert_says(&text, "0.020 node[4711] main ");
    assert_silent(&text, "?[4711]");
    assert_says(&text, "2 messages in 1.0 s of 1 process");
}

#[test]
fn a_sender_that_is_gone_has_the_last_of_its_names_and_no_other_pids() {
    let executed = changed(said(20, b"STATUS=b"), |said| said.command = Some("/usr/bin/nginx".to_owned()));
    let nobody = changed(said_by_child(40, b"STATUS=d"), |said| said.command = None);
    let events = [said(10, b"STATUS=a"), executed, said_and_gone(30, b"STATUS=c"), nobody];
    let text = text(scene(), &events, 1);
    assert_says(&text, "0.030 nginx[4711] main ");
    assert_says(&text, "0.040 ?[4720] other ");
}

#[test]
fn of_too_many_senders_the_name_of_the_oldest_is_forgotten() {
    let mut events = vec![said(10, b"STATUS=a"), said_by_child(11, b"STATUS=a")];
    let many = |pid| changed(said(20, b"X_A=1"), |said| said.sender.as_mut().unwrap().pid = pid);
    events.extend((10_000..10_254).map(many));
    events.push(said_and_gone(30, b"STATUS=b"));
    events.push(changed(said(40, b"X_A=1"), |said| said.sender.as_mut().unwrap().pid = 9));
    events.push(changed(said_by_child(50, b"STATUS=c"), |said| said.command = None));
    events.push(said_and_gone(60, b"STATUS=d"));
    let text = text(scene(), &events, 1);
    assert_says(&text, "0.030 node[4711] main ");
    assert_says(&text, "0.050 ?[4720] other ");
    assert_says(&text, "0.060 node[4711] main ");
}
