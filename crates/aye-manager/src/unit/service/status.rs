//! `SuccessExitStatus=`: exit codes, by number or by name, and signals.

use rustix::process::Signal;

use super::super::error::Invalid;
use super::super::value::signal;

/// One way a process can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// `exit` with this code.
    Code(u8),
    /// Killed by this signal.
    Signal(Signal),
}

/// Names of exit codes that do not come from a service manager; `systemd.exec(5)`, "PROCESS EXIT CODES".
const NAMES: [(&str, u8); 22] = [
    ("SUCCESS", 0),
    ("FAILURE", 1),
    ("INVALIDARGUMENT", 2),
    ("NOTIMPLEMENTED", 3),
    ("NOPERMISSION", 4),
    ("NOTINSTALLED", 5),
    ("NOTCONFIGURED", 6),
    ("USAGE", 64),
    ("DATAERR", 65),
    ("NOINPUT", 66),
    ("NOUSER", 67),
    ("NOHOST", 68),
    ("UNAVAILABLE", 69),
    ("SOFTWARE", 70),
    ("OSERR", 71),
    ("OSFILE", 72),
    ("CANTCREAT", 73),
    ("IOERR", 74),
    ("TEMPFAIL", 75),
    ("PROTOCOL", 76),
    ("NOPERM", 77),
    ("CONFIG", 78),
];

impl ExitStatus {
    /// Reads one word of the setting.
    pub fn parse(word: &str) -> Result<Self, Invalid> {
        let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let named = || NAMES.iter().find(|(name, _)| *name == word).map(|(_, code)| *code);
        if let Some(code) = word.parse().ok().filter(|_| digits).or_else(named) {
            return Ok(Self::Code(code));
        }
        let by_name = if digits { None } else { signal(word).ok() };
        by_name.map(Self::Signal).ok_or_else(|| {
            Invalid::expected(
                "exit codes from 0 to 255, names of exit codes such as TEMPFAIL, or signals such as SIGUSR1",
                word,
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::testing::tool;

    #[test]
    fn refuses_what_is_no_exit_status() {
        for word in ["256", "-1", "tempfail", "SIGFOO", ""] {
            let expected = format!(
                "expected exit codes from 0 to 255, names of exit codes such as TEMPFAIL, or signals such as SIGUSR1, found {word:?}"
            );
            assert_eq!(ExitStatus::parse(word).map_err(|invalid| invalid.to_string()), Err(expected));
        }
    }

    #[test]
    fn reads_codes_names_and_signals() {
        assert_eq!(ExitStatus::parse("143"), Ok(ExitStatus::Code(143)));
        assert_eq!(ExitStatus::parse("15"), Ok(ExitStatus::Code(15)));
        assert_eq!(ExitStatus::parse("TEMPFAIL"), Ok(ExitStatus::Code(75)));
        assert_eq!(ExitStatus::parse("SIGUSR1"), Ok(ExitStatus::Signal(Signal::USR1)));
    }

    #[test]
    fn names_exit_codes_as_systemd_does() {
        for (name, code) in NAMES {
            let table = tool("systemd-analyze", &["exit-status", name]);
            let row: Vec<&str> = table.lines().last().unwrap_or_default().split_whitespace().collect();
            assert_eq!(row[..2], [name, &code.to_string()], "{table}");
        }
    }
}
