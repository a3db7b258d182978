//! An embedded service manager: runs unit files as systemd would, without systemd and without root.
#![forbid(unsafe_code)]

pub mod executor;
