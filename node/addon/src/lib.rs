//! The notify socket for Node.js, Bun and Deno: crate aye behind Node-API, for processes that were handed no descriptor.
//! JavaScript decides what is said and when (node/lib); this only connects, sends and waits.
//!
//! A connection is an external that closes its socket when it is collected, or when its environment (the main thread or a
//! worker) ends. Nothing is global: any number of environments can load this at once.
#![no_std]
#![deny(unsafe_code)]
// There is what only `diagnose` uses, see below.
#![cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]

extern crate alloc;

mod barrier;
mod connection;
// Where it was seen to work. Elsewhere JavaScript finds no such functions, and has another way.
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), path = "undiagnosed.rs")]
mod diagnose;
mod napi;

use napi::{Exports, Failed};

/// What `require` gives.
fn export(exports: &Exports<'_>) -> Result<(), Failed> {
    exports.function(c"open", connection::open)?;
    exports.function(c"adopt", connection::adopt)?;
    exports.function(c"send", connection::send)?;
    exports.function(c"sendWithFds", connection::send_with_fds)?;
    exports.function(c"barrier", barrier::barrier)?;
    diagnose::export(exports)
}
