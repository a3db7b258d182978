//! What a verdict depends on beside the message: plain values, which whoever asks looked up beforehand.

use super::history::NEWEST;
use super::permit::Role;
use crate::message::NotifyAccess;

/// `Type=` of systemd.service(5).
///
/// ```
/// use aye::verdict::Type;
/// assert_eq!(Type::parse("notify-reload"), Some(Type::NotifyReload));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // systemd's own words
pub enum Type {
    Simple,
    Exec,
    Forking,
    Oneshot,
    Dbus,
    Notify,
    NotifyReload,
    Idle,
}

impl Type {
    const ALL: [Self; 8] = [
        Self::Simple,
        Self::Exec,
        Self::Forking,
        Self::Oneshot,
        Self::Dbus,
        Self::Notify,
        Self::NotifyReload,
        Self::Idle,
    ];

    /// As it is written in a unit file.
    ///
    /// ```
    /// assert_eq!(aye::verdict::Type::NotifyReload.as_str(), "notify-reload");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Exec => "exec",
            Self::Forking => "forking",
            Self::Oneshot => "oneshot",
            Self::Dbus => "dbus",
            Self::Notify => "notify",
            Self::NotifyReload => "notify-reload",
            Self::Idle => "idle",
        }
    }

    /// Reads a value of `Type=`.
    ///
    /// ```
    /// assert_eq!(aye::verdict::Type::parse("Notify"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether READY=1 ends its start.
    ///
    /// ```
    /// use aye::verdict::Type;
    /// assert!(Type::Notify.is_notify() && !Type::Simple.is_notify());
    /// ```
    pub fn is_notify(self) -> bool {
        matches!(self, Self::Notify | Self::NotifyReload)
    }
}

macro_rules! states {
    ($($state:ident $name:literal)+) => {
        /// Where a service is: the `SubState` of org.freedesktop.systemd1.
        ///
        /// ```
        /// use aye::verdict::State;
        /// assert_eq!(State::parse("reload-notify"), Some(State::ReloadNotify));
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs)] // systemd's own words
        #[non_exhaustive]
        pub enum State { $($state),+ }

        impl State {
            /// As systemd writes it.
            ///
            /// ```
            /// assert_eq!(aye::verdict::State::StopSigterm.as_str(), "stop-sigterm");
            /// ```
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$state => $name),+ }
            }

            /// Reads a `SubState`.
            ///
            /// ```
            /// assert_eq!(aye::verdict::State::parse("up"), None);
            /// ```
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($name => Some(Self::$state),)+ _ => None }
            }
        }
    };
}

states! {
    Dead "dead"
    Condition "condition"
    StartPre "start-pre"
    Start "start"
    StartPost "start-post"
    Running "running"
    Exited "exited"
    RefreshExtensions "refresh-extensions"
    RefreshCredentials "refresh-credentials"
    Reload "reload"
    ReloadSignal "reload-signal"
    ReloadNotify "reload-notify"
    ReloadPost "reload-post"
    Mounting "mounting"
    Stop "stop"
    StopWatchdog "stop-watchdog"
    StopSigterm "stop-sigterm"
    StopSigkill "stop-sigkill"
    StopPost "stop-post"
    FinalWatchdog "final-watchdog"
    FinalSigterm "final-sigterm"
    FinalSigkill "final-sigkill"
    Failed "failed"
    DeadBeforeAutoRestart "dead-before-auto-restart"
    FailedBeforeAutoRestart "failed-before-auto-restart"
    DeadResourcesPinned "dead-resources-pinned"
    AutoRestart "auto-restart"
    AutoRestartQueued "auto-restart-queued"
    Cleaning "cleaning"
}

impl State {
    /// On the way down, or down already.
    pub(super) fn is_ending(self) -> bool {
        !matches!(
            self,
            Self::Condition
                | Self::StartPre
                | Self::Start
                | Self::StartPost
                | Self::Running
                | Self::Exited
                | Self::RefreshExtensions
                | Self::RefreshCredentials
                | Self::Reload
                | Self::ReloadSignal
                | Self::ReloadNotify
                | Self::ReloadPost
                | Self::Mounting
        )
    }
}

