//! `NotifyAccess=` of systemd.service(5): whose messages a unit accepts. A service may change it itself, by
//! `NOTIFYACCESS=`.

/// Whose messages a unit accepts.
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
    pub const ALL: [Self; 4] = [Self::None, Self::Main, Self::Exec, Self::All];

    /// The value as it is written in a unit file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Main => "main",
            Self::Exec => "exec",
            Self::All => "all",
        }
    }

    /// Reads a value of `NotifyAccess=` or `NOTIFYACCESS=`.
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
