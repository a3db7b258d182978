//! A host behind ssh, as `-H` names one: `[USER@]HOST[:PORT][/MACHINE]` and the command line of ssh that leads
//! there. Pure; nothing here starts anything.

use std::env;

use crate::machine::{self, word};
use crate::{Error, Result};

/// What ssh is told, whoever asks: it never prompts, and it notices a dead link within 15 s.
const OPTIONS: [&str; 9] = [
    "-o",
    "BatchMode=yes",
    "-o",
    "ConnectTimeout=10",
    "-o",
    "ServerAliveInterval=5",
    "-o",
    "ServerAliveCountMax=2",
    "-xT",
];

/// A host behind ssh, and how to get there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host {
    /// `[USER@]HOST[:PORT][/MACHINE]`, as typed; an IPv6 address stands in brackets.
    pub destination: String,
    /// The manager of the user there is meant, not the system's.
    pub user: bool,
    /// The words of the ssh command; none for `$SYSTEMD_SSH`, or else `ssh`.
    pub ssh: Vec<String>,
}

/// The parts of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) user: Option<&'a str>,
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
    pub(crate) machine: Option<&'a str>,
}

impl Host {
    /// Takes `[USER@]HOST[:PORT][/MACHINE]`.
    ///
    /// # Errors
    /// [`Error::BadPlace`] when it is none, with the part that is wrong.
    pub fn new(destination: impl Into<String>, user: bool, ssh: Vec<String>) -> Result<Self> {
        let host = Self { destination: destination.into(), user, ssh };
        host.parts()?;
        Ok(host)
    }

    pub(crate) fn parts(&self) -> Result<Parts<'_>> {
        parse(&self.destination).map_err(|reason| Error::BadPlace {
            kind: "host",
            text: self.destination.clone(),
            reason,
        })
    }

    /// The whole command line that runs `program` there: the program of ssh first.
    pub(crate) fn command_line(&self, program: &str, arguments: &[&str]) -> Result<Vec<String>> {
        let parts = self.parts()?;
        let mut line = if self.ssh.is_empty() { vec![ssh()] } else { self.ssh.clone() };
        line.extend(OPTIONS.map(str::to_owned));
        if let Some(port) = parts.port {
            line.extend(["-p".to_owned(), port.to_string()]);
        }
        if let Some(user) = parts.user {
            line.extend(["-l".to_owned(), user.to_owned()]);
        }
        line.extend(["--".to_owned(), parts.host.to_owned()]);
        // ssh joins these with spaces and a shell there takes them apart again.
        line.extend(std::iter::once(&program).chain(arguments).map(|word| quoted(word)));
        Ok(line)
    }

    /// The command line of the bridge to the manager there: to its bus as `systemctl -H` runs it, word for word, or to
    /// a user manager itself.
    pub(crate) fn bridge(&self) -> Result<Vec<String>> {
        let Some(machine) = self.parts()?.machine else {
            return if self.is_direct() {
                self.command_line("sh", &["-c", USER_BRIDGE])
            } else {
                self.command_line(BRIDGE, &[])
            };
        };
        let machine = format!("--machine={machine}");
        let arguments = [LOUD, BRIDGE].into_iter().chain(self.user.then_some("--user")).chain([&*machine]);
        self.command_line("env", &arguments.collect::<Vec<_>>())
    }

    /// Whether a manager answers at the other end of the bridge, not a bus.
    pub(crate) fn is_direct(&self) -> bool {
        self.user && matches!(self.parts(), Ok(Parts { machine: None, .. }))
    }
}

const BRIDGE: &str = "systemd-stdio-bridge";

/// Up to 252 the bridge writes its errors to the journal of that host unless told otherwise.
const LOUD: &str = "SYSTEMD_LOG_TARGET=console";

/// To the socket of the user manager, since `systemd-stdio-bridge --user` leads to the system's bus up to 257, as seen on
/// live 252 and 257, and 247 does not know it.
const USER_BRIDGE: &str = "export SYSTEMD_LOG_TARGET=console; exec systemd-stdio-bridge \
     -p\"unix:path=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/systemd/private\"";

fn ssh() -> String {
    env::var("SYSTEMD_SSH").ok().filter(|ssh| !ssh.is_empty()).unwrap_or_else(|| "ssh".to_owned())
}

fn parse(destination: &str) -> std::result::Result<Parts<'_>, &'static str> {
    let (rest, machine) = match destination.split_once('/') {
        Some((rest, machine)) => (rest, Some(machine)),
        None => (destination, None),
    };
    // The last '@': a user's name may hold one, a host's may not.
    let (user, rest) = match rest.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, rest),
    };
    let (host, port) = host_and_port(rest)?;
    for part in [user, Some(host)].into_iter().flatten() {
        word(part)?;
    }
    machine.map_or(Ok(()), machine::check)?;
    let port = port.map(number).transpose()?;
    Ok(Parts { user, host, port, machine })
}

