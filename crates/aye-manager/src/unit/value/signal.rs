//! Signals by name or number: `SIGTERM`, `TERM`, `15`. Realtime signals have no safe value in rustix and are refused.

use rustix::process::Signal;

use super::super::error::Invalid;

/// The names of signal(7) as systemd prints them.
const NAMES: [(&str, Signal); 31] = [
    ("SIGHUP", Signal::HUP),
    ("SIGINT", Signal::INT),
    ("SIGQUIT", Signal::QUIT),
    ("SIGILL", Signal::ILL),
    ("SIGTRAP", Signal::TRAP),
    ("SIGABRT", Signal::ABORT),
    ("SIGBUS", Signal::BUS),
    ("SIGFPE", Signal::FPE),
    ("SIGKILL", Signal::KILL),
    ("SIGUSR1", Signal::USR1),
    ("SIGSEGV", Signal::SEGV),
    ("SIGUSR2", Signal::USR2),
    ("SIGPIPE", Signal::PIPE),
    ("SIGALRM", Signal::ALARM),
    ("SIGTERM", Signal::TERM),
    ("SIGSTKFLT", Signal::STKFLT),
    ("SIGCHLD", Signal::CHILD),
    ("SIGCONT", Signal::CONT),
    ("SIGSTOP", Signal::STOP),
    ("SIGTSTP", Signal::TSTP),
    ("SIGTTIN", Signal::TTIN),
    ("SIGTTOU", Signal::TTOU),
    ("SIGURG", Signal::URG),
    ("SIGXCPU", Signal::XCPU),
    ("SIGXFSZ", Signal::XFSZ),
    ("SIGVTALRM", Signal::VTALARM),
    ("SIGPROF", Signal::PROF),
    ("SIGWINCH", Signal::WINCH),
    ("SIGIO", Signal::IO),
    ("SIGPWR", Signal::POWER),
    ("SIGSYS", Signal::SYS),
];

/// A signal by its name, with or without `SIG`, or by its number.
pub fn signal(text: &str) -> Result<Signal, Invalid> {
    let by_number = || text.parse().ok().and_then(Signal::from_named_raw);
    let short = text.strip_prefix("SIG").unwrap_or(text);
    NAMES
        .iter()
        .find(|(name, _)| &name[3..] == short)
        .map(|(_, signal)| *signal)
        .or_else(by_number)
        .ok_or_else(|| {
            let realtime = if short.starts_with("RTM") {
                " (realtime signals are not supported by aye run)"
            } else {
                ""
            };
            Invalid::expected(format_args!("a signal such as SIGTERM, TERM or 15{realtime}"), text)
        })
}

/// `SIGTERM` of 15; `None` for a signal without a name.
pub fn signal_name(signal: Signal) -> Option<&'static str> {
    NAMES.iter().find(|(_, named)| *named == signal).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::testing::tool;

    #[test]
    fn refuses_what_is_no_signal() {
        for text in ["", "sigterm", "SIG", "0", "-15", "65", "SIGSIGTERM", "15x"] {
            let expected = format!("expected a signal such as SIGTERM, TERM or 15, found {text:?}");
            assert_eq!(signal(text).unwrap_err().to_string(), expected);
        }
        assert_eq!(
            signal("SIGRTMIN+3").unwrap_err().to_string(),
            r#"expected a signal such as SIGTERM, TERM or 15 (realtime signals are not supported by aye run), found "SIGRTMIN+3""#
        );
    }

    #[test]
    fn reads_names_and_numbers() {
        for text in ["SIGTERM", "TERM", "15"] {
            assert_eq!(signal(text), Ok(Signal::TERM), "{text}");
        }
        for (name, value) in NAMES {
            assert_eq!((signal(name), signal_name(value)), (Ok(value), Some(name)));
        }
    }

    #[test]
    fn names_signals_as_systemd_does() {
        let list = tool("systemctl", &["kill", "--signal=list"]);
        for (name, value) in NAMES {
            let row = format!("{:<6} {name}", value.as_raw());
            assert!(list.lines().any(|line| line == row), "{row} is not in {list}");
        }
    }
}
