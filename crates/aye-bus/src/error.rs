//! What can go wrong between this program and a manager, sorted by what the caller can do about it.

use zbus::DBusError as _;

/// The result of a call to a manager.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a manager could not be asked, or what it answered instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody answers where the manager should be.
    #[error("cannot reach {place}: {tried}; {advice}")]
    Unreachable {
        /// The manager that was wanted.
        place: String,
        /// Each address that was tried, and what happened there.
        tried: String,
        /// What to do next.
        advice: &'static str,
    },
    /// What was typed can be no machine and no host.
    #[error("{text:?} names no {kind}: {reason}")]
    BadPlace {
        /// `machine` or `host`.
        kind: &'static str,
        /// What was typed.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The connection ended, or the manager stopped answering, in the middle of something.
    #[error("lost the manager while trying to {doing}: {reason}")]
    Lost {
        /// What was being done.
        doing: String,
        /// How the loss showed.
        reason: String,
    },
    /// The manager, or polkit on its behalf, said no.
    #[error(
        "not permitted to {doing}: {reason}; run it as root, or allow org.freedesktop.systemd1.manage-units in polkit"
    )]
    Denied {
        /// What was asked for.
        doing: String,
        /// The manager's words.
        reason: String,
    },
    /// The manager understood and refused, with a D-Bus error of its own.
    #[error("could not {doing}: {message}")]
    Refused {
        /// What was asked for.
        doing: String,
        /// The D-Bus error name, such as `org.freedesktop.systemd1.UnitMasked`.
        name: String,
        /// The manager's words.
        message: String,
    },
    /// The answer does not have the shape the interface promises.
    #[error("could not {doing}: the answer could not be read: {reason}")]
    Malformed {
        /// What was asked for.
        doing: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// A name or glob matches no unit.
    #[error("no unit matches '{pattern}': {advice}")]
    NothingMatched {
        /// The name or glob, as it was given.
        pattern: String,
        /// What to do next.
        advice: String,
    },
    /// The unit is of a kind that cannot be started again.
    #[error("cannot restart {name}: a {kind} unit is not started by the manager")]
    NotRestartable {
        /// The unit.
        name: String,
        /// Its kind, which is its suffix.
        kind: String,
    },
}

impl Error {
    /// Sorts what zbus reports into the kinds above.
    pub(crate) fn from_zbus(error: &zbus::Error, doing: impl Into<String>) -> Self {
        let doing = doing.into();
        match error {
            zbus::Error::InputOutput(source) => Self::Lost { doing, reason: source.to_string() },
            zbus::Error::MethodError(name, text, _) => {
                Self::from_reply(doing, name.as_str(), text.as_deref().unwrap_or_default())
            }
            zbus::Error::FDO(known) => {
                let text = known.description().unwrap_or_default();
                Self::from_reply(doing, known.name().as_str(), text)
            }
            other => Self::Malformed { doing, reason: other.to_string() },
        }
    }

    fn from_reply(doing: String, name: &str, text: &str) -> Self {
        let reason = if text.is_empty() { name.to_owned() } else { text.to_owned() };
        match name.strip_prefix("org.freedesktop.").unwrap_or(name) {
            "DBus.Error.AccessDenied"
            | "DBus.Error.InteractiveAuthorizationRequired"
            | "DBus.Error.AuthFailed" => Self::Denied { doing, reason },
            polkit if polkit.starts_with("PolicyKit1.Error") => Self::Denied { doing, reason },
            "DBus.Error.ServiceUnknown" | "DBus.Error.NameHasNoOwner" => Self::Unreachable {
                place: "a service manager on this bus".to_owned(),
                tried: format!("asked to {doing}: {reason}"),
                advice: "is systemd the init here? `aye run` is a manager that needs none",
            },
            "DBus.Error.NoReply" | "DBus.Error.Disconnected" => Self::Lost { doing, reason },
            _ => Self::Refused { doing, name: name.to_owned(), message: reason },
        }
    }
}
