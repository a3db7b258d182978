//! The way to the manager's own socket: each datagram goes on as it came, under the name of the process that sent it. Under
//! this process' own name nothing is sent, ever: it may run in a service itself, for which the manager would take it.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use aye::{Address, Notifier, Waiting};
use rustix::io::{Errno, IoSlice};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, UCred, sendmsg};
use rustix::process::{Gid, Pid, Uid};

use super::folder::REAL;
use super::process;
use crate::trace::scene::Passed;

/// The most descriptors the kernel passes in one message (`SCM_MAX_FD`).
const MOST_DESCRIPTORS: usize = 253;

const CONTROL_SPACE: usize =
    rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS)) + rustix::cmsg_space!(ScmCredentials(1));

/// The connection, made anew when the manager has another socket.
#[derive(Debug)]
pub(super) struct Upstream {
    socket: OwnedFd,
}

impl Upstream {
    pub(super) fn connect() -> io::Result<Self> {
        Ok(Self { socket: connect()? })
    }

    /// Passes a datagram on. While the manager's queue is full it waits, as the sender itself would.
    pub(super) fn pass(&mut self, waiting: &Waiting) -> Passed {
        let Some(sender) = waiting.sender else {
            return Passed::Failed("it has no sender in whose name it could be passed on".to_owned());
        };
        let pid = i32::try_from(sender.pid).ok().and_then(Pid::from_raw);
        let Some(pid) = pid else {
            return Passed::Failed("its sender is no process of this machine".to_owned());
        };
        let claim = UCred { pid, uid: Uid::from_raw(sender.uid), gid: Gid::from_raw(sender.gid) };
        let sent = match self.send(waiting, claim) {
            Err(Errno::CONNREFUSED | Errno::NOTCONN | Errno::CONNRESET) => match connect() {
                Ok(socket) => {
                    self.socket = socket;
                    self.send(waiting, claim)
                }
                Err(error) => return Passed::Failed(format!("nobody listens at {REAL}: {error}")),
            },
            sent => sent,
        };
        match sent {
            // Looked at after the sending: one that lives now is known when the manager reads, which it does before it reaps.
            Ok(()) if process::is_dead(sender.pid) => Passed::AsEnded,
            Ok(()) => Passed::AsSender,
            Err(Errno::SRCH) => Passed::Failed(
                "its sender had ended before it was passed on: wait for a barrier before exiting, as `aye notify` does"
                    .to_owned(),
            ),
            Err(error) => Passed::Failed(format!("{REAL} does not take it: {error}")),
        }
    }

    fn send(&self, waiting: &Waiting, claim: UCred) -> Result<(), Errno> {
        let fds: Vec<BorrowedFd<'_>> = waiting.fds.iter().map(|fd| fd.as_fd()).collect();
        let mut space = [MaybeUninit::uninit(); CONTROL_SPACE];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&fds));
        }
        control.push(SendAncillaryMessage::ScmCredentials(claim));
        loop {
            match sendmsg(&self.socket, &[IoSlice::new(&waiting.bytes)], &mut control, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                sent => return sent.map(drop),
            }
        }
    }
}

fn connect() -> io::Result<OwnedFd> {
    let notifier = Notifier::connect(&Address::Path(REAL.as_bytes())).map_err(io::Error::other)?;
    notifier.into_socket().ok_or_else(|| io::ErrorKind::Unsupported.into())
}
