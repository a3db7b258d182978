//! An HTTP request, as small as can be: GET, a status, and as much of the body as a pattern is looked for in.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use super::attempt::{left, reason, tcp};
use super::lookup::Lookup;
use super::probe::Http;

/// No more of an answer is read.
const MOST: u64 = 64 * 1024;

pub(super) fn get(http: &Http, lookup: &mut Lookup, until: Instant) -> Result<(), String> {
    let mut stream = tcp(&http.host, lookup, until).map_err(|error| reason(&error))?;
    let answer = exchange(&mut stream, http, until)?;
    judge(http, &answer)
}

fn exchange(stream: &mut TcpStream, http: &Http, until: Instant) -> Result<Vec<u8>, String> {
    let name = &http.host.name;
    let host = if name.contains(':') { format!("[{name}]") } else { name.clone() };
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {host}:{}\r\nUser-Agent: aye/{}\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        http.path,
        http.host.port,
        env!("CARGO_PKG_VERSION")
    );
    stream.set_write_timeout(left(until).ok()).map_err(|error| reason(&error))?;
    stream.write_all(request.as_bytes()).map_err(|error| reason(&error))?;
    read(stream, http.body.is_some(), until)
}

/// The answer up to its end, or to the end of its first line where nobody asks for more.
fn read(stream: &mut TcpStream, whole: bool, until: Instant) -> Result<Vec<u8>, String> {
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while answer.len() as u64 <= MOST && (whole || !answer.contains(&b'\n')) {
        let patience = left(until).map_err(|error| reason(&error))?;
        stream.set_read_timeout(Some(patience)).map_err(|error| reason(&error))?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => answer.extend(&buffer[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(reason(&error)),
        }
    }
    Ok(answer)
}

fn judge(http: &Http, answer: &[u8]) -> Result<(), String> {
    if answer.is_empty() {
        return Err("closed without an answer".to_owned());
    }
    let text = String::from_utf8_lossy(answer);
    let mut words = text.split(' ');
    let status = words.next().filter(|word| word.starts_with("HTTP/1.")).and(words.next());
    let status = status.and_then(|word| word.get(..3)?.parse().ok()).ok_or("the answer is not HTTP/1")?;
    if !http.statuses.iter().any(|range| range.contains(&status)) {
        return Err(format!("status {status}"));
    }
    let Some(pattern) = &http.body else {
        return Ok(());
    };
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let chunked = head.lines().any(|line| {
        let line = line.to_ascii_lowercase();
        line.starts_with("transfer-encoding:") && line.contains("chunked")
    });
    let body = if chunked { dechunk(body) } else { body.to_owned() };
    if pattern.is_match(&body) {
        Ok(())
    } else {
        Err(format!("the body does not match {}", pattern.as_str()))
    }
}

/// The chunks of a body without their lengths (RFC 9112, 7.1), as far as they came.
fn dechunk(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((line, data)) = rest.split_once("\r\n") {
        let length = line.split(';').next().and_then(|length| usize::from_str_radix(length.trim(), 16).ok());
        match length.filter(|length| *length > 0) {
            Some(length) => {
                body.push_str(data.get(..length).unwrap_or(data));
                rest = data.get(length + 2..).unwrap_or_default();
            }
            None => break,
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wrap::probe::{Kind, Probe, Target};

    fn judged(probe: &str, answer: &str) -> Result<(), String> {
        let probe: Probe = probe.parse().unwrap();
        let Kind::Tried(Target::Http(http)) = probe.kind else { panic!() };
        judge(&http, answer.as_bytes())
    }

    #[test]
    fn an_answer_is_judged_by_status_and_body() {
        let ok = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nrea\r\n2;x=y\r\ndy\r\n0\r\n\r\n";
        for (probe, answer, judgement) in [
            ("http://h/", "", "closed without an answer"),
            ("http://h/", "SSH-2.0-OpenSSH", "the answer is not HTTP/1"),
            ("http://h/", "HTTP/1.1 2", "the answer is not HTTP/1"),
            ("http://h/", "HTTP/1.1 503 Unavailable\r\n", "status 503"),
            ("http://h/", "HTTP/1.1 302 Found\r\n", "status 302"),
            ("http://h/#status=300-399", "HTTP/1.1 302\r\n", ""),
            ("http://h/", "HTTP/1.0 204 No Content\r\n", ""),
            ("http://h/#body=^ready$", ok, ""),
            ("http://h/#body=^up$", ok, "the body does not match ^up$"),
            ("http://h/#body=up", "HTTP/1.1 200 OK\r\nX: up\r\n\r\n", "the body does not match up"),
        ] {
            assert_eq!(judged(probe, answer).err().unwrap_or_default(), judgement, "{probe} {answer:?}");
        }
    }
}
