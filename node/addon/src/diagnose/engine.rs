//! V8 from outside: the few of its functions that say where JavaScript is, found by name in the program that loaded the
//! addon. There is no ABI to build against; a program in which one is missing (another engine, a V8 that renamed it) has
//! no engine, and says so. Names and signatures are those of V8 10.2 to 14.6 (Node 18 to 26).

use core::ffi::{CStr, c_int, c_void};
use core::mem::transmute_copy;
use core::ptr::null_mut;

use super::host;
use super::report::Frame;

pub(super) type Interrupt = unsafe extern "C" fn(isolate: *mut c_void, data: *mut c_void);
type Local = *mut c_void; // v8::Local<T> is one pointer, passed and returned in a register

/// 0-based, see v8::Location.
#[repr(C)]
#[derive(Clone, Copy)]
struct Location {
    line: c_int,
    column: c_int,
}

// v8::StackTrace::kDetailed and kExposeFramesAcrossSecurityOrigins: frames of vm contexts, too.
const EVERYTHING: c_int = 0x7f | 0x100;
const MOST_FRAMES: c_int = 32;

type Now = unsafe extern "C" fn() -> u64;
type LoopNow = unsafe extern "C" fn(*const c_void) -> u64;
type LoopDescriptor = unsafe extern "C" fn(*const c_void) -> c_int;
type GetCurrent = unsafe extern "C" fn() -> *mut c_void;
type RequestInterrupt = unsafe extern "C" fn(*mut c_void, Interrupt, *mut c_void);
type CurrentStackTrace = unsafe extern "C" fn(*mut c_void, c_int, c_int) -> Local;
type FrameCount = unsafe extern "C" fn(Local) -> c_int;
type GetFrame = unsafe extern "C" fn(Local, *mut c_void, u32) -> Local;
type Name = unsafe extern "C" fn(Local) -> Local;
type GetLocation = unsafe extern "C" fn(Local) -> Location;

/// Where in `NAMES` each is.
#[derive(Clone, Copy)]
enum Function {
    Now,
    LoopNow,
    LoopDescriptor,
    GetCurrent,
    RequestInterrupt,
    CurrentStackTrace,
    FrameCount,
    GetFrame,
    NameOf,
    ScriptOf,
    GetLocation,
}

const FUNCTIONS: usize = Function::GetLocation as usize + 1;

static NAMES: &[u8] = b"uv_hrtime\0uv_now\0uv_backend_fd\0\
    _ZN2v87Isolate10GetCurrentEv\0\
    _ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_\0\
    _ZN2v810StackTrace17CurrentStackTraceEPNS_7IsolateEiNS0_17StackTraceOptionsE\0\
    _ZNK2v810StackTrace13GetFrameCountEv\0\
    _ZNK2v810StackTrace8GetFrameEPNS_7IsolateEj\0\
    _ZNK2v810StackFrame15GetFunctionNameEv\0\
    _ZNK2v810StackFrame24GetScriptNameOrSourceURLEv\0\
    _ZNK2v810StackFrame11GetLocationEv\0";

#[derive(Clone, Copy)]
pub(super) struct Engine([*mut c_void; FUNCTIONS]);

impl Engine {
    /// `None` where this program has no V8 of the kind.
    pub(super) fn find() -> Option<Self> {
        let mut functions = [null_mut(); FUNCTIONS];
        let mut names = NAMES;
        for function in &mut functions {
            let name = CStr::from_bytes_until_nul(names).ok()?;
            *function = host::find(name);
            if function.is_null() {
                return None;
            }
            names = names.get(name.count_bytes() + 1..)?;
        }
        Some(Self(functions))
    }

    /// # Safety
    /// `F` is the type of a pointer to that function.
    unsafe fn get<F: Copy>(&self, function: Function) -> F {
        const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
        // SAFETY: by the caller's word; none is null.
        unsafe { transmute_copy(&self.0[function as usize]) }
    }

