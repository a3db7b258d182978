//! Sends one message and ends at once, without waiting for anything: the sender that loses messages to a manager that
//! looks it up too late.
//!
//! `send ADDRESS MESSAGE`

use std::os::unix::ffi::OsStringExt;

use aye::{Address, Notifier};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(OsStringExt::into_vec);
    let (address, message) = arguments.next().zip(arguments.next()).ok_or("usage: send ADDRESS MESSAGE")?;
    Notifier::connect(&Address::parse(&address)?)?.send(&message)?;
    Ok(())
}
