//! A program below this process, for the verbs that stay beside the program they run: it is started with descriptors and
//! variables as if it had been started itself, gets every signal that is sent to this process, and this process ends as
//! it did. As pid 1 the orphans of others are reaped, too.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};

use aye::listen::{HandOver, Sigpipe};
use aye::process::{Signals, pidfd, pidfd_id, send};
use aye_manager::executor::Program;
use rustix::process::{Pid, Signal, WaitOptions, wait};

use crate::exit::Exit;

/// What the binary is called with between fork and exec. Not for people.
pub(crate) const BECOME: &str = "__become";

/// The variables that name the process they are meant for (sd_listen_fds(3), sd_watchdog_enabled(3), systemd.exec(5)).
const OWN: [&str; 3] = ["LISTEN_PID", "WATCHDOG_PID", "SYSTEMD_EXEC_PID"];

/// The same by the inode number of its pidfd.
const OWN_ID: &str = "LISTEN_PIDFDID";

/// The program, as long as it runs.
#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    signals: Signals,
    /// Who sends the program itself each of these signals, so that it is not handed on.
    direct: (u32, Vec<i32>),
}

/// What came of a look at the signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// A signal was handed on to the program.
    HandedOn(i32),
    /// Children have ended and wait for [`Child::reap`]: until then their pids are theirs.
    Children,
}

impl Child {
    /// Starts `command`, the first word of which is searched in `$PATH`, with the variables of this process changed by
    /// `change`. Descriptors without close-on-exec go along, and what was meant for this process by its pid is meant for
    /// the program. Signals are blocked from now on, so this comes before any thread is started.
    ///
    /// # Errors
    /// When there can be no other process. That the program itself cannot be started shows as its end: with 1, and the
    /// reason on standard error.
    pub(crate) fn start(command: &[OsString], change: &[(&OsStr, Option<&OsStr>)]) -> io::Result<Self> {
        let signals = Signals::block()?;
        let mut become_it = Command::new("/proc/self/exe");
        become_it.arg0("aye").arg(BECOME).arg(std::process::id().to_string()).args(command);
        for (key, value) in change {
            match value {
                Some(value) => become_it.env(key, value),
                None => become_it.env_remove(key),
            };
        }
        let id = become_it.spawn()?.id();
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
        Ok(Self { pid: pid.ok_or(rustix::io::Errno::SRCH)?, signals, direct: (0, Vec::new()) })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// These signals of that process go to the program as well, so that handing them on would have it get them twice: a
    /// manager signals every process of a service (`KillMode=control-group` of systemd.kill(5)).
    pub(crate) fn gets_directly(&mut self, from: u32, signals: Vec<i32>) {
        self.direct = (from, signals);
    }

    /// Readable when there is [`News`].
    pub(crate) fn signals(&self) -> impl AsFd {
        self.signals.as_fd()
    }

    /// The next thing that happened; `None` when there is nothing for now.
    ///
    /// # Errors
    /// What the kernel says to read(2) and waitpid(2).
    pub(crate) fn next(&mut self) -> io::Result<Option<News>> {
        while let Some(signal) = self.signals.next()? {
            if signal.number == Signal::CHILD.as_raw() {
                return Ok(Some(News::Children));
            } else if signal.pid == self.direct.0 && self.direct.1.contains(&signal.number)
                || !signal.is_by_terminal() && send(self.pid(), signal.number).is_ok()
            {
                return Ok(Some(News::HandedOn(signal.number)));
            }
        }
        Ok(None)
    }

    /// Takes every child that has ended: the program, whose status it gives, and as pid 1 or subreaper what others have left
    /// behind.
    ///
    /// # Errors
    /// What the kernel says to waitpid(2).
    pub(crate) fn reap(&self) -> io::Result<Option<ExitStatus>> {
        let mut ended = None;
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.pid => {
                    ended = Some(ExitStatus::from_raw(status.as_raw()));
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(rustix::io::Errno::CHILD) => return Ok(ended),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The child's part: becomes the program. Returns only when that failed, having said why.
pub(crate) fn execute(mut words: impl Iterator<Item = OsString>) -> Exit {
    let parent = words.next().and_then(|word| word.to_str()?.parse().ok()).unwrap_or_default();
    let command: Vec<OsString> = words.collect();
    let Some(program) = command.first().cloned() else {
        return Exit::Usage;
    };
    if let Err(error) = Signals::unblock() {
        crate::complain(format_args!("aye: cannot unblock the signals of {}: {error}", program.display()));
        return Exit::Failed;
    }
    // Under a manager SIGPIPE is ignored (IgnoreSIGPIPE=yes); outside, the program gets what a shell would give it.
    let under_manager = std::env::var_os("SYSTEMD_EXEC_PID").is_some();
    let sigpipe = if under_manager { Sigpipe::Ignore } else { Sigpipe::Default };
    let environment = as_own(std::env::vars_os().collect(), parent);
    let error =
        Program { program, arguments: command, environment, hand_over: HandOver::as_found(), sigpipe }.exec();
    crate::complain(format_args!("aye: {error}"));
    Exit::Failed
}

/// Has the variables that name the parent name this process.
fn as_own(environment: Vec<(OsString, OsString)>, parent: u32) -> Vec<(OsString, OsString)> {
    let id_of = |pid| pidfd(pid).ok().and_then(|pidfd| pidfd_id(pidfd.as_fd())).map(|id| id.to_string());
    let (parents_pid, own_pid) = (parent.to_string(), std::process::id().to_string());
    let own = |(key, value): (OsString, OsString)| {
        let value = if OWN.iter().any(|own| key == *own) && value == *parents_pid {
            own_pid.clone().into()
        } else if key == OWN_ID && id_of(parent).is_some_and(|id| value == *id) {
            id_of(std::process::id()).map_or(value, OsString::from)
        } else {
            value
        };
        (key, value)
    };
    environment.into_iter().map(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_the_parent_names_the_child_and_what_names_others_stays() {
        let given = [("LISTEN_PID", "7"), ("WATCHDOG_PID", "8"), ("SYSTEMD_EXEC_PID", "7"), ("PORT", "7")];
        let given = given.map(|(key, value)| (OsString::from(key), OsString::from(value))).to_vec();
        let own = std::process::id().to_string();
        let found = as_own(given, 7);
        let values: Vec<_> = found.iter().map(|(_, value)| value.to_str().unwrap()).collect();
        assert_eq!(values, [own.as_str(), "8", own.as_str(), "7"]);
    }
}
