//! The verdict on each message, from a shadow of the service: the state machine of the embedded manager is told what happens
//! and does nothing. It knows what the service has said so far, and so what its manager makes of the next word.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::Duration;

use aye::process::{pidfd, pidfd_id};
use aye::verdict::{
    self, Context, Descriptors, Effect, Judged, Process, Role, State, Store, Type, Verdict, judge, permit,
};
use aye::{Assignment, Message, NotifyAccess, Raw};
use aye_manager::service::{Event, Exit, Job, JobKind, Machine, Notification, Rules, Spawn};
use aye_manager::unit::{Restart, Type as MachineType};
use rustix::process::Signal;

use super::super::scene::{Line, Outcome, Scene, Word};
use super::{fds, process};
use crate::trace::unit::process::identity;

/// What a datagram comes to.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) role: Role,
    pub(super) outcome: Outcome,
    /// Whether its sender may speak for the service at all.
    pub(super) permitted: bool,
    /// Which process it names as the main one, so that the manager takes it for that.
    pub(super) main: Option<u32>,
}

/// The shadow.
#[derive(Debug)]
pub(super) struct Judge {
    machine: Machine,
    version: u16,
    access: NotifyAccess,
    kind: Type,
    store: Store,
    /// What was stored since: its name, and which file it is.
    stored: Vec<(Vec<u8>, (u64, u64))>,
    control: u32,
    kill_signal: i32,
    reload_signal: i32,
    /// The unit's cgroup; `None` where there is no unit.
    group: Option<String>,
}

/// What only a manager tells.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    pub(super) control: u32,
    pub(super) kill_signal: i32,
    pub(super) reload_signal: i32,
    pub(super) group: Option<String>,
    pub(super) store: Store,
}

impl Judge {
    /// A service whose main process, `main`, has just become its program.
    pub(super) fn new(scene: &Scene, told: Told, main: u32, now: Duration) -> Self {
        let mut machine = Machine::new(rules(scene));
        machine.handle(Event::Request(Job { id: 1, kind: JobKind::Start }), now);
        machine.handle(Event::Spawned(Spawn::Main, main), now);
        machine.handle(Event::Executed, now);
        Self {
            machine,
            version: scene.version,
            access: scene.access,
            kind: scene.kind,
            store: told.store,
            stored: Vec::new(),
            control: told.control,
            kill_signal: told.kill_signal,
            reload_signal: told.reload_signal,
            group: told.group,
        }
    }

    /// The main process, as far as the service has said.
    pub(super) fn main(&self) -> Option<u32> {
        self.machine.main_pid()
    }

    /// The `NotifyAccess` in force.
    pub(super) fn access(&self) -> NotifyAccess {
        self.machine.notify_access(self.access)
    }

    /// The main process was sent a signal: a reload or a stop begins, where the manager does these by that signal.
    pub(super) fn signalled(&mut self, signal: i32, now: Duration) {
        let kind = match signal {
            found if found == self.kill_signal => JobKind::Stop,
            found if found == self.reload_signal && self.kind == Type::NotifyReload => JobKind::Reload,
            _ => return,
        };
        self.machine.handle(Event::Request(Job { id: 2, kind }), now);
    }

    /// The main process ended.
    pub(super) fn ended(&mut self, exit: Exit, now: Duration) {
        self.machine.handle(Event::MainExited(exit), now);
    }

    /// Hears a datagram, and remembers what it changed.
    pub(super) fn hear(&mut self, raw: &Raw, now: Duration) -> Heard {
        let role = self.role(raw);
        let message = match &raw.message {
            Ok(message) => message,
            Err(why) => {
                let outcome = Outcome::Dropped(*why);
                return Heard { role, outcome, permitted: permit(self.access(), role).is_ok(), main: None };
            }
        };
        let context = self.context(raw, message, role);
        let judged = judge(message, &context);
        let is_barrier = matches!(judged.as_slice(), [one] if effect(one) == Some(Effect::Completes));
        let permitted = is_barrier || permit(context.access, role).is_ok();
        let main = judged.iter().find_map(|one| match &one.verdict {
            Verdict::Accepted(_, Assignment::MainPid(pid)) => Some(*pid),
            Verdict::Accepted(_, Assignment::MainPidFd) => fds::process(raw.fds.first()?.as_fd()),
            _ => None,
        });
        let outcome = Outcome::Judged(judged.iter().map(line).collect());
        self.store(&judged, message, raw);
        self.remember(&judged, main, now);
        // Of the program's own pid nothing follows here, but it does for the manager, which takes us for the program.
        let main = main.or(self.main().filter(|_| permitted && names_main(message, context)));
        Heard { role, outcome, permitted, main }
    }

