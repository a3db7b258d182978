//! Waiting until everything sent so far has been received: `BARRIER=1` carries the write end of a pipe, the
//! receiver closes it when it gets there, and the read end hangs up (sd_notify_barrier(3)).
//!
//! A sender that exits at once can lose its message, because the manager looks up the sender's unit in `/proc`
//! only when it reads the message. A completed barrier means received, not accepted.

use core::fmt;
use core::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};

use crate::notifier::{Claim, Notifier, SendError};

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
        let deadline = deadline(limit).map_err(SendError::Socket)?;
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).map_err(SendError::Socket)?;
        let in_time = self.send_barrier(claim, write.as_fd(), deadline.as_fd())?;
        drop(write);
        // No event is asked for: a hang-up is always reported.
        let hang_up = PollFd::new(&read, PollFlags::empty());
        if in_time && comes_before(hang_up, deadline.as_fd()).map_err(SendError::Socket)? {
            Ok(())
        } else {
            Err(BarrierError::TimedOut(limit))
        }
    }

    /// `false` when it was not sent by the deadline: a receiver that reads nothing at all keeps that, too, from being done
    /// once its queue is full.
    fn send_barrier(
        &self,
        claim: Claim,
        fd: BorrowedFd<'_>,
        deadline: BorrowedFd<'_>,
    ) -> Result<bool, SendError> {
        loop {
            match (self.try_send_as(claim, b"BARRIER=1", &[fd]), self.datagrams()) {
                (Err(error), Some(socket)) if error.is_full_queue() => {
                    if !comes_before(PollFd::from_borrowed_fd(socket, PollFlags::OUT), deadline)? {
                        return Ok(false);
                    }
                }
                (result, _) => return result.map(|_| true),
            }
        }
    }
}

/// A descriptor that becomes readable after that long: an event among others, and no clock to be asked.
fn deadline(limit: Duration) -> Result<OwnedFd, Errno> {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
    // Zero would disarm it.
    let limit = limit.max(Duration::from_nanos(1));
    let seconds = i64::try_from(limit.as_secs()).unwrap_or(i64::MAX);
    let once = Itimerspec {
        it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
        it_value: Timespec { tv_sec: seconds, tv_nsec: limit.subsec_nanos().into() },
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once)?;
    Ok(timer)
}

/// Waits for an event, and for the deadline at most.
fn comes_before(event: PollFd<'_>, deadline: BorrowedFd<'_>) -> Result<bool, Errno> {
    let mut fds = [event, PollFd::from_borrowed_fd(deadline, PollFlags::IN)];
    loop {
        match poll(&mut fds, None) {
            Err(Errno::INTR) => {}
            result => return result.map(|_| !fds[0].revents().is_empty()),
        }
    }
}
