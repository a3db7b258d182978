//! Where a thread is that runs no JavaScript, by what proc_pid_syscall(5) and its neighbours say of it: busy, or waiting
//! in which system call.

use core::ffi::CStr;

use linux_raw_sys::general as nr;
use rustix::fs::{CWD, Mode, OFlags};

use super::text::{Buffer, Text};

/// What a call waits on, by its first argument.
#[derive(Clone, Copy, PartialEq)]
enum On {
    Descriptor,
    Events,
    Lock,
    Other,
}

/// Without pointers, each of which the loader would have to put right.
struct Call {
    number: u32,
    on: On,
    name: [u8; 15],
}

const fn call(number: u32, on: On, name: &str) -> Call {
    let (mut padded, mut at) = ([0; 15], 0);
    while at < name.len() {
        padded[at] = name.as_bytes()[at];
        at += 1;
    }
    Call { number, on, name: padded }
}

static CALLS: &[Call] = &[
    call(nr::__NR_read, On::Descriptor, "read"),
    call(nr::__NR_readv, On::Descriptor, "readv"),
    call(nr::__NR_pread64, On::Descriptor, "pread"),
    call(nr::__NR_write, On::Descriptor, "write"),
    call(nr::__NR_writev, On::Descriptor, "writev"),
    call(nr::__NR_pwrite64, On::Descriptor, "pwrite"),
    call(nr::__NR_recvfrom, On::Descriptor, "recvfrom"),
    call(nr::__NR_recvmsg, On::Descriptor, "recvmsg"),
    call(nr::__NR_sendto, On::Descriptor, "sendto"),
    call(nr::__NR_sendmsg, On::Descriptor, "sendmsg"),
    call(nr::__NR_connect, On::Descriptor, "connect"),
    call(nr::__NR_accept4, On::Descriptor, "accept4"),
    call(nr::__NR_fsync, On::Descriptor, "fsync"),
    call(nr::__NR_fdatasync, On::Descriptor, "fdatasync"),
    call(nr::__NR_flock, On::Descriptor, "flock"),
    call(nr::__NR_ioctl, On::Descriptor, "ioctl"),
    call(nr::__NR_epoll_pwait, On::Events, "epoll_pwait"),
    #[cfg(target_arch = "x86_64")]
    call(nr::__NR_epoll_wait, On::Events, "epoll_wait"),
    #[cfg(target_arch = "x86_64")]
    call(nr::__NR_poll, On::Other, "poll"),
    call(nr::__NR_ppoll, On::Other, "ppoll"),
    call(nr::__NR_openat, On::Other, "openat"),
    call(nr::__NR_statx, On::Other, "statx"),
    call(nr::__NR_wait4, On::Other, "wait4"),
    call(nr::__NR_waitid, On::Other, "waitid"),
    call(nr::__NR_nanosleep, On::Other, "nanosleep"),
    call(nr::__NR_clock_nanosleep, On::Other, "clock_nanosleep"),
    call(nr::__NR_futex, On::Lock, "futex"),
];

enum Doing {
    Running,
    /// The number of the call and its first argument, where it is in one.
    Waiting(Option<(u32, u64)>),
    /// The kernel keeps it to itself.
    Unknown,
}

/// What `/proc/PID/task/TID/syscall` says: `running`, or a number and the arguments, or -1 outside of a call.
fn doing(thread: u32) -> Doing {
    let mut buffer = [0; 256];
    let line = read(thread, "syscall", &mut buffer);
    match line.first() {
        None => Doing::Unknown,
        Some(b'r') => Doing::Running,
        Some(b'-') => Doing::Waiting(None),
        Some(_) => {
            let mut words = line.split(|&byte| byte == b' ');
            let mut number = |skip, radix| words.next().and_then(|word| digits(word.get(skip..)?, radix));
            let at = number(0, 10).and_then(|call| u32::try_from(call).ok()).zip(number(2, 16));
            Doing::Waiting(at)
        }
    }
}

fn digits(word: &[u8], radix: u32) -> Option<u64> {
    word.iter().try_fold(0_u64, |sum, &byte| {
        Some(sum.wrapping_mul(radix.into()).wrapping_add(char::from(byte).to_digit(radix)?.into()))
    })
}

/// Whether thread `thread` of this process sleeps in the loop whose events come over `descriptor`, with nothing to do.
pub(super) fn is_idle(thread: u32, descriptor: i32) -> bool {
    match doing(thread) {
        Doing::Waiting(Some((number, argument))) => {
            find_call(number).is_some_and(|call| call.on == On::Events)
                && argument == u64::from(descriptor.unsigned_abs())
        }
        _ => false,
    }
}

