//! Both ends of the `sd_notify` protocol: a service says that it is ready, and whoever waits hears it.
//!
//! A service under systemd finds a datagram socket in `$NOTIFY_SOCKET` and sends it lines such as `READY=1`
//! ([sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html)). This crate holds the
//! sender ([`Notifier`], [`Notifier::barrier`]), the receiver ([`Receiver`]), and what both are made of: the codec
//! ([`message`]), the address ([`Address`]), the environment as one value ([`Environment`]) and the rules by which a
//! manager accepts a message ([`verdict`]).
//!
//! ```no_run
//! use aye::{Environment, Notifier};
//!
//! if let Some(notifier) = Notifier::from_environment(&Environment::of_process())? {
//!     notifier.status("loading the cache")?;
//!     // ... and when requests can be served:
//!     notifier.ready()?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it does not do
//! It starts no thread, reads no clock beyond what the protocol asks for (`MONOTONIC_USEC`), never changes the
//! process environment, and does not send over vsock yet: such an address is parsed and refused with its name.
#![deny(unsafe_code)]

pub mod address;
mod barrier;
mod environment;
mod linger;
pub mod listen;
pub mod message;
mod notifier;
mod receiver;
mod sys;
pub mod verdict;

pub use address::Address;
pub use barrier::BarrierError;
pub use environment::{Environment, EnvironmentError};
pub use linger::{LingerError, Then};
pub use message::{Assignment, Encoder, Message};
pub use notifier::{Claim, ConnectError, Notifier, SendError, SentAs, monotonic_usec};
pub use receiver::{Datagram, Dropped, Received, Receiver, Sender};
pub use verdict::NotifyAccess;

/// The name by which a service finds the notify socket among the descriptors it was handed
/// (`OpenFile=/run/systemd/notify:notify` in its unit, or `aye wrap`).
pub const DESCRIPTOR_NAME: &str = "notify";