    /// Milliseconds of the monotonic clock, which is also the loop's.
    pub(super) fn clock(&self) -> u64 {
        // SAFETY: takes nothing, and may be called on any thread.
        unsafe { self.get::<Now>(Function::Now)() / 1_000_000 }
    }

    /// The isolate of this thread; null when it has none.
    pub(super) fn isolate(&self) -> *mut c_void {
        // SAFETY: takes nothing.
        unsafe { self.get::<GetCurrent>(Function::GetCurrent)() }
    }

    /// Has `interrupt` called on the isolate's thread as soon as JavaScript runs there.
    ///
    /// # Safety
    /// The isolate is alive, and `data` is until the call.
    pub(super) unsafe fn request(&self, isolate: *mut c_void, interrupt: Interrupt, data: *mut c_void) {
        // SAFETY: the caller's promise; V8 allows it from any thread.
        unsafe { self.get::<RequestInterrupt>(Function::RequestInterrupt)(isolate, interrupt, data) }
    }

    /// When the loop last turned, in milliseconds of the monotonic clock (uv_now(3)).
    ///
    /// # Safety
    /// `of` is a libuv loop that is alive. From another thread the answer may be a moment old.
    pub(super) unsafe fn turned_at(&self, of: *const c_void) -> u64 {
        // SAFETY: the caller's promise; uv_now only reads a field.
        unsafe { self.get::<LoopNow>(Function::LoopNow)(of) }
    }

    /// The descriptor on which the loop sleeps when it has nothing to do.
    ///
    /// # Safety
    /// `of` is a libuv loop that is alive.
    pub(super) unsafe fn descriptor(&self, of: *const c_void) -> i32 {
        // SAFETY: the caller's promise.
        unsafe { self.get::<LoopDescriptor>(Function::LoopDescriptor)(of) }
    }

    /// Shows the stack of JavaScript that runs on this thread, innermost frame first, until `show` has enough.
    /// Nothing of JavaScript is called, which V8 forbids to an interrupt.
    ///
    /// # Safety
    /// Called in an interrupt: V8 has then opened a handle scope. `read` turns a v8::String of that scope to UTF-8.
    pub(super) unsafe fn stack(
        &self,
        isolate: *mut c_void,
        read: &dyn Fn(*mut c_void, &mut [u8]) -> usize,
        show: &mut dyn FnMut(&Frame<'_>) -> bool,
    ) {
        // SAFETY: on the isolate's thread, in a handle scope.
        let trace = unsafe {
            self.get::<CurrentStackTrace>(Function::CurrentStackTrace)(isolate, MOST_FRAMES, EVERYTHING)
        };
        if trace.is_null() {
            return;
        }
        // SAFETY: the trace was just made.
        let count = unsafe { self.get::<FrameCount>(Function::FrameCount)(trace) };
        for index in 0..count.unsigned_abs() {
            // SAFETY: below the count.
            let frame = unsafe { self.get::<GetFrame>(Function::GetFrame)(trace, isolate, index) };
            if frame.is_null() {
                return;
            }
            let (mut function, mut script) = ([0; 256], [0; 512]);
            // SAFETY: a frame of this trace.
            let (function_name, script_name, Location { line, column }) = unsafe {
                (
                    self.get::<Name>(Function::NameOf)(frame),
                    self.get::<Name>(Function::ScriptOf)(frame),
                    self.get::<GetLocation>(Function::GetLocation)(frame),
                )
            };
            let shown = Frame {
                function: utf8(function_name, read, &mut function),
                script: utf8(script_name, read, &mut script),
                line: line.saturating_add(1),
                column: column.saturating_add(1),
            };
            if !show(&shown) {
                return;
            }
        }
    }
}

/// The text of a v8::String; an empty handle is no text.
fn utf8<'a>(name: Local, read: &dyn Fn(*mut c_void, &mut [u8]) -> usize, buffer: &'a mut [u8]) -> &'a str {
    let length = if name.is_null() { 0 } else { read(name, buffer) };
    core::str::from_utf8(buffer.get(..length).unwrap_or_default()).unwrap_or_default()
}
