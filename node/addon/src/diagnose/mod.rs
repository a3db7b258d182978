//! Where the loop is stuck: a [`watch`] over the event loop of the environment that asks for it, which says so before the
//! manager's patience is over. JavaScript has three functions for it; times are milliseconds.
#![allow(unsafe_code)]

mod engine;
mod host;
mod lock;
mod place;
mod report;
mod text;
mod watch;

use alloc::sync::Arc;
use core::ffi::c_void;
use core::ptr;

use crate::napi::{Call, Exports, Failed, Thrown, Value, ffi};

use engine::Engine;
use report::Status;
use text::Text;
pub(crate) use watch::Guard;
use watch::{Subject, Terms};

unsafe extern "C" {
    fn napi_get_uv_event_loop(env: ffi::Environment, result: *mut *mut c_void) -> ffi::Status;
}

pub(crate) fn export(exports: &Exports<'_>) -> Result<(), Failed> {
    exports.function(c"watch", watch)?;
    exports.function(c"beat", beat)?;
    exports.function(c"unwatch", unwatch)
}

/// `watch(connection | null, interval: number, limit: number)`: 1 when this environment's loop is watched from now on, in the
/// place of what was watched before; 0 where V8 cannot be asked, or no thread is to be had. STATUS goes over the connection.
fn watch(call: &Call<'_>) -> Result<Value, Thrown> {
    let usage = c"watch takes a connection or null and two numbers of milliseconds, 0 < interval < limit";
    let (interval, limit) = call.number(1).zip(call.number(2)).ok_or(Thrown::Type(usage))?;
    if !(interval > 0.0 && interval < limit) {
        return Err(Thrown::Type(usage));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it saturates, and is positive"
    )]
    let terms = Terms { interval: interval as u64, limit: limit as u64 };
    let notifier = call.connection(0, Arc::clone);
    let guard = subject(call).and_then(|subject| Guard::start(subject, terms, notifier));
    let watched = guard.is_some();
    call.watch().replace(guard);
    call.answer(watched.into())
}

/// The loop that this call came from.
fn subject(call: &Call<'_>) -> Option<Subject> {
    let engine = Engine::find()?;
    let (environment, mut turns) = (call.environment(), ptr::null_mut());
    // SAFETY: the call is under way.
    let status = unsafe { napi_get_uv_event_loop(environment, &raw mut turns) };
    let isolate = engine.isolate();
    let thread = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
    (status == ffi::OK && !turns.is_null() && !isolate.is_null()).then_some(Subject {
        engine,
        thread,
        isolate,
        turns,
        environment,
    })
}

/// `beat()`: the loop turns. A text for STATUS when a report that it does not is standing, else undefined.
fn beat(call: &Call<'_>) -> Result<Value, Thrown> {
    let status: &mut Text = &mut Status::new();
    if let Some(guard) = call.watch().borrow().as_ref() {
        guard.beat(status);
    }
    if status.is_empty() { Ok(call.nothing()) } else { call.text(status.as_str()) }
}

/// `unwatch()`: nobody looks any more.
#[expect(clippy::unnecessary_wraps, reason = "as all functions of the module")]
fn unwatch(call: &Call<'_>) -> Result<Value, Thrown> {
    drop(call.watch().take());
    Ok(call.nothing())
}
