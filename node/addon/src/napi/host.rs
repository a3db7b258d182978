//! What the process has besides Node-API: memory, and an end. Both are the C library's, found as all else is.

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

unsafe extern "C" {
    fn malloc(size: usize) -> *mut u8;
    fn realloc(block: *mut u8, size: usize) -> *mut u8;
    fn free(block: *mut u8);
    safe fn abort() -> !;
}

/// What malloc(3) aligns to on every CPU here.
const ALIGNMENT: usize = 2 * size_of::<usize>();

struct Host;

// SAFETY: malloc(3), realloc(3) and free(3) keep to the rules of an allocator for what needs no more than their alignment,
// and nothing else is given.
unsafe impl GlobalAlloc for Host {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > ALIGNMENT {
            return core::ptr::null_mut();
        }
        // SAFETY: any size may be asked for.
        unsafe { malloc(layout.size()) }
    }

    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: by the caller's word it was allocated here.
        unsafe { free(block) }
    }

    unsafe fn realloc(&self, block: *mut u8, _: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above; its alignment was no greater, or there would be no block.
        unsafe { realloc(block, size) }
    }
}

#[global_allocator]
static HOST: Host = Host;

/// Nothing here is meant to panic, and nothing may unwind into C: the process ends, as it does for a failed assertion.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    abort()
}
