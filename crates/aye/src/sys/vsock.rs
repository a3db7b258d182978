//! The socket address of `AF_VSOCK` (vsock(7)), which rustix has no type for.

use core::mem::size_of;

use rustix::net::AddressFamily;
use rustix::net::addr::{SocketAddrArg, SocketAddrLen, SocketAddrOpaque};

/// `VMADDR_CID_ANY`: on the local side, whatever this machine's CID is.
const CID_ANY: u32 = u32::MAX;

/// `struct sockaddr_vm` of `<linux/vm_sockets.h>`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct SocketAddrVsock {
    family: u16,
    reserved: u16,
    port: u32,
    cid: u32,
    flags: u8,
    zero: [u8; 3],
}

impl SocketAddrVsock {
    pub(crate) fn new(cid: u32, port: u32) -> Self {
        Self { family: AddressFamily::VSOCK.as_raw(), reserved: 0, port, cid, flags: 0, zero: [0; 3] }
    }

    /// A local port to send from.
    pub(crate) fn from_port(port: u32) -> Self {
        Self::new(CID_ANY, port)
    }
}

// SAFETY: the pointer is to `self`, which lives through the call and is laid out as the kernel's own structure: 16 bytes,
// with the family it is for.
unsafe impl SocketAddrArg for SocketAddrVsock {
    unsafe fn with_sockaddr<R>(&self, f: impl FnOnce(*const SocketAddrOpaque, SocketAddrLen) -> R) -> R {
        const LENGTH: SocketAddrLen = 16;
        const { assert!(size_of::<SocketAddrVsock>() == LENGTH as usize) };
        f(core::ptr::from_ref(self).cast(), LENGTH)
    }
}
