//! A connection to the notify socket: opened, adopted, and sent over. What the kernel says is a number for JavaScript,
//! which knows its name; only what cannot be connected is an error with a text.

use aye::{Address, Notifier, SendError};
use rustix::io::Errno;

use crate::napi::{Call, Thrown, Value};

/// Below are the standard three.
const FIRST: i32 = 3;

/// What remains where the kernel gives no socket.
const LIMIT: &str = "too many descriptors are open (LimitNOFILE=), or memory is short";

/// More than any address has: of a longer text the beginning shows what is wrong.
const LONGEST: usize = 255;

/// `open(address: string)`: a connection to where `$NOTIFY_SOCKET` points.
pub(crate) fn open(call: &Call<'_>) -> Result<Value, Thrown> {
    let mut space = [0; LONGEST + 1];
    let text = call.string(0, &mut space).ok_or(Thrown::Type(c"open takes an address: a string"))?;
    let failed = |reason| Thrown::error(&["cannot reach the notify socket ", text, ": ", reason]);
    let address = Address::parse(text.as_bytes()).map_err(|error| failed(error.reason()))?;
    let notifier = Notifier::connect(&address).map_err(|error| failed(error.reason().unwrap_or(LIMIT)))?;
    call.hold(notifier)
}

/// `adopt(fd: number)`: a connection over a copy of a datagram socket that is connected already, which stays the caller's.
pub(crate) fn adopt(call: &Call<'_>) -> Result<Value, Thrown> {
    let fd = call.descriptor(0).ok_or(Thrown::Type(c"adopt takes a descriptor: an integer from 0 on"))?;
    let copy = rustix::io::fcntl_dupfd_cloexec(fd, FIRST).map_err(|errno| {
        Thrown::error(&[
            "cannot copy the descriptor: ",
            if errno == Errno::BADF { "it is not open" } else { LIMIT },
        ])
    })?;
    call.hold(Notifier::from_socket(copy))
}

/// `send(connection, bytes: Uint8Array, wait: boolean)`: 0, or an errno.
#[inline]
pub(crate) fn send(call: &Call<'_>) -> Result<Value, Thrown> {
    let sent = (|| {
        let (message, wait) = (call.bytes(1)?, call.boolean(2)?);
        call.connection(0, |to| if wait { to.send(message) } else { to.try_send(message) })
    })();
    let sent =
        sent.ok_or(Thrown::Type(c"send takes a connection, a Uint8Array and whether to wait for room"))?;
    call.answer(errno(&sent))
}

/// `sendWithFds(connection, bytes: Uint8Array, fds: Int32Array)`: 0, or an errno; waits for room.
pub(crate) fn send_with_fds(call: &Call<'_>) -> Result<Value, Thrown> {
    let sent = (|| {
        let (message, descriptors) = (call.bytes(1)?, call.descriptors(2)?);
        call.connection(0, |to| match descriptors.fds() {
            Some(fds) => to.send_with_fds(message, fds),
            None => Err(Errno::BADF.into()),
        })
    })();
    let sent = sent.ok_or(Thrown::Type(c"sendWithFds takes a connection, a Uint8Array and an Int32Array"))?;
    call.answer(errno(&sent))
}

/// What became of a message, as a number.
pub(crate) fn errno(sent: &Result<(), SendError>) -> i32 {
    match sent {
        Ok(()) => return 0,
        Err(SendError::Socket(errno)) => *errno,
        Err(SendError::DescriptorsOverVsock) => Errno::OPNOTSUPP,
        Err(SendError::Answered) => Errno::PROTO,
        Err(_) => Errno::INVAL,
    }
    .raw_os_error()
}
