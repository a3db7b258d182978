//! The settings of a unit that are in effect: the unit file's with those of its drop-ins, without what a later line has
//! overridden or an empty one has reset, as `systemd.unit(5)` and `systemd.syntax(7)` say. Any setting of systemd is kept.

use aye_manager::unit::Source;
use aye_manager::unit::error::Error;
use aye_manager::unit::syntax::{self, Entry};

use super::finding::Place;

/// One setting in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) section: String,
    /// What it sets.
    pub(crate) key: String,
    /// How that was written: `TimeoutSec=` sets two things, and some settings have an older name.
    pub(crate) written: String,
    pub(crate) value: String,
    pub(crate) file: String,
    pub(crate) line: usize,
}

impl Setting {
    /// Where it stands, and the line as systemd reads it: continuations joined.
    pub(crate) fn place(&self) -> Place {
        Place { file: self.file.clone(), line: self.line, text: self.text() }
    }

    /// It as a line of a unit file.
    pub(crate) fn text(&self) -> String {
        format!("{}={}", self.written, self.value)
    }
}

/// Settings of which each line adds to those before it; an empty one begins anew. All others count by their last line.
/// `systemd.service(5)`, `systemd.exec(5)` and `systemd.unit(5)` say so for each.
fn is_list(section: &str, key: &str) -> bool {
    let lists = [
        "Environment",
        "EnvironmentFile",
        "PassEnvironment",
        "UnsetEnvironment",
        "RestrictAddressFamilies",
        "OpenFile",
        "InaccessiblePaths",
        "InaccessibleDirectories",
        "TemporaryFileSystem",
        "BindPaths",
        "BindReadOnlyPaths",
        "ReadWritePaths",
        "SuccessExitStatus",
        "RestartPreventExitStatus",
        "RestartForceExitStatus",
        "Sockets",
        "JoinsNamespaceOf",
        "SystemCallFilter",
        "RuntimeDirectory",
        "ExtensionDirectories",
    ];
    section != "Install"
        && (key.starts_with("Exec") && key != "ExecSearchPath" && key != "ExecPaths" || lists.contains(&key))
}

/// What a key sets: two things at once for one of them, and the same as a newer name for others.
fn meanings(section: &str, key: &str) -> Vec<(&'static str, String)> {
    match (section, key) {
        ("Service", "TimeoutSec") => {
            vec![("Service", "TimeoutStartSec".to_owned()), ("Service", "TimeoutStopSec".to_owned())]
        }
        ("Service", "InaccessibleDirectories") => vec![("Service", "InaccessiblePaths".to_owned())],
        // systemd takes these in [Service], too, where they stood before version 230.
        ("Unit" | "Service", "StartLimitInterval" | "StartLimitIntervalSec") => {
            vec![("Unit", "StartLimitIntervalSec".to_owned())]
        }
        ("Unit" | "Service", "StartLimitBurst") => vec![("Unit", "StartLimitBurst".to_owned())],
        ("Unit", key) => vec![("Unit", key.to_owned())],
        ("Service", key) => vec![("Service", key.to_owned())],
        ("Install", key) => vec![("Install", key.to_owned())],
        (_, key) => vec![("", key.to_owned())],
    }
}

/// Every setting of the files, and those in effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// As written, in order.
    pub(crate) written: Vec<Setting>,
    effective: Vec<Setting>,
}

impl Settings {
    /// Reads the unit file and then its drop-ins.
    pub(crate) fn read(sources: &[Source]) -> Result<Self, Error> {
        let mut settings = Self::default();
        for source in sources {
            for entry in syntax::parse(&source.label, &source.text)? {
                let (written, file) = (entry.key.clone(), source.label.clone());
                let Entry { section, key, value, line } = entry;
                settings.apply(Setting { section, key, written, value, file, line });
            }
        }
        Ok(settings)
    }

    fn apply(&mut self, setting: Setting) {
        for (section, key) in meanings(&setting.section, &setting.key) {
            if !is_list(section, &key) || setting.value.is_empty() {
                self.effective.retain(|other| (other.section.as_str(), &other.key) != (section, &key));
            }
            if !setting.value.is_empty() {
                self.effective.push(Setting { section: section.to_owned(), key, ..setting.clone() });
            }
        }
        self.written.push(setting);
    }

    /// The setting of `[Service]` in effect: the last line.
    pub(crate) fn get(&self, key: &str) -> Option<&Setting> {
        self.of("Service", key)
    }

    /// The setting of a section in effect.
    pub(crate) fn of(&self, section: &str, key: &str) -> Option<&Setting> {
        self.effective.iter().rev().find(|setting| setting.section == section && setting.key == key)
    }

    /// All lines of a list of `[Service]`, in order.
    pub(crate) fn list<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Setting> {
        self.effective.iter().filter(move |setting| setting.section == "Service" && setting.key == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(files: &[&str]) -> Settings {
        let sources: Vec<Source> =
            files.iter().enumerate().map(|(at, text)| Source::new(format!("{at}.conf"), *text)).collect();
        Settings::read(&sources).unwrap()
    }

    fn values(settings: &Settings, key: &str) -> Vec<String> {
        settings.list(key).map(|setting| setting.value.clone()).collect()
    }

    #[test]
    fn what_a_drop_in_has_overridden_is_gone() {
        let settings =
            settings(&["[Service]\nType=notify\nRestart=no\n", "[Service]\nType=simple\nRestart=\n"]);
        assert_eq!(settings.get("Type").unwrap().place().file, "1.conf");
        assert_eq!(settings.get("Restart"), None);
        assert_eq!(settings.written.len(), 4);
    }

    #[test]
    fn an_empty_line_resets_a_list() {
        let settings =
            settings(&["[Service]\nExecStart=/a\n", "[Service]\nExecStart=\nExecStart=/b\nExecStart=/c\n"]);
        assert_eq!(values(&settings, "ExecStart"), ["/b", "/c"]);
    }

    #[test]
    fn one_timeout_stands_for_both_until_one_is_set_alone() {
        let both = settings(&["[Service]\nTimeoutSec=5\n", "[Service]\nTimeoutStopSec=9\n"]);
        assert_eq!(both.get("TimeoutStartSec").unwrap().value, "5");
        assert_eq!(both.get("TimeoutStopSec").unwrap().value, "9");
        let anew = settings(&["[Service]\nTimeoutStopSec=9\nTimeoutSec=5\n"]);
        assert_eq!(anew.get("TimeoutStopSec").unwrap().value, "5");
    }
}
