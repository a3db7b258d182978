//! One try of a probe: the part that touches the network, the file system and processes. Blocks, within its time limit.

use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::lookup::Lookup;
use super::ports::Ports;
use super::probe::{Host, Target};
use super::{command, request};

pub(super) fn attempt(
    target: &Target,
    lookup: &mut Lookup,
    ports: &Ports,
    limit: Duration,
) -> Result<(), String> {
    let until = Instant::now() + limit;
    match target {
        Target::Tcp(host) => tcp(host, lookup, until).map(drop).map_err(|error| reason(&error)),
        Target::Http(http) => request::get(http, lookup, until),
        Target::Unix(path) => unix(path).map_err(|error| reason(&error)),
        Target::File(path) => path.symlink_metadata().map(drop).map_err(|error| reason(&error)),
        Target::Command(text) => command::run(text, until),
        Target::Port => ports.any_new(),
    }
}

/// What is left until then; never zero, which socket options refuse.
pub(super) fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// An error in the words of a status: one fragment, without the number.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => "no answer in time".to_owned(),
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::NotFound => "does not exist".to_owned(),
        _ => error.to_string().split(" (os error").next().unwrap_or_default().to_lowercase(),
    }
}

pub(super) fn tcp(host: &Host, lookup: &mut Lookup, until: Instant) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(ErrorKind::NotFound, "no such host");
    for address in lookup.addresses(host, until)? {
        match TcpStream::connect_timeout(&address, left(until)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Connects as a stream, or as whatever the socket is: of another type a path answers EPROTOTYPE (unix(7)), and an abstract
/// name, which belongs to one type, ECONNREFUSED.
fn unix(path: &str) -> io::Result<()> {
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddrUnix::new_abstract_name(name.as_bytes())?,
        None => SocketAddrUnix::new(path)?,
    };
    let mut result = Ok(());
    for kind in [SocketType::STREAM, SocketType::SEQPACKET, SocketType::DGRAM] {
        // Non-blocking: a full queue of connections would block without end.
        let socket =
            socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
        result = connect(&socket, &address);
        if !matches!(result, Err(Errno::PROTOTYPE | Errno::CONNREFUSED)) {
            break;
        }
    }
    // What a path says to all but the right type is no news.
    Ok(result.map_err(|error| if error == Errno::PROTOTYPE { Errno::CONNREFUSED } else { error })?)
}
