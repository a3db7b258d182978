//! What was typed after `aye notify`: systemd-notify's options as of 262, parsed without touching the system. What follows
//! the `;` of `--exec` is a command of its own, so it is taken off before clap sees it.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use aye_manager::unit::value::finite;

/// Tell the service manager how this service is doing, and wait until it knows.
#[derive(Debug, clap::Args)]
#[command(
    version,
    infer_long_args = true,
    args_override_self = true,
    override_usage = "aye notify [OPTIONS] [KEY=VALUE]...\n       \
        aye notify [OPTIONS] --exec [KEY=VALUE]... \\; CMD...\n       \
        aye notify [OPTIONS] --fork -- CMD...",
    after_help = "\
Exit status: 0 when the message was received, 1 otherwise; with --fork, that of a CMD which fails.\n\n\
Examples:\n  aye notify --ready --status='listening on 3000'\n  aye notify WATCHDOG=1\n  \
pid=$(aye notify --fork --timeout=10s -- ./server)\n\n\
The manual is aye-notify(1)."
)]
pub(crate) struct Args {
    /// The service has started, or finished a reload (READY=1)
    #[arg(long)]
    pub(super) ready: bool,
    /// The service begins to reload; --ready must follow (RELOADING=1, MONOTONIC_USEC=)
    #[arg(long)]
    pub(super) reloading: bool,
    /// The service begins to stop (STOPPING=1)
    #[arg(long)]
    pub(super) stopping: bool,
    /// One line for `systemctl status`; a line break becomes a space (STATUS=)
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) status: Option<OsString>,
    /// The main process: a PID, `parent` (who called this), `self`, or `auto`, which is the parent unless that is the
    /// service manager (MAINPID=, MAINPIDFDID=)
    #[arg(long, value_name = "PID", num_args = 0..=1, require_equals = true, default_missing_value = "auto")]
    pub(super) pid: Option<MainPid>,
    /// Send as this user, by name or number, which takes root
    #[arg(long, value_name = "USER", allow_hyphen_values = true)]
    pub(super) uid: Option<String>,
    /// Say by the exit status whether systemd booted this machine, and send nothing
    #[arg(long)]
    pub(super) booted: bool,
    /// Return as soon as the message is on its way; a child stays behind until it has been received
    #[arg(long)]
    pub(super) no_block: bool,
    /// How long to wait for the manager, or with --fork for READY=1: `5s`, `1min 30s` [default: 5s; with --fork, forever]
    #[arg(long, value_name = "SPAN", value_parser = timeout, allow_hyphen_values = true)]
    pub(super) timeout: Option<Duration>,
    /// When done become CMD, which follows the assignments after a `;`
    #[arg(long)]
    pub(super) exec: bool,
    /// Have the manager keep this open descriptor; may be repeated (FDSTORE=1)
    #[arg(long = "fd", value_name = "FD", allow_hyphen_values = true)]
    pub(super) fds: Vec<String>,
    /// What the manager is to call the descriptors (FDNAME=)
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub(super) fdname: Option<OsString>,
    /// Start CMD, wait until it says READY=1, print its PID and let it run
    #[arg(long)]
    pub(super) fork: bool,
    /// With --fork, do not print the PID
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Further assignments, sent as they are; with --fork, the program and its arguments
    #[arg(value_name = "KEY=VALUE")]
    pub(super) rest: Vec<OsString>,
    /// What follows the `;` of --exec.
    #[arg(skip)]
    pub(super) command: Option<Vec<OsString>>,
}

/// Whose number `--pid` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MainPid {
    Auto,
    Parent,
    Own,
    Number(u32),
}

impl std::str::FromStr for MainPid {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" | "" => Ok(Self::Auto),
            "parent" => Ok(Self::Parent),
            "self" => Ok(Self::Own),
            number => match number.parse() {
                Ok(pid) if pid > 0 && i32::try_from(pid).is_ok() => Ok(Self::Number(pid)),
                _ => Err("expected a PID, `auto`, `parent` or `self`"),
            },
        }
    }
}

fn timeout(text: &str) -> Result<Duration, String> {
    match finite(text) {
        Ok(span) if span.is_zero() => Err("expected a time span above zero".to_owned()),
        Ok(span) => Ok(span),
        Err(error) => Err(error.to_string()),
    }
}

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    Booted,
    Fork,
    Send,
}

impl Args {
    /// Which of the three it is, once it is clear that its options go together.
    pub(super) fn action(&self) -> Result<Action, String> {
        match (self.booted, self.fork) {
            (true, true) => Err("--booted and --fork exclude each other: give one of them".to_owned()),
            (true, false) => self.only(&[], "--booted").map(|()| Action::Booted),
            (false, true) if self.rest.is_empty() => {
                Err("--fork without a command: give it after `--`, as in `--fork -- CMD`".to_owned())
            }
            (false, true) => self.only(&["CMD"], "--fork").map(|()| Action::Fork),
            (false, false) => self.sendable().map(|()| Action::Send),
        }
    }

