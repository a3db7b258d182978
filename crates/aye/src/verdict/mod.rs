//! What a service manager does with a message: for each line of it whether it is accepted, ignored or refused, and why,
//! in words that say what to do where something can be done. Pure: no clock, no process is looked at, and which systemd
//! is meant is an argument. The rules are those of `service_notify_message()` in systemd's sources.

mod context;
mod history;
mod judge;
mod permit;
#[cfg(test)]
mod tests;
mod transition;

use std::borrow::Cow;
use std::fmt;

pub use crate::message::NotifyAccess;
use crate::message::{Assignment, Message};
pub use context::{Context, Descriptors, Process, State, Store, Type};
pub use history::NEWEST;
pub use permit::{Refused, Role, permit};

/// What an accepted assignment does.
///
/// ```
/// use aye::Message;
/// use aye::verdict::{Context, Effect, State, Verdict, judge};
/// let message = Message::parse(b"READY=1").unwrap();
/// let starting = Context { state: State::Start, ..Context::default() };
/// assert!(matches!(judge(&message, &starting)[0].verdict, Verdict::Accepted(Effect::EndsStart, _)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// What it says holds from now on; the service stays in its state.
    Applies,
    /// It says more about another assignment of the message, the one of this key.
    Belongs(&'static str),
    /// Its value is not valid, so what an earlier message set is taken back: the assignment is what holds now.
    Resets(&'static str),
    /// The start is over: what is left is `ExecStartPost=`, if any.
    EndsStart,
    /// A reload begins, and READY=1 must end it.
    BeginsReload,
    /// The service has begun the reload that it was asked for, and READY=1 must end it.
    AnswersReload,
    /// The reload is over.
    EndsReload,
    /// A reload is over as soon as it began: those who follow the service's reloads hear of it.
    Reloads,
    /// The service is on its way down.
    BeginsStop,
    /// It counts as soon as the service is up, unless another of its kind comes before.
    Waits,
    /// As `Waits`, and READY=1 and RELOADING=1 do not count any more in this run.
    IsFinal,
    /// The service is ended, as if its watchdog had run out.
    Triggers,
    /// So many descriptors of the message are kept.
    Stores(usize),
    /// The barrier is complete: everything sent before has been received.
    Completes,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applies => f.write_str("it holds from now on"),
            Self::Belongs(key) => write!(f, "it belongs to {key}"),
            Self::Resets(how) => f.write_str(how),
            Self::EndsStart => f.write_str("the service is up"),
            Self::BeginsReload => f.write_str("a reload begins: READY=1 must end it"),
            Self::AnswersReload => f.write_str("the reload has begun: READY=1 must end it"),
            Self::EndsReload => f.write_str("the reload is over"),
            Self::Reloads => f.write_str("the service has reloaded"),
            Self::BeginsStop => f.write_str("the service is stopping"),
            Self::Waits => f.write_str("it counts as soon as the service is up"),
            Self::IsFinal => f.write_str("it is the last word of this run: READY=1 counts no more"),
            Self::Triggers => f.write_str("the service is ended, as by its watchdog"),
            Self::Stores(1) => f.write_str("1 descriptor is kept"),
            Self::Stores(count) => write!(f, "{count} descriptors are kept"),
            Self::Completes => f.write_str("all sent before it was received"),
        }
    }
}

/// What becomes of one line.
///
/// ```
/// use aye::Message;
/// use aye::verdict::{Context, judge};
/// let message = Message::parse(b"BUSERROR=org.example.Failed").unwrap();
/// let old = Context { version: 252, ..Context::default() };
/// assert_eq!(
///     judge(&message, &old)[0].verdict.to_string(),
///     "ignored: systemd 252 does not know BUSERROR, which came with 257"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<'m> {
    /// It counts: what it does, and what it says.
    Accepted(Effect, Assignment<'m>),
    /// It means nothing here, and why.
    Ignored(Cow<'static, str>),
    /// It would mean something, but a rule forbids it: which, and what would allow it.
    Refused(Cow<'static, str>),
}

impl Verdict<'_> {
    /// `accepted`, `ignored` or `refused`.
    ///
    /// ```
    /// use aye::Message;
    /// use aye::verdict::{Context, judge};
    /// let message = Message::parse(b"STATUS=up\nX_OURS=1").unwrap();
    /// let words: Vec<_> = judge(&message, &Context::default()).iter().map(|one| one.verdict.word()).collect();
    /// assert_eq!(words, ["accepted", "ignored"]);
    /// ```
    pub fn word(&self) -> &'static str {
        match self {
            Self::Accepted(..) => "accepted",
            Self::Ignored(_) => "ignored",
            Self::Refused(_) => "refused",
        }
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(effect, _) => write!(f, "accepted: {effect}"),
            Self::Ignored(why) | Self::Refused(why) => write!(f, "{}: {why}", self.word()),
        }
    }
}

/// A line of a message and what becomes of it.
///
/// ```
/// use aye::Message;
/// use aye::verdict::{Context, judge};
/// let message = Message::parse(b"X_OURS=1").unwrap();
/// assert_eq!(
///     judge(&message, &Context::default())[0].to_string(),
///     "X_OURS=1 is ignored: it is a private key, which means nothing to systemd"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged<'m> {
    /// The line, escapes undone.
    pub line: &'m [u8],
    /// What becomes of it.
    pub verdict: Verdict<'m>,
}

impl fmt::Display for Judged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}", String::from_utf8_lossy(self.line).escape_debug(), self.verdict)
    }
}

/// Says of every line of a message what systemd does with it.
///
/// ```
/// use aye::Message;
/// use aye::verdict::{Context, State, Type, judge};
///
/// let message = Message::parse(b"READY=1\nSTATUS=up").unwrap();
/// let context = Context { kind: Type::Simple, ..Context::default() };
/// let judged = judge(&message, &context);
/// assert_eq!(
///     judged[0].to_string(),
///     "READY=1 is ignored: Type=simple does not wait for READY=1: set Type=notify"
/// );
/// assert_eq!(judged[1].verdict.word(), "accepted");
/// ```
pub fn judge<'m>(message: &'m Message, context: &Context) -> Vec<Judged<'m>> {
    judge::message(message, context)
}
