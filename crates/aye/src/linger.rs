//! A message that its sender need not wait for and that still is not lost: a child of the sender sends it, and stays until
//! it has been received, because the manager looks up the sender in `/proc` when it reads the message.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::listen::FIRST;
use crate::notifier::{Claim, Notifier, SendError, SentAs};
use crate::sys::{self, Forked};

/// What the caller is going to do, and so who is to look after the child.
///
/// ```no_run
/// # use std::time::Duration;
/// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
/// use aye::{Claim, Then};
/// // This process goes on as another program, which expects no child:
/// notifier.send_and_linger(Claim::default(), b"READY=1", &[], Duration::from_secs(5), Then::GoOn)?;
/// # Ok::<(), aye::LingerError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It exits at once: the child becomes init's by itself.
    Exit,
    /// It goes on, perhaps as another program, which does not expect a child: one more process is made, and ends, so that
    /// the child is init's from the beginning.
    GoOn,
}

/// Why there is no child with the message.
///
/// ```no_run
/// # use std::time::Duration;
/// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
/// use aye::{Claim, LingerError, Then};
/// let limit = Duration::from_secs(5);
/// match notifier.send_and_linger(Claim::default(), b"READY=1", &[], limit, Then::Exit) {
///     Err(LingerError::Fork(_)) => {
///         notifier.ready()?; // without a child it takes a moment longer
///         notifier.barrier(limit)?;
///     }
///     result => drop(result?),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum LingerError {
    /// No child could be made, and nothing was sent: the limit of tasks, or this process has several threads.
    Fork(io::Error),
    /// The child could not send the message.
    Send(SendError),
}

impl fmt::Display for LingerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fork(error) => write!(f, "cannot leave a child behind with the message: {error}"),
            Self::Send(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LingerError {}

impl Notifier {
    /// Sends as [`send_as`](Self::send_as) does, from a child that then stays until the message has been received, at most
    /// `limit`. Returns as soon as the manager's queue has the message, so messages arrive in the order of the calls. The
    /// child is in a session of its own and keeps nothing of this process open.
    ///
    /// To be called by a process of one thread.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
    /// use aye::{Claim, Then};
    /// notifier.send_and_linger(Claim::default(), b"READY=1", &[], Duration::from_secs(5), Then::Exit)?;
    /// std::process::exit(0); // and the message is not lost
    /// # #[allow(unreachable_code)]
    /// # Ok::<(), aye::LingerError>(())
    /// ```
    ///
    /// # Errors
    /// [`LingerError::Fork`], where [`send_as`](Self::send_as) and [`barrier_as`](Self::barrier_as) can be tried instead;
    /// [`LingerError::Send`].
    pub fn send_and_linger(
        &self,
        claim: Claim,
        message: &[u8],
        fds: &[BorrowedFd<'_>],
        limit: Duration,
        then: Then,
    ) -> Result<SentAs, LingerError> {
        let (report, reporter) =
            pipe_with(PipeFlags::CLOEXEC).map_err(|error| LingerError::Fork(error.into()))?;
        match sys::fork().map_err(LingerError::Fork)? {
            Forked::Child => {
                let _end = End;
                drop(report);
                let mut reporter = File::from(reporter);
                if then == Then::GoOn {
                    become_an_orphan(&mut reporter);
                }
                self.linger(claim, message, fds, limit, &mut reporter)
            }
            Forked::Parent(child) => {
                drop(reporter);
                if then == Then::GoOn {
                    sys::reap(child);
                }
                read(&mut File::from(report))
            }
        }
    }

    /// The child's life.
    fn linger(
        &self,
        claim: Claim,
        message: &[u8],
        fds: &[BorrowedFd<'_>],
        limit: Duration,
        reporter: &mut File,
    ) -> ! {
        let sent = self.send_as(claim, message, fds);
        // Before the report: when the caller has gone on, nothing that befalls it or its terminal reaches the child.
        let report = reporter.as_raw_fd();
        let socket = self.datagrams().map_or(report, |socket| socket.as_raw_fd());
        let _ = detach(&mut [report, socket]);
        // Nobody reads it when the parent was killed meanwhile, which changes nothing.
        let _ = reporter.write_all(&written(&sent));
        sys::close(reporter.as_raw_fd());
        if sent.is_err() {
            sys::exit_now(1);
        }
        // The barrier has its own limit, but sending it can block as well.
        sys::end_after(u32::try_from(limit.as_secs()).unwrap_or(u32::MAX).saturating_add(1));
        let received = self.barrier_as(claim, limit);
        sys::exit_now(i32::from(received.is_err()))
    }
}

/// Goes on as a child of a process that is gone.
fn become_an_orphan(reporter: &mut File) {
    match sys::fork() {
        Ok(Forked::Child) => {}
        Ok(Forked::Parent(_)) => sys::exit_now(0),
        Err(_) => {
            let _ = reporter.write_all(&NO_CHILD.to_ne_bytes());
            sys::exit_now(1);
        }
    }
}

/// In place of an errno: there is no process that could send.
const NO_CHILD: i32 = i32::MIN;

/// Ends the child where a panic would unwind into what is the parent's alone.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        sys::exit_now(1);
    }
}

/// Lets go of all that the caller has: whoever reads from a pipe of its sees the end of it now.
fn detach(kept: &mut [RawFd]) -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    for standard in 0..FIRST {
        sys::duplicate_to(null.as_fd(), standard)?;
    }
    drop(null);
    sys::close_all_but(FIRST, kept)?;
    rustix::process::setsid()?;
    std::env::set_current_dir("/")
}

