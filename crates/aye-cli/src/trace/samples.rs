//! Events for tests: a service that is traced, and what it says, each judged as a manager would.

use std::time::{Duration, SystemTime};

use aye::verdict::{Context, Effect, Role, State, Type, Verdict, judge};
use aye::{Dropped, Message, NotifyAccess, Sender};

use super::scene::{Event, Happening, Line, Outcome, Passed, Said, Scene, Word};

/// `Type=notify` with systemd's own timeouts and a watchdog of ten seconds.
pub(super) fn scene() -> Scene {
    Scene {
        subject: "node server.js".to_owned(),
        unit: Some("web.service".to_owned()),
        version: 262,
        kind: Type::Notify,
        access: NotifyAccess::Main,
        timeout_start: Some(Duration::from_secs(90)),
        timeout_stop: Some(Duration::from_secs(90)),
        watchdog: Some(Duration::from_secs(10)),
    }
}

/// At so many milliseconds.
pub(super) fn at(millis: u64, what: Happening) -> Event {
    let at = Duration::from_millis(millis);
    Event { at, time: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + at, what }
}

pub(super) fn began(millis: u64) -> Event {
    at(millis, Happening::Began { pid: 4711 })
}

pub(super) fn note(millis: u64, text: &str) -> Event {
    at(millis, Happening::Note(text.to_owned()))
}

pub(super) fn signalled(millis: u64, signal: i32) -> Event {
    at(millis, Happening::Signalled(signal))
}

/// The main process ends with an exit status, or by a signal where it is negative.
pub(super) fn ended(millis: u64, status: i32) -> Event {
    use std::os::unix::process::ExitStatusExt as _;
    let raw = if status < 0 { -status } else { status << 8 };
    at(millis, Happening::Ended(Some(std::process::ExitStatus::from_raw(raw))))
}

/// By the main process, while the service is in a state.
pub(super) fn said_in(millis: u64, state: State, bytes: &[u8]) -> Event {
    let context = Context { state, kind: scene().kind, watchdog: true, ..Context::default() };
    message(millis, &context, "node server.js", 4711, bytes)
}

/// By the main process of a service that runs.
pub(super) fn said(millis: u64, bytes: &[u8]) -> Event {
    said_in(millis, State::Running, bytes)
}

/// By a child of the main process, and refused by `NotifyAccess=main`.
pub(super) fn said_by_child(millis: u64, bytes: &[u8]) -> Event {
    let context = Context { role: Role::Other, ..Context::default() };
    message(millis, &context, "/bin/sh -c notify", 4720, bytes)
}

/// By a process that nobody knows.
pub(super) fn of_nobody(millis: u64, bytes: &[u8]) -> Event {
    let mut event = message(millis, &Context { role: Role::Outside, ..Context::default() }, "", 1, bytes);
    let Happening::Said(said) = &mut event.what else { unreachable!() };
    (said.sender, said.command, said.outcome) = (None, None, Outcome::Dropped(Dropped::NoCredentials));
    event
}

/// As a manager judges it by the context.
pub(super) fn message(millis: u64, context: &Context, command: &str, pid: u32, bytes: &[u8]) -> Event {
    let outcome = match Message::parse(bytes) {
        Err(error) => Outcome::Dropped(Dropped::Malformed(error)),
        Ok(message) => Outcome::Judged(judge(&message, context).iter().map(line).collect()),
    };
    let fds = vec!["pipe".to_owned(); context.fds.count];
    at(
        millis,
        Happening::Said(Said {
            bytes: bytes.to_vec(),
            sender: Some(Sender { pid, uid: 0, gid: 0 }),
            command: Some(command.to_owned()),
            role: context.role,
            fds,
            outcome,
            passed: Passed::AsSender,
        }),
    )
}

fn line(judged: &aye::verdict::Judged<'_>) -> Line {
    let (verdict, why) = match &judged.verdict {
        Verdict::Accepted(effect, _) => (Word::Accepted(*effect), effect.to_string()),
        Verdict::Ignored(why) => (Word::Ignored, why.to_string()),
        Verdict::Refused(why) => (Word::Refused, why.to_string()),
    };
    Line { text: judged.line.to_vec(), verdict, why }
}

/// The effects a line may have, for sequences without rhyme or reason.
pub(super) const EFFECTS: [Effect; 9] = [
    Effect::Applies,
    Effect::EndsStart,
    Effect::BeginsReload,
    Effect::AnswersReload,
    Effect::EndsReload,
    Effect::Reloads,
    Effect::BeginsStop,
    Effect::IsFinal,
    Effect::Stores(2),
];
