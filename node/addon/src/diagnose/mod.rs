//! Where the loop is stuck: three functions for JavaScript over a [`watch`].
//!
//! `watch(connection: External | null, interval: number, limit: number): External | null`: begins, in milliseconds; null
//! where this program has no V8 that could be asked, or no thread is to be had. `beat(watch): string | null`: the loop
//! turns; a text for STATUS when a report that it did not is standing. `unwatch(watch)`: ends it.

mod engine;
mod host;
mod lock;
mod place;
mod report;
mod text;
mod watch;

use core::ffi::{c_char, c_void};
use core::ptr::null_mut;

use crate::Connection;
use crate::napi::*;
use engine::Engine;
use watch::{Subject, Terms, Watch};

/// What JavaScript holds. All of it belongs to the thread of its environment.
struct Handle {
    watch: *mut Watch,
    /// Keeps the connection from being collected.
    connection: *mut c_void,
    env: Env,
    open: bool,
}

impl Handle {
    fn close(&mut self) {
        if !core::mem::take(&mut self.open) {
            return;
        }
        // SAFETY: the handle's own reference.
        unsafe { (*self.watch).close() };
        if !self.connection.is_null() {
            // SAFETY: made in this environment, deleted once.
            unsafe { napi_delete_reference(self.env, self.connection) };
        }
    }
}

pub(crate) unsafe fn export(env: Env, exports: Value) {
    let functions: [(&core::ffi::CStr, Callback); 3] = [(c"watch", begin), (c"beat", beat), (c"unwatch", end)];
    for (name, function) in functions {
        let mut value = null_mut();
        // SAFETY: the module's own environment and exports.
        unsafe {
            napi_create_function(env, name.as_ptr(), name.count_bytes(), function, null_mut(), &raw mut value);
            napi_set_named_property(env, exports, name.as_ptr(), value);
        }
    }
}

unsafe fn arguments<const N: usize>(env: Env, info: *mut c_void) -> [Value; N] {
    let mut count = N;
    let mut values = [null_mut(); N];
    unsafe { napi_get_cb_info(env, info, &raw mut count, values.as_mut_ptr(), null_mut(), null_mut()) };
    values
}

unsafe fn null(env: Env) -> Value {
    let mut value = null_mut();
    unsafe { napi_get_null(env, &raw mut value) };
    value
}

unsafe extern "C" fn begin(env: Env, info: *mut c_void) -> Value {
    unsafe {
        let [connection, interval, limit] = arguments::<3>(env, info);
        let (mut a, mut b) = (0.0, 0.0);
        if napi_get_value_double(env, interval, &raw mut a) != 0 || napi_get_value_double(env, limit, &raw mut b) != 0 {
            napi_throw_type_error(env, core::ptr::null(), c"watch takes a connection or null and two times".as_ptr());
            return null_mut();
        }
        let mut pointer = null_mut();
        let notifier = (napi_get_value_external(env, connection, &raw mut pointer) == 0)
            .then(|| &raw const (*pointer.cast::<Connection>()).notifier);
        let terms = Terms { interval: a as u64, limit: b as u64 };
        let Some(engine) = Engine::find() else { return null(env) };
        let mut turns = null_mut();
        if napi_get_uv_event_loop(env, &raw mut turns) != 0 || engine.isolate().is_null() || !host::stay() {
            return null(env);
        }
        let subject = Subject {
            engine,
            thread: rustix::thread::gettid().as_raw_pid() as u32,
            isolate: engine.isolate(),
            turns,
            env,
            read,
        };
        let mut reference = null_mut();
        if notifier.is_some() {
            napi_create_reference(env, connection, 1, &raw mut reference);
        }
        let Some(watch) = Watch::start(subject, terms, notifier) else { return null(env) };
        let Some(handle) = host::keep(Handle { watch, connection: reference, env, open: true }) else { return null(env) };
        napi_add_env_cleanup_hook(env, environment_ends, handle.cast());
        let mut value = null_mut();
        napi_create_external(env, handle.cast(), Some(collected), null_mut(), &raw mut value);
        value
    }
}

fn read(env: Env, string: Value, buffer: &mut [u8]) -> usize {
    let mut length = 0;
    unsafe { napi_get_value_string_utf8(env, string, buffer.as_mut_ptr().cast::<c_char>(), buffer.len(), &raw mut length) };
    length
}

unsafe fn handle<'a>(env: Env, info: *mut c_void) -> Option<&'a mut Handle> {
    unsafe {
        let [value] = arguments::<1>(env, info);
        let mut pointer = null_mut();
        if napi_get_value_external(env, value, &raw mut pointer) != 0 {
            napi_throw_type_error(env, core::ptr::null(), c"expected what watch gave".as_ptr());
            return None;
        }
        Some(&mut *pointer.cast::<Handle>())
    }
}

unsafe extern "C" fn beat(env: Env, info: *mut c_void) -> Value {
    unsafe {
        let Some(handle) = handle(env, info) else { return null_mut() };
        let Some(text) = (*handle.watch).beat() else { return null(env) };
        let mut value = null_mut();
        napi_create_string_utf8(env, text.as_str().as_ptr().cast(), text.as_str().len(), &raw mut value);
        value
    }
}

unsafe extern "C" fn end(env: Env, info: *mut c_void) -> Value {
    unsafe {
        if let Some(handle) = handle(env, info) {
            handle.close();
        }
        null_mut()
    }
}

unsafe extern "C" fn environment_ends(handle: *mut c_void) {
    unsafe { (*handle.cast::<Handle>()).close() };
}

unsafe extern "C" fn collected(env: Env, handle: *mut c_void, _: *mut c_void) {
    unsafe {
        let handle = handle.cast::<Handle>();
        napi_remove_env_cleanup_hook(env, environment_ends, handle.cast());
        (*handle).close();
        Watch::release((*handle).watch);
        host::discard(handle);
    }
}
