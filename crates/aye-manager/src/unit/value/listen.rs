//! Addresses to listen on: `ListenStream=` of `systemd.socket(5)`.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::super::error::Invalid;
use super::absolute_path;

/// The most bytes of a path or an abstract name in `struct sockaddr_un`; unix(7).
const LONGEST: usize = 107;

/// Where a stream socket listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A TCP port on every address: IPv6 and IPv4 in one socket, IPv4 alone where there is no IPv6.
    Port(u16),
    /// One TCP address, IPv4 or IPv6.
    Address(SocketAddr),
    /// A socket in the file system; absolute.
    Path(PathBuf),
    /// A name in the abstract namespace, without its leading `@`.
    Abstract(String),
}

impl Listen {
    /// Reads a port, `IP:PORT`, `[IPV6]:PORT`, `/PATH` or `@NAME`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text.as_bytes().first() {
            Some(b'/') => fits(&absolute_path(text)?).map(|path| Self::Path(path.into())),
            Some(b'@') if text.len() > 1 => fits(&text[1..]).map(Self::Abstract),
            _ => Self::internet(text).ok_or_else(|| {
                Invalid::expected("a port, IP:PORT, [IPV6]:PORT, /PATH or @NAME to listen on", text)
            }),
        }
    }

    fn internet(text: &str) -> Option<Self> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().filter(|port| *port != 0).map(Self::Port);
        }
        text.parse().ok().filter(|address: &SocketAddr| address.port() != 0).map(Self::Address)
    }
}

fn fits(name: &str) -> Result<String, Invalid> {
    if name.len() <= LONGEST {
        return Ok(name.to_owned());
    }
    Err(Invalid::expected(format_args!("a socket name of at most {LONGEST} bytes"), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_nothing_can_listen_on() {
        let bad = [
            "",
            "@",
            "0",
            "65536",
            "localhost:80",
            "127.0.0.1",
            "127.0.0.1:0",
            "::1:x",
            "[::1]",
            "vsock:2:1",
            "a/b",
            "+80",
            ":80",
        ];
        for text in bad {
            let expected =
                format!("expected a port, IP:PORT, [IPV6]:PORT, /PATH or @NAME to listen on, found {text:?}");
            assert_eq!(Listen::parse(text).map_err(|invalid| invalid.to_string()), Err(expected));
        }
        assert_eq!(
            Listen::parse("/a/../b").unwrap_err().to_string(),
            r#"expected an absolute path without .., found "/a/../b""#
        );
    }

    #[test]
    fn refuses_a_path_that_no_socket_address_holds() {
        assert!(Listen::parse(&format!("/{}", "x".repeat(106))).is_ok());
        let long = format!("/{}", "x".repeat(107));
        assert_eq!(
            Listen::parse(&long).unwrap_err().to_string(),
            format!("expected a socket name of at most 107 bytes, found \"{}\"...", &long[..60])
        );
        assert!(Listen::parse(&format!("@{}", "x".repeat(108))).is_err());
    }

    #[test]
    fn reads_every_kind_of_address() {
        let cases = [
            ("8080", Listen::Port(8080)),
            ("127.0.0.1:80", Listen::Address(([127, 0, 0, 1], 80).into())),
            ("[::]:80", Listen::Address(([0u16; 8], 80).into())),
            ("/run//x/s", Listen::Path("/run/x/s".into())),
            ("@aye/x", Listen::Abstract("aye/x".into())),
        ];
        for (text, expected) in cases {
            assert_eq!(Listen::parse(text), Ok(expected), "{text}");
        }
    }
}
