//! A heartbeat costs a system call and nothing else: no allocation, counted by an allocator that counts. A binary of its
//! own with one test, so that nobody else allocates meanwhile.

use std::alloc::{GlobalAlloc, Layout, System};
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use aye::{Message, Notifier};

struct Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is the system allocator's own, with what it was given.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Relaxed);
        // SAFETY: the caller keeps to the same rules.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.fetch_add(1, Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `what` allocates on this thread's account; the harness waits for the test and does nothing meanwhile.
fn allocations(what: impl FnOnce()) -> u64 {
    let before = COUNT.load(Relaxed);
    what();
    COUNT.load(Relaxed) - before
}

#[test]
fn sending_does_not_allocate_and_parsing_does_so_twice() {
    let (ours, theirs) = UnixDatagram::pair().unwrap();
    let notifier = Notifier::from_socket(ours.into());
    assert_eq!(allocations(|| drop(Box::new(1))), 1, "the counter counts");

    assert_eq!(allocations(|| notifier.watchdog().unwrap()), 0, "a heartbeat");
    assert_eq!(allocations(|| notifier.ready().unwrap()), 0, "READY=1");
    assert_eq!(allocations(|| notifier.status("listening on 3000").unwrap()), 0, "a status");
    assert_eq!(allocations(|| notifier.reloading().unwrap()), 0, "a reload");
    assert_eq!(allocations(|| notifier.extend_timeout(Duration::from_secs(5)).unwrap()), 0, "more time");

    let mut datagram = [0; 64];
    let length = theirs.recv(&mut datagram).unwrap();
    assert_eq!(&datagram[..length], b"WATCHDOG=1");
    assert_eq!(
        allocations(|| drop(Message::parse(b"READY=1\nSTATUS=up\nMAINPID=7").unwrap())),
        2,
        "reading one"
    );
}
