//! A promise of what another thread finds out: Node-API's asynchronous work, on the pool that the runtime has for it.

use alloc::boxed::Box;
use core::ffi::{CStr, c_void};
use core::ptr;

use rustix::io::Errno;

use super::call::{Call, Thrown, Value};
use super::ffi;

/// What the two callbacks share. Only one thread has it at a time: the pool's, then JavaScript's.
struct Work<F> {
    task: Option<F>,
    outcome: i32,
    deferred: ffi::Deferred,
    handle: ffi::AsyncWork,
}

impl Call<'_> {
    /// A promise of the number that `task` gives on another thread; of `ECANCELED` when it does not come to that. `name` is
    /// what diagnostics call it.
    pub(crate) fn promise<F>(&self, name: &CStr, task: F) -> Result<Value, Thrown>
    where
        F: FnOnce() -> i32 + Send + 'static,
    {
        let canceled = Errno::CANCELED.raw_os_error();
        let (mut name_, mut promise) = (ptr::null_mut(), ptr::null_mut());
        let mut work = Box::new(Work {
            task: Some(task),
            outcome: canceled,
            deferred: ptr::null_mut(),
            handle: ptr::null_mut(),
        });
        let data = (&raw mut *work).cast();
        // SAFETY: the call is under way; the callbacks get what they expect.
        let made = unsafe {
            let env = self.environment;
            ffi::napi_create_string_utf8(env, name.as_ptr(), name.count_bytes(), &raw mut name_) == ffi::OK
                && ffi::napi_create_promise(env, &raw mut work.deferred, &raw mut promise) == ffi::OK
                && ffi::napi_create_async_work(
                    env,
                    ptr::null_mut(),
                    name_,
                    execute::<F>,
                    complete::<F>,
                    data,
                    &raw mut work.handle,
                ) == ffi::OK
        };
        if !made {
            return Err(Thrown::Pending);
        }
        let (handle, data) = (work.handle, Box::into_raw(work));
        // SAFETY: the work is new; from here on `data` is the callbacks'.
        unsafe {
            if ffi::napi_queue_async_work(self.environment, handle) != ffi::OK {
                complete::<F>(self.environment, ffi::OK, data.cast());
            }
        }
        Ok(Value(promise))
    }
}

/// On a thread of the pool.
unsafe extern "C" fn execute<F: FnOnce() -> i32>(_: ffi::Environment, data: *mut c_void) {
    // SAFETY: it is the work that was queued, which nobody else has before `complete` is called.
    let work = unsafe { &mut *data.cast::<Work<F>>() };
    if let Some(task) = work.task.take() {
        work.outcome = task();
    }
}

/// On the environment's thread: afterwards, or when it was cancelled. While the environment ends nothing can be resolved
/// any more, which changes nothing: nobody is there to see it.
unsafe extern "C" fn complete<F>(environment: ffi::Environment, _: ffi::Status, data: *mut c_void) {
    // SAFETY: `promise` made it of a Box, for this call alone.
    let work = unsafe { Box::from_raw(data.cast::<Work<F>>()) };
    let mut outcome = ptr::null_mut();
    // SAFETY: this thread is in the environment, of which all of these are.
    unsafe {
        if ffi::napi_create_int32(environment, work.outcome, &raw mut outcome) == ffi::OK {
            let _ = ffi::napi_resolve_deferred(environment, work.deferred, outcome);
        }
        let _ = ffi::napi_delete_async_work(environment, work.handle);
    }
}
