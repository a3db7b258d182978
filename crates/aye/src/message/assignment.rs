//! What one line of a message says: a key and a typed value, read by the rules by which systemd takes it.

use core::fmt;
use core::time::Duration;

#[cfg(all(doc, feature = "std"))]
use super::Message;
use super::NotifyAccess;
use super::{errno, number};

/// The most that an errno can be (`ERRNO_MAX` in systemd, as in the kernel).
pub(super) const ERRNO_MAX: i32 = 4095;

/// The most bytes of a descriptor's name (`FDNAME_MAX` in systemd).
pub(super) const FD_NAME_MAX: usize = 255;

/// One thing a service says. The names are those of sd_notify(3).
///
/// ```
/// use aye::{Assignment, Message};
/// let message = Message::parse(b"READY=1\nWATCHDOG=trigger").unwrap();
/// let said: Vec<_> = message.assignments().map(Result::unwrap).collect();
/// assert_eq!(said, [Assignment::Ready, Assignment::WatchdogTrigger]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Assignment<'a> {
    /// `READY=1`: start-up, or a reload, is done.
    Ready,
    /// `RELOADING=1`: a reload began; `READY=1` must follow.
    Reloading,
    /// `MONOTONIC_USEC=`: `CLOCK_MONOTONIC` when the reload began; travels with [`Assignment::Reloading`].
    MonotonicUsec(u64),
    /// `STOPPING=1`: the service is on its way down.
    Stopping,
    /// `STATUS=`: one line for a human.
    Status(&'a str),
    /// `NOTIFYACCESS=`: whose messages count from here on.
    NotifyAccess(NotifyAccess),
    /// `ERRNO=`: what went wrong, as an errno from 0 to 4095.
    Errno(i32),
    /// `BUSERROR=`: what went wrong, as the name of a D-Bus error.
    BusError(&'a str),
    /// `VARLINKERROR=`: what went wrong, as the name of a Varlink error.
    VarlinkError(&'a str),
    /// `EXIT_STATUS=`: what a container or a virtual machine came to; the manager itself does not look at it.
    ExitStatus(u8),
    /// `MAINPID=`: the main process.
    MainPid(u32),
    /// `MAINPIDFDID=`: the inode number of a pidfd of that process, so that a PID used again is not taken for it.
    MainPidFdId(u64),
    /// `MAINPIDFD=1`: the main process is the one of the pidfd that comes along.
    MainPidFd,
    /// `WATCHDOG=1`: the heartbeat.
    Watchdog,
    /// `WATCHDOG=trigger`: act as if the watchdog had run out.
    WatchdogTrigger,
    /// `WATCHDOG_USEC=`: a new watchdog interval; zero and `u64::MAX` microseconds switch the watchdog off.
    WatchdogUsec(Duration),
    /// `EXTEND_TIMEOUT_USEC=`: this much more time for what is going on now, from now.
    ExtendTimeoutUsec(Duration),
    /// `RESTART_RESET=1`: count restarts from zero again.
    RestartReset,
    /// `FDSTORE=1`: keep the descriptors of this message.
    FdStore,
    /// `FDSTOREREMOVE=1`: forget the descriptors named by [`Assignment::FdName`].
    FdStoreRemove,
    /// `FDNAME=`: the name of the descriptors stored or removed: at most 255 printable ASCII characters without `:`.
    FdName(&'a str),
    /// `FDPOLL=0`: keep stored descriptors even when their other end hangs up.
    FdPollOff,
    /// `BARRIER=1`: close this message's one descriptor once everything sent before it has been received.
    Barrier,
    /// Any other assignment: a key of `A-Z`, `0-9` and `_` and its value. Private keys are spelled `X_...`.
    Other(&'a str, &'a str),
    /// Lines already in the protocol's own form, escapes included: sent as they are. Never read.
    Raw(&'a str),
}

/// A value that its key does not take.
///
/// ```
/// let invalid = aye::Assignment::of(b"WATCHDOG", b"yes").unwrap_err();
/// assert_eq!(invalid.expected, "1 or trigger");
/// assert_eq!(invalid.to_string(), "WATCHDOG=yes: expected 1 or trigger");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidValue<'a> {
    /// The key.
    pub key: &'a [u8],
    /// What it was set to.
    pub value: &'a [u8],
    /// What it takes.
    pub expected: &'static str,
}

impl fmt::Display for InvalidValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}: expected {}", self.key.escape_ascii(), self.value.escape_ascii(), self.expected)
    }
}

impl core::error::Error for InvalidValue<'_> {}

