//! Where a thread is that runs no JavaScript, by what proc_pid_syscall(5) and its neighbours say of it: busy, or waiting
//! in which system call.

use core::ffi::CStr;

use linux_raw_sys::general as nr;
use rustix::fs::{CWD, Mode, OFlags};

use super::report::Place;
use super::text::Text;

/// What a call waits on, by its first argument.
#[derive(Clone, Copy, PartialEq)]
enum On {
    Descriptor,
    Events,
    Lock,
    Nothing,
}

const CALLS: &[(u32, &str, On)] = &[
    (nr::__NR_read, "read", On::Descriptor),
    (nr::__NR_readv, "readv", On::Descriptor),
    (nr::__NR_pread64, "pread", On::Descriptor),
    (nr::__NR_preadv, "preadv", On::Descriptor),
    (nr::__NR_write, "write", On::Descriptor),
    (nr::__NR_writev, "writev", On::Descriptor),
    (nr::__NR_pwrite64, "pwrite", On::Descriptor),
    (nr::__NR_pwritev, "pwritev", On::Descriptor),
    (nr::__NR_recvfrom, "recvfrom", On::Descriptor),
    (nr::__NR_recvmsg, "recvmsg", On::Descriptor),
    (nr::__NR_sendto, "sendto", On::Descriptor),
    (nr::__NR_sendmsg, "sendmsg", On::Descriptor),
    (nr::__NR_connect, "connect", On::Descriptor),
    (nr::__NR_accept4, "accept4", On::Descriptor),
    (nr::__NR_fsync, "fsync", On::Descriptor),
    (nr::__NR_fdatasync, "fdatasync", On::Descriptor),
    (nr::__NR_flock, "flock", On::Descriptor),
    (nr::__NR_ioctl, "ioctl", On::Descriptor),
    (nr::__NR_epoll_pwait, "epoll_pwait", On::Events),
    #[cfg(target_arch = "x86_64")]
    (nr::__NR_epoll_wait, "epoll_wait", On::Events),
    #[cfg(target_arch = "x86_64")]
    (nr::__NR_poll, "poll", On::Nothing),
    #[cfg(target_arch = "x86_64")]
    (nr::__NR_open, "open", On::Nothing),
    (nr::__NR_ppoll, "ppoll", On::Nothing),
    (nr::__NR_openat, "openat", On::Nothing),
    (nr::__NR_statx, "statx", On::Nothing),
    (nr::__NR_wait4, "wait4", On::Nothing),
    (nr::__NR_waitid, "waitid", On::Nothing),
    (nr::__NR_nanosleep, "nanosleep", On::Nothing),
    (nr::__NR_clock_nanosleep, "clock_nanosleep", On::Nothing),
    (nr::__NR_futex, "futex", On::Lock),
];

#[derive(Debug, PartialEq)]
enum Doing {
    Running,
    /// The number of the call and its first argument, where the kernel says it.
    Waiting(Option<(u32, u64)>),
    /// The kernel keeps its state to itself.
    Unknown,
}

/// Reads what `/proc/PID/task/TID/syscall` says: `running`, or a number and the arguments, or -1 outside of a call.
fn doing(line: &str) -> Doing {
    let mut words = line.split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    if first == "running" {
        return Doing::Running;
    }
    match first.parse::<i64>() {
        Ok(number) => {
            let argument = words.next().and_then(|word| u64::from_str_radix(word.get(2..)?, 16).ok());
            Doing::Waiting(u32::try_from(number).ok().zip(argument))
        }
        Err(_) => Doing::Unknown,
    }
}

/// The letter of `/proc/PID/task/TID/stat`, which comes after the name in its parentheses.
fn is_running(stat: &str) -> bool {
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('R'))
}

/// Whether thread `thread` of this process sleeps in the loop whose events come over `descriptor`, with nothing to do.
pub(super) fn is_idle(thread: u32, descriptor: i32) -> bool {
    let mut buffer = [0; 256];
    let Doing::Waiting(Some((number, argument))) = doing(read(thread, "syscall", &mut buffer)) else {
        return false;
    };
    call(number).is_some_and(|(_, on)| on == On::Events) && u64::try_from(descriptor) == Ok(argument)
}

