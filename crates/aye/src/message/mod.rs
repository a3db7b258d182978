//! Assignments to bytes and back, by systemd's own lexing: `strv_split_newlines()` over `extract_first_word()`,
//! which is what `PID 1` runs on every datagram since v247. The encoder keeps to one fixed buffer and the parser to
//! two allocations, so that a heartbeat costs a system call and nothing else.

mod access;
mod assignment;
mod encode;
mod errno;
mod number;
#[cfg(feature = "std")]
mod parse;
#[cfg(test)]
mod tests;

pub use access::NotifyAccess;
#[cfg(feature = "std")]
pub(crate) use assignment::pid;
pub use assignment::{Assignment, InvalidValue};
pub use encode::{EncodeError, Encoder, LineBreaks};
#[cfg(feature = "std")]
pub use errno::errno_name;
#[cfg(feature = "std")]
pub(crate) use number::unsigned as number;
#[cfg(feature = "std")]
pub(crate) use parse::split_pair;
#[cfg(feature = "std")]
pub use parse::{Message, ParseError};

/// The most bytes a datagram may hold (`NOTIFY_BUFFER_MAX`, which is `PIPE_BUF`); systemd drops a larger one whole.
pub const LARGEST: usize = 4096;
