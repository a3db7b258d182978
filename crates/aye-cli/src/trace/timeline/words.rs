//! What a service says, in the words of people: spans of time, errnos, signals.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use aye::Assignment;
use aye::message::errno_name;
use aye::verdict::Role;

use crate::trace::escape::readable;
use crate::trace::scene::Said;

/// A key and its value, or a line that is neither.
pub(super) fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = line.iter().position(|byte| *byte == b'=')?;
    Some((&line[..equals], &line[equals + 1..]))
}

/// What a line says, where it is an assignment that systemd could read.
pub(super) fn assignment(line: &[u8]) -> Option<Assignment<'_>> {
    let (key, value) = split(line)?;
    Assignment::of(key, value).ok()
}

/// A line, with what its number means.
pub(super) fn decoded(line: &[u8]) -> String {
    let text = readable(line);
    let meaning = match assignment(line) {
        Some(Assignment::WatchdogUsec(span) | Assignment::ExtendTimeoutUsec(span)) => Some(interval(span)),
        Some(Assignment::Errno(errno)) => meaning_of(errno, &text),
        _ => None,
    };
    meaning.map_or_else(|| text.clone(), |meaning| format!("{text} ({meaning})"))
}

fn meaning_of(errno: i32, text: &str) -> Option<String> {
    let name = errno_name(errno)?;
    let full = io::Error::from_raw_os_error(errno).to_string();
    let message = full.split(" (os error").next().unwrap_or_default().to_lowercase();
    Some(if text.ends_with(&name) { message } else { format!("{name}, {message}") })
}

/// A span that a message gives: zero and `u64::MAX` are none.
fn interval(span: Duration) -> String {
    match span.as_micros() {
        0 => "off".to_owned(),
        micros if micros == u128::from(u64::MAX) => "infinity".to_owned(),
        _ => set(span),
    }
}

/// A span as it was set, with no decimals that it does not have.
pub(super) fn set(span: Duration) -> String {
    let micros = span.as_micros();
    match micros {
        0..1_000 => format!("{micros} us"),
        1_000..1_000_000 => decimals(micros, 1_000, "ms"),
        1_000_000..120_000_000 => decimals(micros, 1_000_000, "s"),
        _ => long(span.as_secs()),
    }
}

fn decimals(micros: u128, unit: u128, name: &str) -> String {
    let digits = unit.ilog10() as usize;
    let fraction = format!("{:0digits$}", micros % unit);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}{point}{fraction} {name}", micros / unit)
}

fn long(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let parts = [(hours, "h"), (minutes, "min"), (seconds, "s")];
    let said: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    said.join(" ")
}

/// A span as it was measured.
pub(super) fn measured(span: Duration) -> String {
    match span.as_millis() {
        0 => format!("{:.1} ms", span.as_secs_f64() * 1e3),
        1..1_000 => format!("{} ms", span.as_millis()),
        1_000..10_000 => format!("{:.2} s", span.as_secs_f64()),
        _ => tenths(span),
    }
}

/// A span as it was measured, roughly: between heartbeats.
pub(super) fn tenths(span: Duration) -> String {
    match span.as_millis() {
        0 => format!("{:.1} ms", span.as_secs_f64() * 1e3),
        1..1_000 => format!("{} ms", span.as_millis()),
        1_000..120_000 => format!("{:.1} s", span.as_secs_f64()),
        _ => long(span.as_secs()),
    }
}

/// A limit as it was set.
pub(super) fn limit(limit: Option<Duration>) -> String {
    limit.map_or_else(|| "infinity".to_owned(), set)
}

/// Of 15: `SIGTERM`.
pub(in crate::trace) fn signal(number: i32) -> String {
    // The standard library knows the names, and says them in an exit status alone: `signal: 15 (SIGTERM)`.
    let text = ExitStatus::from_raw(number & 0x7f).to_string();
    let name = text.split(['(', ')']).nth(1).filter(|name| name.starts_with("SIG"));
    name.map_or_else(|| format!("signal {number}"), str::to_owned)
}

