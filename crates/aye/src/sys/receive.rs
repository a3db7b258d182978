//! Receiving a datagram with its control data. Here rather than in rustix because its credentials type cannot hold pid
//! 0, which is what the kernel says of a sender outside the receiver's pid namespace (`pid_vnr()`), and because it does
//! not know `SCM_PIDFD`.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Room for the most descriptors the kernel passes at once, one set of credentials and a pidfd, in words so that it is
/// aligned as `cmsghdr` wants.
const CONTROL_WORDS: usize = 160;

/// `SO_PASSPIDFD` and `SCM_PIDFD` of `<asm/socket.h>` and `<linux/socket.h>`, Linux 6.5: a pidfd of the sender.
const SO_PASSPIDFD: libc::c_int = 76;
const SCM_PIDFD: libc::c_int = 4;

/// What recvmsg(2) gave besides the bytes.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    pub(crate) length: usize,
    pub(crate) truncated: bool,
    pub(crate) control_truncated: bool,
    pub(crate) fds: Vec<OwnedFd>,
    pub(crate) credentials: Option<libc::ucred>,
    pub(crate) pidfd: Option<OwnedFd>,
}

/// Asks the kernel for a pidfd with each datagram, or no more.
///
/// # Errors
/// `ENOPROTOOPT` before Linux 6.5.
pub(crate) fn pass_pidfd(socket: BorrowedFd<'_>, on: bool) -> io::Result<()> {
    let on = libc::c_int::from(on);
    let size = libc::socklen_t::try_from(size_of_val(&on)).expect("an int is small");
    // SAFETY: the value is an int of that size, which is read and not kept.
    super::check(unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, SO_PASSPIDFD, (&raw const on).cast(), size)
    })
}

/// recvmsg(2) with the control data of a notify socket; every descriptor is close-on-exec.
pub(crate) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Arrived> {
    receive_with(socket, buffer, 0)
}

/// The same without taking the datagram: it is there for the next look, too. Descriptors come with each look anew.
pub(crate) fn peek(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Arrived> {
    receive_with(socket, buffer, libc::MSG_PEEK)
}

fn receive_with(socket: BorrowedFd<'_>, buffer: &mut [u8], flags: libc::c_int) -> io::Result<Arrived> {
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
        let length =
            unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, libc::MSG_CMSG_CLOEXEC | flags) };
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
#[allow(clippy::cast_ptr_alignment)] // read unaligned
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
            SCM_PIDFD => {
                // Negative where there is none to give: the sender is gone, and the kernel older than 6.16.
                let fd = data.cast::<RawFd>().read_unaligned();
                arrived.pidfd = (fd >= 0).then(|| OwnedFd::from_raw_fd(fd));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;
    use crate::{Address, Receiver};

    /// `SO_PASSRIGHTS` of `<asm/socket.h>`, Linux 6.16.
    const SO_PASSRIGHTS: libc::c_int = 83;

    #[test]
    fn the_receiver_lets_descriptors_pass() {
        let name = format!("aye-test-{}-passrights", std::process::id());
        let receiver = Receiver::bind(&Address::Abstract(name.as_bytes())).unwrap();
        let mut value: libc::c_int = -1;
        let mut size = libc::socklen_t::try_from(size_of_val(&value)).unwrap();
        // SAFETY: value and size are an int and its size, which the kernel writes to.
        let result = super::super::check(unsafe {
            libc::getsockopt(
                receiver.as_fd().as_raw_fd(),
                libc::SOL_SOCKET,
                SO_PASSRIGHTS,
                (&raw mut value).cast(),
                &raw mut size,
            )
        });
        match result {
            Ok(()) => assert_eq!(value, 1),
            Err(error) => assert_eq!(error.raw_os_error(), Some(libc::ENOPROTOOPT), "before 6.16"),
        }
    }
}
