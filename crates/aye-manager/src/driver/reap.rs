//! Children that ended: the manager's own, and the orphans it adopted as a child subreaper.

use rustix::io::Errno;
use rustix::process::{WaitOptions, WaitStatus, wait};

use crate::service::Exit;

/// The flag of a wait status that says a core was dumped (wait(2), `WCOREDUMP`).
const CORE_DUMPED: u32 = 0x80;

/// Reaps one child that has ended, if there is one.
pub(crate) fn next() -> Option<(u32, Exit)> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Err(Errno::INTR) => {}
            Err(_) => return None,
            Ok(ended) => {
                return ended.map(|(pid, status)| (pid.as_raw_nonzero().get().unsigned_abs(), exit(status)));
            }
        }
    }
}

fn exit(status: WaitStatus) -> Exit {
    let dumped = status.as_raw().cast_unsigned() & CORE_DUMPED != 0;
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, Some(signal)) => Exit::Signal(signal, dumped),
        (None, None) => Exit::Unknown,
    }
}
