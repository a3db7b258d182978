//! One snapshot of what a manager said in the environment: `NOTIFY_SOCKET`, `WATCHDOG_*`, `LISTEN_*`, `FDSTORE`,
//! `SYSTEMD_EXEC_PID`. The only place that reads those variables, taken as a value so that tests need no global
//! state; nothing here ever changes the process.

#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use crate::address::{Address, AddressError};
use crate::{message, process};

/// Whom the variables are compared with: they are inherited, and meant for one process only.
///
/// ```
/// use aye::Caller;
/// let caller = Caller::this_process();
/// assert_eq!(caller.pid, std::process::id());
/// assert_eq!(Caller::from(7).pidfd_id, None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Its pid.
    pub pid: u32,
    /// Its pidfd's inode number ([`process::pidfd_id`]); `None` is not compared.
    pub pidfd_id: Option<u64>,
}

impl Caller {
    /// This process, with both numbers where the kernel has them.
    ///
    /// ```
    /// assert_eq!(aye::Caller::this_process().pid, std::process::id());
    /// ```
    pub fn this_process() -> Self {
        let pid = std::process::id();
        Self { pid, pidfd_id: process::pidfd(pid).ok().and_then(|pidfd| process::pidfd_id(pidfd.as_fd())) }
    }
}

impl From<u32> for Caller {
    fn from(pid: u32) -> Self {
        Self { pid, pidfd_id: None }
    }
}

/// The manager's variables as they stood at one moment.
///
/// ```
/// use aye::Environment;
/// let environment = Environment { watchdog_usec: Some("2000000".into()), ..Environment::default() };
/// assert!(environment.watchdog(std::process::id())?.is_some());
/// # Ok::<(), aye::EnvironmentError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `$NOTIFY_SOCKET`, unparsed.
    pub notify_socket: Option<OsString>,
    /// `$WATCHDOG_USEC`, unparsed.
    pub watchdog_usec: Option<OsString>,
    /// `$WATCHDOG_PID`, unparsed.
    pub watchdog_pid: Option<OsString>,
    /// `$LISTEN_FDS`, unparsed.
    pub listen_fds: Option<OsString>,
    /// `$LISTEN_PID`, unparsed.
    pub listen_pid: Option<OsString>,
    /// `$LISTEN_PIDFDID`, unparsed.
    pub listen_pidfdid: Option<OsString>,
    /// `$LISTEN_FDNAMES`, unparsed.
    pub listen_fdnames: Option<OsString>,
    /// `$FDSTORE`, unparsed.
    pub fdstore: Option<OsString>,
    /// `$SYSTEMD_EXEC_PID`, unparsed.
    pub systemd_exec_pid: Option<OsString>,
}

/// A variable that does not say what it should.
///
/// ```
/// use aye::{Environment, EnvironmentError};
/// let environment = Environment { watchdog_usec: Some("soon".into()), ..Environment::default() };
/// let error = environment.watchdog(7).unwrap_err();
/// assert!(matches!(error, EnvironmentError::NotANumber { variable: "WATCHDOG_USEC", .. }));
/// assert_eq!(error.to_string(), "$WATCHDOG_USEC is \"soon\": expected a number");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// `$NOTIFY_SOCKET` is no address.
    NotifySocket {
        /// What was found.
        found: OsString,
        /// The rule it breaks.
        reason: AddressError,
    },
    /// A number was expected.
    NotANumber {
        /// The variable.
        variable: &'static str,
        /// What was found.
        found: OsString,
    },
    /// `$WATCHDOG_USEC` is zero or infinite: neither is an interval.
    NotAnInterval {
        /// What was found.
        found: OsString,
    },
    /// `$LISTEN_FDNAMES` names another number of descriptors than `$LISTEN_FDS` passes.
    NamesDoNotMatch {
        /// How many names.
        names: usize,
        /// How many descriptors.
        descriptors: usize,
    },
}

