//! A manager's private socket, made readable for zbus. Off the bus, systemd signs its messages with the well-known
//! name `org.freedesktop.systemd1` as their sender (live 252 does); zbus 6.2 takes only unique names there and
//! would end the connection at the first message. Nobody needs that field between two peers, so its first letter
//! becomes the colon that makes the name a unique one, and every length stays as it is.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use zbus::connection::socket::{ReadHalf, Socket, Split, WriteHalf};
use zbus::export::async_trait::async_trait;

use crate::link::Leash;

/// The stream of a connection. It passes no file descriptors: no call used here has any.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: UnixStream,
    /// A manager is at the other end; otherwise a bus, whose messages need no correction.
    direct: bool,
    /// What ends with the connection.
    leash: Option<Arc<Leash>>,
}

impl Peer {
    /// The stream to a manager itself.
    pub(crate) fn direct(stream: UnixStream) -> Self {
        Self { stream, direct: true, leash: None }
    }

    /// The stream of a child that leads to a manager itself, or else to a bus.
    pub(crate) fn bridged(stream: UnixStream, leash: Arc<Leash>, direct: bool) -> Self {
        Self { stream, direct, leash: Some(leash) }
    }
}

impl Socket for Peer {
    type ReadHalf = Reader;
    type WriteHalf = Writer;

    fn split(self) -> Split<Reader, Writer> {
        let (read, write) = self.stream.into_split();
        let reader = Reader { half: read, direct: self.direct, inbox: Vec::new(), ready: 0 };
        Split::new(reader, Writer { half: write, _leash: self.leash })
    }
}

/// Reads whole messages, corrects them, and hands them on in whatever portions zbus asks for.
#[derive(Debug)]
pub(crate) struct Reader {
    half: OwnedReadHalf,
    direct: bool,
    inbox: Vec<u8>,
    /// How much at the front of the inbox is whole and corrected.
    ready: usize,
}

#[async_trait]
impl ReadHalf for Reader {
    async fn recvmsg(&mut self, buffer: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
        if !self.direct {
            return Ok((self.half.read(buffer).await?, Vec::new()));
        }
        while self.ready == 0 {
            if self.half.read_buf(&mut self.inbox).await? == 0 {
                return Ok((0, Vec::new()));
            }
            while let Some(length) = correct(&mut self.inbox[self.ready..]) {
                self.ready += length;
            }
        }
        let length = buffer.len().min(self.ready);
        buffer[..length].copy_from_slice(&self.inbox[..length]);
        self.inbox.drain(..length);
        self.ready -= length;
        Ok((length, Vec::new()))
    }
}

#[derive(Debug)]
pub(crate) struct Writer {
    half: OwnedWriteHalf,
    _leash: Option<Arc<Leash>>,
}

#[async_trait]
impl WriteHalf for Writer {
    async fn sendmsg(&mut self, buffer: &[u8], _fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
        self.half.write(buffer).await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.half.shutdown().await
    }
}

/// The code of the header field SENDER (D-Bus Specification, header fields).
const SENDER: u8 = 7;

/// Corrects the line of the handshake or the message that `bytes` begin with, and gives its length; `None` while it
/// is not whole. A message begins with the letter of its byte order, which no line of a server's handshake does.
fn correct(bytes: &mut [u8]) -> Option<usize> {
    let little = match bytes.first()? {
        b'l' => true,
        b'B' => false,
        _ => return Some(bytes.iter().position(|byte| *byte == b'\n')? + 1),
    };
    let fields_end = number(bytes, 12, little)?.checked_add(16)?;
    let length = fields_end.checked_next_multiple_of(8)?.checked_add(number(bytes, 4, little)?)?;
    let message = bytes.get_mut(..length)?;
    if let Some(letter) = sender(&message[..fields_end], little) {
        message[letter] = b':';
    }
    Some(length)
}

/// Where the sender's name begins in a header. A header that cannot be read has none: zbus will say what is wrong.
fn sender(header: &[u8], little: bool) -> Option<usize> {
    let mut at = 16;
    loop {
        let &[code, 1, kind, 0] = header.get(at..at + 4)? else {
            return None;
        };
        let value = at + 4;
        let end = match kind {
            b's' | b'o' => value + 4 + number(header, value, little)? + 1,
            b'g' => value + 1 + usize::from(*header.get(value)?) + 1,
            b'u' => value + 4,
            _ => return None,
        };
        if code == SENDER && end > value + 5 {
            return (end <= header.len()).then_some(value + 4);
        }
        at = end.next_multiple_of(8);
    }
}

fn number(bytes: &[u8], at: usize, little: bool) -> Option<usize> {
    let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
    let number = if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
    usize::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use zbus::message::Message;
    use zbus::wire::Endian;

    /// A signal whose sender is spelled as systemd spells it on its private socket.
    fn message(endian: Endian) -> Vec<u8> {
        let builder =
            Message::signal("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "JobNew");
        let builder = builder.sender(":rg.freedesktop.systemd1").endian(endian);
        let bytes = builder.build(&(7u32, "web@1.service")).unwrap().data().to_vec();
        let name = b":rg.freedesktop.systemd1";
        let at = bytes.windows(name.len()).position(|window| window == name).unwrap();
        [&bytes[..at], b"o", &bytes[at + 1..]].concat()
    }

    #[test]
    fn waits_for_the_rest_of_a_message() {
        let whole = message(Endian::Little);
        for length in 0..whole.len() {
            assert_eq!(correct(&mut whole[..length].to_vec()), None, "of {length} bytes");
        }
    }

    #[test]
    fn a_sender_that_is_a_well_known_name_becomes_a_unique_one() {
        for endian in [Endian::Little, Endian::Big] {
            let mut bytes = message(endian);
            let length = bytes.len();
            assert_eq!(correct(&mut bytes), Some(length));
            let text = String::from_utf8_lossy(&bytes);
            assert!(text.contains(":rg.freedesktop.systemd1"), "{text}");
        }
    }

    #[test]
    fn a_line_of_the_handshake_passes_unchanged() {
        let mut line = *b"OK 0123\r\nAGREE_UNIX_FD\r\n";
        assert_eq!(correct(&mut line), Some(9));
        assert_eq!(&line[..9], b"OK 0123\r\n");
    }

    proptest! {
        #[test]
        fn never_panics_and_never_claims_more_than_it_has(mut bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            bytes.insert(0, b'l');
            let length = bytes.len();
            prop_assert!(correct(&mut bytes).is_none_or(|end| end <= length));
        }
    }
}
