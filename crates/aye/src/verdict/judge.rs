//! The rules, line by line: first those that hold for all of them, then what each assignment meets.

use std::borrow::Cow;

use super::context::{Context, Process, State};
use super::history::{self, Reading, Rule};
use super::permit::permit;
use super::{Effect, Judged, Verdict};
use crate::message::{Assignment, InvalidValue, Message, split_pair};

pub(super) fn message<'m>(message: &'m Message, context: &Context) -> Vec<Judged<'m>> {
    let case = Case { message, context };
    let verdict_of_all = case.barrier().or_else(|| case.refused());
    let judged = |(index, line)| Judged {
        line,
        verdict: verdict_of_all.clone().unwrap_or_else(|| case.line(index, line)),
    };
    message.lines().enumerate().map(judged).collect()
}

/// One message before the manager.
pub(super) struct Case<'m, 'c> {
    pub(super) message: &'m Message,
    pub(super) context: &'c Context,
}

pub(super) fn ignored<'m>(why: impl Into<Cow<'static, str>>) -> Verdict<'m> {
    Verdict::Ignored(why.into())
}

fn refused<'m>(why: impl Into<Cow<'static, str>>) -> Verdict<'m> {
    Verdict::Refused(why.into())
}

/// The value that is said not to count, as a sentence.
fn no_value<'m>(invalid: &InvalidValue<'_>) -> Verdict<'m> {
    ignored(format!("its value is not valid: expected {}", invalid.expected))
}

