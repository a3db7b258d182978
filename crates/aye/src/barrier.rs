//! Waiting until everything sent so far has been received: `BARRIER=1` carries the write end of a pipe, the
//! receiver closes it when it gets there, and the read end hangs up (sd_notify_barrier(3)).
//!
//! A sender that exits at once can lose its message, because the manager looks up the sender's unit in `/proc`
//! only when it reads the message. A completed barrier means received, not accepted.

use core::fmt;
use core::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::notifier::{Claim, Notifier, SendError, monotonic_usec, timespec};

/// Why it is not certain that the messages were received.
///
/// ```
/// use aye::{Address, BarrierError, Notifier, Receiver};
/// use std::time::Duration;
/// # let name = format!("aye-doc-barrier-{}", std::process::id());
/// # let address = Address::Abstract(name.as_bytes());
/// let deaf = Receiver::bind(&address)?;
/// let error = Notifier::connect(&address)?.barrier(Duration::from_millis(1)).unwrap_err();
/// assert!(matches!(error, BarrierError::TimedOut(_)));
/// # drop(deaf);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum BarrierError {
    /// The barrier itself could not be sent.
    Send(SendError),
    /// The receiver did not get to it in time.
    TimedOut(Duration),
}

impl fmt::Display for BarrierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(error) => error.fmt(f),
            Self::TimedOut(limit) => {
                write!(f, "the service manager did not read the message within {limit:?}: it may still do so")
            }
        }
    }
}

impl core::error::Error for BarrierError {}

impl From<SendError> for BarrierError {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl Notifier {
    /// Waits until the receiver has read every message sent before, at most `limit`.
    ///
    /// ```no_run
    /// # use aye::{Environment, Notifier};
    /// # let notifier = Notifier::from_environment(&Environment::of_process()).unwrap().unwrap();
    /// notifier.ready()?;
    /// notifier.barrier(std::time::Duration::from_secs(5))?; // now this process may exit
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BarrierError::TimedOut`] after `limit`; [`BarrierError::Send`] when the barrier cannot be sent.
    pub fn barrier(&self, limit: Duration) -> Result<(), BarrierError> {
        self.barrier_as(Claim::default(), limit)
    }

    /// The same under the credentials of [`send_as`](Self::send_as).
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
    /// let parent = aye::Claim::of_pid(std::os::unix::process::parent_id());
    /// notifier.send_as(parent, b"READY=1", &[])?;
    /// notifier.barrier_as(parent, Duration::from_secs(5))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`barrier`](Self::barrier).
    pub fn barrier_as(&self, claim: Claim, limit: Duration) -> Result<(), BarrierError> {
        if self.is_confirmed() {
            return Ok(());
        }
        let deadline = Deadline::after(limit);
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).map_err(SendError::Socket)?;
        self.send_barrier(claim, write.as_fd(), &deadline)?;
        drop(write);
        loop {
            // No event is asked for: a hang-up is always reported.
            let mut fds = [PollFd::new(&read, PollFlags::empty())];
            match poll(&mut fds, Some(&timespec(deadline.left()))) {
                Ok(0) => return Err(BarrierError::TimedOut(limit)),
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(SendError::Socket(errno).into()),
            }
        }
    }

    /// A receiver that reads nothing at all also keeps the barrier itself from being sent, once its queue is full.
    fn send_barrier(
        &self,
        claim: Claim,
        fd: BorrowedFd<'_>,
        deadline: &Deadline,
    ) -> Result<(), BarrierError> {
        loop {
            match self.try_send_as(claim, b"BARRIER=1", &[fd]) {
                Err(error) if error.is_full_queue() => {}
                result => return Ok(result.map(drop)?),
            }
            if !self.wait_for_room(deadline.left()).map_err(SendError::Socket)? {
                return Err(BarrierError::TimedOut(deadline.limit));
            }
        }
    }
}

/// Until when to wait, on the clock that does not jump.
struct Deadline {
    limit: Duration,
    usec: u64,
}

impl Deadline {
    fn after(limit: Duration) -> Self {
        let usec = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        Self { limit, usec: monotonic_usec().saturating_add(usec) }
    }

    fn left(&self) -> Duration {
        Duration::from_micros(self.usec.saturating_sub(monotonic_usec()))
    }
}
