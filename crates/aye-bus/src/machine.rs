//! A container or virtual machine of this machine, as `-M` names one: what of its name can be checked here.
//! Whether it runs is for `systemd-stdio-bridge --machine=` to say (`man systemd-stdio-bridge`).

use crate::{Error, Result};

/// A machine that machined knows (`man machinectl`), or `.host`, which is this one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Machine {
    /// `NAME` or `USER@NAME`, as typed.
    pub name: String,
    /// The manager of a user there is meant, not the system's.
    pub user: bool,
}

impl Machine {
    /// Takes `NAME` or `USER@NAME`.
    ///
    /// # Errors
    /// [`Error::BadPlace`] when no machine can have such a name.
    pub fn new(name: impl Into<String>, user: bool) -> Result<Self> {
        let machine = Self { name: name.into(), user };
        machine.check()?;
        Ok(machine)
    }

    /// The command line of the bridge to the manager's bus there.
    pub(crate) fn bridge(&self) -> Vec<String> {
        let user = self.user.then(|| "--user".to_owned());
        let words = std::iter::once("systemd-stdio-bridge".to_owned()).chain(user);
        words.chain([format!("--machine={}", self.name)]).collect()
    }

    pub(crate) fn check(&self) -> Result<()> {
        check(&self.name).map_err(|reason| Error::BadPlace {
            kind: "machine",
            text: self.name.clone(),
            reason,
        })
    }
}

/// Whether the text can name a machine, with or without a user.
pub(crate) fn check(name: &str) -> std::result::Result<(), &'static str> {
    let (user, machine) = name.split_once('@').map_or((None, name), |(user, machine)| (Some(user), machine));
    if let Some(user) = user.filter(|user| !user.is_empty()) {
        word(user)?;
    }
    // `USER@` alone means that user of this machine.
    if machine.is_empty() && user.is_some_and(|user| !user.is_empty()) {
        return Ok(());
    }
    word(machine)?;
    // The rule of systemd's hostname_is_valid() in src/basic/hostname-util.c, which names machines, too.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if machine.chars().all(plain) {
        Ok(())
    } else {
        Err("a machine's name has only letters, digits, '-', '.' and '_'")
    }
}

/// What no part of an address may be: nothing, an option, or text that a terminal or a log would act on.
pub(crate) fn word(text: &str) -> std::result::Result<(), &'static str> {
    if text.is_empty() {
        return Err("a part of it is empty");
    }
    if text.starts_with('-') {
        return Err("a part of it begins with '-', which reads as an option");
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("it contains a space or a control character");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_can_be_no_name() {
        for name in ["", "-web", "a b", "a\nb", "a/b", "../x", "@", "u@-x", "-u@x", "a\u{1b}[0m"] {
            let error = Machine::new(name, false).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name:?} names no machine: ")), "{error}");
        }
    }

    #[test]
    fn takes_a_name_a_users_name_and_this_machine() {
        for name in ["web", "web-1.example", ".host", "alice@web", "alice@.host", "alice@", "@web"] {
            assert_eq!(Machine::new(name, true).unwrap().name, name);
        }
    }
}
