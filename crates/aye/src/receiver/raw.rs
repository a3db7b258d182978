//! A datagram as it came, with everything that came along, for whoever passes it on.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::RecvFlags;

use super::{Dropped, Received, Receiver, Sender, judge};
use crate::message::{LARGEST, Message};
use crate::sys;

/// A datagram with nothing taken away, whatever the rules make of it.
///
/// ```
/// # let name = format!("aye-doc-raw-{}", std::process::id());
/// # let address = aye::Address::Abstract(name.as_bytes());
/// let receiver = aye::Receiver::bind(&address)?;
/// aye::Notifier::connect(&address)?.send(&[b'a'; 5000])?;
/// let raw = receiver.receive_raw()?;
/// assert_eq!(raw.bytes.len(), 5000);
/// assert!(matches!(raw.message, Err(aye::Dropped::TooLarge)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Raw {
    /// The bytes as sent, all of them.
    pub bytes: Vec<u8>,
    /// The assignments in them, or the rule by which it is dropped whole.
    pub message: Result<Message, Dropped>,
    /// The descriptors passed; not all of them where the rule is [`Dropped::DescriptorsLost`].
    pub fds: Vec<OwnedFd>,
    /// Who sent it, where the kernel says so.
    pub sender: Option<Sender>,
    /// The sender, pinned, as [`Datagram::pidfd`](crate::Datagram::pidfd).
    pub pidfd: Option<OwnedFd>,
}

impl Receiver {
    /// Takes the next datagram as it came, also one that [`receive`](Self::receive) would drop. The bytes are all there
    /// where nobody else takes datagrams from the same socket.
    ///
    /// ```
    /// # let name = format!("aye-doc-receive-raw-{}", std::process::id());
    /// # let address = aye::Address::Abstract(name.as_bytes());
    /// let receiver = aye::Receiver::bind(&address)?;
    /// aye::Notifier::connect(&address)?.send(b"READY=1\0")?;
    /// assert_eq!(receiver.receive_raw()?.bytes, b"READY=1\0");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn receive_raw(&self) -> io::Result<Raw> {
        let mut bytes = vec![0; self.waiting_length()?.max(LARGEST) + 1];
        let mut arrived = sys::receive(self.socket.as_fd(), &mut bytes)?;
        bytes.truncate(arrived.length);
        let (fds, pidfd) = (std::mem::take(&mut arrived.fds), arrived.pidfd.take());
        Ok(match judge(&bytes, arrived) {
            Received::Datagram(datagram) => {
                Raw { message: Ok(datagram.message), sender: Some(datagram.sender), bytes, fds, pidfd }
            }
            Received::Dropped(why, sender) => Raw { message: Err(why), sender, bytes, fds, pidfd },
        })
    }

    /// The length of the next datagram, which stays where it is.
    fn waiting_length(&self) -> io::Result<usize> {
        loop {
            match rustix::net::recv(&self.socket, &mut [0_u8; 0][..], RecvFlags::PEEK | RecvFlags::TRUNC) {
                Err(Errno::INTR) => {}
                result => return Ok(result.map(|(_, length)| length)?),
            }
        }
    }
}
