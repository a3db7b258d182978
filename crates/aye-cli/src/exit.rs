//! The exit codes, one table for every verb. `notify` alone keeps systemd-notify's 0 and 1, whatever went
//! wrong, because scripts written for it compare with those.

use std::process::ExitCode;

/// How a run of `aye` ended. The numbers are part of the interface: DESIGN.md lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for was done.
    Done = 0,
    /// Something asked for failed, and the output says what.
    Failed = 1,
    /// The command line was wrong, or a unit file could not be read as one; nothing was started.
    Usage = 2,
    /// The manager refused: not permitted.
    NotPermitted = 4,
    /// No unit matched.
    NothingMatched = 5,
    /// No manager answers there (`EX_UNAVAILABLE` of sysexits.h).
    Unreachable = 69,
    /// Another run holds the lock (`EX_TEMPFAIL` of sysexits.h).
    Locked = 75,
    /// Ended by SIGINT (128 + 2, as a shell reports it).
    Interrupted = 130,
    /// Ended by SIGTERM (128 + 15).
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