/// What came of sending, for the parent: 0 and 1 for under whose credentials, -errno otherwise.
fn written(sent: &Result<SentAs, SendError>) -> [u8; 4] {
    match sent {
        Ok(SentAs::Claimed) => 0,
        Ok(SentAs::Oneself) => 1,
        Err(SendError::Socket(errno)) => -errno.raw_os_error(),
        Err(_) => -Errno::INVAL.raw_os_error(),
    }
    .to_ne_bytes()
}

/// ... and read. A child that was killed before it could say anything has sent nothing that one can rely on.
fn read(report: &mut File) -> Result<SentAs, LingerError> {
    let mut bytes = [0; 4];
    match report.read_exact(&mut bytes).map(|()| i32::from_ne_bytes(bytes)) {
        Ok(0) => Ok(SentAs::Claimed),
        Ok(1) => Ok(SentAs::Oneself),
        Ok(NO_CHILD) => Err(LingerError::Fork(Errno::AGAIN.into())),
        Ok(negative) => Err(LingerError::Send(Errno::from_raw_os_error(-negative).into())),
        Err(_) => Err(LingerError::Send(Errno::CHILD.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_threads_is_not_copied() {
        let (ours, _theirs) = std::os::unix::net::UnixDatagram::pair().unwrap();
        let notifier = Notifier::from_socket(ours.into());
        let beside = std::thread::spawn(std::thread::park);
        let error = notifier
            .send_and_linger(Claim::default(), b"READY=1", &[], Duration::from_secs(1), Then::Exit)
            .unwrap_err();
        assert!(matches!(error, LingerError::Fork(_)), "{error}");
        beside.thread().unpark();
        beside.join().unwrap();
    }

    #[test]
    fn what_came_of_sending_reaches_the_parent() {
        let heard = |bytes: &[u8]| {
            let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
            File::from(writer).write_all(bytes).unwrap();
            read(&mut File::from(reader))
        };
        let refused = heard(&written(&Err(Errno::CONNREFUSED.into())));
        assert!(
            matches!(refused, Err(LingerError::Send(SendError::Socket(Errno::CONNREFUSED)))),
            "{refused:?}"
        );
        assert!(matches!(heard(&NO_CHILD.to_ne_bytes()), Err(LingerError::Fork(_))));
        assert!(matches!(heard(b""), Err(LingerError::Send(_))), "the child died without a word");
        for sent in [SentAs::Claimed, SentAs::Oneself] {
            assert_eq!(heard(&written(&Ok(sent))).unwrap(), sent);
        }
    }
}
