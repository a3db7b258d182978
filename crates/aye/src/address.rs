//! What `$NOTIFY_SOCKET` says: a path, an abstract socket or a vsock peer. Pure text in, value out and back,
//! by the rules of sd_notify(3) and of `sockaddr_un_set_path()` and `vsock_parse_port()` in systemd's sources.

use core::fmt;

/// The longest `$NOTIFY_SOCKET` that fits an `AF_UNIX` address (`sun_path` is 108 bytes, one for the end).
///
/// ```
/// assert!(aye::Address::parse(&[b'/'; aye::address::LONGEST + 1]).is_err());
/// ```
pub const LONGEST: usize = 107;

/// `VMADDR_CID_ANY` of `<linux/vm_sockets.h>`: a wildcard to listen on, never a peer.
const CID_ANY: u32 = u32::MAX;

/// `VMADDR_PORT_ANY`: the same for ports.
const PORT_ANY: u32 = u32::MAX;

/// Where notifications go.
///
/// ```
/// use aye::Address;
/// let manager = Address::Path(b"/run/systemd/notify");
/// assert_eq!(manager.to_string(), "/run/systemd/notify");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address<'a> {
    /// An absolute path in the file system.
    Path(&'a [u8]),
    /// A name in Linux' abstract namespace, without the leading `@`.
    Abstract(&'a [u8]),
    /// A vsock peer, as a virtual machine's manager sets it (systemd 253 and later).
    Vsock {
        /// The socket type asked for.
        kind: VsockKind,
        /// The peer's context id.
        cid: u32,
        /// The peer's port.
        port: u32,
    },
}

/// How a vsock address wants to be spoken to.
///
/// ```
/// use aye::address::{Address, VsockKind};
/// let host = Address::parse(b"vsock-stream:2:9999")?;
/// assert_eq!(host, Address::Vsock { kind: VsockKind::Stream, cid: 2, port: 9999 });
/// # Ok::<(), aye::address::AddressError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VsockKind {
    /// `vsock:`: datagrams, then sequenced packets, then a stream, whichever is supported first.
    Any,
    /// `vsock-stream:`
    Stream,
    /// `vsock-dgram:`
    Datagram,
    /// `vsock-seqpacket:`
    SequencedPacket,
}

impl VsockKind {
    const ALL: [(VsockKind, &'static str); 4] = [
        (VsockKind::Any, "vsock:"),
        (VsockKind::Stream, "vsock-stream:"),
        (VsockKind::Datagram, "vsock-dgram:"),
        (VsockKind::SequencedPacket, "vsock-seqpacket:"),
    ];

    fn prefix(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// Why a text is no notify address.
///
/// ```
/// use aye::address::{Address, AddressError};
/// let error = Address::parse(b"run/notify").unwrap_err();
/// assert_eq!(error, AddressError::Unknown);
/// assert_eq!(error.to_string(), "expected an absolute path, @NAME or vsock:CID:PORT");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// Nothing there, or one character.
    TooShort,
    /// More than [`LONGEST`] bytes.
    TooLong(usize),
    /// Neither `/path`, `@name` nor `vsock...:CID:PORT`.
    Unknown,
    /// A NUL byte in a path or name.
    Nul,
    /// A vsock address whose CID is missing, not a number, or the wildcard.
    Cid,
    /// A vsock address whose port is missing or not a number.
    Port,
}

impl AddressError {
    /// The rule that the text breaks, for where there is no formatter.
    ///
    /// ```
    /// use aye::Address;
    /// let error = Address::parse(b"run/notify").unwrap_err();
    /// assert_eq!(error.reason(), "expected an absolute path, @NAME or vsock:CID:PORT");
    /// ```
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooShort => "it is too short for a socket address",
            Self::TooLong(_) => "it is longer than the 107 bytes that a socket address holds",
            Self::Unknown => "expected an absolute path, @NAME or vsock:CID:PORT",
            Self::Nul => "it holds a NUL byte",
            Self::Cid => "expected vsock:CID:PORT with the CID of one peer",
            Self::Port => "expected vsock:CID:PORT with a numeric port",
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(length) => {
                write!(f, "it is {length} bytes long, and a socket address holds at most {LONGEST}")
            }
            other => f.write_str(other.reason()),
        }
    }
}

impl core::error::Error for AddressError {}

