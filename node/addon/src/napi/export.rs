//! How the addon is found, and how JavaScript gets into functions of Rust.

use alloc::rc::Rc;
use core::ffi::CStr;
use core::ptr::{self, NonNull};

use super::call::{Call, Thrown, Value};
use super::ffi;
use super::room::Room;

/// The version of Node-API that is asked for; all that is called has been in it since version 3.
const VERSION: i32 = 8;

/// The engine could not do it: it is about to end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failed;

/// The object that `require` gives.
pub(crate) struct Exports<'a> {
    environment: ffi::Environment,
    object: ffi::Value,
    room: &'a Rc<Room>,
}

impl Exports<'_> {
    /// A function of the object: the name of one in Rust, which holds nothing.
    pub(crate) fn function<F>(&self, name: &CStr, _: F) -> Result<(), Failed>
    where
        F: Fn(&Call<'_>) -> Result<Value, Thrown> + Copy + 'static,
    {
        const { assert!(size_of::<F>() == 0) };
        self.define(name, enter::<F>)
    }

    #[inline(never)] // once, and not for each function
    fn define(&self, name: &CStr, callback: ffi::Callback) -> Result<(), Failed> {
        let (env, data) = (self.environment, ptr::from_ref(self.room).cast_mut().cast());
        let (text, length, mut function) = (name.as_ptr(), name.count_bytes(), ptr::null_mut());
        // SAFETY: the environment is the one this thread is in, and its room lives until its functions are no longer
        // called. The name ends in a NUL byte and is copied.
        let is_defined = unsafe {
            ffi::napi_create_function(env, text, length, callback, data, &raw mut function) == ffi::OK
                && ffi::napi_set_named_property(env, self.object, text, function) == ffi::OK
        };
        if is_defined { Ok(()) } else { Err(Failed) }
    }
}

/// What JavaScript calls in the place of `F`.
unsafe extern "C" fn enter<F>(environment: ffi::Environment, info: ffi::CallInfo) -> ffi::Value
where
    F: Fn(&Call<'_>) -> Result<Value, Thrown> + Copy + 'static,
{
    // SAFETY: it has no bytes to be read, as `function` has asserted, and whoever named it there had one.
    let function = unsafe { NonNull::<F>::dangling().read() };
    // SAFETY: both are those of the call under way; `function` has given it the room.
    let call = unsafe { Call::of(environment, info) };
    match call.ok_or(Thrown::Pending).and_then(|call| function(&call)) {
        Ok(value) => value.0,
        // SAFETY: as above.
        Err(thrown) => unsafe { thrown.throw(environment) },
    }
}

/// Node, Bun and Deno look it up by this name, once for each environment.
#[unsafe(no_mangle)]
extern "C" fn node_api_module_get_api_version_v1() -> i32 {
    VERSION
}

/// ... and call this with an empty object, in each.
///
/// # Safety
/// `environment` is the one that this thread is in, and `object` a value of it.
#[unsafe(no_mangle)]
unsafe extern "C" fn napi_register_module_v1(
    environment: ffi::Environment,
    object: ffi::Value,
) -> ffi::Value {
    // SAFETY: by the caller's word.
    if let Some(room) = unsafe { Room::of(environment) } {
        // What cannot be exported JavaScript finds missing.
        let _ = crate::export(&Exports { environment, object, room });
    }
    object
}