impl<'a> Assignment<'a> {
    /// Reads a key and its value, as [`Message::pairs`] gives them, by the rules by which systemd takes that value.
    ///
    /// ```
    /// use aye::Assignment;
    /// assert_eq!(Assignment::of(b"ERRNO", b"ENOENT"), Ok(Assignment::Errno(2)));
    /// let invalid = Assignment::of(b"READY", b"yes").unwrap_err();
    /// assert_eq!(invalid.to_string(), "READY=yes: expected 1");
    /// ```
    ///
    /// # Errors
    /// [`InvalidValue`] when systemd would not take the value, or when an unknown key or its value is not UTF-8.
    pub fn of(key: &'a [u8], value: &'a [u8]) -> Result<Self, InvalidValue<'a>> {
        let invalid = |expected| InvalidValue { key, value, expected };
        let one = |assignment| if value == b"1" { Ok(assignment) } else { Err(invalid("1")) };
        let text = || core::str::from_utf8(value).map_err(|_| invalid("UTF-8"));
        let number = || number::unsigned(value).ok_or_else(|| invalid("a number"));
        Ok(match key {
            b"READY" => one(Self::Ready)?,
            b"RELOADING" => one(Self::Reloading)?,
            b"MONOTONIC_USEC" => Self::MonotonicUsec(number()?),
            b"STOPPING" => one(Self::Stopping)?,
            b"STATUS" => Self::Status(status(value).ok_or_else(|| invalid("UTF-8 without noncharacters"))?),
            b"NOTIFYACCESS" => {
                let access = NotifyAccess::parse(text()?);
                Self::NotifyAccess(access.ok_or_else(|| invalid("none, main, exec or all"))?)
            }
            b"ERRNO" => {
                Self::Errno(errno_of(value).ok_or_else(|| invalid("0 to 4095 or a name such as ENOENT"))?)
            }
            b"BUSERROR" => Self::BusError(error_name(value).ok_or_else(|| invalid(ERROR_NAME))?),
            b"VARLINKERROR" => Self::VarlinkError(error_name(value).ok_or_else(|| invalid(ERROR_NAME))?),
            b"EXIT_STATUS" => {
                let status = number::unsigned(value).and_then(|status| u8::try_from(status).ok());
                Self::ExitStatus(status.ok_or_else(|| invalid("0 to 255"))?)
            }
            b"MAINPID" => Self::MainPid(pid(value).ok_or_else(|| invalid("a process ID"))?),
            b"MAINPIDFDID" => Self::MainPidFdId(number()?),
            b"MAINPIDFD" => one(Self::MainPidFd)?,
            b"WATCHDOG" if value == b"1" => Self::Watchdog,
            b"WATCHDOG" if value == b"trigger" => Self::WatchdogTrigger,
            b"WATCHDOG" => return Err(invalid("1 or trigger")),
            b"WATCHDOG_USEC" => Self::WatchdogUsec(Duration::from_micros(number()?)),
            b"EXTEND_TIMEOUT_USEC" => Self::ExtendTimeoutUsec(Duration::from_micros(number()?)),
            b"RESTART_RESET" => one(Self::RestartReset)?,
            b"FDSTORE" => one(Self::FdStore)?,
            b"FDSTOREREMOVE" => one(Self::FdStoreRemove)?,
            b"FDNAME" => Self::FdName(fd_name(value).ok_or_else(|| invalid(FD_NAME))?),
            b"FDPOLL" if value == b"0" => Self::FdPollOff,
            b"FDPOLL" => return Err(invalid("0")),
            b"BARRIER" => one(Self::Barrier)?,
            _ => Self::Other(core::str::from_utf8(key).map_err(|_| invalid("a key in UTF-8"))?, text()?),
        })
    }
}

const ERROR_NAME: &str = "printable ASCII without quotes and backslashes";
const FD_NAME: &str = "at most 255 printable ASCII characters without `:`";

/// The errno of a name or of a number, by `parse_errno()` of systemd.
fn errno_of(value: &[u8]) -> Option<i32> {
    let named = core::str::from_utf8(value).ok().and_then(errno::number);
    named.or_else(|| i32::try_from(number::at_most(value, ERRNO_MAX.unsigned_abs().into())?).ok())
}

/// A process ID, by `parse_pid()` of systemd.
pub(crate) fn pid(value: &[u8]) -> Option<u32> {
    let pid = i32::try_from(number::unsigned(value)?).ok()?;
    (pid > 0).then_some(pid.unsigned_abs())
}

/// The value when it is one that `utf8_is_valid()` of systemd lets pass.
fn status(value: &[u8]) -> Option<&str> {
    core::str::from_utf8(value).ok().filter(|text| !text.chars().any(is_noncharacter))
}

/// A code point that Unicode keeps for no character: UTF-8 to Rust, and no UTF-8 to systemd (`unichar_is_valid()`).
pub(super) fn is_noncharacter(point: char) -> bool {
    ('\u{fdd0}'..='\u{fdef}').contains(&point) || u32::from(point) & 0xfffe == 0xfffe
}

/// The value when it is one that `string_is_safe_ascii()` of systemd lets pass.
pub(super) fn error_name(value: &[u8]) -> Option<&str> {
    let safe = |byte: &u8| (b' '..=b'~').contains(byte) && !matches!(byte, b'"' | b'\'' | b'\\');
    value.iter().all(safe).then(|| core::str::from_utf8(value).ok())?
}

/// The value when it is one that `fdname_is_valid()` of systemd lets pass.
pub(super) fn fd_name(value: &[u8]) -> Option<&str> {
    let safe = |byte: &u8| (b' '..=b'~').contains(byte) && *byte != b':';
    let valid = value.len() <= FD_NAME_MAX && value.iter().all(safe);
    valid.then(|| core::str::from_utf8(value).ok())?
}
