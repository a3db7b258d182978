//! Whether a manager lets a sender speak for a service: `NotifyAccess=` of systemd.service(5), as a pure function.

use std::fmt;

use crate::message::NotifyAccess;

/// What the sender of a message is to the service.
///
/// ```
/// use aye::NotifyAccess;
/// use aye::verdict::{Role, permit};
/// assert!(permit(NotifyAccess::Exec, Role::Control).is_ok());
/// assert!(permit(NotifyAccess::All, Role::Outside).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Its main process.
    Main,
    /// A control process, such as the one of `ExecReload=`.
    Control,
    /// Any other process of the unit: a shell's child, `npm`'s node.
    Other,
    /// No process of the unit, or one that had ended before its message was read.
    Outside,
}

/// Why a message is refused.
///
/// ```
/// use aye::NotifyAccess;
/// use aye::verdict::{Role, permit};
/// let refused = permit(NotifyAccess::Main, Role::Other).unwrap_err();
/// assert!(refused.to_string().ends_with("set NotifyAccess=all to accept it"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// What the unit accepts.
    pub access: NotifyAccess,
    /// What the sender is.
    pub role: Role,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sender, remedy) = match self.role {
            Role::Main => ("the main process", "main"),
            Role::Control => ("a control process", "exec"),
            Role::Other => ("neither the main nor a control process", "all"),
            Role::Outside => {
                return f.write_str(
                    "its sender is no process of the unit, or had ended before the message was read: \
                     wait for a barrier before exiting, as `aye notify` does",
                );
            }
        };
        let access = self.access.as_str();
        write!(
            f,
            "its sender is {sender} and NotifyAccess={access} holds: set NotifyAccess={remedy} to accept it"
        )
    }
}

/// Whether a unit with `access` accepts a message of a sender with `role`.
///
/// ```
/// use aye::NotifyAccess;
/// use aye::verdict::{Role, permit};
/// assert!(permit(NotifyAccess::Main, Role::Main).is_ok());
/// assert!(permit(NotifyAccess::Main, Role::Other).is_err());
/// ```
///
/// # Errors
/// [`Refused`], whose text says what would accept it.
pub fn permit(access: NotifyAccess, role: Role) -> Result<(), Refused> {
    let permitted = match role {
        Role::Main => access != NotifyAccess::None,
        Role::Control => matches!(access, NotifyAccess::Exec | NotifyAccess::All),
        Role::Other => access == NotifyAccess::All,
        Role::Outside => false,
    };
    permitted.then_some(()).ok_or(Refused { access, role })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_access_meets_every_role() {
        use NotifyAccess::{All, Exec, Main, None};
        for (access, main, control, other) in [
            (None, false, false, false),
            (Main, true, false, false),
            (Exec, true, true, false),
            (All, true, true, true),
        ] {
            let permitted = |role| permit(access, role).is_ok();
            assert_eq!(
                [permitted(Role::Main), permitted(Role::Control), permitted(Role::Other)],
                [main, control, other],
                "{access:?}"
            );
            assert!(!permitted(Role::Outside));
        }
    }

    #[test]
    fn a_refusal_says_what_would_accept_it() {
        assert_eq!(
            permit(NotifyAccess::Main, Role::Other).unwrap_err().to_string(),
            "its sender is neither the main nor a control process and NotifyAccess=main holds: \
             set NotifyAccess=all to accept it"
        );
    }
}
