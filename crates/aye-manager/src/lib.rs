//! An embedded service manager: it runs unit files as systemd would, without systemd and without root.
//!
//! [`unit`] turns unit files and drop-ins into typed settings, and names every setting it does not honour.
//! [`service`] is the state machine of one service. [`executor`] is how a process becomes its program.
#![forbid(unsafe_code)]

pub mod executor;
pub mod service;
pub mod unit;
