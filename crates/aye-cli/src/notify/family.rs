//! The processes around this one: whose message it shall be, and which process is the main one.

use std::os::fd::AsFd;
use std::process;

use rustix::io::Errno;
use rustix::process::{Pid, getppid, test_kill_process};

use super::args::MainPid;

/// This process, who called it, and whether the manager did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    pub(super) own: u32,
    /// 0 when it is outside this PID namespace.
    pub(super) parent: u32,
    /// Whether the parent is the service manager.
    managed: bool,
    /// `$SYSTEMD_EXEC_PID`: the process the manager started.
    started: Option<u32>,
}

impl Family {
    pub(super) fn of_process() -> Self {
        let parent = getppid().map_or(0, |pid| pid.as_raw_nonzero().get().unsigned_abs());
        let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok());
        // A user manager says who it is in $MANAGERPID, and since 259 also by a number that is never used again.
        let user_manager = || {
            number("MANAGERPID") == Some(parent)
                && std::env::var("MANAGERPIDFDID")
                    .ok()
                    .zip(pidfd_id(parent))
                    .is_none_or(|(said, found)| said == found.to_string())
        };
        Self {
            own: process::id(),
            parent,
            managed: parent <= 1 || user_manager(),
            started: number("SYSTEMD_EXEC_PID"),
        }
    }

    /// As whom to speak when nobody is named: as the parent, a script whose message this usually is, but not as the
    /// service manager.
    pub(super) fn speaker(self) -> u32 {
        if self.managed { self.own } else { self.parent }
    }

    /// Whether the manager itself started this process and so knows it even when it is gone: its message cannot be lost
    /// and counts as the main or control process' own.
    pub(super) fn is_tracked(self) -> bool {
        self.managed && self.started.is_none_or(|started| started == self.own)
    }

    /// The process that `--pid` names.
    ///
    /// # Errors
    /// There is no such process.
    pub(super) fn resolve(self, pid: MainPid) -> Result<u32, String> {
        match pid {
            MainPid::Auto => Ok(self.speaker()),
            MainPid::Own => Ok(self.own),
            MainPid::Parent if self.parent == 0 => Err(
                "--pid=parent: the parent is in another PID namespace and has no number here: use --pid=self"
                    .to_owned(),
            ),
            MainPid::Parent => Ok(self.parent),
            MainPid::Number(pid) if lives(pid) => Ok(pid),
            MainPid::Number(pid) => {
                Err(format!("--pid={pid}: there is no process with that PID: give one that runs"))
            }
        }
    }
}

fn lives(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

/// The number by which the manager tells the process from one that gets its PID later (`MAINPIDFDID=`); `None` where the
/// kernel has none.
pub(super) fn pidfd_id(pid: u32) -> Option<u64> {
    let pidfd = aye::process::pidfd(pid).ok()?;
    aye::process::pidfd_id(pidfd.as_fd())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: Family = Family { own: 30, parent: 20, managed: false, started: Some(20) };
    const SERVICE: Family = Family { own: 30, parent: 1, managed: true, started: Some(30) };

    #[test]
    fn nobody_speaks_for_the_manager() {
        assert_eq!((SERVICE.speaker(), SCRIPT.speaker()), (30, 20));
        assert_eq!(SERVICE.resolve(MainPid::Auto), Ok(30));
        assert_eq!(SERVICE.resolve(MainPid::Parent), Ok(1));
    }

    #[test]
    fn an_orphan_is_not_taken_for_what_the_manager_started() {
        assert!(SERVICE.is_tracked());
        assert!(Family { started: None, ..SERVICE }.is_tracked(), "systemd before 248 does not say");
        assert!(!Family { started: Some(20), ..SERVICE }.is_tracked());
        assert!(!SCRIPT.is_tracked());
    }

    #[test]
    fn a_process_that_does_not_run_is_refused() {
        let error = SCRIPT.resolve(MainPid::Number(i32::MAX.unsigned_abs())).unwrap_err();
        assert!(error.contains("there is no process with that PID"), "{error}");
        assert!(Family { parent: 0, ..SERVICE }.resolve(MainPid::Parent).is_err());
    }
}
