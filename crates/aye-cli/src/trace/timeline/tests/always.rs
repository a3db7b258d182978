//! What holds of any sequence of events.

use aye::Dropped;
use aye::verdict::{Effect, Role};
use proptest::prelude::*;

use super::*;
use crate::trace::samples::{EFFECTS, at, scene};
use crate::trace::scene::{Happening, Line, Outcome, Passed, Said, Word};
use crate::trace::timeline::layout::cells;

const LINES: [&[u8]; 12] = [
    b"READY=1",
    b"RELOADING=1",
    b"STOPPING=1",
    b"WATCHDOG=1",
    b"WATCHDOG=trigger",
    b"WATCHDOG_USEC=3000000",
    b"WATCHDOG_USEC=18446744073709551615",
    b"EXTEND_TIMEOUT_USEC=20000000",
    b"EXTEND_TIMEOUT_USEC=18446744073709551615",
    b"ERRNO=2",
    b"\xff\x1b[2J\xe2\x80\xae no assignment",
    "STATUS=読み込み中 with a text that is somewhat longer than a line of it may be".as_bytes(),
];

fn verdict() -> impl Strategy<Value = Word> {
    prop_oneof![
        3 => Just(Word::Accepted(Effect::Applies)),
        3 => prop::sample::select(&EFFECTS[..]).prop_map(Word::Accepted),
        1 => Just(Word::Ignored),
        1 => Just(Word::Refused),
    ]
}

