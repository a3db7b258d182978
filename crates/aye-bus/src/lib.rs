//! A client of a service manager, over `org.freedesktop.systemd1` and nothing else: connect to one, resolve
//! names and globs to units, enqueue a job, follow it by its signals, and judge what became of the unit. The
//! host's systemd, a user manager and `aye run` all answer to the same calls (see `man org.freedesktop.systemd1`).
//!
//! What it does not do: it never polls, never cancels a job, and never repeats a call whose outcome is unknown.
#![forbid(unsafe_code)]

mod advice;
mod connect;
mod ending;
mod error;
mod ground;
mod host;
mod job;
mod link;
mod machine;
mod natural;
mod peer;
mod proxy;
mod reason;
mod resolve;
mod span;
mod stamp;
mod unit;
mod verdict;

pub use connect::{Where, runtime_dir};
pub use error::{Error, Result};
pub use ground::{Ground, Reach};
pub use host::{Host, quoted};
pub use job::{Change, JobResult, Signal, Signals};
pub use machine::Machine;
pub use natural::compare as natural_order;
pub use proxy::{Listed, Manager, Verb};
pub use resolve::{fits, resolve};
pub use span::duration;
pub use stamp::{Stamp, Stamps};
pub use unit::{ActiveState, Invocation, Service, Unit};
/// The path of a unit or a job.
pub use zbus::OwnedObjectPath;

pub use verdict::{Verdict, failed_because, judge, judge_reload, judge_unseen};