/// What a process that is named as the new main one is to the service.
///
/// ```
/// use aye::verdict::{Context, Process};
/// let context = Context { main_pid: Process::Member, ..Context::default() };
/// # let _ = context;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Process {
    /// Its main process already.
    Main,
    /// Its control process.
    Control,
    /// Another process of the unit.
    Member,
    /// A process of another unit.
    Foreign,
    /// The service manager.
    Manager,
    /// None: it has ended, or has never been.
    #[default]
    Dead,
}

/// The descriptors that came with the message.
///
/// ```
/// use aye::verdict::{Context, Descriptors};
/// let context = Context { fds: Descriptors { count: 2, ..Descriptors::default() }, ..Context::default() };
/// # let _ = context;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Descriptors {
    /// How many.
    pub count: usize,
    /// How many of them the service has in its store already.
    pub stored: usize,
    /// Where there is exactly one and it is a pidfd: its process.
    pub process: Option<Process>,
}

/// The descriptor store of the service.
///
/// ```
/// use aye::verdict::{Context, Store};
/// let context = Context { store: Store { maximum: 16, used: 3 }, ..Context::default() };
/// # let _ = context;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Store {
    /// `FileDescriptorStoreMax=`
    pub maximum: usize,
    /// How many are in it.
    pub used: usize,
}

/// Everything that a verdict depends on beside the message.
///
/// The default is a `Type=notify` service of the newest systemd that runs, and its main process as the sender.
///
/// ```
/// use aye::Message;
/// use aye::verdict::{Context, Role, judge};
/// let message = Message::parse(b"WATCHDOG=1").unwrap();
/// let of_a_child = Context { role: Role::Other, ..Context::default() };
/// assert_eq!(
///     judge(&message, &of_a_child)[0].verdict.to_string(),
///     "refused: its sender is neither the main nor a control process and NotifyAccess=main holds: \
///      set NotifyAccess=all to accept it"
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// systemd's version, such as 257.
    pub version: u16,
    /// `NotifyAccess` in force.
    pub access: NotifyAccess,
    /// `NotifyAccess=` of the unit file, which an invalid `NOTIFYACCESS=` brings back.
    pub unit_access: NotifyAccess,
    /// What the sender is to the service.
    pub role: Role,
    /// The sender's user.
    pub uid: u32,
    /// `Type=`
    pub kind: Type,
    /// Where the service is.
    pub state: State,
    /// A control process runs, such as that of `ExecReload=`.
    pub controlled: bool,
    /// STOPPING=1 was accepted earlier in this run, or waits to be.
    pub stopping_said: bool,
    /// When the reload under way began, in microseconds of `CLOCK_MONOTONIC`.
    pub reload_began: Option<u64>,
    /// Whether a watchdog interval is in force.
    pub watchdog: bool,
    /// What `MAINPID=` names.
    pub main_pid: Process,
    /// The inode number of that process' pidfd, where it is known.
    pub main_pid_fd_id: Option<u64>,
    /// The descriptors that came along.
    pub fds: Descriptors,
    /// The descriptor store.
    pub store: Store,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            version: NEWEST,
            access: NotifyAccess::Main,
            unit_access: NotifyAccess::Main,
            role: Role::Main,
            uid: 0,
            kind: Type::Notify,
            state: State::Running,
            controlled: false,
            stopping_said: false,
            reload_began: None,
            watchdog: false,
            main_pid: Process::Dead,
            main_pid_fd_id: None,
            fds: Descriptors::default(),
            store: Store::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_states_are_read_as_they_are_written() {
        assert_eq!((Type::parse("Notify"), State::parse("up")), (None, None));
        for kind in Type::ALL {
            assert_eq!(Type::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(State::parse("reload-notify"), Some(State::ReloadNotify));
        assert_eq!(State::FailedBeforeAutoRestart.as_str(), "failed-before-auto-restart");
    }
}
