//! V8 from outside: the few of its functions that say where JavaScript is, found by name in the program that loaded the
//! addon. There is no ABI to build against; a program in which one is missing (another engine, a V8 that renamed it) has
//! no engine, and says so. Names and signatures are those of V8 10.2 to 14.6 (Node 18 to 26).

use core::ffi::{c_int, c_void};

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

#[derive(Clone, Copy)]
pub(super) struct Engine {
    get_current: unsafe extern "C" fn() -> *mut c_void,
    request_interrupt: unsafe extern "C" fn(*mut c_void, Interrupt, *mut c_void),
    current_stack_trace: unsafe extern "C" fn(*mut c_void, c_int, c_int) -> Local,
    frame_count: unsafe extern "C" fn(Local) -> c_int,
    frame: unsafe extern "C" fn(Local, *mut c_void, u32) -> Local,
    function_name: unsafe extern "C" fn(Local) -> Local,
    script_name: unsafe extern "C" fn(Local) -> Local,
    location: unsafe extern "C" fn(Local) -> Location,
    loop_now: unsafe extern "C" fn(*const c_void) -> u64,
    loop_descriptor: unsafe extern "C" fn(*const c_void) -> c_int,
}

macro_rules! symbol {
    ($name:literal) => {{
        let address = host::find($name);
        if address.is_null() {
            return None;
        }
        // SAFETY: the name says which function it is; its signature is the field's.
        unsafe { core::mem::transmute(address) }
    }};
}

impl Engine {
    /// `None` where this program has no V8 of the kind.
    pub(super) fn find() -> Option<Self> {
        Some(Self {
            get_current: symbol!(c"_ZN2v87Isolate10GetCurrentEv"),
            request_interrupt: symbol!(c"_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_"),
            current_stack_trace: symbol!(
                c"_ZN2v810StackTrace17CurrentStackTraceEPNS_7IsolateEiNS0_17StackTraceOptionsE"
            ),
            frame_count: symbol!(c"_ZNK2v810StackTrace13GetFrameCountEv"),
            frame: symbol!(c"_ZNK2v810StackTrace8GetFrameEPNS_7IsolateEj"),
            function_name: symbol!(c"_ZNK2v810StackFrame15GetFunctionNameEv"),
            script_name: symbol!(c"_ZNK2v810StackFrame24GetScriptNameOrSourceURLEv"),
            location: symbol!(c"_ZNK2v810StackFrame11GetLocationEv"),
            loop_now: symbol!(c"uv_now"),
            loop_descriptor: symbol!(c"uv_backend_fd"),
        })
    }

    /// The isolate of this thread; null when it has none.
    pub(super) fn isolate(&self) -> *mut c_void {
        // SAFETY: takes nothing.
        unsafe { (self.get_current)() }
    }

    /// Has `interrupt` called on the isolate's thread as soon as JavaScript runs there.
    ///
    /// # Safety
    /// The isolate is alive, and `data` is until the call.
    pub(super) unsafe fn request(&self, isolate: *mut c_void, interrupt: Interrupt, data: *mut c_void) {
        // SAFETY: the caller's promise; V8 allows it from any thread.
        unsafe { (self.request_interrupt)(isolate, interrupt, data) }
    }

    /// When the loop last turned, in milliseconds of the monotonic clock (uv_now(3)).
    ///
    /// # Safety
    /// `of` is a libuv loop that is alive. From another thread the answer may be a moment old.
    pub(super) unsafe fn turned_at(&self, of: *const c_void) -> u64 {
        // SAFETY: the caller's promise; uv_now only reads a field.
        unsafe { (self.loop_now)(of) }
    }

    /// The descriptor on which the loop sleeps when it has nothing to do.
    ///
    /// # Safety
    /// `of` is a libuv loop that is alive.
    pub(super) unsafe fn descriptor(&self, of: *const c_void) -> i32 {
        // SAFETY: the caller's promise.
        unsafe { (self.loop_descriptor)(of) }
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
        let trace = unsafe { (self.current_stack_trace)(isolate, MOST_FRAMES, EVERYTHING) };
        if trace.is_null() {
            return;
        }
        // SAFETY: the trace was just made.
        let count = unsafe { (self.frame_count)(trace) };
        for index in 0..count.unsigned_abs() {
            // SAFETY: below the count.
            let frame = unsafe { (self.frame)(trace, isolate, index) };
            if frame.is_null() {
                return;
            }
            let (mut function, mut script) = ([0; 256], [0; 512]);
            // SAFETY: a frame of this trace.
            let (function_name, script_name, Location { line, column }) = unsafe {
                ((self.function_name)(frame), (self.script_name)(frame), (self.location)(frame))
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