/// How a process ended.
pub(super) fn end(status: Option<ExitStatus>) -> String {
    match status {
        None => "ended; how is not known".to_owned(),
        Some(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("ended with exit status {code}"),
            (_, Some(number)) if status.core_dumped() => format!("ended by {}, core dumped", signal(number)),
            (_, Some(number)) => format!("ended by {}", signal(number)),
            _ => format!("ended: {status}"),
        },
    }
}

/// How a sender stands to the service.
pub(in crate::trace) fn role(role: Role) -> &'static str {
    match role {
        Role::Main => "main",
        Role::Control => "control",
        Role::Other => "other",
        Role::Outside => "outside",
    }
}

/// The program of a command line, without its folders and words.
pub(super) fn program(command: Option<&str>) -> String {
    let first = command.and_then(|command| command.split_whitespace().next()).unwrap_or("?");
    let name = first.rsplit('/').find(|part| !part.is_empty()).unwrap_or(first);
    readable(name.as_bytes())
}

/// A sender in words: `sh[4720] (other)`.
pub(super) fn sender(said: &Said) -> String {
    let Some(sender) = said.sender else {
        return "a sender that the kernel does not name".to_owned();
    };
    format!("{}[{}] ({})", program(said.command.as_deref()), sender.pid, role(said.role))
}

/// `1 message`, `2 messages`.
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_in_words_and_what_is_no_number_is_left() {
        let table = [
            ("WATCHDOG_USEC=soon", "WATCHDOG_USEC=soon"),
            ("WATCHDOG_USEC=0", "WATCHDOG_USEC=0 (off)"),
            ("WATCHDOG_USEC=18446744073709551615", "WATCHDOG_USEC=18446744073709551615 (infinity)"),
            ("EXTEND_TIMEOUT_USEC=2500000", "EXTEND_TIMEOUT_USEC=2500000 (2.5 s)"),
            ("EXTEND_TIMEOUT_USEC=3725000000", "EXTEND_TIMEOUT_USEC=3725000000 (1 h 2 min 5 s)"),
            ("ERRNO=2", "ERRNO=2 (ENOENT, no such file or directory)"),
            ("ERRNO=ENOENT", "ERRNO=ENOENT (no such file or directory)"),
            ("ERRNO=4095", "ERRNO=4095"),
            ("STATUS=50 % of \u{1b}[31m", "STATUS=50 % of \\x1b[31m"),
            ("nonsense", "nonsense"),
        ];
        for (line, expected) in table {
            assert_eq!(decoded(line.as_bytes()), expected);
        }
    }

    #[test]
    fn spans_read_well_at_every_size() {
        let table = [
            (0, "0 us", "0.0 ms", "0.0 ms"),
            (400, "400 us", "0.4 ms", "0.4 ms"),
            (12_500, "12.5 ms", "12 ms", "12 ms"),
            (1_310_000, "1.31 s", "1.31 s", "1.3 s"),
            (5_000_000, "5 s", "5.00 s", "5.0 s"),
            (90_000_000, "90 s", "90.0 s", "90.0 s"),
            (125_000_000, "2 min 5 s", "2 min 5 s", "2 min 5 s"),
        ];
        for (micros, as_set, as_measured, roughly) in table {
            let span = Duration::from_micros(micros);
            assert_eq!((&*set(span), &*measured(span), &*tenths(span)), (as_set, as_measured, roughly));
        }
        assert_eq!(limit(None), "infinity");
    }

    #[test]
    fn signals_and_ends_have_their_names() {
        assert_eq!((&*signal(15), &*signal(40)), ("SIGTERM", "signal 40"));
        let table = [
            (None, "ended; how is not known"),
            (Some(0), "ended with exit status 0"),
            (Some(3 << 8), "ended with exit status 3"),
            (Some(9), "ended by SIGKILL"),
            (Some(6 | 0x80), "ended by SIGABRT, core dumped"),
        ];
        for (raw, expected) in table {
            assert_eq!(end(raw.map(ExitStatus::from_raw)), expected);
        }
    }

    #[test]
    fn a_program_is_named_by_its_file() {
        for (command, expected) in [
            (None, "?"),
            (Some(""), "?"),
            (Some("/usr/bin/node server.js"), "node"),
            (Some("nginx: master process"), "nginx:"),
            (Some("/"), "/"),
        ] {
            assert_eq!(program(command), expected);
        }
    }
}
