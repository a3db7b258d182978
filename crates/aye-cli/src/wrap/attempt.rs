//! One try of a probe: the part that touches the network, the file system and processes. Blocks, within its time limit.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::ports::Ports;
use super::probe::{Host, Target};
use super::{command, request};

pub(super) fn attempt(target: &Target, ports: &Ports, limit: Duration) -> Result<(), String> {
    let until = Instant::now() + limit;
    match target {
        Target::Tcp(host) => tcp(host, until).map(drop).map_err(|error| reason(&error)),
        Target::Http(http) => request::get(http, until),
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

pub(super) fn tcp(host: &Host, until: Instant) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(ErrorKind::NotFound, "no such host");
    for address in addresses(host)? {
        match TcpStream::connect_timeout(&address, left(until)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Literal addresses and localhost take no resolver.
fn addresses(host: &Host) -> io::Result<Vec<SocketAddr>> {
    let literal: Option<IpAddr> = host.name.parse().ok();
    Ok(match literal {
        Some(address) => vec![(address, host.port).into()],
        None if host.name == "localhost" => {
            vec![(Ipv4Addr::LOCALHOST, host.port).into(), (Ipv6Addr::LOCALHOST, host.port).into()]
        }
        None => (host.name.as_str(), host.port).to_socket_addrs()?.collect(),
    })
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