fn host_and_port(text: &str) -> std::result::Result<(&str, Option<&str>), &'static str> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or("the bracket of its address is not closed")?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((address, Some(port))),
            None if rest.is_empty() => Ok((address, None)),
            None => Err("after the bracket comes neither a port nor the end"),
        };
    }
    match text.split_once(':') {
        Some((_, port)) if port.contains(':') => Err("an IPv6 address stands in brackets, as in [::1]:22"),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

fn number(port: &str) -> std::result::Result<u16, &'static str> {
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let number = port.parse().ok().filter(|port| digits && *port != 0);
    number.ok_or("its port is not a number from 1 to 65535")
}

/// A word that a POSIX shell takes as it stands.
///
/// ```
/// assert_eq!(aye_bus::quoted("web@1"), "web@1");
/// assert_eq!(aye_bus::quoted("it's"), r"'it'\''s'");
/// ```
pub fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./=:,+@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(destination: &str) -> Host {
        Host::new(destination, false, vec!["ssh".to_owned()]).unwrap()
    }

    #[test]
    fn refuses_what_can_be_no_host() {
        let table = [
            ("", "empty"),
            ("-oProxyCommand=x", "begins with '-'"),
            ("u@-x", "begins with '-'"),
            ("-lx@host", "begins with '-'"),
            ("@host", "empty"),
            ("a b", "space or a control"),
            ("a\u{7}", "space or a control"),
            ("host:", "port"),
            ("host:0", "port"),
            ("host:+22", "port"),
            ("host:65536", "port"),
            ("host:ssh", "port"),
            ("fe80::1", "brackets"),
            ("[::1", "not closed"),
            ("[::1]22", "neither"),
            ("[]", "empty"),
            ("host/", "empty"),
            ("host/-M", "begins with '-'"),
            ("host/a/b", "only letters"),
        ];
        for (text, reason) in table {
            let error = Host::new(text, false, Vec::new()).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{text:?} names no host: ")), "{error}");
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn takes_a_destination_apart() {
        let table = [
            ("web1", (None, "web1", None, None)),
            ("root@web1:2222/db", (Some("root"), "web1", Some(2222), Some("db"))),
            ("a@b@web1", (Some("a@b"), "web1", None, None)),
            ("[fe80::1%eth0]:22", (None, "fe80::1%eth0", Some(22), None)),
            ("root@[::1]/db", (Some("root"), "::1", None, Some("db"))),
        ];
        for (text, (user, name, port, machine)) in table {
            let expected = Parts { user, host: name, port, machine };
            assert_eq!(host(text).parts().unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn options_come_before_the_dashes_and_the_host_after_them() {
        let line = host("root@web1:2222/db").bridge().unwrap().join(" ");
        let expected = "ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=2 -xT \
                        -p 2222 -l root -- web1 env SYSTEMD_LOG_TARGET=console systemd-stdio-bridge --machine=db";
        assert_eq!(line, expected);
    }

    #[test]
    fn the_bridge_of_a_system_manager_is_the_one_of_systemctl() {
        let line = host("web1").bridge().unwrap();
        assert_eq!(line[line.len() - 3..], ["--", "web1", "systemd-stdio-bridge"]);
    }

    #[test]
    fn the_user_manager_is_asked_for_by_its_own_socket_and_the_ssh_command_keeps_its_words() {
        let ssh = ["ssh", "-F", "my config"].map(str::to_owned).to_vec();
        let line = Host::new("web1", true, ssh).unwrap().bridge().unwrap();
        assert_eq!(line[..3], ["ssh", "-F", "my config"]);
        assert_eq!(line[line.len() - 3..line.len() - 1], ["sh", "-c"]);
        let script = line.last().unwrap().trim_matches('\'').replace("exec systemd-stdio-bridge", "echo");
        let output =
            std::process::Command::new("sh").args(["-c", &script]).env("XDG_RUNTIME_DIR", "/run/x").output();
        assert_eq!(output.unwrap().stdout, b"-punix:path=/run/x/systemd/private\n");
    }

    #[test]
    fn a_user_manager_in_a_machine_there_is_the_bridges_matter() {
        let line = Host::new("web1/bob@db", true, Vec::new()).unwrap().bridge().unwrap();
        let expected =
            ["env", "SYSTEMD_LOG_TARGET=console", "systemd-stdio-bridge", "--user", "--machine=bob@db"];
        assert_eq!(line[line.len() - 5..], expected);
    }

    #[test]
    fn a_word_reaches_the_program_there_as_it_is() {
        for word in ["", "a b", "$(reboot)", "it's", "`x`", "a\nb", "*", "~", "plain", "-n"] {
            let script = format!("printf %s {}", quoted(word));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
    }
}
