//! A watch over one event loop: the loop says when it beats, a thread of ours sees to it that it does, and when it does
//! not, has V8 interrupt it to say where it is. What the three share is here.

use alloc::sync::Arc;
use core::ffi::{c_char, c_void};
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use core::time::Duration;

use aye::Notifier;
use rustix::fd::BorrowedFd;
use rustix::thread::futex;
use rustix::thread::futex::Timespec;

use super::engine::Engine;
use super::host;
use super::lock::Lock;
use super::place;
use super::report::{self, Lines, Message, Place, Stack, Times};
use super::text::Text;
use crate::napi::ffi;

/// How far a report about the present block has come.
const NONE: u32 = 0;
/// The interrupt was asked for.
const ASKED: u32 = 1;
/// The stack was shown.
const SHOWN: u32 = 2;
/// Native code was named, and the interrupt is still to come.
const NATIVE: u32 = 3;

/// How long to wait for the interrupt before a system call is to blame; milliseconds, as everything here.
const PATIENCE: u64 = 250;
/// And before native code that computes is: JavaScript looks the same on a machine that gives it no time to answer.
const LONG_PATIENCE: u64 = 1000;
/// A sleep that took so much longer than it was meant to means that this process did not run at all (SIGSTOP, a frozen
/// cgroup, a suspended machine), and the loop is given as long to beat.
const LATE: u64 = 100;

/// The loop that is watched: its thread, and what V8 and libuv know it by.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    pub(super) engine: Engine,
    pub(super) thread: u32,
    pub(super) isolate: *mut c_void,
    pub(super) turns: *const c_void,
    pub(super) environment: ffi::Environment,
}

impl Subject {
    /// A v8::String as UTF-8, as much of it as there is room for, and its length. Node-API's values are V8's handles.
    fn read(&self, string: ffi::Value, buffer: &mut [u8]) -> usize {
        let (start, mut length) = (buffer.as_mut_ptr().cast::<c_char>(), 0);
        // SAFETY: on the environment's thread; a string is read without running JavaScript.
        let status = unsafe {
            ffi::napi_get_value_string_utf8(self.environment, string, start, buffer.len(), &raw mut length)
        };
        if status == ffi::OK { length } else { 0 }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) interval: u64,
    pub(super) limit: u64,
}

impl Terms {
    /// Overdue by half of what is left after the interval.
    fn overdue(self) -> u64 {
        self.interval + self.margin()
    }

    fn margin(self) -> u64 {
        (self.limit.saturating_sub(self.interval) / 2).max(1)
    }
}

struct Watch {
    last_beat: AtomicU64,
    /// What the thread sleeps on; rung when there is news.
    bell: AtomicU32,
    phase: AtomicU32,
    /// Whether V8 holds an interrupt that has not come.
    queued: AtomicBool,
    subject: Subject,
    terms: Terms,
    shared: Lock<Shared>,
}

struct Shared {
    /// The loop ends or is watched no longer: its isolate must not be touched.
    closed: bool,
    notifier: Option<Arc<Notifier>>,
    /// The beat after which none came; a report is about nothing else.
    beat: u64,
    /// Since when the loop is blocked, and when it had last turned, by its own word.
    since: u64,
    turned: u64,
    /// Whether the interrupt came where no function was running.
    between: bool,
    place: Place,
}

// SAFETY: the pointers of the subject are followed on the loop's own thread, or under the lock while it is not closed.
unsafe impl Send for Watch {}
// SAFETY: as above.
unsafe impl Sync for Watch {}

fn write(lines: &Text) {
    // SAFETY: standard error is what it is for as long as the process lives; when it is closed, writing fails.
    let stderr = unsafe { BorrowedFd::borrow_raw(2) };
    let mut rest = lines.as_str().as_bytes();
    while let Ok(written @ 1..) = rustix::io::retry_on_intr(|| rustix::io::write(stderr, rest)) {
        rest = rest.get(written..).unwrap_or_default();
    }
}

/// A watch that ends with it.
pub(crate) struct Guard(Arc<Watch>);

impl Guard {
    /// Starts to watch the loop of the calling thread; `None` when there is no thread to be had. It must be dropped before
    /// the environment ends.
    pub(super) fn start(subject: Subject, terms: Terms, notifier: Option<Arc<Notifier>>) -> Option<Self> {
        let shared = Shared {
            closed: false,
            notifier,
            beat: 0,
            since: 0,
            turned: 0,
            between: false,
            place: Place::new(),
        };
        let watch = Arc::new(Watch {
            last_beat: AtomicU64::new(subject.engine.clock()),
            bell: AtomicU32::new(0),
            phase: AtomicU32::new(NONE),
            queued: AtomicBool::new(false),
            subject,
            terms,
            shared: Lock::new(shared),
        });
        let argument = Arc::into_raw(Arc::clone(&watch));
        if host::start(run, argument.cast_mut().cast()) {
            return Some(Self(watch));
        }
        // SAFETY: there is no thread that could have it.
        drop(unsafe { Arc::from_raw(argument) });
        None
    }

