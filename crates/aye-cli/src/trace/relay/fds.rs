//! What a descriptor is, in a few words: a socket with its address, a pipe, a file, a process.

use std::fs;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use rustix::net::{AddressFamily, SocketAddrAny, SocketAddrUnix, SocketType, getsockname, sockopt};

/// A descriptor in a few words, such as `tcp 127.0.0.1:8080`, `pipe` or `/var/lib/app/state`.
pub(in crate::trace) fn describe(fd: BorrowedFd<'_>) -> String {
    if let Ok(kind) = sockopt::socket_type(fd) {
        return socket(fd, kind);
    }
    if let Some(pid) = process(fd) {
        return if pid == 0 {
            "pidfd of a process that is gone".to_owned()
        } else {
            format!("pidfd of {pid}")
        };
    }
    match fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())) {
        Ok(target) => plain(&target.to_string_lossy()),
        Err(_) => "unknown".to_owned(),
    }
}

/// The process of a pidfd, and 0 for one that has been reaped; `None` for what is no pidfd (`pidfd_show_fdinfo()` of Linux).
pub(in crate::trace) fn process(fd: BorrowedFd<'_>) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd())).ok()?;
    let pid: i64 = text.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()?;
    Some(u32::try_from(pid).unwrap_or(0))
}

/// The kernel's name of what has no path is a kind and a number (proc_pid_fd(5)): the kind is enough.
fn plain(target: &str) -> String {
    match target.strip_prefix("anon_inode:") {
        Some(kind) => kind.trim_matches(['[', ']']).to_owned(),
        None => match target.split_once(":[") {
            Some((kind, _)) if !target.starts_with('/') => kind.to_owned(),
            _ => target.strip_prefix("/memfd:").map_or_else(|| target.to_owned(), memory),
        },
    }
}

fn memory(name: &str) -> String {
    format!("memfd {}", name.trim_end_matches(" (deleted)"))
}

fn socket(fd: BorrowedFd<'_>, kind: SocketType) -> String {
    let Ok(address) = getsockname(fd) else {
        return "socket".to_owned();
    };
    let stream = kind == SocketType::STREAM;
    match address.address_family() {
        AddressFamily::UNIX => format!("unix {}{}", words(kind), unix(&address)),
        AddressFamily::INET | AddressFamily::INET6 => match SocketAddr::try_from(address) {
            Ok(address) => format!("{} {address}", if stream { "tcp" } else { "udp" }),
            Err(_) => "inet socket".to_owned(),
        },
        AddressFamily::NETLINK => "netlink".to_owned(),
        AddressFamily::VSOCK => "vsock".to_owned(),
        other => format!("socket of family {}", other.as_raw()),
    }
}

fn words(kind: SocketType) -> &'static str {
    match kind {
        SocketType::STREAM => "stream",
        SocketType::DGRAM => "datagram",
        SocketType::SEQPACKET => "seqpacket",
        _ => "socket",
    }
}

fn unix(address: &SocketAddrAny) -> String {
    let Ok(address) = SocketAddrUnix::try_from(address.clone()) else {
        return String::new();
    };
    match (address.path(), address.abstract_name()) {
        (Some(path), _) => format!(" {}", path.to_string_lossy()),
        (None, Some(name)) if !name.is_empty() => format!(" @{}", name.escape_ascii()),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd as _;

    #[test]
    fn each_kind_has_its_words() {
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(describe(tcp.as_fd()), format!("tcp {}", tcp.local_addr().unwrap()));
        let udp = std::net::UdpSocket::bind("[::1]:0").unwrap();
        assert_eq!(describe(udp.as_fd()), format!("udp {}", udp.local_addr().unwrap()));
        let (unix, _other) = std::os::unix::net::UnixDatagram::pair().unwrap();
        assert_eq!(describe(unix.as_fd()), "unix datagram");
        let (read, _write) = rustix::pipe::pipe().unwrap();
        assert_eq!(describe(read.as_fd()), "pipe");
        let own = aye::process::pidfd(std::process::id()).unwrap();
        assert_eq!(describe(own.as_fd()), format!("pidfd of {}", std::process::id()));
        let file = fs::File::open("/dev/null").unwrap();
        assert_eq!(describe(file.as_fd()), "/dev/null");
        let event = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).unwrap();
        assert_eq!(describe(event.as_fd()), "eventfd");
    }

    #[test]
    fn a_socket_with_a_name_is_shown_with_it() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("s");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert_eq!(describe(listener.as_fd()), format!("unix stream {}", path.display()));
    }
}
