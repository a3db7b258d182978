//! What a service says, a method for each assignment of sd_notify(3).

use core::time::Duration;

use rustix::fd::BorrowedFd;

use super::{Notifier, SendError, monotonic_usec};
use crate::message::{Assignment, Encoder, NotifyAccess};

impl Notifier {
    /// Several assignments in one datagram.
    ///
    /// ```no_run
    /// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
    /// use aye::Assignment;
    /// notifier.say(&[Assignment::Ready, Assignment::Status("listening on 3000")])?;
    /// # Ok::<(), aye::SendError>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError::Encode`] for what cannot be said, and nothing is sent; [`SendError::Socket`].
    pub fn say(&self, assignments: &[Assignment<'_>]) -> Result<(), SendError> {
        self.say_with_fds(assignments, &[])
    }

    /// Several assignments in one datagram, with descriptors.
    ///
    /// ```no_run
    /// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
    /// # use std::os::fd::AsFd;
    /// use aye::Assignment;
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let store = [Assignment::FdStore, Assignment::FdName("http"), Assignment::Status("stored")];
    /// notifier.say_with_fds(&store, &[listener.as_fd()])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`say`](Self::say); [`SendError::DescriptorsOverVsock`].
    pub fn say_with_fds(
        &self,
        assignments: &[Assignment<'_>],
        fds: &[BorrowedFd<'_>],
    ) -> Result<(), SendError> {
        let mut message = Encoder::new();
        for assignment in assignments {
            message.push(*assignment)?;
        }
        if fds.is_empty() { self.send(message.bytes()) } else { self.send_with_fds(message.bytes(), fds) }
    }
}

/// A verb: its doc, an example that is only compiled, and what it says.
macro_rules! verbs {
    ($($(#[$doc:meta])+ $name:ident($($argument:ident: $kind:ty),*) $example:literal => $assignments:expr;)+) => {
        impl Notifier {
            $(
                $(#[$doc])+
                ///
                /// ```no_run
                /// # use std::time::Duration;
                /// # use aye::NotifyAccess;
                /// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
                #[doc = concat!("notifier.", $example, "?;")]
                /// # Ok::<(), aye::SendError>(())
                /// ```
                ///
                /// # Errors
                /// [`SendError::Encode`] for a value that cannot be said; [`SendError::Socket`].
                pub fn $name(&self $(, $argument: $kind)*) -> Result<(), SendError> {
                    self.say(&$assignments)
                }
            )+
        }
    };
}

verbs! {
    /// `STATUS=`: one line for whoever looks (`systemctl status`, `aye restart`). A text with a line break is refused;
    /// an empty one clears it.
    status(text: &str) "status(\"loading the cache\")" => [Assignment::Status(text)];

    /// `RELOADING=1` with the moment it began, in one datagram; [`ready`](Self::ready) must follow.
    reloading() "reloading()" => [Assignment::Reloading, Assignment::MonotonicUsec(monotonic_usec())];

    /// `MAINPID=`: that process is the main one. [`main_pidfd`](Self::main_pidfd) says it without a race.
    main_pid(pid: u32) "main_pid(std::process::id())" => [Assignment::MainPid(pid)];

    /// `MAINPID=` and `MAINPIDFDID=`: that process, and no later one with the same pid (systemd 257; older ones look at the
    /// pid alone). The id is the pidfd's inode number.
    main_pid_with_id(pid: u32, pidfd_id: u64) "main_pid_with_id(7, 12345)"
        => [Assignment::MainPid(pid), Assignment::MainPidFdId(pidfd_id)];

    /// `WATCHDOG=trigger`: act as if the heartbeat had been missed, whether there is a watchdog or not (systemd 243).
    watchdog_trigger() "watchdog_trigger()" => [Assignment::WatchdogTrigger];

    /// `WATCHDOG_USEC=`: another interval for the heartbeat, from now on; zero switches the watchdog off (systemd 233).
    watchdog_interval(interval: Duration) "watchdog_interval(Duration::from_secs(20))"
        => [Assignment::WatchdogUsec(interval)];

    /// `EXTEND_TIMEOUT_USEC=`: what goes on now needs this much more time, counted from now (systemd 236). It never
    /// shortens; what takes longer still has to say so again before that time is over.
    extend_timeout(more: Duration) "extend_timeout(Duration::from_secs(60))"
        => [Assignment::ExtendTimeoutUsec(more)];

    /// `ERRNO=`: what went wrong, 0 to 4095, shown as `StatusErrno`.
    errno(errno: i32) "errno(28)" => [Assignment::Errno(errno)];

    /// `BUSERROR=`: what went wrong, as the name of a D-Bus error (shown from systemd 257 on).
    bus_error(name: &str) "bus_error(\"org.freedesktop.DBus.Error.TimedOut\")" => [Assignment::BusError(name)];

    /// `VARLINKERROR=`: what went wrong, as the name of a Varlink error (systemd 257).
    varlink_error(name: &str) "varlink_error(\"org.varlink.service.InvalidParameter\")"
        => [Assignment::VarlinkError(name)];

    /// `NOTIFYACCESS=`: whose messages count from here on (systemd 254).
    notify_access(access: NotifyAccess) "notify_access(NotifyAccess::All)" => [Assignment::NotifyAccess(access)];

    /// `EXIT_STATUS=`: what a container or a virtual machine came to (systemd 254); the service manager itself does not
    /// look at it.
    exit_status(status: u8) "exit_status(0)" => [Assignment::ExitStatus(status)];

    /// `RESTART_RESET=1`: all is well, count restarts from zero again (systemd 258).
    restart_reset() "restart_reset()" => [Assignment::RestartReset];
}

/// What is said most is sent as it stands.
impl Notifier {
    /// `READY=1`: start-up, or a reload, is done.
    ///
    /// ```no_run
    /// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
    /// notifier.ready()?;
    /// # Ok::<(), aye::SendError>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn ready(&self) -> Result<(), SendError> {
        self.send(b"READY=1")
    }

    /// `STOPPING=1`: the service is on its way down. From systemd 259 on that is final.
    ///
    /// ```no_run
    /// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
    /// notifier.stopping()?;
    /// # Ok::<(), aye::SendError>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError::Socket`].
    pub fn stopping(&self) -> Result<(), SendError> {
        self.send(b"STOPPING=1")
    }

    /// `WATCHDOG=1`: the heartbeat, due at half the interval of
    #[cfg_attr(feature = "std", doc = "[`Environment::watchdog`](crate::Environment::watchdog)")]
    #[cfg_attr(not(feature = "std"), doc = "`$WATCHDOG_USEC`")]
    /// or more often. One system call and no allocation.
    ///
    /// ```no_run
    /// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
    /// notifier.watchdog()?;
    /// # Ok::<(), aye::SendError>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError::Socket`].
    #[inline]
    pub fn watchdog(&self) -> Result<(), SendError> {
        self.send(b"WATCHDOG=1")
    }
}

/// What comes with descriptors.
impl Notifier {
    /// `MAINPIDFD=1`: the process of that pidfd is the main one (systemd 257).
    ///
    /// ```no_run
    /// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
    /// # use std::os::fd::AsFd;
    /// let pidfd = aye::process::pidfd(std::process::id())?;
    /// notifier.main_pidfd(pidfd.as_fd())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError::Socket`]; [`SendError::DescriptorsOverVsock`].
    pub fn main_pidfd(&self, pidfd: BorrowedFd<'_>) -> Result<(), SendError> {
        self.say_with_fds(&[Assignment::MainPidFd], &[pidfd])
    }

    /// `FDSTORE=1`: keep these for the next start of the service, which finds them under `name` among what it is handed
    /// (`listen::take`). The unit says how many may be kept
    /// (`FileDescriptorStoreMax=`); one that is kept already is not kept twice.
    ///
    /// ```no_run
    /// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
    /// # use std::os::fd::AsFd;
    /// use aye::HangUp;
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// notifier.store("http", &[listener.as_fd()], HangUp::Removes)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError::Encode`] for a name that systemd would replace by `stored`; [`SendError::Socket`];
    /// [`SendError::DescriptorsOverVsock`].
    pub fn store(&self, name: &str, fds: &[BorrowedFd<'_>], hang_up: HangUp) -> Result<(), SendError> {
        let said = [Assignment::FdStore, Assignment::FdName(name), Assignment::FdPollOff];
        let count = match hang_up {
            HangUp::Removes => 2,
            HangUp::IsIgnored => 3,
        };
        self.say_with_fds(&said[..count], fds)
    }

    /// `FDSTOREREMOVE=1`: forget all that is kept under `name` (systemd 236).
    ///
    /// ```no_run
    /// # let notifier = aye::Notifier::connect(&aye::Address::Abstract(b"name")).unwrap();
    /// notifier.remove_stored("http")?;
    /// # Ok::<(), aye::SendError>(())
    /// ```
    ///
    /// # Errors
    /// [`SendError::Encode`] for what cannot be a name; [`SendError::Socket`].
    pub fn remove_stored(&self, name: &str) -> Result<(), SendError> {
        self.say(&[Assignment::FdStoreRemove, Assignment::FdName(name)])
    }
}

/// What becomes of a stored descriptor when its other end is closed.
///
/// ```
/// use aye::HangUp;
/// assert_eq!(HangUp::default(), HangUp::Removes);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HangUp {
    /// The manager forgets it.
    #[default]
    Removes,
    /// `FDPOLL=0`: it is kept (systemd 246).
    IsIgnored,
}