    /// What is in the store afterwards, where nothing is twice (sd_pid_notify_with_fds(3)).
    fn store(&mut self, judged: &[Judged<'_>], message: &Message, raw: &Raw) {
        let name = message.value("FDNAME").unwrap_or(b"stored");
        for one in judged {
            match &one.verdict {
                Verdict::Accepted(Effect::Stores(count), _) => {
                    let files = raw.fds.iter().filter_map(|fd| identity(fd.as_fd()));
                    self.stored.extend(files.map(|file| (name.to_vec(), file)));
                    self.store.used += count;
                }
                Verdict::Accepted(_, Assignment::FdStoreRemove) => {
                    let before = self.stored.len();
                    self.stored.retain(|(stored, _)| stored != name);
                    self.store.used = self.store.used.saturating_sub(before - self.stored.len());
                }
                _ => {}
            }
        }
    }

    fn remember(&mut self, judged: &[Judged<'_>], main: Option<u32>, now: Duration) {
        let notification = Notification { main_pid: main, ..Notification::of(judged) };
        self.machine.handle(Event::Notified(notification), now);
    }

    fn role(&self, raw: &Raw) -> Role {
        let Some(sender) = raw.sender else {
            return Role::Outside;
        };
        if self.main() == Some(sender.pid) {
            return Role::Main;
        }
        if self.control == sender.pid {
            return Role::Control;
        }
        // Of one that is gone nobody can tell: it had our socket from somebody of the unit.
        let is_outside =
            |unit: &String| process::group(sender.pid).is_some_and(|group| !process::is_within(&group, unit));
        if self.group.as_ref().is_some_and(is_outside) { Role::Outside } else { Role::Other }
    }

    fn context(&self, raw: &Raw, message: &Message, role: Role) -> Context {
        let named = message.value("MAINPID").map(|value| Assignment::of(b"MAINPID", value));
        let named = match named {
            Some(Ok(Assignment::MainPid(pid))) => Some(pid),
            _ => None,
        };
        let handed = match raw.fds.as_slice() {
            [one] => fds::process(one.as_fd()),
            _ => None,
        };
        let known = self.machine.context();
        Context {
            version: self.version,
            // Before 253 a reload has but one state.
            state: match known.state {
                State::ReloadNotify if self.version < 253 => State::Reload,
                state => state,
            },
            kind: self.kind,
            access: self.access(),
            unit_access: self.access,
            role,
            uid: raw.sender.map_or(0, |sender| sender.uid),
            main_pid: named.map_or(Process::Dead, |pid| self.process(pid)),
            main_pid_fd_id: named.and_then(|pid| pidfd_id(pidfd(pid).ok()?.as_fd())),
            fds: Descriptors {
                count: raw.fds.len(),
                stored: raw.fds.iter().filter(|fd| self.is_stored(fd.as_fd())).count(),
                process: handed.map(|pid| self.process(pid)),
            },
            store: self.store,
            ..known
        }
    }

    fn is_stored(&self, fd: BorrowedFd<'_>) -> bool {
        let file = identity(fd);
        self.stored.iter().any(|(_, stored)| Some(*stored) == file)
    }

    /// What a process that is named as the main one is to the service. The program would be a child of its manager's, so whoever
    /// is above it stands for the manager.
    fn process(&self, pid: u32) -> Process {
        if self.main() == Some(pid) {
            Process::Main
        } else if pid == 1 || process::is_above(pid) {
            Process::Manager
        } else if !process::is_alive(pid) {
            Process::Dead
        } else if self.control == pid {
            Process::Control
        } else if self.is_member(pid) {
            Process::Member
        } else {
            Process::Foreign
        }
    }

    fn is_member(&self, pid: u32) -> bool {
        let unit = self.group.clone().or_else(|| process::group(std::process::id()));
        let group = process::group(pid);
        unit.zip(group).is_some_and(|(unit, group)| process::is_within(&group, &unit))
    }
}

/// Whether the manager, for which the main process is no more than a member, takes one that the message names for the main one.
fn names_main(message: &Message, context: Context) -> bool {
    if context.main_pid != Process::Main && context.fds.process != Some(Process::Main) {
        return false;
    }
    let theirs = |process| if process == Process::Main { Process::Member } else { process };
    let fds = Descriptors { process: context.fds.process.map(theirs), ..context.fds };
    let context = Context { main_pid: theirs(context.main_pid), fds, ..context };
    let names = |one: &Judged<'_>| {
        matches!(one.verdict, Verdict::Accepted(_, Assignment::MainPid(_) | Assignment::MainPidFd))
    };
    judge(message, &context).iter().any(names)
}

fn effect(one: &Judged<'_>) -> Option<Effect> {
    match &one.verdict {
        Verdict::Accepted(effect, _) => Some(*effect),
        _ => None,
    }
}

fn line(one: &Judged<'_>) -> Line {
    let (verdict, why) = match &one.verdict {
        Verdict::Accepted(effect, _) => (Word::Accepted(*effect), effect.to_string()),
        Verdict::Ignored(why) => (Word::Ignored, why.to_string()),
        Verdict::Refused(why) => (Word::Refused, why.to_string()),
    };
    Line { text: one.line.to_vec(), verdict, why }
}

/// What of the scene the machine goes by; the rest is for what it is not asked here.
fn rules(scene: &Scene) -> Rules {
    Rules {
        kind: match scene.kind {
            verdict::Type::Notify => MachineType::Notify,
            verdict::Type::NotifyReload => MachineType::NotifyReload,
            verdict::Type::Exec => MachineType::Exec,
            _ => MachineType::Simple,
        },
        timeout_start: scene.timeout_start,
        timeout_stop: scene.timeout_stop,
        watchdog: scene.watchdog,
        restart: Restart::No,
        restart_delay: Duration::ZERO,
        kill_signal: Signal::TERM,
        reload_signal: Signal::HUP,
        reload_commands: Vec::new(),
        success_exit_status: Vec::new(),
        ignores_failure: false,
        start_limit_interval: Duration::ZERO,
        start_limit_burst: 0,
    }
}
