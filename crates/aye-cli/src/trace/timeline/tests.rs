//! Whole traces by a clock that is only a number: what is said when, at which width, and what never changes.

mod always;
mod moments;
mod shown;

use std::time::Duration;

use aye::verdict::State;

use super::{Look, Timeline};
use crate::trace::samples::{began, ended, said, said_by_child, said_in, signalled};
use crate::trace::scene::{Event, Scene};

const PLAIN: Look = Look { width: 80, colour: false };

/// Every line of a trace: each event when it comes, and before it what time alone is worth.
fn play(scene: Scene, look: Look, events: &[Event], end: Duration) -> Vec<String> {
    let mut timeline = Timeline::new(scene, look);
    let mut lines = Vec::new();
    for event in events {
        lines.extend(wake_until(&mut timeline, event.at));
        lines.extend(timeline.feed(event));
    }
    lines.extend(wake_until(&mut timeline, end));
    lines.extend(timeline.finish(end));
    lines
}

/// Wakes it whenever it asks to be, up to a moment.
fn wake_until(timeline: &mut Timeline, until: Duration) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(due) = timeline.next_wake().filter(|due| *due < until) {
        lines.extend(timeline.wake(due));
        assert_ne!(timeline.next_wake(), Some(due), "what has been said must not be due again");
    }
    lines
}

/// A service with most of what can be seen: a helper that is refused, heartbeats, a late one, a reload, a stop.
fn story() -> Vec<Event> {
    let mut events = vec![
        began(0),
        said_in(412, State::Start, b"STATUS=loading the routes"),
        said_in(1_310, State::Start, b"READY=1\nSTATUS=listening on 3000"),
        said_by_child(1_352, b"READY=1\nSTATUS=the helper is up, too"),
    ];
    events.extend((1..9).map(|beat| said(1_310 + beat * 5_000, b"WATCHDOG=1")));
    events.extend([
        signalled(42_000, 1),
        said(42_012, b"RELOADING=1\nMONOTONIC_USEC=99042012000"),
        said_in(42_312, State::ReloadNotify, b"READY=1\nSTATUS=listening on 3000, 3001"),
        said(46_310, b"WATCHDOG=1"),
        said(51_310, b"WATCHDOG=1"),
        said(59_710, b"WATCHDOG=1"),
        signalled(63_000, 15),
        said_in(63_003, State::StopSigterm, b"STOPPING=1"),
        ended(63_900, 0),
    ]);
    events
}
