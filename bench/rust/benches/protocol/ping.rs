//! One heartbeat to one receiver, by aye, by a bare loop of send(2), and by two other crates as their users call them. What is
//! timed is the sending: in batches that fit the receiver's queue, which the same thread empties between them, so that no
//! second thread and no waking of it is part of any figure.

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use aye::{Address, Notifier};
use criterion::Criterion;

const HEARTBEAT: &[u8] = b"WATCHDOG=1";

/// Fits the queue of every kernel: `net.unix.max_dgram_qlen` is 10 unless somebody raised it.
const BATCH: u64 = 8;

pub(crate) fn measure(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("making a folder for the socket");
    let path = folder.path().join("notify");
    let receiver = UnixDatagram::bind(&path).expect("binding the receiver");
    receiver.set_nonblocking(true).expect("making the receiver non-blocking");
    // SAFETY: no other thread runs yet.
    unsafe { std::env::set_var("NOTIFY_SOCKET", &path) };

    let address = path.to_str().expect("a path in ASCII");
    let notifier =
        Notifier::connect(&Address::parse(address.as_bytes()).expect("an address")).expect("connecting aye");
    let bare = UnixDatagram::unbound().expect("making a socket");
    bare.connect(&path).expect("connecting a bare socket");

    let mut group = criterion.benchmark_group("ping");
    let mut side = |name: &str, send: &dyn Fn()| {
        group.bench_function(name, |bencher| bencher.iter_custom(|count| timed(&receiver, count, send)));
    };
    side("bare", &|| {
        // SAFETY: the bytes are static, and the length is theirs.
        let sent = unsafe {
            libc::send(bare.as_raw_fd(), HEARTBEAT.as_ptr().cast(), HEARTBEAT.len(), libc::MSG_NOSIGNAL)
        };
        assert_eq!(sent, 10);
    });
    side("aye", &|| notifier.watchdog().expect("aye sends"));
    side("sd-notify", &|| {
        sd_notify::notify(&[sd_notify::NotifyState::Watchdog]).expect("sd-notify sends");
    });
    side("libsystemd", &|| {
        let sent = libsystemd::daemon::notify(false, &[libsystemd::daemon::NotifyState::Watchdog]);
        assert!(sent.expect("libsystemd sends"), "libsystemd found the socket");
    });
    group.finish();
}

fn timed(receiver: &UnixDatagram, count: u64, send: &dyn Fn()) -> Duration {
    let mut total = Duration::ZERO;
    let mut left = count;
    while left > 0 {
        let batch = left.min(BATCH);
        let begun = Instant::now();
        for _ in 0..batch {
            send();
        }
        total += begun.elapsed();
        assert_eq!(drain(receiver), batch, "every heartbeat arrived");
        left -= batch;
    }
    total
}

/// Empties the queue and counts; each message is the whole heartbeat, whoever sent it (a line break at its end is fine).
fn drain(receiver: &UnixDatagram) -> u64 {
    let mut buffer = [0; 64];
    let mut count = 0;
    while let Ok(length) = receiver.recv(&mut buffer) {
        assert_eq!(buffer[..length].trim_ascii_end(), HEARTBEAT);
        count += 1;
    }
    count
}