impl<'a> Address<'a> {
    /// Reads the value of `$NOTIFY_SOCKET`.
    ///
    /// ```
    /// use aye::Address;
    /// assert_eq!(Address::parse(b"/run/systemd/notify"), Ok(Address::Path(b"/run/systemd/notify")));
    /// assert_eq!(Address::parse(b"@name"), Ok(Address::Abstract(b"name")));
    /// assert!(Address::parse(b"run/notify").is_err());
    /// ```
    ///
    /// # Errors
    /// [`AddressError`] says which rule the text breaks.
    pub fn parse(text: &'a [u8]) -> Result<Self, AddressError> {
        if text.len() < 2 {
            return Err(AddressError::TooShort);
        }
        for (kind, prefix) in VsockKind::ALL {
            if let Some(rest) = text.strip_prefix(prefix.as_bytes()) {
                return parse_vsock(kind, rest);
            }
        }
        let address = match text {
            [b'/', ..] => Address::Path(text),
            [b'@', name @ ..] => Address::Abstract(name),
            _ => return Err(AddressError::Unknown),
        };
        if text.len() > LONGEST {
            return Err(AddressError::TooLong(text.len()));
        }
        if text.contains(&0) {
            return Err(AddressError::Nul);
        }
        Ok(address)
    }
}

fn parse_vsock(kind: VsockKind, rest: &[u8]) -> Result<Address<'_>, AddressError> {
    let colon = rest.iter().position(|&b| b == b':').ok_or(AddressError::Port)?;
    let cid = parse_number(&rest[..colon]).filter(|&cid| cid != CID_ANY);
    let port = parse_number(&rest[colon + 1..]).filter(|&port| port != PORT_ANY);
    Ok(Address::Vsock { kind, cid: cid.ok_or(AddressError::Cid)?, port: port.ok_or(AddressError::Port)? })
}

/// Decimal digits only: no sign, no space, no empty text; no leading zero, which systemd takes for octal.
fn parse_number(text: &[u8]) -> Option<u32> {
    let octal = text.len() > 1 && text[0] == b'0';
    if text.is_empty() || octal || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    text.iter().try_fold(0_u32, |number, digit| number.checked_mul(10)?.checked_add(u32::from(digit - b'0')))
}

impl Address<'_> {
    /// Gives its text in pieces. No formatter has a part in it, which without std would be most of a small program.
    pub(crate) fn spell<E>(&self, mut put: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        match self {
            Self::Path(path) => spell_lossy(path, put),
            Self::Abstract(name) => {
                put("@")?;
                spell_lossy(name, put)
            }
            Self::Vsock { kind, cid, port } => {
                put(kind.prefix())?;
                put(decimal(*cid, &mut [0; 10]))?;
                put(":")?;
                put(decimal(*port, &mut [0; 10]))
            }
        }
    }
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spell(|piece| f.write_str(piece))
    }
}

/// What is no UTF-8 is shown as U+FFFD.
fn spell_lossy<E>(bytes: &[u8], mut put: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
    for chunk in bytes.utf8_chunks() {
        put(chunk.valid())?;
        if !chunk.invalid().is_empty() {
            put("\u{FFFD}")?;
        }
    }
    Ok(())
}

fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &str {
    let mut start = digits.len();
    for (index, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b"0123456789"[(number % 10) as usize];
        number /= 10;
        start = index;
        if number == 0 {
            break;
        }
    }
    core::str::from_utf8(&digits[start..]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_spelling() {
        let vsock = |kind, cid, port| Ok(Address::Vsock { kind, cid, port });
        for (text, expected) in [
            ("/run/systemd/notify", Ok(Address::Path(b"/run/systemd/notify"))),
            ("/a", Ok(Address::Path(b"/a"))),
            ("@a", Ok(Address::Abstract(b"a"))),
            ("vsock:2:1234", vsock(VsockKind::Any, 2, 1234)),
            ("vsock-stream:2:1", vsock(VsockKind::Stream, 2, 1)),
            ("vsock-dgram:2:1", vsock(VsockKind::Datagram, 2, 1)),
            ("vsock-seqpacket:2:1", vsock(VsockKind::SequencedPacket, 2, 1)),
        ] {
            assert_eq!(Address::parse(text.as_bytes()), expected, "{text}");
            assert_eq!(expected.unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        use AddressError::{Cid, Nul, Port, TooShort, Unknown};
        for (text, expected) in [
            ("", TooShort),
            ("/", TooShort),
            ("7", TooShort),
            ("run/notify", Unknown),
            ("13", Unknown), // finit puts a descriptor number there
            ("unix:/run/notify", Unknown),
            ("/run/\0notify", Nul),
            ("@a\0", Nul),
            ("vsock:1234", Port),
            ("vsock::1234", Cid),
            ("vsock:4294967295:1", Cid),
            ("vsock:-1:1", Cid),
            ("vsock:2:", Port),
            ("vsock:2:+1", Port),
            ("vsock:2:4294967296", Port),
            ("vsock:2:4294967295", Port),
            ("vsock:010:1", Cid),
            ("vsock:2:01", Port),
        ] {
            assert_eq!(Address::parse(text.as_bytes()), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn the_longest_path_is_107_bytes() {
        let longest = format!("/{}", "a".repeat(106));
        assert!(Address::parse(longest.as_bytes()).is_ok());
        let longer = format!("{longest}a");
        assert_eq!(Address::parse(longer.as_bytes()), Err(AddressError::TooLong(108)));
    }
}
