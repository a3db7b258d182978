//! What passes from the unit to its manager: a datagram is looked at, judged on the ground that the manager tells of, passed
//! on, and only then taken out of the queue. Whoever dies in between leaves it there for the next one to serve the socket.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use aye::{Receiver, Waiting};
use aye_bus::{Ground, Manager, OwnedObjectPath};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::judge::{self, Judge};
use super::process;
use super::upstream::Upstream;
use crate::trace::scene::{Passed, Said};

/// Whose messages come.
#[derive(Debug, Clone)]
pub(super) enum Whose {
    /// Those of this unit.
    Unit(OwnedObjectPath),
    /// Those of the unit that the sender belongs to.
    Any,
}

/// The socket, and where it leads.
#[derive(Debug)]
pub(super) struct Relay {
    receiver: Receiver,
    /// The same socket, to wait for.
    arrival: AsyncFd<OwnedFd>,
    upstream: Upstream,
}

impl Relay {
    /// Serves a socket that is bound.
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe; an OwnedFd inside an AsyncFd cannot be closed early"
        )]
        let arrival = AsyncFd::with_interest(socket.try_clone()?, Interest::READABLE)?;
        Ok(Self { receiver: Receiver::from_socket(socket), arrival, upstream: Upstream::connect()? })
    }

    /// Waits until something has come. Nothing is lost when the wait is given up.
    pub(super) async fn ready(&self) -> io::Result<()> {
        self.arrival.readable().await.map(drop)
    }

    /// The next datagram, still in the queue; `None` when there is none.
    pub(super) fn peek(&self) -> io::Result<Option<Waiting>> {
        loop {
            match self.receiver.peek() {
                Ok(waiting) => return Ok(Some(waiting)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // Looked at without waiting: what came since is seen by the next wait.
                    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
                    match self.arrival.poll_read_ready(&mut context) {
                        std::task::Poll::Ready(guard) => guard?.clear_ready(),
                        std::task::Poll::Pending => return Ok(None),
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Passes it on, and takes it.
    pub(super) fn pass(&mut self, waiting: &Waiting) -> io::Result<Passed> {
        let passed = self.upstream.pass(waiting);
        self.receiver.receive().map(drop)?;
        Ok(passed)
    }

    /// Passes on all that is there, without a look at it.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        while let Some(waiting) = self.peek()? {
            self.pass(&waiting)?;
        }
        Ok(())
    }
}

/// The manager's part: what it knows, and what it will make of a message.
#[derive(Debug)]
pub(super) struct Court {
    manager: Manager,
    whose: Whose,
    judge: Judge,
    /// The ground as it was last seen, for heartbeats, which come often and change nothing.
    last: Option<Ground>,
}

impl Court {
    pub(super) fn new(manager: Manager, whose: Whose, version: u16) -> Self {
        Self { manager, whose, judge: Judge::new(version), last: None }
    }

    /// Goes on with another connection to the same manager.
    pub(super) fn reconnect(&mut self, manager: Manager) {
        self.manager = manager;
    }

    /// What the manager knows now.
    pub(super) async fn ground(&mut self, sender: Option<u32>) -> aye_bus::Result<Option<Ground>> {
        let path = match (&self.whose, sender) {
            (Whose::Unit(path), _) => path.clone(),
            (Whose::Any, Some(pid)) => match self.manager.unit_of(pid).await {
                Ok(path) => path,
                Err(aye_bus::Error::Refused { .. }) => return Ok(None),
                Err(error) => return Err(error),
            },
            (Whose::Any, None) => return Ok(None),
        };
        let ground = self.manager.ground(&path).await?;
        self.last = Some(ground.clone());
        Ok(Some(ground))
    }

    /// Those of the processes that the manager counts as the unit's, by which it judges, too. Its main and its control
    /// process need not be asked about.
    async fn members(&self, ground: &Ground, processes: &[u32]) -> Vec<u32> {
        let mut members = Vec::new();
        for pid in processes.iter().filter(|pid| **pid != ground.main_pid && **pid != ground.control_pid) {
            if self.manager.unit_of(*pid).await.is_ok_and(|path| path == ground.path) {
                members.push(*pid);
            }
        }
        members
    }

    /// Hears a datagram: all that there is to say of it but what became of it. Where the manager cannot be asked, the
    /// ground is the one seen last.
    pub(super) async fn hear(&mut self, waiting: &Waiting) -> Said {
        let pid = waiting.sender.map(|sender| sender.pid);
        // Before anything that takes time: the sender may be gone soon.
        let command = pid.and_then(process::command);
        let fds = waiting.fds.iter().map(|fd| process::describe(fd.as_fd())).collect();
        let known = |last: &Ground| {
            let of_main = pid.is_some_and(|pid| pid == last.main_pid);
            of_main && matches!(self.whose, Whose::Unit(_)) && waiting.bytes == b"WATCHDOG=1"
        };
        let ground = match &self.last {
            Some(last) if known(last) => Some(last.clone()),
            _ => self.ground(pid).await.unwrap_or_else(|_| self.last.clone()),
        };
        let members = match &ground {
            Some(ground) => self.members(ground, &judge::processes(waiting)).await,
            _ => Vec::new(),
        };
        let (role, outcome) = self.judge.outcome(waiting, ground.as_ref(), &members);
        let bytes = waiting.bytes.clone();
        Said { bytes, sender: waiting.sender, command, role, fds, outcome, passed: Passed::Nowhere }
    }
}
