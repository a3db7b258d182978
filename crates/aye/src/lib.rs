//! Both ends of the `sd_notify` protocol: a service says that it is ready, and whoever waits hears it.
//!
//! A service under systemd finds a datagram socket in `$NOTIFY_SOCKET` and sends it lines such as `READY=1`
//! ([sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html)). This crate holds the
//! sender ([`Notifier`], [`Notifier::barrier`]), the receiver ([`Receiver`]), and what both are made of: the codec
//! ([`message`]), the address ([`Address`]), the environment as one value ([`Environment`]) and what a manager does with
//! a message, and why ([`verdict`]).
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
//! # Heartbeats
//! A heartbeat is worth what it vouches for: it is sent from where the work is done, at half the interval, and not from a
//! thread that goes on whatever has become of the rest. In an event loop that is a task among the others:
//!
//! ```no_run
//! use aye::{Environment, Notifier};
//!
//! # async fn is_healthy() -> bool { true }
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let environment = Environment::of_process();
//! let notifier = Notifier::from_environment(&environment)?;
//! if let (Some(notifier), Some(within)) = (notifier, environment.watchdog(std::process::id())?) {
//!     tokio::spawn(async move {
//!         let mut beats = tokio::time::interval(within / 2);
//!         loop {
//!             beats.tick().await; // comes only while the runtime runs tasks
//!             if tokio::time::timeout(within / 4, is_healthy()).await == Ok(true) {
//!                 let _ = notifier.watchdog(); // the manager is gone: nobody waits for it
//!             }
//!         }
//!     });
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The whole service, with a main loop that is asked, READY, STOPPING and a proof of what stops the heartbeats, is
//! `examples/heartbeat.rs` of this crate (`cargo run -p aye --example heartbeat`).
//!
//! # What it does not do
//! It starts no thread, reads no clock beyond what the protocol asks for (`MONOTONIC_USEC`), and never changes the
//! process environment. It forks for nobody but [`Notifier::send_and_linger`].
//!
//! # Without std
//! With `default-features = false` there is no std and no allocator: [`Address`], [`Encoder`] and [`Notifier`] with
//! everything it says, stores and waits for are still there, on Linux' system calls alone.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(unsafe_code)]

pub mod address;
mod barrier;
#[cfg(feature = "std")]
mod environment;
#[cfg(feature = "std")]
mod linger;
#[cfg(feature = "std")]
pub mod listen;
pub mod message;
mod notifier;
#[cfg(feature = "std")]
pub mod process;
#[cfg(feature = "std")]
mod receiver;
mod sys;
#[cfg(feature = "std")]
pub mod verdict;

pub use address::Address;
pub use barrier::BarrierError;
#[cfg(feature = "std")]
pub use environment::{Caller, Environment, EnvironmentError};
#[cfg(feature = "std")]
pub use linger::{LingerError, Then};
#[cfg(feature = "std")]
pub use message::Message;
pub use message::{Assignment, Encoder, NotifyAccess};
pub use notifier::{Claim, ConnectError, HangUp, Notifier, SendError, SentAs, Spelling, monotonic_usec};
#[cfg(feature = "std")]
pub use receiver::{Datagram, Dropped, Raw, Received, Receiver, Sender, Waiting};

/// The name by which a service finds the notify socket among the descriptors it was handed
/// (`OpenFile=/run/systemd/notify:notify` in its unit, or `aye wrap`).
///
/// ```
/// assert_eq!(format!("OpenFile=/run/systemd/notify:{}", aye::DESCRIPTOR_NAME), "OpenFile=/run/systemd/notify:notify");
/// ```
pub const DESCRIPTOR_NAME: &str = "notify";
