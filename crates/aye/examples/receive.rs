//! A bare receiver for tests in other languages: binds PATH, prints each datagram as one JSON line, ends when its
//! standard input does.
//!
//! `receive PATH`

use std::io::{Read, Write};
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

fn say(line: &serde_json::Value) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
