//! A trace as the datagrams themselves, one on a line: `SECONDS PID BYTES`, for grep and diff.

use super::scene::Event;

/// A datagram in one line without a line break; empty for an event that is none.
pub(crate) fn line(_event: &Event) -> Vec<u8> {
    Vec::new()
}
