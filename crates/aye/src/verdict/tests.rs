//! Tables of the verdict, unhappy first. That live systemd sees them the same way is in tests/vectors.

use super::*;

fn said(text: &str, context: Context) -> Vec<String> {
    let message = Message::parse(text.as_bytes()).unwrap();
    judge(&message, &context).iter().map(|judged| judged.verdict.to_string()).collect()
}

fn running() -> Context {
    Context::default()
}

fn at(version: u16, state: State) -> Context {
    Context { version, state, ..running() }
}

#[test]
fn what_cannot_be_accepted_is_refused_with_the_remedy() {
    let member = Context { main_pid: Process::Member, ..running() };
    for (text, context, expected) in [
        (
            "READY=1",
            Context { role: Role::Other, ..running() },
            "refused: its sender is neither the main nor a control process and NotifyAccess=main holds: \
             set NotifyAccess=all to accept it",
        ),
        (
            "READY=1",
            Context { role: Role::Outside, access: NotifyAccess::All, ..running() },
            "refused: its sender is no process of the unit, or had ended before the message was read: \
             wait for a barrier before exiting, as `aye notify` does",
        ),
        ("MAINPID=9", running(), "refused: there is no such process, or it has ended"),
        (
            "MAINPID=1",
            Context { main_pid: Process::Manager, ..running() },
            "refused: it is the service manager",
        ),
        (
            "MAINPID=9",
            Context { main_pid: Process::Foreign, uid: 1000, ..running() },
            "refused: it is no process of this service, and only root may name such a one",
        ),
        ("MAINPIDFD=1", member, "refused: it takes exactly one descriptor, and 0 came along"),
        (
            "MAINPIDFD=1",
            Context { fds: Descriptors { count: 1, ..Descriptors::default() }, ..running() },
            "refused: the descriptor is no pidfd",
        ),
        (
            "FDSTORE=1",
            Context { fds: Descriptors { count: 1, ..Descriptors::default() }, ..running() },
            "refused: FileDescriptorStoreMax=0 holds: set it to how many may be kept",
        ),
    ] {
        assert_eq!(said(text, context), [expected], "{text}");
    }
}

#[test]
fn what_means_nothing_is_ignored_with_the_reason() {
    let simple = Context { kind: Type::Simple, ..running() };
    for (text, context, expected) in [
        ("READY=1", simple, "ignored: Type=simple does not wait for READY=1: set Type=notify"),
        ("READY=1", running(), "ignored: nothing waits for it in running"),
        ("READY=yes", running(), "ignored: its value is not valid: expected 1"),
        (
            "ready=1",
            running(),
            "ignored: systemd does not know \"ready\": write READY, in capitals and without spaces",
        ),
        ("READY", running(), "ignored: it is no assignment: expected KEY=VALUE"),
        ("X_COLOUR=red", running(), "ignored: it is a private key, which means nothing to systemd"),
        ("COLOUR=red", running(), "ignored: systemd does not know the key: spell private ones X_..."),
        (
            "NOTIFYACCESS=all",
            at(252, State::Running),
            "ignored: systemd 252 does not know NOTIFYACCESS, which came with 254",
        ),
        ("MONOTONIC_USEC=1", running(), "ignored: it says nothing without RELOADING=1 in the same message"),
        ("FDSTORE=1", running(), "ignored: no descriptor came along"),
        ("FDSTOREREMOVE=1", running(), "ignored: it needs FDNAME= in the same message"),
        (
            "EXTEND_TIMEOUT_USEC=0",
            running(),
            "ignored: it is no time to add: send one between 0 and infinity",
        ),
        ("WATCHDOG=1", running(), "ignored: no watchdog is on: set WatchdogSec= or send WATCHDOG_USEC="),
        ("RESTART_RESET=1", at(262, State::Start), "ignored: it counts in running and stop, not in start"),
        ("BARRIER=1", running(), "ignored: a barrier takes exactly one descriptor, and 0 came along"),
        ("STOPPING=1", at(262, State::StopSigterm), "ignored: the service is stopping already"),
        (
            "READY=1",
            Context { stopping_said: true, ..at(262, State::Start) },
            "ignored: STOPPING=1 was said before, and since systemd 259 it is the last word of a run",
        ),
    ] {
        assert_eq!(said(text, context), [expected], "{text}");
    }
}

#[test]
fn the_first_of_a_key_counts_unless_the_line_is_all_there_is_to_it() {
    let first = "ignored: STATUS was there before in this message, and the first one counts";
    assert_eq!(said("STATUS=a\nSTATUS=b", running())[1], first);
    assert_eq!(said("STATUS=\u{1}\nERRNO=x\nERRNO=2", running())[2], first.replace("STATUS", "ERRNO"));
    let start = at(262, State::Start);
    assert_eq!(
        said("READY=0\nREADY=1\nREADY=1", start),
        [
            "ignored: its value is not valid: expected 1",
            "accepted: the service is up",
            "ignored: READY was there before in this message, and the first one counts",
        ]
    );
}

