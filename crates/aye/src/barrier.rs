//! Waiting until everything sent so far has been received: `BARRIER=1` carries the write end of a pipe, the
//! receiver closes it when it gets there, and the read end hangs up (sd_notify_barrier(3)).
//!
//! A sender that exits at once can lose its message, because the manager looks up the sender's unit in `/proc`
//! only when it reads the message. A completed barrier means received, not accepted.

use core::fmt;
use core::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::notifier::{Claim, Notifier, SendError, monotonic_usec};

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
        let send = |error| BarrierError::Send(error);
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).map_err(|e| send(e.into()))?;
        self.send_as(claim, b"BARRIER=1", &[write.as_fd()]).map_err(send)?;
        drop(write);
        let limit_usec = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        let deadline = monotonic_usec().saturating_add(limit_usec);
        loop {
            let left = Duration::from_micros(deadline.saturating_sub(monotonic_usec()));
            // No event is asked for: a hang-up is always reported.
            let mut fds = [PollFd::new(&read, PollFlags::empty())];
            let timeout = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            match poll(&mut fds, Some(&timeout)) {
                Ok(0) => return Err(BarrierError::TimedOut(limit)),
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(send(errno.into())),
            }
        }
    }
}
