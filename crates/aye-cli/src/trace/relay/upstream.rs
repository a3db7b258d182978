//! The way on to the manager: bytes and descriptors as they came, under credentials that are ours or claimed, never
//! waiting. Whoever calls waits for room where it can also hear of signals.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use aye::{Address, Environment, Notifier, SendError, Sender};
use rustix::io::{Errno, IoSlice};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, UCred, sendmsg};
use rustix::process::{Gid, Pid, Uid};

/// The most descriptors in a message (`SCM_MAX_FD`), and credentials.
const CONTROL_SPACE: usize = rustix::cmsg_space!(ScmRights(253)) + rustix::cmsg_space!(ScmCredentials(1));

/// Why a message is not there.
#[derive(Debug)]
pub(super) enum NotSent {
    /// The queue is full: there will be room.
    Full,
    /// The kernel does not let us claim that: the process is gone, or we may not.
    Unclaimable,
    /// Anything else, in words.
    Failed(String),
}

/// The manager's socket.
#[derive(Debug)]
pub(super) struct Upstream {
    address: Option<Vec<u8>>,
    route: Route,
}

#[derive(Debug)]
enum Route {
    Socket(OwnedFd),
    /// Over vsock each message may be a connection of its own, which is the notifier's to make.
    Vsock(Notifier),
    /// Nobody listened when last tried.
    Broken,
}

impl Upstream {
    /// Where `$NOTIFY_SOCKET` points, or else where the inherited descriptor named `notify` does. With what was wrong, if
    /// something was; `None` where there is no manager.
    pub(super) fn find(
        environment: &Environment,
        inherited: Option<OwnedFd>,
    ) -> Option<(Self, Option<String>)> {
        let found = match environment.notify_address() {
            Ok(None) => None,
            Ok(Some(address)) => Some(Route::to(&address)),
            Err(error) => Some(Err(error.to_string())),
        };
        let address = std::env::var_os("NOTIFY_SOCKET").filter(|address| !address.is_empty());
        let address = address.map(OsStringExt::into_vec);
        match (found, inherited.map(Route::Socket)) {
            (None, None) => None,
            (Some(Ok(route)), _) | (_, Some(route)) => Some((Self { address, route }, None)),
            (Some(Err(error)), None) => Some((Self { address, route: Route::Broken }, Some(error))),
        }
    }

    /// The address as `$NOTIFY_SOCKET` spells it.
    pub(super) fn name(&self) -> String {
        self.address.as_ref().map_or_else(
            || aye::DESCRIPTOR_NAME.to_owned(),
            |address| String::from_utf8_lossy(address).into_owned(),
        )
    }

    /// Becomes writable when there is room.
    pub(super) fn room(&self) -> Option<BorrowedFd<'_>> {
        match &self.route {
            Route::Socket(socket) => Some(socket.as_fd()),
            Route::Vsock(_) | Route::Broken => None,
        }
    }

    /// Sends, without waiting, a message whose sender is `claim` or this process. A manager that went away and has come back is
    /// found again.
    pub(super) fn send(
        &mut self,
        bytes: &[u8],
        fds: &[OwnedFd],
        claim: Option<Sender>,
    ) -> Result<(), NotSent> {
        match self.route.send(bytes, fds, claim) {
            Err(Errno::CONNREFUSED | Errno::NOTCONN | Errno::CONNRESET | Errno::PIPE) => {
                self.reconnect().map_err(NotSent::Failed)?;
                self.route.send(bytes, fds, claim)
            }
            result => result,
        }
        .map_err(|errno| match errno {
            Errno::AGAIN => NotSent::Full,
            Errno::SRCH | Errno::PERM | Errno::INVAL if claim.is_some() => NotSent::Unclaimable,
            errno => NotSent::Failed(SendError::from(errno).to_string()),
        })
    }

    fn reconnect(&mut self) -> Result<(), String> {
        let nobody = || "nobody listens there any more: the service manager is gone".to_owned();
        self.route = Route::Broken;
        let address = self.address.as_deref().ok_or_else(nobody)?;
        let address = Address::parse(address).map_err(|error| error.to_string())?;
        self.route = Route::to(&address)?;
        Ok(())
    }
}

impl Route {
    fn to(address: &Address<'_>) -> Result<Self, String> {
        let notifier = Notifier::connect(address).map_err(|error| error.to_string())?;
        Ok(match address {
            Address::Vsock { .. } => Self::Vsock(notifier),
            _ => notifier.into_socket().map_or(Self::Broken, Self::Socket),
        })
    }

    fn send(&self, bytes: &[u8], fds: &[OwnedFd], claim: Option<Sender>) -> Result<(), Errno> {
        match self {
            Self::Socket(socket) => send(socket.as_fd(), bytes, fds, claim),
            Self::Vsock(notifier) => match notifier.send(bytes) {
                Ok(()) => Ok(()),
                Err(SendError::Socket(errno)) => Err(errno),
                Err(_) => Err(Errno::PROTO),
            },
            Self::Broken => Err(Errno::NOTCONN),
        }
    }
}

fn send(socket: BorrowedFd<'_>, bytes: &[u8], fds: &[OwnedFd], claim: Option<Sender>) -> Result<(), Errno> {
    let fds: Vec<BorrowedFd<'_>> = fds.iter().map(|fd| fd.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); CONTROL_SPACE];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(&fds));
    }
    if let Some(sender) = claim {
        let pid = i32::try_from(sender.pid).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
        let (uid, gid) = (Uid::from_raw(sender.uid), Gid::from_raw(sender.gid));
        control.push(SendAncillaryMessage::ScmCredentials(UCred { pid, uid, gid }));
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    loop {
        match sendmsg(socket, &[IoSlice::new(bytes)], &mut control, flags) {
            Err(Errno::INTR) => {}
            result => return result.map(drop),
        }
    }
}
