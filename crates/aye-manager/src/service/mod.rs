//! One service as a state machine: `(state, event, now) -> (state, actions)`. It reads no clock, touches no process
//! and opens no file; the driver does, and tests drive it in simulated time.
//!
//! | state           | `ActiveState`, `SubState`     | left by                                                      |
//! |-----------------|-------------------------------|--------------------------------------------------------------|
//! | `Dead`          | inactive, dead                | a start or restart                                           |
//! | `Start`         | activating, start             | READY=1 (notify), exec (exec), fork (simple); exit; timeout  |
//! | `Running`       | active, running               | a stop, reload or restart; exit; STOPPING=1; watchdog        |
//! | `Reload`        | reloading, reload             | `ExecReload=` ending, then READY=1 where RELOADING=1 was said |
//! | `ReloadSignal`  | reloading, reload-signal      | RELOADING=1 (notify-reload); timeout                         |
//! | `ReloadNotify`  | reloading, reload-notify      | READY=1; timeout                                             |
//! | `StopWatchdog`  | deactivating, stop-watchdog   | no process left; timeout                                     |
//! | `StopSigterm`   | deactivating, stop-sigterm    | no process left; timeout                                     |
//! | `StopSigkill`   | deactivating, stop-sigkill    | no process left; timeout                                     |
//! | `FinalSigterm`  | deactivating, final-sigterm   | no process left; timeout                                     |
//! | `FinalSigkill`  | deactivating, final-sigkill   | no process left; timeout                                     |
//! | `Failed`        | failed, failed                | a start, restart or reset                                    |
//! | `AutoRestart`   | activating, auto-restart      | `RestartSec=` passing; a stop                                |
//!
//! The names and what leads where are those of systemd.service(5) and of `service.c` in systemd's sources.

mod job;
mod machine;
mod notification;
mod rules;
mod state;
#[cfg(test)]
mod tests;

pub use job::{Job, JobId, JobKind, JobResult, Meeting};
pub use machine::{Action, Event, Machine, Spawn, Target};
pub use notification::{Heartbeat, Notification};
pub use rules::Rules;
pub use state::{Exit, Outcome, Report, Stamp, Stamps, State};
