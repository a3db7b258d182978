//! What a service says, a method for each assignment.

use core::time::Duration;

use super::{Notifier, SendError, monotonic_usec};
use crate::message::{Assignment, Encoder};

impl Notifier {
    fn say(&self, assignments: &[Assignment<'_>]) -> Result<(), SendError> {
        let mut message = Encoder::new();
        for assignment in assignments {
            message.push(*assignment)?;
        }
        self.send(message.bytes())
    }

    /// `READY=1`: start-up, or a reload, is done.
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn ready(&self) -> Result<(), SendError> {
        self.send(b"READY=1")
    }

    /// `STATUS=`: one line for whoever looks (`systemctl status`, `aye restart`).
    ///
    /// # Errors
    /// [`SendError`]; a text with a line break is refused.
    pub fn status(&self, text: &str) -> Result<(), SendError> {
        self.say(&[Assignment::Status(text)])
    }

    /// `RELOADING=1` with the moment it began; [`ready`](Self::ready) must follow.
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn reloading(&self) -> Result<(), SendError> {
        self.say(&[Assignment::Reloading, Assignment::MonotonicUsec(monotonic_usec())])
    }

    /// `STOPPING=1`: the service is on its way down.
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn stopping(&self) -> Result<(), SendError> {
        self.send(b"STOPPING=1")
    }

    /// `WATCHDOG=1`: the heartbeat, due at half the interval of [`Environment::watchdog`].
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn watchdog(&self) -> Result<(), SendError> {
        self.send(b"WATCHDOG=1")
    }

    /// `MAINPID=`: this process is the main one.
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn main_pid(&self, pid: u32) -> Result<(), SendError> {
        self.say(&[Assignment::MainPid(pid)])
    }

    /// `EXTEND_TIMEOUT_USEC=`: what goes on now needs this much more time, counted from now.
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn extend_timeout(&self, more: Duration) -> Result<(), SendError> {
        self.say(&[Assignment::ExtendTimeoutUsec(more)])
    }
}