/// Whether it waits in a system call; neither when it computes nor when a page of memory is to come.
pub(super) fn is_in_call(thread: u32) -> bool {
    match doing(thread) {
        Doing::Waiting(at) => at.is_some(),
        Doing::Running => false,
        Doing::Unknown => !is_running(thread),
    }
}

/// Says where it is, in a few words.
pub(super) fn find(place: &mut Text, thread: u32) {
    place.push("in native code, ");
    match doing(thread) {
        Doing::Waiting(at) => {
            place.push("waiting in ");
            waiting(place, thread, at);
        }
        Doing::Unknown if !is_running(thread) => place.push("waiting"),
        Doing::Running | Doing::Unknown => place.push("busy"),
    }
}

/// The letter of `/proc/PID/task/TID/stat`, which comes after the name in its parentheses.
fn is_running(thread: u32) -> bool {
    let mut buffer = [0; 256];
    let stat = read(thread, "stat", &mut buffer);
    let after = stat.iter().rposition(|&byte| byte == b')').map_or(0, |at| at + 2);
    stat.get(after) == Some(&b'R')
}

fn waiting(place: &mut Text, thread: u32, at: Option<(u32, u64)>) {
    let Some((number, argument)) = at else { return place.push("the kernel") };
    let Some(call) = find_call(number) else {
        place.push("system call ");
        return place.push_number(number.into());
    };
    place.push(first_line(&call.name));
    place.push("(2)");
    match call.on {
        On::Descriptor => descriptor(place, argument),
        On::Events => child(place, thread),
        On::Lock => place.push(", for a lock or in Atomics.wait"),
        On::Other => {}
    }
}

fn find_call(number: u32) -> Option<&'static Call> {
    CALLS.iter().find(|call| call.number == number)
}

/// ` of descriptor 7 (pipe:[123])`
fn descriptor(place: &mut Text, number: u64) {
    place.push(" of descriptor ");
    place.push_number(number);
    let path: &mut Text = &mut Buffer::<[u8; 64]>::new();
    path.push("/proc/self/fd/");
    path.push_number(number);
    let mut buffer = [0; 256];
    let length = rustix::fs::readlinkat_raw(CWD, terminated(path), &mut buffer[..]).unwrap_or(0);
    in_parentheses(place, buffer.get(..length).unwrap_or_default());
}

/// A loop of its own is what the synchronous calls of node:child_process wait in, and its child is the newest.
fn child(place: &mut Text, thread: u32) {
    let mut buffer = [0; 4096];
    let children = read(thread, "children", &mut buffer);
    // Each has a space after it.
    let children = first_line(children).trim_ascii_end();
    let from = children.bytes().rposition(|byte| byte == b' ').map_or(0, |at| at + 1);
    let newest = children.get(from..).unwrap_or_default();
    if newest.is_empty() {
        return;
    }
    place.push(" as execFileSync does; newest child ");
    place.push(newest);
    let path: &mut Text = &mut Buffer::<[u8; 64]>::new();
    path.push("/proc/");
    path.push(newest);
    path.push("/comm");
    let mut buffer = [0; 64];
    in_parentheses(place, contents(path, &mut buffer));
}

/// ` (sleep)`
fn in_parentheses(place: &mut Text, name: &[u8]) {
    let name = first_line(name);
    if !name.is_empty() {
        place.push(" (");
        place.push_name(name);
        place.push(")");
    }
}

fn read<'a>(thread: u32, file: &str, buffer: &'a mut [u8]) -> &'a [u8] {
    let path: &mut Text = &mut Buffer::<[u8; 64]>::new();
    path.push("/proc/self/task/");
    path.push_number(thread.into());
    path.push("/");
    path.push(file);
    contents(path, buffer)
}

/// What one read(2) gives; nothing when there is no such file or it is kept from us.
fn contents<'a>(path: &mut Text, buffer: &'a mut [u8]) -> &'a [u8] {
    let file = rustix::fs::open(terminated(path), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let length = file.and_then(|file| rustix::io::read(file, &mut *buffer)).unwrap_or(0);
    buffer.get(..length).unwrap_or_default()
}

/// A path that is shorter than its buffer.
fn terminated(path: &mut Text) -> &CStr {
    path.push("\0");
    // SAFETY: there is room for the NUL, and none before it: names and numbers alone.
    unsafe { CStr::from_bytes_with_nul_unchecked(path.as_str().as_bytes()) }
}

/// Up to a line break or a NUL, as much of it as is UTF-8.
fn first_line(bytes: &[u8]) -> &str {
    let end = bytes.iter().position(|&byte| byte == b'\n' || byte == 0).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or_default().utf8_chunks().next().map_or("", |chunk| chunk.valid())
}