fn line() -> impl Strategy<Value = Line> {
    let text = prop_oneof![
        4 => prop::sample::select(&LINES[..]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ];
    (text, verdict()).prop_map(|(text, verdict)| Line {
        text,
        verdict,
        why: "a rule says so: do otherwise".into(),
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let dropped = [Dropped::TooLarge, Dropped::NoCredentials, Dropped::DescriptorsLost];
    prop_oneof![
        4 => prop::collection::vec(line(), 0..4).prop_map(Outcome::Judged),
        3 => verdict().prop_map(|verdict| {
            Outcome::Judged(vec![Line { text: b"WATCHDOG=1".to_vec(), verdict, why: "no".into() }])
        }),
        1 => prop::sample::select(dropped.to_vec()).prop_map(Outcome::Dropped),
    ]
}

fn message() -> impl Strategy<Value = Happening> {
    let roles = [Role::Main, Role::Control, Role::Other, Role::Outside];
    let passed =
        [Passed::Nowhere, Passed::AsSender, Passed::AsEnded, Passed::Withheld, Passed::Failed("gone".into())];
    let sender = prop::option::of((1u32..9).prop_map(|pid| aye::Sender { pid, uid: 0, gid: 0 }));
    let command = prop::option::of("(/usr)?/[a-z]{1,30}( [a-z]{1,5})?");
    let rest = (prop::sample::select(roles.to_vec()), prop::sample::select(passed.to_vec()));
    let fds = prop::collection::vec("[a-z ]{1,20}", 0..3);
    (outcome(), sender, command, rest, fds).prop_map(|(outcome, sender, command, (role, passed), fds)| {
        Happening::Said(Said { bytes: b"bytes".to_vec(), sender, command, role, fds, outcome, passed })
    })
}

fn happening() -> impl Strategy<Value = Happening> {
    let word = "[a-z]{0,12}";
    prop_oneof![
        8 => message(),
        1 => Just(Happening::Began { pid: 7 }),
        1 => prop::sample::select(vec![1, 2, 6, 9, 15, 64]).prop_map(Happening::Signalled),
        1 => (prop::sample::select(vec!["active", "deactivating", "failed"]), word, word)
            .prop_map(|(active, sub, result)| Happening::State { active: active.into(), sub, result }),
        1 => Just(Happening::Ended(None)),
        1 => "\\PC{0,40}".prop_map(Happening::Note),
    ]
}

/// Events one after another, with spans between them from none to days.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let span = prop_oneof![4 => 0u64..8_000, 2 => 0u64..100_000, 1 => 0u64..200_000_000];
    prop::collection::vec((span, happening()), 0..40).prop_map(|steps| {
        let mut now = 0;
        let place = |(span, what)| {
            now += span;
            at(now, what)
        };
        steps.into_iter().map(place).collect()
    })
}

fn scenes() -> impl Strategy<Value = Scene> {
    let kinds = [aye::verdict::Type::Notify, aye::verdict::Type::NotifyReload, aye::verdict::Type::Simple];
    let limit = || prop::option::of((0u64..200_000).prop_map(Duration::from_millis));
    (prop::sample::select(kinds.to_vec()), limit(), limit(), limit()).prop_map(
        |(kind, start, stop, watchdog)| Scene {
            kind,
            timeout_start: start,
            timeout_stop: stop,
            watchdog,
            ..scene()
        },
    )
}

fn last(events: &[Event]) -> Duration {
    events.last().map_or(Duration::ZERO, |event| event.at) + Duration::from_secs(400)
}

/// How many messages a line stands for, by its mark and by its count: heartbeats alone have one.
fn heartbeats_of(line: &str) -> u64 {
    let Some((_, after)) = line.split_once("WATCHDOG=1") else { return 0 };
    let count = after.strip_prefix(" x ").map(|text| text.split(',').next().unwrap());
    count.map_or(1, |count| count.parse().unwrap())
}

proptest! {
    #[test]
    fn no_line_is_wider_than_the_terminal(
        scene in scenes(), events in events(), width in prop_oneof![Just(80usize), Just(120), 40..200usize],
    ) {
        for line in play(scene, Look { width, colour: false }, &events, last(&events)) {
            prop_assert!(cells(&line) <= width, "{} cells: {line}", cells(&line));
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }

    #[test]
    fn every_message_is_shown_or_counted_once(scene in scenes(), events in events()) {
        // Each message gets a name of its own, unless it is a heartbeat, which is counted.
        let mut events = events;
        let mut names = Vec::new();
        let mut heartbeats = 0;
        for (index, event) in events.iter_mut().enumerate() {
            let Happening::Said(said) = &mut event.what else { continue };
            match &mut said.outcome {
                Outcome::Judged(lines) if matches!(&lines[..], [line] if line.text == b"WATCHDOG=1") => heartbeats += 1,
                Outcome::Judged(lines) => {
                    names.push(format!("X_M{index}_"));
                    let line = Line {
                        text: format!("X_M{index}_=1").into_bytes(),
                        verdict: Word::Ignored,
                        why: "private".into(),
                    };
                    *lines = vec![line];
                }
                Outcome::Dropped(_) => {
                    names.push(format!("X_M{index}_"));
                    said.bytes = format!("X_M{index}_").into_bytes();
                }
            }
        }
        let look = Look { width: usize::MAX, colour: false };
        let mut timeline = Timeline::new(scene, look);
        let end = last(&events);
        let mut lines = Vec::new();
        for event in &events {
            lines.extend(wake_until(&mut timeline, event.at));
            lines.extend(timeline.feed(event));
        }
        let closing = timeline.finish(end);
        lines.extend(closing.iter().take_while(|line| !line.is_empty()).cloned());
        // What names a message that was last heard is no message itself.
        let shown: Vec<_> = lines.iter().filter(|line| !line.contains(" overdue ")).collect();
        for name in names {
            prop_assert_eq!(shown.iter().filter(|line| line.contains(&name)).count(), 1, "{}: {:#?}", name, lines);
        }
        prop_assert_eq!(shown.iter().map(|line| heartbeats_of(line)).sum::<u64>(), heartbeats, "{:#?}", lines);
    }

    #[test]
    fn each_thing_to_know_is_said_at_most_once(scene in scenes(), events in events()) {
        let mut timeline = Timeline::new(scene, PLAIN);
        for event in &events {
            timeline.feed(event);
        }
        let mut names: Vec<_> =
            timeline.tally.findings(last(&events)).into_iter().map(|finding| finding.name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        prop_assert_eq!(names.len(), all);
    }

    #[test]
    fn time_that_stands_still_or_goes_back_harms_nothing(mut events in events()) {
        events.reverse();
        let mut timeline = Timeline::new(scene(), PLAIN);
        for event in &events {
            timeline.feed(event);
            timeline.wake(event.at);
            timeline.wake(Duration::MAX);
        }
        prop_assert!(!timeline.finish(Duration::ZERO).is_empty());
    }
}
