//! An embedded service manager: it runs unit files as systemd would, without systemd and without root.
//!
//! [`mod@unit`] turns unit files and drop-ins into typed settings, and names every setting it does not honour.

#![forbid(unsafe_code)]

pub mod unit;
