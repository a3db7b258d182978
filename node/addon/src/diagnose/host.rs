//! What is taken from the program that loaded the addon besides memory: its functions by name, and a thread. The C library is
//! the program's, glibc or musl, so that only what both lay out alike is used.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr::null_mut;

/// Larger than pthread_attr_t (64 bytes at most) and sigset_t (128) of both libraries on every CPU.
type Opaque = [u64; 32];

const SIG_SETMASK: c_int = 2;
const PTHREAD_CREATE_DETACHED: c_int = 1;
const STACK: usize = 128 * 1024;

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, symbol: *const c_char) -> *mut c_void;
    fn sigfillset(set: *mut Opaque) -> c_int;
    fn pthread_sigmask(how: c_int, set: *const Opaque, old: *mut Opaque) -> c_int;
    fn pthread_attr_init(attributes: *mut Opaque) -> c_int;
    fn pthread_attr_setdetachstate(attributes: *mut Opaque, state: c_int) -> c_int;
    fn pthread_attr_setstacksize(attributes: *mut Opaque, size: usize) -> c_int;
    fn pthread_attr_destroy(attributes: *mut Opaque) -> c_int;
    fn pthread_create(
        thread: *mut Opaque,
        attributes: *const Opaque,
        run: extern "C" fn(*mut c_void) -> *mut c_void,
        argument: *mut c_void,
    ) -> c_int;
}

/// The address of what the program, or a library it started with, calls by this name; null when there is no such thing.
pub(super) fn find(name: &CStr) -> *mut c_void {
    // SAFETY: a null handle is RTLD_DEFAULT in both libraries; the name ends in a NUL.
    unsafe { dlsym(null_mut(), name.as_ptr()) }
}

/// Starts a detached thread of a small stack that is given no signal, so that those of the process go where they went.
pub(super) fn start(run: extern "C" fn(*mut c_void) -> *mut c_void, argument: *mut c_void) -> bool {
    let (mut all, mut before, mut attributes, mut thread): (Opaque, Opaque, Opaque, Opaque) =
        ([0; 32], [0; 32], [0; 32], [0; 32]);
    // SAFETY: each of the four is larger than what the library keeps in it, and lives through the calls.
    unsafe {
        if pthread_attr_init(&raw mut attributes) != 0 {
            return false;
        }
        pthread_attr_setdetachstate(&raw mut attributes, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&raw mut attributes, STACK);
        sigfillset(&raw mut all);
        pthread_sigmask(SIG_SETMASK, &raw const all, &raw mut before);
        let started = pthread_create(&raw mut thread, &raw const attributes, run, argument) == 0;
        pthread_sigmask(SIG_SETMASK, &raw const before, null_mut());
        pthread_attr_destroy(&raw mut attributes);
        started
    }
}