impl fmt::Display for EnvironmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotifySocket { found, reason } => {
                write!(f, "$NOTIFY_SOCKET is {found:?}: {reason}")
            }
            Self::NotANumber { variable, found } => {
                write!(f, "${variable} is {found:?}: expected a number")
            }
            Self::NotAnInterval { found } => {
                write!(f, "$WATCHDOG_USEC is {found:?}: expected microseconds above zero and below infinity")
            }
            Self::NamesDoNotMatch { names, descriptors } => write!(
                f,
                "$LISTEN_FDNAMES has {names} names for the {descriptors} descriptors of $LISTEN_FDS"
            ),
        }
    }
}

impl std::error::Error for EnvironmentError {}

impl Environment {
    /// The variables of this process, as they are now.
    ///
    /// ```
    /// use aye::Environment;
    /// let environment = Environment::of_process();
    /// assert_eq!(environment.notify_socket, std::env::var_os("NOTIFY_SOCKET"));
    /// ```
    pub fn of_process() -> Self {
        Self::of(|name| std::env::var_os(name))
    }

    /// The variables as `lookup` gives them.
    ///
    /// ```
    /// use aye::Environment;
    /// let environment = Environment::of(|name| (name == "NOTIFY_SOCKET").then(|| "@here".into()));
    /// assert_eq!(environment.notify_socket, Some("@here".into()));
    /// ```
    pub fn of(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        Self {
            notify_socket: lookup("NOTIFY_SOCKET"),
            watchdog_usec: lookup("WATCHDOG_USEC"),
            watchdog_pid: lookup("WATCHDOG_PID"),
            listen_fds: lookup("LISTEN_FDS"),
            listen_pid: lookup("LISTEN_PID"),
            listen_pidfdid: lookup("LISTEN_PIDFDID"),
            listen_fdnames: lookup("LISTEN_FDNAMES"),
            fdstore: lookup("FDSTORE"),
            systemd_exec_pid: lookup("SYSTEMD_EXEC_PID"),
        }
    }