    /// See [`Watch::beat`].
    pub(super) fn beat(&self, status: &mut Text) {
        self.0.beat(status);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Watch {
    /// The loop turns. When a report that it does not is standing, `status` gets what to say of it now.
    fn beat(&self, status: &mut Text) {
        let now = self.subject.engine.clock();
        self.last_beat.store(now, Ordering::Release);
        if self.phase.load(Ordering::Acquire) != NONE {
            self.take_back(now, status);
        }
    }

    #[cold]
    fn take_back(&self, now: u64, status: &mut Text) {
        let lines: &mut Text = &mut Lines::new();
        self.shared.with(|shared| {
            if matches!(self.phase.swap(NONE, Ordering::AcqRel), SHOWN | NATIVE) {
                let blocked = now.saturating_sub(shared.since);
                report::runs_again(lines, blocked, &shared.place);
                report::past_status(status, blocked, &shared.place);
            }
        });
        write(lines);
    }

    /// Ends it. Once this returns, nothing of the loop is touched any more.
    fn close(&self) {
        self.shared.with(|shared| {
            shared.closed = true;
            shared.notifier = None;
        });
        self.ring();
    }

    fn ring(&self) {
        self.bell.fetch_add(1, Ordering::Release);
        let _ = futex::wake(&self.bell, futex::Flags::PRIVATE, 1);
    }

    /// Sleeps for so long, or until the bell has rung since it was `heard`.
    fn sleep(&self, heard: u32, milliseconds: u64) {
        let before = self.subject.engine.clock();
        self.doze(heard, milliseconds);
        if self.subject.engine.clock().saturating_sub(before) > milliseconds + LATE {
            self.doze(heard, LATE);
        }
    }

    fn doze(&self, heard: u32, milliseconds: u64) {
        // Longer than it can say is for ever.
        let timeout = Timespec::try_from(Duration::from_millis(milliseconds)).ok();
        let _ = futex::wait(&self.bell, futex::Flags::PRIVATE, heard, timeout.as_ref());
    }

    fn is_closed(&self) -> bool {
        self.shared.with(|shared| shared.closed)
    }

    /// The thread's work: to be asleep until a beat is overdue.
    fn keep(self: &Arc<Self>) {
        let mut reported = None;
        loop {
            let heard = self.bell.load(Ordering::Acquire);
            let beat = self.last_beat.load(Ordering::Acquire);
            if self.is_closed() {
                return;
            }
            let left = (beat + self.terms.overdue()).saturating_sub(self.subject.engine.clock());
            if left > 0 {
                self.sleep(heard, left);
            } else if reported == Some(beat) {
                // No beat that came meanwhile can be overdue any sooner.
                self.sleep(heard, self.terms.overdue());
            } else if self.is_idle() {
                // Someone else keeps the beats back, such as a mocked timer. It may yet be blocked.
                self.sleep(heard, self.terms.margin());
            } else {
                reported = Some(beat);
                self.find_out(beat);
            }
        }
    }

    fn is_idle(&self) -> bool {
        let descriptor = self.shared.with(|shared| {
            // SAFETY: not closed, so the loop is there.
            (!shared.closed).then(|| unsafe { self.subject.engine.descriptor(self.subject.turns) })
        });
        descriptor.is_none_or(|descriptor| place::is_idle(self.subject.thread, descriptor))
    }

    /// Asks the loop where it is, and when it does not answer, the kernel.
    fn find_out(self: &Arc<Self>, beat: u64) {
        self.phase.store(ASKED, Ordering::Release);
        self.shared.with(|shared| {
            shared.between = false;
            self.ask(shared, beat);
        });
        let (asked, margin) = (self.subject.engine.clock(), self.terms.margin());
        let last = asked + LONG_PATIENCE.min(margin - margin / 8);
        let mut until = asked + PATIENCE.min(margin / 2);
        loop {
            let heard = self.bell.load(Ordering::Acquire);
            let mut left = until.saturating_sub(self.subject.engine.clock());
            if left == 0 && until != last && !place::is_in_call(self.subject.thread) {
                until = last;
                left = 1;
            }
            if self.phase.load(Ordering::Acquire) != ASKED || left == 0 {
                break;
            }
            if self.queued.load(Ordering::Acquire) {
                self.doze(heard, left);
            } else {
                // It was between two functions, as happens when only microtasks run.
                self.doze(heard, 1);
                self.shared.with(|shared| self.ask(shared, beat));
            }
        }
        self.name_native_code();
    }

    fn ask(self: &Arc<Self>, shared: &mut Shared, beat: u64) {
        if shared.closed {
            return;
        }
        shared.beat = beat;
        // SAFETY: not closed, so the loop is there.
        shared.turned = unsafe { self.subject.engine.turned_at(self.subject.turns) };
        // Setting a timer moves the loop's clock, but it has certainly not turned since the next beat was due.
        shared.since = shared.turned.clamp(beat, beat + self.terms.interval);
        if !self.queued.swap(true, Ordering::AcqRel) {
            let reference = Arc::into_raw(Arc::clone(self)).cast_mut().cast();
            // SAFETY: not closed, so the isolate is there; the reference is the interrupt's.
            unsafe { self.subject.engine.request(self.subject.isolate, interrupted, reference) };
        }
    }

    fn times(&self, since: u64) -> Times {
        let now = self.subject.engine.clock();
        let silent = now.saturating_sub(self.last_beat.load(Ordering::Acquire));
        Times { blocked: now.saturating_sub(since), silent, limit: self.terms.limit }
    }

    /// Whether the loop is still there, and where it was.
    fn concerns(&self, shared: &Shared) -> bool {
        !shared.closed && self.last_beat.load(Ordering::Acquire) == shared.beat
    }

    fn name_native_code(&self) {
        let (found, lines): (&mut Text, &mut Text) = (&mut Place::new(), &mut Lines::new());
        place::find(found, self.subject.thread);
        let named = self.shared.with(|shared| {
            // In this order: a beat that comes in between takes back what is said from here on, and nothing else.
            let asked = self.concerns(shared)
                && self.phase.compare_exchange(ASKED, NATIVE, Ordering::AcqRel, Ordering::Acquire).is_ok();
            if !asked {
                return false;
            }
            let place: &mut Text = &mut shared.place;
            place.clear();
            if shared.between {
                report::between(place); // JavaScript does run, so it is not native code
            } else {
                place.push(found.as_str());
            }
            let times = self.times(shared.since);
            report::stuck_in(lines, times, place);
            shared.say(times.blocked);
            true
        });
        if named {
            write(lines);
        }
    }

    /// On the loop's own thread, in the middle of what blocks it.
    fn show(&self) {
        let is_wanted = |shared: &Shared| {
            let phase = self.phase.load(Ordering::Acquire);
            // SAFETY: the loop's own thread.
            let turned = unsafe { self.subject.engine.turned_at(self.subject.turns) } != shared.turned;
            // When it came back from native code and went on, what runs now is not what called the native code.
            (self.concerns(shared) && (phase == ASKED || phase == NATIVE && !turned))
                .then_some((phase == NATIVE, turned))
        };
        if self.shared.with(|shared| is_wanted(shared).is_none()) {
            return;
        }
        let (stack, place): (&mut Text, &mut Text) = (&mut Stack::new(), &mut Place::new());
        let mut own = false;
        let read = |string: *mut c_void, buffer: &mut [u8]| self.subject.read(string, buffer);
        // SAFETY: in an interrupt of this isolate.
        unsafe {
            self.subject.engine.stack(self.subject.isolate, &read, &mut |frame| {
                if !own && (place.is_empty() || report::is_own(frame)) {
                    own = report::is_own(frame);
                    place.clear();
                    report::place(place, frame);
                }
                report::frame(stack, frame)
            });
        }
        let lines: &mut Text = &mut Lines::new();
        let shown = self.shared.with(|shared| {
            let Some((late, turned)) = is_wanted(shared) else { return false };
            // Without a function of the program it is Node on its way to the overdue timer, or between two functions.
            if place.is_empty() || !own && (late || turned) {
                shared.between = place.is_empty();
                return false;
            }
            self.phase.store(SHOWN, Ordering::Release);
            let times = self.times(shared.since);
            report::stack(lines, times, late, stack);
            let shared_place: &mut Text = &mut shared.place;
            shared_place.clear();
            report::at(shared_place, late, place);
            shared.say(times.blocked);
            true
        });
        if shown {
            write(lines);
        }
    }
}

impl Shared {
    /// Makes the manager show it. Never waits: a manager that is busy shows the old text.
    fn say(&self, blocked: u64) {
        let Some(notifier) = &self.notifier else { return };
        let message: &mut Text = &mut Message::new();
        report::message(message, blocked, &self.place);
        let _ = notifier.try_send(message.as_str().as_bytes());
    }
}

extern "C" fn run(watch: *mut c_void) -> *mut c_void {
    // SAFETY: what `start` gave it, once.
    let watch = unsafe { Arc::from_raw(watch.cast::<Watch>().cast_const()) };
    let _ = rustix::thread::set_name(c"aye-diagnose");
    watch.keep();
    ptr::null_mut()
}

unsafe extern "C" fn interrupted(_: *mut c_void, watch: *mut c_void) {
    // SAFETY: what `ask` gave it, once.
    let watch = unsafe { Arc::from_raw(watch.cast::<Watch>().cast_const()) };
    watch.show();
    watch.queued.store(false, Ordering::Release);
    watch.ring();
}
