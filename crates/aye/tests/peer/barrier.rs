//! libsystemd's barrier: it ends when our receiver lets go of the descriptor, and not before.

use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::program::{Place, answer};

const PATIENCE: Duration = Duration::from_secs(10);

/// How long nothing has to happen to be taken for never.
const A_WHILE: Duration = Duration::from_millis(200);

/// The answer, when it comes.
fn answered(child: Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || sender.send(answer(child)));
    receiver
}

#[test]
fn a_barrier_that_is_held_times_out() {
    let place = Place::by_name();
    let child = place.start(&["barrier", "50000"]);
    let barrier = place.datagram();
    assert!(barrier.is_barrier());
    assert_eq!(answered(child).recv_timeout(PATIENCE).unwrap(), "-ETIMEDOUT");
    drop(barrier);
}

#[test]
fn a_barrier_that_nobody_reads_times_out() {
    let place = Place::by_name();
    assert_eq!(answered(place.start(&["barrier", "50000"])).recv_timeout(PATIENCE).unwrap(), "-ETIMEDOUT");
    assert!(place.datagram().is_barrier());
}

#[test]
fn a_barrier_ends_when_the_receiver_lets_go_of_it() {
    for place in [Place::by_path(), Place::by_name()] {
        let child = place.start(&["barrier", "infinity"]);
        let pid = child.id();
        let answer = answered(child);
        let barrier = place.datagram();
        assert!(barrier.is_barrier());
        assert_eq!(barrier.sender.pid, pid);
        let early = answer.recv_timeout(A_WHILE);
        assert!(early.is_err(), "{early:?} while its descriptor was open");
        drop(barrier);
        assert_eq!(answer.recv_timeout(PATIENCE).unwrap(), "1");
    }
}

#[test]
fn a_barrier_comes_after_what_was_sent_before() {
    let place = Place::by_name();
    assert_eq!(answer(place.start(&["notify", "READY=1"])), "1");
    let waiting = answered(place.start(&["barrier", "infinity"]));
    assert!(place.datagram().message.contains("READY=1"));
    assert!(waiting.recv_timeout(A_WHILE).is_err());
    drop(place.datagram());
    assert_eq!(waiting.recv_timeout(PATIENCE).unwrap(), "1");
}