#[test]
fn an_invalid_text_takes_back_what_was_set() {
    let message = Message::parse(b"STATUS=\xff\nNOTIFYACCESS=everyone").unwrap();
    let context = Context { access: NotifyAccess::All, unit_access: NotifyAccess::Exec, ..running() };
    let seen: Vec<_> = judge(&message, &context).into_iter().map(|judged| judged.verdict).collect();
    assert!(matches!(seen[0], Verdict::Accepted(Effect::Resets(_), Assignment::Status(""))));
    assert!(matches!(
        seen[1],
        Verdict::Accepted(Effect::Resets(_), Assignment::NotifyAccess(NotifyAccess::Exec))
    ));
}

#[test]
fn a_barrier_in_company_takes_everything_with_it_whoever_sent_it() {
    let with_one =
        Context { role: Role::Outside, fds: Descriptors { count: 1, ..Descriptors::default() }, ..running() };
    assert_eq!(said("BARRIER=1", with_one), ["accepted: all sent before it was received"]);
    let why = "ignored: BARRIER=1 must be the only line of its message, so that nothing of it counts";
    assert_eq!(said("READY=1\nBARRIER=1", with_one), [why, why]);
}

#[test]
fn ready_reloading_and_stopping_meet_by_version() {
    use State::{Running, Start};
    for (version, state, text, words) in [
        (252, Start, "READY=1\nSTOPPING=1", ["ignored", "accepted"]),
        (252, Start, "STOPPING=1\nREADY=1", ["ignored", "accepted"]),
        (253, Start, "STOPPING=1\nREADY=1", ["accepted", "ignored"]),
        (252, Running, "RELOADING=1\nREADY=1", ["ignored", "ignored"]),
        (257, Running, "RELOADING=1\nREADY=1", ["accepted", "accepted"]),
        (252, Running, "READY=1\nRELOADING=1", ["ignored", "accepted"]),
        (262, Running, "READY=1\nSTOPPING=1", ["ignored", "accepted"]),
    ] {
        let message = Message::parse(text.as_bytes()).unwrap();
        let seen: Vec<_> =
            judge(&message, &at(version, state)).iter().map(|judged| judged.verdict.word()).collect();
        assert_eq!(seen, words, "{version} {state:?} {text:?}");
    }
}

#[test]
fn a_reload_is_answered_in_time_or_not_at_all() {
    let asked = Context { kind: Type::NotifyReload, reload_began: Some(100), ..at(262, State::ReloadSignal) };
    let late =
        "ignored: its MONOTONIC_USEC= is older than the reload: read CLOCK_MONOTONIC when the signal came";
    assert_eq!(
        said("RELOADING=1", asked),
        ["ignored: to answer a reload it needs MONOTONIC_USEC= in the same message"]
    );
    assert_eq!(said("RELOADING=1\nMONOTONIC_USEC=99", asked), [late, late]);
    assert_eq!(
        said("RELOADING=1\nMONOTONIC_USEC=100", asked),
        ["accepted: the reload has begun: READY=1 must end it", "accepted: it belongs to RELOADING"]
    );
    assert_eq!(
        said("RELOADING=1\nMONOTONIC_USEC=100\nREADY=1", asked),
        [
            "accepted: it belongs to READY",
            "accepted: it belongs to RELOADING",
            "accepted: the reload is over"
        ]
    );
}

#[test]
fn the_store_keeps_what_is_new_and_has_room() {
    let fds = |count, stored, maximum, used| Context {
        fds: Descriptors { count, stored, process: None },
        store: Store { maximum, used },
        ..running()
    };
    for (context, expected) in [
        (fds(2, 0, 2, 2), "refused: the store is full: FileDescriptorStoreMax=2 holds"),
        (fds(1, 1, 2, 1), "ignored: every one of its descriptors is in the store already"),
        (fds(3, 0, 2, 1), "accepted: 1 descriptor is kept"),
        (fds(3, 1, 5, 1), "accepted: 2 descriptors are kept"),
    ] {
        assert_eq!(said("FDSTORE=1", context), [expected]);
    }
}

#[test]
fn the_main_process_changes_by_state_and_version() {
    let member = |version, state| Context { main_pid: Process::Member, ..at(version, state) };
    for (version, state, word) in [
        (252, State::Running, "accepted"),
        (252, State::StopSigterm, "ignored"),
        (257, State::StopSigterm, "accepted"),
        (262, State::StopPost, "ignored"),
        (257, State::ReloadPost, "ignored"),
        (262, State::ReloadPost, "accepted"),
    ] {
        let message = Message::parse(b"MAINPID=9").unwrap();
        assert_eq!(judge(&message, &member(version, state))[0].verdict.word(), word, "{version} {state:?}");
    }
    let known = Context { main_pid_fd_id: Some(7), ..member(262, State::Running) };
    assert_eq!(
        said("MAINPID=9\nMAINPIDFDID=8", known)[0],
        "refused: MAINPIDFDID= in the same message is that of another process"
    );
    assert_eq!(
        said("MAINPID=9\nMAINPIDFDID=7", known),
        ["accepted: it holds from now on", "accepted: it belongs to MAINPID"]
    );
}

#[test]
fn a_line_and_its_verdict_are_one_sentence() {
    let message = Message::parse(b"STATUS=up\\\nand on").unwrap();
    assert_eq!(
        judge(&message, &running())[0].to_string(),
        "STATUS=up\\nand on is accepted: it holds from now on"
    );
}
