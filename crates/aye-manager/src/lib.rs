//! An embedded service manager: it runs unit files as systemd would, without systemd and without root.
//!
//! [`mod@unit`] turns unit files and drop-ins into typed settings, and names every setting it does not honour.
//! [`service`] is the state machine of one service, [`executor`] how a process becomes its program, and [`run`] the
//! manager that does both and serves org.freedesktop.systemd1 on a socket of its own.
#![forbid(unsafe_code)]

mod driver;
pub mod executor;
mod face;
mod process;
mod runtime;
pub mod service;
mod spawn;
mod starter;
pub mod unit;

pub use driver::{Ended, Observer, Setup, StartError, UnitError, What, run};
pub use runtime::{RuntimeDir, RuntimeError};
pub use spawn::{EXECUTOR, execute};
