//! That a connection has ended, and why: known once, and the same for its calls and its signals.

use std::sync::{Arc, OnceLock};

use crate::Error;
use crate::link::Link;

/// Shared by everything that uses one connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ending {
    reason: Arc<OnceLock<String>>,
    link: Option<Link>,
}

impl Ending {
    pub(crate) fn of(link: Link) -> Self {
        Self { link: Some(link), ..Self::default() }
    }

    /// Why the connection has ended, if it has.
    pub(crate) fn reason(&self) -> Option<String> {
        self.reason.get().cloned().or_else(|| self.link.as_ref().and_then(Link::ended))
    }

    pub(crate) fn check(&self, doing: &str) -> crate::Result<()> {
        match self.reason() {
            Some(reason) => Err(Error::Lost { doing: doing.to_owned(), reason }),
            None => Ok(()),
        }
    }

    /// Notes the end of the connection, as it showed, and gives the reason: a child's words say more.
    pub(crate) async fn note(&self, showed: String) -> String {
        let reason = match &self.link {
            Some(link) if self.reason.get().is_none() => link.reason().await,
            _ => showed,
        };
        self.reason.get_or_init(|| reason).clone()
    }

    /// What zbus reports of a call, with the reason if the connection is at fault.
    pub(crate) async fn explain(&self, error: &zbus::Error, doing: &str) -> Error {
        match Error::from_zbus(error, doing) {
            // The child still carries it; the other side does not answer.
            Error::Lost { doing, reason } if is_timeout(error) => {
                Error::Lost { doing, reason: self.reason.get_or_init(|| reason).clone() }
            }
            Error::Lost { doing, reason } => Error::Lost { doing, reason: self.note(reason).await },
            other => other,
        }
    }
}

fn is_timeout(error: &zbus::Error) -> bool {
    matches!(error, zbus::Error::InputOutput(source) if source.kind() == std::io::ErrorKind::TimedOut)
}
