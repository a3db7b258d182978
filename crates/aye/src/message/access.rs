//! `NotifyAccess=` of systemd.service(5): whose messages a unit accepts. A service may change it itself, by
//! `NOTIFYACCESS=`.

/// Whose messages a unit accepts.
///
/// ```
/// use aye::NotifyAccess;
/// assert_eq!(NotifyAccess::parse("exec"), Some(NotifyAccess::Exec));
/// assert_eq!(NotifyAccess::default(), NotifyAccess::None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NotifyAccess {
    /// Nobody's.
    #[default]
    None,
    /// The main process'.
    Main,
    /// The main and the control processes'.
    Exec,
    /// Those of any process of the unit.
    All,
}

impl NotifyAccess {
    /// Every value, from the strictest on.
    ///
    /// ```
    /// assert!(aye::NotifyAccess::ALL.iter().all(|access| aye::NotifyAccess::parse(access.as_str()) == Some(*access)));
    /// ```
    pub const ALL: [Self; 4] = [Self::None, Self::Main, Self::Exec, Self::All];

    /// The value as it is written in a unit file.
    ///
    /// ```
    /// assert_eq!(aye::NotifyAccess::All.as_str(), "all");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Main => "main",
            Self::Exec => "exec",
            Self::All => "all",
        }
    }

    /// Reads a value of `NotifyAccess=` or `NOTIFYACCESS=`.
    ///
    /// ```
    /// assert_eq!(aye::NotifyAccess::parse("All"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|access| access.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_four_words_are_values() {
        for text in ["", "Main", "main ", "everyone"] {
            assert_eq!(NotifyAccess::parse(text), None, "{text:?}");
        }
        for access in NotifyAccess::ALL {
            assert_eq!(NotifyAccess::parse(access.as_str()), Some(access));
        }
    }
}
