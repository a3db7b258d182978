//! A message of the service as the machine understands it: the assignments that change something, by the rules of
//! `service_notify_message()` in systemd's sources. What is no valid value is named, so that it can be shown.

use std::time::Duration;

use aye::Message;

/// What `WATCHDOG=` said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heartbeat {
    /// `WATCHDOG=1`
    Alive,
    /// `WATCHDOG=trigger`
    Trigger,
}

/// The assignments of one accepted message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notification {
    /// `READY=1`
    pub ready: bool,
    /// `RELOADING=1`
    pub reloading: bool,
    /// `MONOTONIC_USEC=`
    pub monotonic: Option<Duration>,
    /// `STOPPING=1`
    pub stopping: bool,
    /// `STATUS=`; an empty or invalid text clears it.
    pub status: Option<String>,
    /// `ERRNO=`
    pub errno: Option<i32>,
    /// `MAINPID=`
    pub main_pid: Option<u32>,
    /// `WATCHDOG=`
    pub heartbeat: Option<Heartbeat>,
    /// `WATCHDOG_USEC=`; `None` inside switches the watchdog off.
    pub watchdog_interval: Option<Option<Duration>>,
    /// `EXTEND_TIMEOUT_USEC=`
    pub extend_timeout: Option<Duration>,
    /// What was said but is not valid, as sentences.
    pub complaints: Vec<String>,
}

impl Notification {
    /// Reads a message whose sender may speak for the service.
    pub fn of(message: &Message) -> Self {
        let mut found = Self {
            ready: message.contains("READY=1"),
            reloading: message.contains("RELOADING=1"),
            stopping: message.contains("STOPPING=1"),
            ..Self::default()
        };
        found.status = message.value("STATUS").map(|text| found.text("STATUS", text));
        found.monotonic = found.number(message, "MONOTONIC_USEC").map(Duration::from_micros);
        found.errno = found.errno(message);
        found.main_pid = found.number(message, "MAINPID").and_then(|pid| u32::try_from(pid).ok());
        found.extend_timeout = found.number(message, "EXTEND_TIMEOUT_USEC").map(Duration::from_micros);
        found.watchdog_interval = found
            .number(message, "WATCHDOG_USEC")
            .map(|usec| (usec != 0 && usec != u64::MAX).then(|| Duration::from_micros(usec)));
        found.heartbeat = match message.value("WATCHDOG") {
            Some(b"1") => Some(Heartbeat::Alive),
            Some(b"trigger") => Some(Heartbeat::Trigger),
            Some(other) => {
                found.complain("WATCHDOG", other, "1 or trigger");
                None
            }
            None => None,
        };
        found
    }

    fn text(&mut self, key: &str, text: &[u8]) -> String {
        String::from_utf8(text.to_vec()).unwrap_or_else(|_| {
            self.complain(key, text, "UTF-8");
            String::new()
        })
    }

    /// A number, or a name of errno(3).
    fn errno(&mut self, message: &Message) -> Option<i32> {
        let text = message.value("ERRNO")?;
        let errno = match aye::Assignment::of(b"ERRNO", text) {
            Ok(aye::Assignment::Errno(errno)) => Some(errno),
            _ => None,
        };
        if errno.is_none() {
            self.complain("ERRNO", text, "a number or a name such as ENOENT");
        }
        errno
    }

    fn number(&mut self, message: &Message, key: &str) -> Option<u64> {
        let text = message.value(key)?;
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        if number.is_none() {
            self.complain(key, text, "a number");
        }
        number
    }

    fn complain(&mut self, key: &str, found: &[u8], expected: &str) {
        self.complaints.push(format!("{key}={} is ignored: expected {expected}", found.escape_ascii()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_values_are_named_and_change_nothing() {
        let message =
            Message::parse(b"ERRNO=ENONSENSE\nWATCHDOG=yes\nMAINPID=-4\nSTATUS=\xff\nREADY=yes").unwrap();
        let found = Notification::of(&message);
        assert_eq!(
            found.complaints,
            [
                "STATUS=\\xff is ignored: expected UTF-8",
                "ERRNO=ENONSENSE is ignored: expected a number or a name such as ENOENT",
                "MAINPID=-4 is ignored: expected a number",
                "WATCHDOG=yes is ignored: expected 1 or trigger",
            ]
        );
        let nothing = Notification { status: Some(String::new()), ..Notification::default() };
        assert_eq!(Notification { complaints: Vec::new(), ..found }, nothing);
    }

    #[test]
    fn a_full_message_is_understood() {
        let text = b"READY=1\nERRNO=ENOENT\nSTATUS=up\nMAINPID=7\nWATCHDOG=1\nWATCHDOG_USEC=0\nEXTEND_TIMEOUT_USEC=5";
        let found = Notification::of(&Message::parse(text).unwrap());
        let expected = Notification {
            ready: true,
            errno: Some(2),
            status: Some("up".to_owned()),
            main_pid: Some(7),
            heartbeat: Some(Heartbeat::Alive),
            watchdog_interval: Some(None),
            extend_timeout: Some(Duration::from_micros(5)),
            ..Notification::default()
        };
        assert_eq!(found, expected);
    }
}