    /// Refuses what has no meaning beside `whom`: it would be lost without a word.
    fn only(&self, allowed: &[&str], whom: &str) -> Result<(), String> {
        let stray = self.given().into_iter().find(|option| !allowed.contains(option));
        stray.map_or(Ok(()), |option| {
            Err(format!("{option} has no meaning with {whom}, which sends no message: leave it out"))
        })
    }

    /// What was given of that which makes or sends a message.
    fn given(&self) -> Vec<&'static str> {
        let rest = if self.fork { "CMD" } else { "KEY=VALUE" };
        [
            (self.ready, "--ready"),
            (self.reloading, "--reloading"),
            (self.stopping, "--stopping"),
            (self.status.is_some(), "--status"),
            (self.pid.is_some(), "--pid"),
            (self.uid.is_some(), "--uid"),
            (!self.fds.is_empty(), "--fd"),
            (self.fdname.is_some(), "--fdname"),
            (self.no_block, "--no-block"),
            (self.exec, "--exec"),
            (!self.rest.is_empty(), rest),
        ]
        .into_iter()
        .filter_map(|(given, option)| given.then_some(option))
        .collect()
    }

    fn sendable(&self) -> Result<(), String> {
        if self.fdname.is_some() && self.fds.is_empty() {
            return Err("--fdname without a descriptor to name: give --fd=FD, too".to_owned());
        }
        match &self.command {
            _ if !self.exec => {}
            None => return Err("--exec without a `;`: put `\\;` between the assignments and CMD".to_owned()),
            Some(command) if command.is_empty() => {
                return Err("--exec without a command: give CMD after the `;`".to_owned());
            }
            Some(_) => {}
        }
        let silent = ["--uid", "--fdname", "--no-block", "--exec"];
        if self.given().iter().all(|option| silent.contains(option)) {
            return Err(
                "nothing to say: give --ready, --status=TEXT or KEY=VALUE (see aye notify --help)".to_owned()
            );
        }
        Ok(())
    }
}

/// Takes the command off a command line with `--exec`: the words up to the first `;` that is no option's value, and
/// those after it, without the `--` that may open them.
pub(super) fn split(words: Vec<OsString>) -> (Vec<OsString>, Option<Vec<OsString>>) {
    let (mut exec, mut options_end) = (false, false);
    let mut index = 0;
    while let Some(word) = words.get(index) {
        if exec && word == ";" {
            let mut before = words;
            let mut command = before.split_off(index);
            command.remove(0);
            if !options_end && command.first().is_some_and(|word| word == "--") {
                command.remove(0);
            }
            return (before, Some(command));
        }
        if !options_end {
            options_end = word == "--";
            exec |= is_exec(word);
            index += usize::from(takes_the_next(word));
        }
        index += 1;
    }
    (words, None)
}

/// `--exec`, which may be shortened as long as it is clear.
fn is_exec(word: &OsStr) -> bool {
    word.to_str().is_some_and(|word| word.len() > 2 && "--exec".starts_with(word))
}

/// Whether the word is an option whose value is the next one.
fn takes_the_next(word: &OsStr) -> bool {
    const WITH_VALUE: [&str; 5] = ["--status", "--uid", "--fd", "--fdname", "--timeout"];
    word.to_str()
        .is_some_and(|word| word.len() > 3 && WITH_VALUE.iter().any(|option| option.starts_with(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(Into::into).collect()
    }

    #[test]
    fn the_command_is_what_follows_the_semicolon() {
        for (typed, before, command) in [
            ("--ready", "--ready", None),
            ("--ready ; ls", "--ready ; ls", None),
            ("--exec X=1", "--exec X=1", None),
            ("--exec X=1 ;", "--exec X=1", Some("")),
            ("--ready --exec ; ls -l", "--ready --exec", Some("ls -l")),
            ("--exe X=1 ; -- ls -- -l", "--exe X=1", Some("ls -- -l")),
            ("--exec -- X=1 ; -- ls", "--exec -- X=1", Some("-- ls")),
            ("--status ; --exec X=1 ; ls ; cat", "--status ; --exec X=1", Some("ls ; cat")),
            ("--exec --status ; ; ls", "--exec --status ;", Some("ls")),
            ("-- --exec ; ls", "-- --exec ; ls", None),
        ] {
            assert_eq!(split(words(typed)), (words(before), command.map(words)), "{typed}");
        }
    }
}