    /// Where to notify; `None` when no manager waits (the variable is unset or empty).
    ///
    /// ```
    /// use aye::{Address, Environment};
    /// let environment = Environment::of(|name| (name == "NOTIFY_SOCKET").then(|| "@here".into()));
    /// assert_eq!(environment.notify_address()?, Some(Address::Abstract(b"here")));
    /// # Ok::<(), aye::EnvironmentError>(())
    /// ```
    ///
    /// # Errors
    /// [`EnvironmentError::NotifySocket`] with what was found and the rule it breaks.
    pub fn notify_address(&self) -> Result<Option<Address<'_>>, EnvironmentError> {
        let Some(found) = self.notify_socket.as_deref().filter(|v| !v.is_empty()) else {
            return Ok(None);
        };
        match Address::parse(found.as_bytes()) {
            Ok(address) => Ok(Some(address)),
            Err(reason) => Err(EnvironmentError::NotifySocket { found: found.to_owned(), reason }),
        }
    }

    /// The watchdog's interval if the process `pid` is to send heartbeats (at half of it or less), by the rules of
    /// sd_watchdog_enabled(3): unset is off; `$WATCHDOG_PID` is optional and must be `pid` where it is set.
    ///
    /// ```
    /// use aye::Environment;
    /// use std::time::Duration;
    /// let environment = Environment::of(|name| (name == "WATCHDOG_USEC").then(|| "2000000".into()));
    /// assert_eq!(environment.watchdog(7), Ok(Some(Duration::from_secs(2))));
    /// ```
    ///
    /// # Errors
    /// Zero, `infinity` (all bits set) and anything that is not a number.
    pub fn watchdog(&self, pid: u32) -> Result<Option<Duration>, EnvironmentError> {
        let Some(found) = &self.watchdog_usec else {
            return Ok(None);
        };
        let usec = number::<u64>("WATCHDOG_USEC", found)?;
        if usec == 0 || usec == u64::MAX {
            return Err(EnvironmentError::NotAnInterval { found: found.clone() });
        }
        if let Some(found) = &self.watchdog_pid {
            if pid_number("WATCHDOG_PID", found)? != pid {
                return Ok(None);
            }
        }
        Ok(Some(Duration::from_micros(usec)))
    }

    /// The names of the descriptors handed to a process, the first of them being descriptor 3, by the rules of
    /// sd_listen_fds_with_names(3). Empty when there are none or they are meant for another process.
    ///
    /// ```
    /// use aye::Environment;
    /// let variables = [("LISTEN_FDS", "2"), ("LISTEN_PID", "7"), ("LISTEN_FDNAMES", "http:notify")];
    /// let environment = Environment::of(|name| {
    ///     variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
    /// });
    /// assert_eq!(environment.listen_names(7)?, ["http", "notify"]);
    /// assert!(environment.listen_names(8)?.is_empty());
    /// # Ok::<(), aye::EnvironmentError>(())
    /// ```
    ///
    /// # Errors
    /// A count or pid that is no number, a count of none; names that do not match the count.
    pub fn listen_names(&self, caller: impl Into<Caller>) -> Result<Vec<String>, EnvironmentError> {
        let caller = caller.into();
        let Some(for_pid) = &self.listen_pid else {
            return Ok(Vec::new());
        };
        if pid_number("LISTEN_PID", for_pid)? != caller.pid {
            return Ok(Vec::new());
        }
        if let Some(found) = &self.listen_pidfdid {
            let for_id = number::<u64>("LISTEN_PIDFDID", found)?;
            if caller.pidfd_id.is_some_and(|own| own != for_id) {
                return Ok(Vec::new());
            }
        }
        let Some(fds) = &self.listen_fds else {
            return Ok(Vec::new());
        };
        let descriptors = usize::from(number::<u16>("LISTEN_FDS", fds)?);
        if descriptors == 0 {
            return Err(not_a_number("LISTEN_FDS", fds));
        }
        let Some(names) = self.listen_fdnames.as_deref() else {
            return Ok(vec!["unknown".to_owned(); descriptors]);
        };
        let names: Vec<String> = names.to_string_lossy().split(':').map(str::to_owned).collect();
        if names.len() != descriptors {
            return Err(EnvironmentError::NamesDoNotMatch { names: names.len(), descriptors });
        }
        Ok(names)
    }

    /// How many descriptors the manager keeps for this service (`FileDescriptorStoreMax=`); `None` where it keeps none,
    /// or is older than systemd 254, which does not say.
    ///
    /// ```
    /// use aye::Environment;
    /// let environment = Environment::of(|name| (name == "FDSTORE").then(|| "16".into()));
    /// assert_eq!(environment.fd_store_max(), Ok(Some(16)));
    /// ```
    ///
    /// # Errors
    /// What is no number.
    pub fn fd_store_max(&self) -> Result<Option<u32>, EnvironmentError> {
        self.fdstore.as_deref().map(|found| number("FDSTORE", found)).transpose()
    }

    /// The process that the manager started (systemd 248). Where it is another than the caller (`npm start`, a shell), the
    /// `LISTEN_*` and `WATCHDOG_*` variables are not for the caller, and `NotifyAccess=main` refuses its messages.
    ///
    /// ```
    /// use aye::Environment;
    /// let environment = Environment::of(|name| (name == "SYSTEMD_EXEC_PID").then(|| "7".into()));
    /// assert_eq!(environment.exec_pid(), Ok(Some(7)));
    /// ```
    ///
    /// # Errors
    /// What is no number.
    pub fn exec_pid(&self) -> Result<Option<u32>, EnvironmentError> {
        self.systemd_exec_pid.as_deref().map(|found| pid_number("SYSTEMD_EXEC_PID", found)).transpose()
    }
}

fn not_a_number(variable: &'static str, found: &OsStr) -> EnvironmentError {
    EnvironmentError::NotANumber { variable, found: found.to_owned() }
}

/// By libsystemd's rules, which are those of the numbers in messages.
fn number<T: TryFrom<u64>>(variable: &'static str, found: &OsStr) -> Result<T, EnvironmentError> {
    let number = message::number(found.as_bytes());
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| not_a_number(variable, found))
}

/// A number that a process can have (libsystemd's `pid_is_valid()`).
fn pid_number(variable: &'static str, found: &OsStr) -> Result<u32, EnvironmentError> {
    message::pid(found.as_bytes()).ok_or_else(|| not_a_number(variable, found))
}
