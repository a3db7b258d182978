//! The only unsafe code: what the kernel can do and rustix does not say.
#![allow(unsafe_code)]

#[cfg(feature = "std")]
mod child;
#[cfg(feature = "std")]
mod exec;
#[cfg(feature = "std")]
mod inherited;
#[cfg(feature = "std")]
mod pidfd;
#[cfg(feature = "std")]
mod receive;
#[cfg(feature = "std")]
mod signals;
mod vsock;

#[cfg(feature = "std")]
pub(crate) use child::{Forked, close, close_all_but, end_after, exit_now, fork, reap};
#[cfg(feature = "std")]
pub(crate) use exec::{
    close_on_exec_from, duplicate_to, exec, keep_across_exec, reset_signals, unblock_signals,
};
#[cfg(feature = "std")]
pub(crate) use inherited::{adopt, duplicate, is_inherited};
#[cfg(feature = "std")]
pub(crate) use pidfd::{
    CGROUP as PIDFD_INFO_CGROUP, CREDENTIALS as PIDFD_INFO_CREDENTIALS, EXIT as PIDFD_INFO_EXIT,
    PID as PIDFD_INFO_PID, pidfd_info,
};
#[cfg(feature = "std")]
pub(crate) use receive::{Arrived, pass_pidfd, receive};
#[cfg(feature = "std")]
pub(crate) use signals::{end_by, next_signal, open_signals, send_signal};
pub(crate) use vsock::SocketAddrVsock;

#[cfg(feature = "std")]
fn check(result: libc::c_int) -> std::io::Result<()> {
    if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}
