//! Jobs: what was asked of a unit and what came of it, in the words of org.freedesktop.systemd1.

/// A job's number, which is also the end of its object path.
pub type JobId = u32;

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// Become active, unless it is.
    Start,
    /// Become inactive.
    Stop,
    /// Stop if need be, then start.
    Restart,
    /// Reload while active.
    Reload,
}

impl JobKind {
    /// As systemd's `JobType` says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
        }
    }
}

/// What a job that is asked for has to do with the one under way: `job_install()` of systemd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meeting {
    /// Nothing: it takes the place of the other, which is canceled.
    Apart,
    /// Its end is the end of the other, which does what is asked for anyway.
    Joins(JobId),
    /// The other becomes this, and begins anew.
    Becomes(Job),
}

/// What became of it: the last argument of `JobRemoved`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobResult {
    /// It is as was asked.
    Done,
    /// It is not, and the unit's `Result` says why.
    Failed,
    /// Another job took its place.
    Canceled,
    /// The unit's state does not bear such a job.
    Invalid,
}

impl JobResult {
    /// As systemd's `JobResult` says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Invalid => "invalid",
        }
    }
}

/// A job under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// What was asked.
    pub kind: JobKind,
}
