//! A message of the service as the machine understands it: what the verdict accepted, kept beyond the message's life.
//! Nothing is decided here.

use std::time::Duration;

use aye::verdict::{Effect, Judged, Verdict};
use aye::{Assignment, NotifyAccess};

/// What `WATCHDOG=` said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heartbeat {
    /// `WATCHDOG=1`
    Alive,
    /// `WATCHDOG=trigger`
    Trigger,
}

/// The accepted assignments of one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notification {
    /// What `READY=1` does.
    pub ready: Option<Effect>,
    /// What `RELOADING=1` does.
    pub reloading: Option<Effect>,
    /// What `STOPPING=1` does.
    pub stopping: Option<Effect>,
    /// `STATUS=`; an empty or invalid text clears it.
    pub status: Option<String>,
    /// `NOTIFYACCESS=`
    pub access: Option<NotifyAccess>,
    /// `ERRNO=`
    pub errno: Option<i32>,
    /// `BUSERROR=`
    pub bus_error: Option<String>,
    /// `VARLINKERROR=`
    pub varlink_error: Option<String>,
    /// `MAINPID=`
    pub main_pid: Option<u32>,
    /// `WATCHDOG=`
    pub heartbeat: Option<Heartbeat>,
    /// `WATCHDOG_USEC=`; `None` inside switches the watchdog off.
    pub watchdog_interval: Option<Option<Duration>>,
    /// `EXTEND_TIMEOUT_USEC=`
    pub extend_timeout: Option<Duration>,
    /// `RESTART_RESET=1`
    pub restart_reset: bool,
}

impl Notification {
    /// What was accepted of a message.
    pub fn of(judged: &[Judged<'_>]) -> Self {
        let mut found = Self::default();
        for judged in judged {
            if let Verdict::Accepted(effect, assignment) = &judged.verdict {
                found.take(*effect, *assignment);
            }
        }
        found
    }

    fn take(&mut self, effect: Effect, assignment: Assignment<'_>) {
        match assignment {
            Assignment::Ready => self.ready = Some(effect),
            Assignment::Reloading => self.reloading = Some(effect),
            Assignment::Stopping => self.stopping = Some(effect),
            Assignment::Status(text) => self.status = Some(text.to_owned()),
            Assignment::NotifyAccess(access) => self.access = Some(access),
            Assignment::Errno(errno) => self.errno = Some(errno),
            Assignment::BusError(name) => self.bus_error = Some(name.to_owned()),
            Assignment::VarlinkError(name) => self.varlink_error = Some(name.to_owned()),
            Assignment::MainPid(pid) => self.main_pid = Some(pid),
            Assignment::Watchdog => self.heartbeat = Some(Heartbeat::Alive),
            Assignment::WatchdogTrigger => self.heartbeat = Some(Heartbeat::Trigger),
            Assignment::WatchdogUsec(interval) => {
                let off = interval.is_zero() || interval.as_micros() == u64::MAX.into();
                self.watchdog_interval = Some((!off).then_some(interval));
            }
            Assignment::ExtendTimeoutUsec(more) => self.extend_timeout = Some(more),
            Assignment::RestartReset => self.restart_reset = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aye::Message;
    use aye::verdict::{Context, Process, State, judge};

    fn found(text: &[u8], context: &Context) -> Notification {
        Notification::of(&judge(&Message::parse(text).unwrap(), context))
    }

    #[test]
    fn what_is_not_accepted_changes_nothing() {
        let text = b"ERRNO=ENONSENSE\nWATCHDOG=yes\nMAINPID=-4\nSTATUS=\xff\nREADY=yes\nX_MORE=1";
        let nothing = Notification { status: Some(String::new()), ..Notification::default() };
        assert_eq!(found(text, &Context::default()), nothing);
    }

    #[test]
    fn a_full_message_is_understood() {
        let text = b"READY=1\nERRNO=ENOENT\nSTATUS=up\nMAINPID=7\nWATCHDOG=trigger\nWATCHDOG_USEC=0\n\
            EXTEND_TIMEOUT_USEC=5\nNOTIFYACCESS=all\nBUSERROR=a.b\nVARLINKERROR=c.d";
        let context = Context { state: State::Start, main_pid: Process::Member, ..Context::default() };
        let expected = Notification {
            ready: Some(Effect::EndsStart),
            errno: Some(2),
            status: Some("up".to_owned()),
            access: Some(NotifyAccess::All),
            bus_error: Some("a.b".to_owned()),
            varlink_error: Some("c.d".to_owned()),
            main_pid: Some(7),
            heartbeat: Some(Heartbeat::Trigger),
            watchdog_interval: Some(None),
            extend_timeout: Some(Duration::from_micros(5)),
            ..Notification::default()
        };
        assert_eq!(found(text, &context), expected);
    }
}
