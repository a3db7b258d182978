//! A bare receiver for tests in other languages: binds PATH, prints each datagram as one JSON line, with what the
//! descriptors in it are open on as proc_pid_fd(5) shows it, ends when its standard input does.
//!
//! `receive PATH`

use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use aye::{Address, Received, Receiver};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: receive PATH")?.into_vec();
    let receiver = Receiver::bind(&Address::parse(&path)?)?;
    say(&json!({"event": "bound"}))?;
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    loop {
        match receiver.receive()? {
            Received::Datagram(datagram) => {
                let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
                let assignments: Vec<_> =
                    datagram.message.pairs().map(|(key, value)| [text(key), text(value)]).collect();
                say(&json!({
                    "pid": datagram.sender.pid,
                    "uid": datagram.sender.uid,
                    "gid": datagram.sender.gid,
                    "fds": datagram.fds.len(),
                    "targets": datagram.fds.iter().map(target).collect::<Vec<_>>(),
                    "text": text(&datagram.bytes),
                    "assignments": assignments,
                }))?;
            }
            Received::Dropped(why, sender) => {
                say(&json!({"dropped": why.to_string(), "pid": sender.map(|sender| sender.pid)}))?;
            }
        }
    }
}

/// What a descriptor is open on, such as `socket:[12345]`; the same text for each copy of it.
fn target(fd: &OwnedFd) -> Option<String> {
    let link = std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd())).ok()?;
    Some(link.to_string_lossy().into_owned())
}

fn say(line: &serde_json::Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