/// Says where it is, in a few words.
pub(super) fn find(place: &mut Place, thread: u32) {
    let mut buffer = [0; 256];
    match doing(read(thread, "syscall", &mut buffer)) {
        Doing::Running => busy(place),
        Doing::Unknown => {
            let mut buffer = [0; 512];
            if is_running(read(thread, "stat", &mut buffer)) {
                busy(place);
            } else {
                place.push("in native code, waiting");
            }
        }
        Doing::Waiting(at) => waiting(place, thread, at),
    }
}

fn busy(place: &mut Place) {
    place.push("in native code, busy");
}

fn waiting(place: &mut Place, thread: u32, at: Option<(u32, u64)>) {
    place.push("in native code, waiting in ");
    let Some((number, argument)) = at else {
        place.push("the kernel");
        return;
    };
    let Some((name, on)) = call(number) else {
        place.push("system call ");
        place.push_number(number.into());
        return;
    };
    place.push(name);
    place.push("(2)");
    match on {
        On::Descriptor => descriptor(place, argument),
        On::Events => child(place, thread),
        On::Lock => drop(place.push(", for a lock or in Atomics.wait")),
        On::Nothing => {}
    }
}

fn call(number: u32) -> Option<(&'static str, On)> {
    CALLS.iter().find(|(one, ..)| *one == number).map(|&(_, name, on)| (name, on))
}

/// ` of descriptor 7 (pipe:[123])`
fn descriptor(place: &mut Place, number: u64) {
    place.push(" of descriptor ");
    place.push_number(number);
    let mut path = Text::<64>::new();
    path.push("/proc/self/fd/");
    path.push_number(number);
    path.push("\0");
    let mut buffer = [0; 256];
    let Ok(path) = CStr::from_bytes_until_nul(path.as_str().as_bytes()) else { return };
    let Ok(length) = rustix::fs::readlinkat_raw(CWD, path, &mut buffer[..]) else { return };
    place.push(" (");
    place.push_name(valid(buffer.get(..length).unwrap_or_default()));
    place.push(")");
}

/// A loop of its own is what the synchronous calls of node:child_process wait in, and its child is the newest.
fn child(place: &mut Place, thread: u32) {
    let mut buffer = [0; 4096];
    let Some(process) = read(thread, "children", &mut buffer).split_ascii_whitespace().next_back() else { return };
    place.push(" as execFileSync does; newest child ");
    place.push_name(process);
    let mut path = Text::<64>::new();
    path.push("/proc/");
    path.push(process);
    path.push("/comm\0");
    let mut buffer = [0; 64];
    let name = contents(&path, &mut buffer).trim_end();
    if !name.is_empty() {
        place.push(" (");
        place.push_name(name);
        place.push(")");
    }
}

fn read<'a>(thread: u32, file: &str, buffer: &'a mut [u8]) -> &'a str {
    let mut path = Text::<64>::new();
    path.push("/proc/self/task/");
    path.push_number(thread.into());
    path.push("/");
    path.push(file);
    path.push("\0");
    contents(&path, buffer)
}

/// What one read(2) gives; nothing when there is no such file or it is kept from us.
fn contents<'a>(path: &Text<64>, buffer: &'a mut [u8]) -> &'a str {
    let Ok(path) = CStr::from_bytes_until_nul(path.as_str().as_bytes()) else { return "" };
    let Ok(file) = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) else { return "" };
    let length = rustix::io::read(&file, &mut *buffer).unwrap_or(0);
    valid(buffer.get(..length).unwrap_or_default())
}

/// The part of it that is UTF-8.
fn valid(bytes: &[u8]) -> &str {
    match core::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => bytes
            .get(..error.valid_up_to())
            .and_then(|part| core::str::from_utf8(part).ok())
            .unwrap_or_default(),
    }
}
