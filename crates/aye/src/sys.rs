//! The only unsafe code: receiving a datagram with its control data, and, just before exec, when nothing else of the
//! process is left to be surprised, descriptors by number and the replacement of this process.
//!
//! Receiving is here rather than in rustix because its credentials type cannot hold pid 0, which is what the kernel
//! says of a sender outside the receiver's pid namespace (`pid_vnr()`).
#![allow(unsafe_code, clippy::cast_ptr_alignment)]

mod child;
mod number;

use std::ffi::{CString, OsString};
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use crate::listen::Sigpipe;

pub(crate) use child::{Forked, close, end_after, exit_now, fork, reap};
pub(crate) use number::duplicate;

/// Room for the most descriptors the kernel passes at once and one set of credentials, in words so that it is
/// aligned as `cmsghdr` wants.
const CONTROL_WORDS: usize = 160;

/// What recvmsg(2) gave besides the bytes.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    pub(crate) length: usize,
    pub(crate) truncated: bool,
    pub(crate) control_truncated: bool,
    pub(crate) fds: Vec<OwnedFd>,
    pub(crate) credentials: Option<libc::ucred>,
}

/// recvmsg(2) with the control data of a notify socket; every descriptor is close-on-exec.
pub(crate) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Arrived> {
    let mut control = [0_u64; CONTROL_WORDS];
    let mut iov = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: msghdr is plain data for which all zeroes is "nothing there".
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_iov = &raw mut iov;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = size_of_val(&control) as _;
    let length = loop {
        // SAFETY: the header points to a buffer and a control area that live on, with their true sizes.
        let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, libc::MSG_CMSG_CLOEXEC) };
        match usize::try_from(length) {
            Ok(length) => break length,
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error => return Err(error),
            },
        }
    };
    let mut arrived = Arrived {
        length,
        truncated: header.msg_flags & libc::MSG_TRUNC != 0,
        control_truncated: header.msg_flags & libc::MSG_CTRUNC != 0,
        ..Arrived::default()
    };
    // SAFETY: the kernel filled the control area and set its length; the CMSG macros stay within it.
    unsafe {
        let mut part = libc::CMSG_FIRSTHDR(&raw const header);
        while !part.is_null() {
            take_control(part, &mut arrived);
            part = libc::CMSG_NXTHDR(&raw const header, part);
        }
    }
    Ok(arrived)
}

/// # Safety
/// `part` must point to a control message the kernel wrote, followed by its data. It is a pointer and no reference
/// because a reference would reach no further than the header.
unsafe fn take_control(part: *const libc::cmsghdr, arrived: &mut Arrived) {
    // SAFETY: by the caller's word there is a header; it is plain data.
    let header = unsafe { part.read() };
    if header.cmsg_level != libc::SOL_SOCKET {
        return;
    }
    // SAFETY: by the caller's word the data follows the header; it is read unaligned and within cmsg_len, and the
    // descriptors in it are new and ours alone.
    unsafe {
        let data = libc::CMSG_DATA(part);
        match header.cmsg_type {
            libc::SCM_RIGHTS => {
                let count = (header.cmsg_len - libc::CMSG_LEN(0) as usize) / size_of::<RawFd>();
                for index in 0..count {
                    let fd = data.cast::<RawFd>().add(index).read_unaligned();
                    arrived.fds.push(OwnedFd::from_raw_fd(fd));
                }
            }
            libc::SCM_CREDENTIALS => arrived.credentials = Some(data.cast::<libc::ucred>().read_unaligned()),
            _ => {}
        }
    }
}

/// Whether `number` is open and would survive exec: then it was inherited, since everything this process opens
/// itself is close-on-exec.
pub(crate) fn is_inherited(number: i32) -> bool {
    // SAFETY: F_GETFD only reads a flag; on a number that is not open it fails with EBADF.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    flags >= 0 && flags & libc::FD_CLOEXEC == 0
}

/// Clears close-on-exec of `number`.
pub(crate) fn keep_across_exec(number: i32) -> io::Result<()> {
    // SAFETY: F_SETFD changes a flag of the descriptor, not what it refers to; EBADF where it is not open.
    check(unsafe { libc::fcntl(number, libc::F_SETFD, 0) })
}

/// Makes `number` the same file as `fd`, kept across exec; whatever was open there is closed.
pub(crate) fn duplicate_to(fd: BorrowedFd<'_>, number: i32) -> io::Result<()> {
    // SAFETY: the caller is about to exec and has moved all it owns above `number`; what is closed here, if
    // anything, was about to be lost to the program's list of descriptors anyway.
    check(unsafe { libc::dup2(fd.as_raw_fd(), number) })
}

/// Lets no descriptor from `first` on survive exec.
pub(crate) fn close_on_exec_from(first: i32) -> io::Result<()> {
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let number = entry?.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(number) = number.filter(|number| *number >= first) {
            // SAFETY: F_SETFD changes a flag of the descriptor, not what it refers to.
            check(unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) })?;
        }
    }
    Ok(())
}

/// Every signal as it is by default, and none blocked.
pub(crate) fn reset_signals() -> io::Result<()> {
    for number in 1..=libc::SIGRTMAX() {
        // SAFETY: signal(2) is given a constant; what cannot be changed (SIGKILL, SIGSTOP) is refused.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
    // SAFETY: the set is initialised by sigemptyset(3) before it is used; the old mask is not asked for.
    check(unsafe {
        let mut none = mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut())
    })
}

/// execve(2). Returns only when it failed.
pub(crate) fn exec(
    program: &Path,
    arguments: &[OsString],
    environment: &[(OsString, OsString)],
    sigpipe: Sigpipe,
) -> io::Error {
    let assignments = environment.iter().map(|(key, value)| {
        let mut assignment = key.clone();
        assignment.push("=");
        assignment.push(value);
        assignment
    });
    let program = CString::new(program.as_os_str().as_bytes());
    let (Ok(program), Ok(arguments), Ok(environment)) =
        (program, strings(arguments.iter().cloned()), strings(assignments))
    else {
        return io::Error::new(io::ErrorKind::InvalidInput, "a NUL byte in an argument or variable");
    };
    let disposition = match sigpipe {
        Sigpipe::Ignore => libc::SIG_IGN,
        Sigpipe::Default => libc::SIG_DFL,
    };
    let (argv, envp) = (pointers(&arguments), pointers(&environment));
    // SAFETY: both arrays end in a null pointer and point to NUL-terminated strings that outlive the call;
    // signal(2) is given one of its two constants.
    unsafe {
        libc::signal(libc::SIGPIPE, disposition);
        libc::execve(program.as_ptr(), argv.as_ptr(), envp.as_ptr());
    }
    io::Error::last_os_error()
}

fn strings(texts: impl Iterator<Item = OsString>) -> Result<Vec<CString>, std::ffi::NulError> {
    texts.map(|text| CString::new(text.as_bytes())).collect()
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