impl<'m> Case<'m, '_> {
    pub(super) fn says(&self, assignment: &str) -> bool {
        self.message.contains(assignment)
    }

    pub(super) fn holds(&self, rule: Rule) -> bool {
        rule.holds(self.context.version)
    }

    pub(super) fn in_state(&self, states: &[State]) -> bool {
        states.contains(&self.context.state)
    }

    /// A barrier is dealt with before anyone asks who sent it.
    fn barrier(&self) -> Option<Verdict<'m>> {
        if !self.says("BARRIER=1") {
            return None;
        }
        let fds = self.context.fds.count;
        Some(match (self.message.lines().len(), fds) {
            (1, 1) => Verdict::Accepted(Effect::Completes, Assignment::Barrier),
            (1, _) => ignored(format!("a barrier takes exactly one descriptor, and {fds} came along")),
            _ => ignored("BARRIER=1 must be the only line of its message, so that nothing of it counts"),
        })
    }

    fn refused(&self) -> Option<Verdict<'m>> {
        let why = permit(self.context.access, self.context.role).err()?;
        Some(refused(why.to_string()))
    }

    fn line(&self, index: usize, line: &'m [u8]) -> Verdict<'m> {
        let Some((name, value)) = split_pair(line) else {
            return ignored("it is no assignment: expected KEY=VALUE");
        };
        let Some(key) = history::find(name) else {
            return ignored(unknown(name));
        };
        let version = self.context.version;
        if version < key.since {
            let (name, since) = (key.name, key.since);
            return ignored(format!("systemd {version} does not know {name}, which came with {since}"));
        }
        let counted = |earlier: &[u8]| match key.reading {
            Reading::Exact => earlier == line,
            Reading::First => split_pair(earlier).is_some_and(|(earlier, _)| earlier == name),
        };
        if self.message.lines().take(index).any(counted) {
            return ignored(format!(
                "{} was there before in this message, and the first one counts",
                key.name
            ));
        }
        match Assignment::of(name, value) {
            Ok(assignment) => self.assignment(assignment),
            Err(invalid) => self.invalid(&invalid),
        }
    }

    fn invalid(&self, invalid: &InvalidValue<'m>) -> Verdict<'m> {
        match invalid.key {
            b"STATUS" => Verdict::Accepted(
                Effect::Resets("it is not UTF-8, so the status is cleared"),
                Assignment::Status(""),
            ),
            b"NOTIFYACCESS" => Verdict::Accepted(
                Effect::Resets(
                    "it is none of none, main, exec and all, so that of the unit file holds again",
                ),
                Assignment::NotifyAccess(self.context.unit_access),
            ),
            b"FDNAME" if self.says("FDSTORE=1") && !self.says("FDSTOREREMOVE=1") => ignored(format!(
                "it is no name, so the descriptors are named `stored`: expected {}",
                invalid.expected
            )),
            _ => no_value(invalid),
        }
    }

    fn assignment(&self, assignment: Assignment<'m>) -> Verdict<'m> {
        use Assignment as A;
        let accepted = |effect| Verdict::Accepted(effect, assignment);
        let effect = match assignment {
            A::Ready => self.ready(),
            A::Reloading => self.reloading(),
            A::MonotonicUsec(_) => self.monotonic(),
            A::Stopping => self.stopping(),
            A::ExitStatus(_) => Err(ignored("it is for the manager of a container or a virtual machine")),
            A::MainPid(_) => self.main_pid(),
            A::MainPidFdId(_) => self.main_pid_fd_id(),
            A::MainPidFd => self.main_pid_fd(),
            A::Watchdog if !self.context.watchdog => {
                Err(ignored("no watchdog is on: set WatchdogSec= or send WATCHDOG_USEC="))
            }
            A::WatchdogTrigger => Ok(Effect::Triggers),
            A::ExtendTimeoutUsec(more) if more.is_zero() || more.as_micros() == u64::MAX.into() => {
                Err(ignored("it is no time to add: send one between 0 and infinity"))
            }
            A::RestartReset if !self.in_state(&[State::Running, State::Stop]) => {
                Err(ignored(format!("it counts in running and stop, not in {}", self.state())))
            }
            A::FdStore => self.fd_store(),
            A::FdStoreRemove => self.fd_store_remove(),
            A::FdName(_) => self.fd_name(),
            A::FdPollOff if !self.says("FDSTORE=1") => Err(ignored("it says nothing without FDSTORE=1")),
            A::FdPollOff => Ok(Effect::Belongs("FDSTORE")),
            _ => Ok(Effect::Applies),
        };
        effect.map_or_else(|verdict| verdict, accepted)
    }

    pub(super) fn state(&self) -> &'static str {
        self.context.state.as_str()
    }

    // The main process.

    /// The states in which the main process may change.
    fn may_change(&self) -> bool {
        match self.context.state {
            State::Start | State::StartPost | State::Running | State::Reload => true,
            State::ReloadSignal | State::ReloadNotify => self.holds(Rule::ReloadStates),
            State::Stop | State::StopSigterm => self.holds(Rule::MainPidWhileStopping),
            State::RefreshExtensions | State::RefreshCredentials | State::ReloadPost => {
                self.holds(Rule::RefreshStates)
            }
            _ => false,
        }
    }

    fn becomes_main(&self, process: Process) -> Result<Effect, Verdict<'m>> {
        let no_change = || Err(ignored(format!("the main process does not change in {}", self.state())));
        match process {
            Process::Dead => Err(refused("there is no such process, or it has ended")),
            _ if !self.may_change() => no_change(),
            Process::Main => Err(ignored("it is the main process already")),
            Process::Manager => Err(refused("it is the service manager")),
            Process::Control => Err(refused("it is the control process of the service")),
            Process::Foreign if self.context.uid != 0 => {
                Err(refused("it is no process of this service, and only root may name such a one"))
            }
            Process::Foreign | Process::Member => Ok(Effect::Applies),
        }
    }

    fn main_pid(&self) -> Result<Effect, Verdict<'m>> {
        if self.takes_pidfds() && self.says("MAINPIDFD=1") {
            return Err(ignored("MAINPIDFD=1 in the same message beats it"));
        }
        if let Some(value) = self.message.value("MAINPIDFDID").filter(|_| self.takes_pidfds()) {
            match Assignment::of(b"MAINPIDFDID", value) {
                Err(_) => return Err(refused("MAINPIDFDID= in the same message is no number")),
                Ok(Assignment::MainPidFdId(id))
                    if self.context.main_pid_fd_id.is_some_and(|own| own != id) =>
                {
                    return Err(refused("MAINPIDFDID= in the same message is that of another process"));
                }
                Ok(_) => {}
            }
        }
        self.becomes_main(self.context.main_pid)
    }

    fn takes_pidfds(&self) -> bool {
        history::find(b"MAINPIDFD").is_some_and(|key| self.context.version >= key.since)
    }

    fn main_pid_fd_id(&self) -> Result<Effect, Verdict<'m>> {
        if self.message.value("MAINPID").is_none() || self.says("MAINPIDFD=1") {
            return Err(ignored(
                "it says nothing without MAINPID= in the same message, or beside MAINPIDFD=1",
            ));
        }
        self.main_pid().map(|_| Effect::Belongs("MAINPID"))
    }

    fn main_pid_fd(&self) -> Result<Effect, Verdict<'m>> {
        let fds = self.context.fds;
        match fds.process {
            _ if fds.count != 1 => {
                Err(refused(format!("it takes exactly one descriptor, and {} came along", fds.count)))
            }
            None => Err(refused("the descriptor is no pidfd")),
            Some(process) => self.becomes_main(process),
        }
    }

    // The descriptor store.

    fn fd_store(&self) -> Result<Effect, Verdict<'m>> {
        let (store, fds) = (self.context.store, self.context.fds);
        let taken = usize::from(self.takes_pidfds() && self.says("MAINPIDFD=1") && fds.count == 1);
        let count = fds.count - taken;
        if self.says("FDSTOREREMOVE=1") {
            Err(ignored("FDSTOREREMOVE=1 in the same message beats it"))
        } else if count == 0 {
            Err(ignored("no descriptor came along"))
        } else if store.maximum == 0 {
            Err(refused("FileDescriptorStoreMax=0 holds: set it to how many may be kept"))
        } else if store.used >= store.maximum {
            let maximum = store.maximum;
            Err(refused(format!("the store is full: FileDescriptorStoreMax={maximum} holds")))
        } else if fds.stored >= count {
            Err(ignored("every one of its descriptors is in the store already"))
        } else {
            Ok(Effect::Stores((count - fds.stored).min(store.maximum - store.used)))
        }
    }

    fn fd_store_remove(&self) -> Result<Effect, Verdict<'m>> {
        match self.message.value("FDNAME").map(|name| Assignment::of(b"FDNAME", name)) {
            Some(Ok(_)) => Ok(Effect::Applies),
            Some(Err(_)) => Err(ignored("its FDNAME= is no name, so that nothing is removed")),
            None => Err(ignored("it needs FDNAME= in the same message")),
        }
    }

    fn fd_name(&self) -> Result<Effect, Verdict<'m>> {
        if self.says("FDSTOREREMOVE=1") {
            Ok(Effect::Belongs("FDSTOREREMOVE"))
        } else if self.says("FDSTORE=1") {
            Ok(Effect::Belongs("FDSTORE"))
        } else {
            Err(ignored("it names nothing without FDSTORE=1 or FDSTOREREMOVE=1 in the same message"))
        }
    }
}

/// Why a key that systemd does not know changes nothing.
fn unknown(name: &[u8]) -> Cow<'static, str> {
    let meant = name.trim_ascii().to_ascii_uppercase();
    match history::find(&meant) {
        Some(key) => format!(
            "systemd does not know {:?}: write {}, in capitals and without spaces",
            String::from_utf8_lossy(name),
            key.name
        )
        .into(),
        None if name.starts_with(b"X_") => "it is a private key, which means nothing to systemd".into(),
        None => "systemd does not know the key: spell private ones X_...".into(),
    }
}
