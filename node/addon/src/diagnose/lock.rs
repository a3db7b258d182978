//! A lock for moments: whoever waits gives way to the others.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

pub(super) struct Lock<T> {
    held: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: `with` lets one thread at a time to the value.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    pub(super) const fn new(value: T) -> Self {
        Self { held: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// `work` must not take the lock again.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        self.take();
        // SAFETY: nobody else has it until it is given back.
        let result = work(unsafe { &mut *self.value.get() });
        self.held.store(false, Ordering::Release);
        result
    }

    #[inline(never)]
    fn take(&self) {
        while self.held.swap(true, Ordering::Acquire) {
            rustix::thread::sched_yield();
        }
    }
}
