//! The verdict on a message of a unit: the manager's own words on the unit (its ground), what /proc says of the processes
//! that the message is from and names, and the little that the manager tells nobody, remembered from what was judged
//! before.

use std::collections::{HashMap, HashSet};
use std::os::fd::AsFd as _;
use std::time::Duration;

use aye::message::Message;
use aye::process::{pidfd, pidfd_id};
use aye::verdict::{Context, Descriptors, Effect, Role, State, Store, Type, Verdict, judge};
use aye::{Assignment, NotifyAccess, Waiting};
use aye_bus::{Ground, Invocation};

use super::process;
use crate::trace::scene::{Line, Outcome, Word};

/// How much earlier than the change of state the manager may have taken the time of a reload: it sends the signal in
/// between (`service_enter_reload()` of systemd's service.c).
const SLACK: Duration = Duration::from_millis(10);

/// What is remembered of a unit's present start.
#[derive(Debug)]
struct Memory {
    invocation: Option<Invocation>,
    /// `NotifyAccess=` as it was before any message could change it.
    access: NotifyAccess,
    stopping_said: bool,
    /// The files that were put into the store, as far as they can be told from others.
    stored: HashSet<(u64, u64)>,
}

/// The memory, and whose rules hold.
#[derive(Debug)]
pub(super) struct Judge {
    version: u16,
    memories: HashMap<String, Memory>,
}

impl Judge {
    pub(super) fn new(version: u16) -> Self {
        Self { version, memories: HashMap::new() }
    }

    /// What the manager makes of it, on this ground; `None` is that of a sender that belongs to no unit. `members` are those
    /// of [`processes`] that the manager counts as the unit's.
    pub(super) fn outcome(
        &mut self,
        waiting: &Waiting,
        ground: Option<&Ground>,
        members: &[u32],
    ) -> (Role, Outcome) {
        let role = match (waiting.sender, ground) {
            (Some(sender), Some(ground)) => process::role(sender.pid, ground, members),
            _ => Role::Outside,
        };
        let message = match &waiting.message {
            Ok(message) => message,
            Err(why) => return (role, Outcome::Dropped(*why)),
        };
        let context = match ground {
            Some(ground) => self.context(waiting, message, role, ground, members),
            None => Context { version: self.version, role, ..Context::default() },
        };
        let context = Context { fds: Descriptors { count: waiting.fds.len(), ..context.fds }, ..context };
        let judged = judge(message, &context);
        if let Some(ground) = ground {
            for one in &judged {
                self.remember(ground, &one.verdict, waiting);
            }
        }
        let line = |one: &aye::verdict::Judged<'_>| {
            let (verdict, why) = match &one.verdict {
                Verdict::Accepted(effect, _) => (Word::Accepted(*effect), effect.to_string()),
                Verdict::Ignored(why) => (Word::Ignored, why.to_string()),
                Verdict::Refused(why) => (Word::Refused, why.to_string()),
            };
            Line { text: one.line.to_vec(), verdict, why }
        };
        (role, Outcome::Judged(judged.iter().map(line).collect()))
    }

    fn context(
        &mut self,
        waiting: &Waiting,
        message: &Message,
        role: Role,
        ground: &Ground,
        members: &[u32],
    ) -> Context {
        let version = self.version;
        let access = NotifyAccess::parse(&ground.access).unwrap_or(NotifyAccess::None);
        let memory = self.memory(ground);
        if ground.stored == 0 {
            memory.stored.clear();
        }
        let state = State::parse(&ground.sub).unwrap_or(State::Running);
        let main_pid = named_main(message);
        let is_stored = |fd: &std::os::fd::OwnedFd| {
            process::identity(fd.as_fd()).is_some_and(|file| memory.stored.contains(&file))
        };
        let one = match waiting.fds.as_slice() {
            [one] => process::of_pidfd(one.as_fd()),
            _ => None,
        };
        Context {
            version,
            access,
            unit_access: memory.access,
            role,
            uid: waiting.sender.map_or(0, |sender| sender.uid),
            kind: Type::parse(&ground.kind).unwrap_or(Type::Simple),
            state,
            controlled: ground.control_pid != 0,
            stopping_said: memory.stopping_said,
            reload_began: (state == State::ReloadSignal)
                .then(|| micros(ground.changed.saturating_sub(SLACK))),
            watchdog: ground.watchdog.is_some(),
            main_pid: main_pid
                .map_or(aye::verdict::Process::Dead, |pid| process::named(pid, ground, members)),
            main_pid_fd_id: main_pid.and_then(|pid| pidfd_id(pidfd(pid).ok()?.as_fd())),
            fds: Descriptors {
                count: waiting.fds.len(),
                stored: waiting.fds.iter().filter(|fd| is_stored(fd)).count(),
                process: one.map(|pid| process::named(pid, ground, members)),
            },
            store: Store { maximum: size(ground.store_max), used: size(ground.stored) },
        }
    }

    /// The memory of this start. A store outlives a start, unless it is empty.
    fn memory(&mut self, ground: &Ground) -> &mut Memory {
        let access = NotifyAccess::parse(&ground.access).unwrap_or(NotifyAccess::None);
        let fresh =
            || Memory { invocation: ground.invocation, access, stopping_said: false, stored: HashSet::new() };
        let memory = self.memories.entry(ground.name.clone()).or_insert_with(fresh);
        if memory.invocation != ground.invocation {
            *memory = Memory { stored: std::mem::take(&mut memory.stored), ..fresh() };
        }
        memory
    }

    fn remember(&mut self, ground: &Ground, verdict: &Verdict<'_>, waiting: &Waiting) {
        let memory = self.memory(ground);
        match verdict {
            Verdict::Accepted(_, Assignment::Stopping) => memory.stopping_said = true,
            Verdict::Accepted(Effect::Stores(_), _) => {
                memory.stored.extend(waiting.fds.iter().filter_map(|fd| process::identity(fd.as_fd())));
            }
            _ => {}
        }
    }
}

/// The processes that a verdict on the datagram depends on.
pub(super) fn processes(waiting: &Waiting) -> Vec<u32> {
    let sender = waiting.sender.map(|sender| sender.pid);
    let main = waiting.message.as_ref().ok().and_then(named_main);
    let pidfd = match waiting.fds.as_slice() {
        [one] => process::of_pidfd(one.as_fd()),
        _ => None,
    };
    let mut all: Vec<u32> = [sender, main, pidfd].into_iter().flatten().filter(|pid| *pid != 0).collect();
    all.dedup();
    all
}

/// The process that the first MAINPID= names.
fn named_main(message: &Message) -> Option<u32> {
    match Assignment::of(b"MAINPID", message.value("MAINPID")?) {
        Ok(Assignment::MainPid(pid)) => Some(pid),
        _ => None,
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
