//! Reading `$NOTIFY_SOCKET`: aye's parser beside systemd's for `AF_UNIX`, and beside the rules of `vsock_parse_port()`
//! and `vsock_parse_cid()` (v253 and later), which the systemd at hand may not have, for the rest.

use std::ffi::CString;

use aye::Address;
use aye::address::VsockKind;

use crate::systemd;

/// Any text is the address that systemd takes it for, or refused by both; and what it says is read as the same again.
pub fn address(text: &[u8]) {
    let parsed = Address::parse(text);
    let Ok(ended) = CString::new(text) else {
        assert!(parsed.is_err(), "a NUL byte");
        return;
    };
    let unix = match parsed {
        Ok(Address::Path(path)) => Some([path, b"\0"].concat()),
        Ok(Address::Abstract(name)) => Some([b"\0", name].concat()),
        _ => None,
    };
    assert_eq!(unix, systemd::unix_address(&ended), "{parsed:?} for {ended:?}");
    let vsock = match parsed {
        Ok(Address::Vsock { kind, cid, port }) => Some((kind, cid, port)),
        _ => None,
    };
    assert_eq!(vsock, vsock_by_the_rules(text), "{parsed:?} for {ended:?}");
    if let (Ok(address), Ok(_)) = (parsed, std::str::from_utf8(text)) {
        assert_eq!(Address::parse(address.to_string().as_bytes()), parsed, "{ended:?} once more");
    }
}

/// systemd also reads signs, spaces, octal and hexadecimal numbers and names of peers, which no manager writes and aye
/// refuses; the wildcards are refused by both.
fn vsock_by_the_rules(text: &[u8]) -> Option<(VsockKind, u32, u32)> {
    let mut parts = std::str::from_utf8(text).ok()?.split(':');
    let kind = match parts.next()? {
        "vsock" => VsockKind::Any,
        "vsock-stream" => VsockKind::Stream,
        "vsock-dgram" => VsockKind::Datagram,
        "vsock-seqpacket" => VsockKind::SequencedPacket,
        _ => return None,
    };
    let number = |text: &str| {
        let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        text.parse().ok().filter(|&number| plain && number != u32::MAX)
    };
    let (cid, port) = (number(parts.next()?)?, number(parts.next()?)?);
    parts.next().is_none().then_some((kind, cid, port))
}
