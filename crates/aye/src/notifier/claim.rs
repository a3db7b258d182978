//! Whose message it is.

use rustix::net::UCred;
use rustix::process::{Gid, Pid, Uid, getgid, getpid, getuid};

/// Whose message it shall be: what is not claimed is the caller's own.
///
/// ```
/// use aye::Claim;
/// let parent = Claim::of_pid(std::os::unix::process::parent_id());
/// let nobody = Claim { uid: Some(65534), gid: Some(65534), ..parent };
/// assert_eq!(nobody.pid, parent.pid);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Claim {
    /// Another process.
    pub pid: Option<u32>,
    /// Another user.
    pub uid: Option<u32>,
    /// Another group.
    pub gid: Option<u32>,
}

impl Claim {
    /// Another process, and everything else the caller's own.
    ///
    /// ```
    /// assert_eq!(aye::Claim::of_pid(7), aye::Claim { pid: Some(7), uid: None, gid: None });
    /// ```
    pub fn of_pid(pid: u32) -> Self {
        Self { pid: Some(pid), ..Self::default() }
    }

    /// What to tell the kernel; `None` when there is nothing to claim, or no process can have that pid.
    pub(super) fn credentials(self) -> Option<UCred> {
        if self == Self::default() {
            return None;
        }
        let own = UCred { pid: getpid(), uid: getuid(), gid: getgid() };
        let pid = match self.pid {
            Some(pid) => i32::try_from(pid).ok().and_then(Pid::from_raw)?,
            None => own.pid,
        };
        let uid = self.uid.map_or(own.uid, Uid::from_raw);
        let gid = self.gid.map_or(own.gid, Gid::from_raw);
        ((pid, uid, gid) != (own.pid, own.uid, own.gid)).then_some(UCred { pid, uid, gid })
    }
}

/// Under whose credentials a message went out.
///
/// ```no_run
/// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
/// use aye::{Claim, SentAs};
/// match notifier.send_as(Claim::of_pid(7), b"READY=1", &[])? {
///     SentAs::Claimed => println!("said in the name of process 7"),
///     SentAs::Oneself => println!("said in my own"),
/// }
/// # Ok::<(), aye::SendError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentAs {
    /// Those that were claimed.
    Claimed,
    /// The caller's: nothing was claimed, or the kernel refused the claim.
    Oneself,
}
