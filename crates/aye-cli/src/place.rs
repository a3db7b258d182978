//! Where the manager is that a verb talks to: the options that all verbs share, and what they mean.

use std::ffi::OsString;

use aye_bus::{Host, Machine, Where, runtime_dir};

use crate::words::{Words, split};

const WHERE: &str = "Where";

/// The options.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Place {
    /// Talk to the system manager (the default)
    #[arg(long, conflicts_with_all = ["user", "embedded"], help_heading = WHERE)]
    pub(crate) system: bool,
    /// Talk to the manager of the calling user, there too where -M or -H is given
    #[arg(long, conflicts_with = "embedded", help_heading = WHERE)]
    pub(crate) user: bool,
    #[arg(short = 'M', long, value_name = "MACHINE", conflicts_with_all = ["host", "embedded"], help_heading = WHERE,
          help = "Talk to the manager of a local container; with --user, [USER@]MACHINE")]
    pub(crate) machine: Option<String>,
    #[arg(short = 'H', long, value_name = "HOST", conflicts_with = "embedded", help_heading = WHERE,
          help = "Talk to the manager of [USER@]HOST[:PORT][/MACHINE] by ssh; repeatable")]
    pub(crate) host: Vec<String>,
    /// The ssh command, with its own options [default: `$SYSTEMD_SSH`, or ssh]
    #[arg(long, value_name = "CMD", requires = "host", help_heading = WHERE)]
    pub(crate) ssh_command: Option<String>,
    /// Talk to `aye run` in DIR [default: `$AYE_RUNTIME_DIR`, which also chooses this when it is set]
    // Given without a value it is empty: clap would take no empty path, and two nested options read badly.
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = WHERE)]
    pub(crate) embedded: Option<OsString>,
}

impl Place {
    /// The managers meant, in the order they were named.
    pub(crate) fn places(&self) -> Result<Vec<Where>, String> {
        if let Some(machine) = &self.machine {
            let machine = Machine::new(machine, self.user).map_err(|error| error.to_string())?;
            return Ok(vec![Where::Machine(machine)]);
        }
        if self.host.is_empty() {
            return Ok(vec![self.local()]);
        }
        let ssh = match &self.ssh_command {
            Some(command) => {
                split(command).ok_or_else(|| format!("--ssh-command {command}: a quote is not closed"))?
            }
            None => Vec::new(),
        };
        let mut places = Vec::with_capacity(self.host.len());
        for host in &self.host {
            let host = Host::new(host, self.user, ssh.clone()).map_err(|error| error.to_string())?;
            let place = Where::Host(host);
            if places.contains(&place) {
                return Err(format!("{place} is named twice"));
            }
            places.push(place);
        }
        Ok(places)
    }

    /// The options as they were typed.
    pub(crate) fn say(&self, words: &mut Words) {
        words.flag("--system", self.system);
        words.flag("--user", self.user);
        words.option("-M", self.machine.as_ref());
        self.host.iter().for_each(|host| words.option("-H", Some(host)));
        words.option("--ssh-command", self.ssh_command.as_ref());
        words.0.extend(self.embedded.as_ref().map(|dir| match dir.display() {
            _ if dir.is_empty() => "--embedded".to_owned(),
            dir => format!("--embedded={dir}"),
        }));
    }

    fn local(&self) -> Where {
        match &self.embedded {
            Some(dir) if dir.is_empty() => Where::Embedded(runtime_dir()),
            Some(dir) => Where::Embedded(dir.into()),
            None if self.user => Where::User,
            None if !self.system && std::env::var_os("AYE_RUNTIME_DIR").is_some() => {
                Where::Embedded(runtime_dir())
            }
            None => Where::System,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        place: Place,
        units: Vec<String>,
    }

    fn parsed(words: &[&str]) -> Command {
        Command::parse_from([&["aye"], words].concat())
    }

    #[test]
    fn a_host_may_be_named_once() {
        assert!(parsed(&["-H", "web1", "-H", "web2", "a"]).place.places().is_ok());
        assert!(parsed(&["-H", "web1", "-H", "web1", "a"]).place.places().unwrap_err().contains("twice"));
    }

    #[test]
    fn a_directory_is_not_taken_from_the_next_word() {
        let command = parsed(&["--embedded", "web@1"]);
        assert_eq!(
            (command.place.embedded, command.units),
            (Some(OsString::new()), vec!["web@1".to_owned()])
        );
    }
}
