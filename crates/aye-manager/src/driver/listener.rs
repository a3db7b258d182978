//! Listening sockets of a `.socket` unit, made as systemd.socket(5) makes them: close-on-exec, `SO_REUSEADDR`, a bare
//! port on IPv6 and IPv4 alike.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};

use crate::unit::Listen;

/// Opens one address.
pub(crate) fn listen(address: &Listen, backlog: u32, mode: u32) -> io::Result<OwnedFd> {
    let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
    let socket = match address {
        Listen::Port(port) => any_interface(*port)?,
        Listen::Address(address) => internet(*address)?,
        Listen::Path(path) => path_socket(path, mode)?,
        Listen::Abstract(name) => unix(&SocketAddrUnix::new_abstract_name(name.as_bytes())?)?,
    };
    rustix::net::listen(&socket, backlog)?;
    Ok(socket)
}

/// `[::]` takes IPv4 connections too, unless IPv6 is off.
fn any_interface(port: u16) -> io::Result<OwnedFd> {
    match internet(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)) {
        Err(error) if error.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error()) => {
            internet(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port))
        }
        result => result,
    }
}

fn internet(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let socket = stream(family)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, &address)?;
    Ok(socket)
}

fn path_socket(path: &Path, mode: u32) -> io::Result<OwnedFd> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket()) {
        fs::remove_file(path)?; // as systemd does: a socket that nobody listens on any more
    }
    let socket = unix(&SocketAddrUnix::new(path)?)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(socket)
}

fn unix(address: &SocketAddrUnix) -> io::Result<OwnedFd> {
    let socket = stream(AddressFamily::UNIX)?;
    rustix::net::bind(&socket, address)?;
    Ok(socket)
}

/// Non-blocking, as systemd's are: whoever shares it must not hang in accept(2).
fn stream(family: AddressFamily) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(family, SocketType::STREAM, flags, None)?)
}

/// The address as a unit file writes it.
pub(crate) fn describe(address: &Listen) -> String {
    match address {
        Listen::Port(port) => port.to_string(),
        Listen::Address(address) => address.to_string(),
        Listen::Path(path) => path.display().to_string(),
        Listen::Abstract(name) => format!("@{name}"),
    }
}
