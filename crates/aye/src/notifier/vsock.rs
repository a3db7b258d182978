//! Speaking to the manager of a virtual machine's host. A datagram socket is like the local one; the two connected kinds
//! carry one message a connection, whose end says that the message is over, and the peer's end that it was read
//! (sd_notify(3), "VSOCK").

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketFlags, SocketType, bind, connect, recv, send,
    shutdown, socket_with,
};

use super::error::SendError;
use crate::address::VsockKind;
use crate::sys::SocketAddrVsock;

/// The highest port that takes a privilege to send from, by which a host knows the guest's manager.
const PRIVILEGED: u32 = 1023;

/// A peer that is spoken to over connections.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    kinds: &'static [SocketType],
    address: SocketAddrVsock,
}

impl Peer {
    pub(super) fn new(kind: VsockKind, cid: u32, port: u32) -> Self {
        let kinds: &[SocketType] = match kind {
            VsockKind::Any => &[SocketType::SEQPACKET, SocketType::STREAM],
            VsockKind::SequencedPacket => &[SocketType::SEQPACKET],
            VsockKind::Stream => &[SocketType::STREAM],
            VsockKind::Datagram => &[],
        };
        Self { kinds, address: SocketAddrVsock::new(cid, port) }
    }

    /// Sends one message over a connection of its own, and returns when it was read.
    pub(super) fn send(self, message: &[u8]) -> Result<(), SendError> {
        deliver(&self.connected()?, message)
    }

    /// What no transport of this kernel has, the next kind may be; whether it has it may show only when connecting.
    fn connected(self) -> Result<OwnedFd, Errno> {
        let mut missing = Errno::SOCKTNOSUPPORT;
        for &kind in self.kinds {
            match connected(kind, &self.address) {
                Err(error) if is_unsupported(error) => missing = error,
                result => return result,
            }
        }
        Err(missing)
    }
}

/// A datagram socket to a peer; `None` where it is to be tried over connections.
pub(super) fn datagram(kind: VsockKind, cid: u32, port: u32) -> Result<Option<OwnedFd>, Errno> {
    if !matches!(kind, VsockKind::Any | VsockKind::Datagram) {
        return Ok(None);
    }
    match connected(SocketType::DGRAM, &SocketAddrVsock::new(cid, port)) {
        Err(error) if is_unsupported(error) && kind == VsockKind::Any => Ok(None),
        result => result.map(Some),
    }
}

/// A socket to the peer, from a privileged port where that is permitted.
fn connected(kind: SocketType, address: &SocketAddrVsock) -> Result<OwnedFd, Errno> {
    let socket = socket_with(AddressFamily::VSOCK, kind, SocketFlags::CLOEXEC, None)?;
    bind_privileged(&socket)?;
    connect(&socket, address)?;
    Ok(socket)
}

fn is_unsupported(error: Errno) -> bool {
    [Errno::NODEV, Errno::SOCKTNOSUPPORT, Errno::PROTONOSUPPORT, Errno::OPNOTSUPP, Errno::AFNOSUPPORT]
        .contains(&error)
}

/// Sends one message over a fresh connection, says that it is over, and waits until the peer closes.
fn deliver(socket: &OwnedFd, message: &[u8]) -> Result<(), SendError> {
    let mut rest = message;
    while !rest.is_empty() {
        match send(socket, rest, SendFlags::NOSIGNAL) {
            Ok(sent) => rest = &rest[sent..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    shutdown(socket, Shutdown::Write)?;
    let mut answer = [0; 1];
    loop {
        match recv(socket, &mut answer, RecvFlags::empty()) {
            Ok((0, _)) => return Ok(()),
            Ok(_) => return Err(SendError::Answered),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn bind_privileged(socket: &OwnedFd) -> Result<(), Errno> {
    for port in (1..=PRIVILEGED).rev() {
        match bind(socket, &SocketAddrVsock::from_port(port)) {
            Err(Errno::ADDRINUSE) => {}
            // Any port will do for those who may not.
            Err(Errno::ACCESS | Errno::PERM) => return Ok(()),
            result => return result,
        }
    }
    Err(Errno::ADDRINUSE)
}
