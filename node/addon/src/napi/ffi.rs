//! The few functions of Node-API that are called, as Node's documentation declares them (n-api.html). The process that
//! loads the addon has them: Node itself, Bun, Deno.

use core::ffi::{c_char, c_void};

/// An environment: one thread's instance of the engine.
pub(crate) type Environment = *mut c_void;
/// A JavaScript value, valid until the callback that got it returns.
pub(crate) type Value = *mut c_void;
/// What a function was called with.
pub(crate) type CallInfo = *mut c_void;
/// A promise that is not settled.
pub(crate) type Deferred = *mut c_void;
/// Work for another thread.
pub(crate) type AsyncWork = *mut c_void;

/// `napi_status`; all but 0 are failures.
pub(crate) type Status = i32;
pub(crate) const OK: Status = 0;

/// `napi_typedarray_type`
pub(crate) type ArrayType = i32;
pub(crate) const UINT8: ArrayType = 1;
pub(crate) const INT32: ArrayType = 5;

pub(crate) type Callback = unsafe extern "C" fn(Environment, CallInfo) -> Value;
pub(crate) type Finalize = unsafe extern "C" fn(Environment, *mut c_void, *mut c_void);
pub(crate) type Execute = unsafe extern "C" fn(Environment, *mut c_void);
pub(crate) type Complete = unsafe extern "C" fn(Environment, Status, *mut c_void);
pub(crate) type CleanupHook = unsafe extern "C" fn(*mut c_void);

#[rustfmt::skip] // a line each
unsafe extern "C" {
    pub(crate) fn napi_get_cb_info(env: Environment, info: CallInfo, count: *mut usize, arguments: *mut Value, this: *mut Value, data: *mut *mut c_void) -> Status;
    pub(crate) fn napi_get_value_bool(env: Environment, value: Value, result: *mut bool) -> Status;
    pub(crate) fn napi_get_value_double(env: Environment, value: Value, result: *mut f64) -> Status;
    pub(crate) fn napi_get_value_external(env: Environment, value: Value, result: *mut *mut c_void) -> Status;
    pub(crate) fn napi_get_value_string_utf8(env: Environment, value: Value, space: *mut c_char, size: usize, length: *mut usize) -> Status;
    pub(crate) fn napi_get_typedarray_info(env: Environment, value: Value, kind: *mut ArrayType, length: *mut usize, data: *mut *mut c_void, buffer: *mut Value, offset: *mut usize) -> Status;
    pub(crate) fn napi_create_int32(env: Environment, value: i32, result: *mut Value) -> Status;
    pub(crate) fn napi_create_string_utf8(env: Environment, text: *const c_char, length: usize, result: *mut Value) -> Status;
    pub(crate) fn napi_create_external(env: Environment, data: *mut c_void, finalize: Finalize, hint: *mut c_void, result: *mut Value) -> Status;
    pub(crate) fn napi_create_function(env: Environment, name: *const c_char, length: usize, callback: Callback, data: *mut c_void, result: *mut Value) -> Status;
    pub(crate) fn napi_set_named_property(env: Environment, object: Value, name: *const c_char, value: Value) -> Status;
    pub(crate) fn napi_throw_error(env: Environment, code: *const c_char, message: *const c_char) -> Status;
    pub(crate) fn napi_throw_type_error(env: Environment, code: *const c_char, message: *const c_char) -> Status;
    pub(crate) fn napi_add_env_cleanup_hook(env: Environment, hook: CleanupHook, argument: *mut c_void) -> Status;
    pub(crate) fn napi_create_promise(env: Environment, deferred: *mut Deferred, promise: *mut Value) -> Status;
    pub(crate) fn napi_resolve_deferred(env: Environment, deferred: Deferred, value: Value) -> Status;
    pub(crate) fn napi_create_async_work(env: Environment, resource: Value, name: Value, execute: Execute, complete: Complete, data: *mut c_void, result: *mut AsyncWork) -> Status;
    pub(crate) fn napi_queue_async_work(env: Environment, work: AsyncWork) -> Status;
    pub(crate) fn napi_delete_async_work(env: Environment, work: AsyncWork) -> Status;
}
