//! What `--only-stale` goes by: a run writes down which start of each unit it found, and crosses it all out when every unit is
//! ready. A run of the same words that comes after one that did not end well leaves alone what has another start by now.
//! No clocks are compared, so it holds whoever's clock is wrong, and however the first run ended.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aye_bus::{ActiveState, Unit, Where};
use serde::{Deserialize, Serialize};

const VERSION: u8 = 1;

/// The words by which a run is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) managers: Vec<String>,
    pub(super) verb: String,
    pub(super) patterns: Vec<String>,
}

/// The start of each unit at the beginning of a run, by manager and unit; empty for one that never ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    v: u8,
    key: Key,
    starts: HashMap<String, String>,
}

/// One unit by its manager's name and its own.
pub(super) fn label(manager: &str, unit: &Unit) -> String {
    format!("{manager} {}", unit.name)
}

fn start_of(unit: &Unit) -> String {
    unit.invocation.map(|invocation| invocation.to_string()).unwrap_or_default()
}

impl Record {
    pub(super) fn of<'a>(key: Key, units: impl IntoIterator<Item = (String, &'a Unit)>) -> Self {
        let starts = units.into_iter().map(|(label, unit)| (label, start_of(unit))).collect();
        Self { v: VERSION, key, starts }
    }

    /// Whether a unit has yet to be restarted: it is not running, or it runs what it ran when the recorded run began. A unit
    /// that the record does not know came later, and is as good as not restarted.
    pub(super) fn is_stale(&self, label: &str, unit: &Unit) -> bool {
        let runs = matches!(unit.active, ActiveState::Active | ActiveState::Reloading);
        !runs || self.starts.get(label).is_none_or(|start| *start == start_of(unit))
    }
}

/// Where records are: one file for each run's words.
#[derive(Debug)]
pub(super) struct Store(PathBuf);

impl Store {
    /// An embedded manager's runtime directory; otherwise what goes with the machine's power for root and for users with a
    /// session, else a folder of the user's own; `None` for a user who has neither.
    pub(super) fn beside(place: &Where) -> Option<Self> {
        match place {
            Where::Embedded(dir) => Some(Self(dir.join("restarts"))),
            _ => Self::of_this_user(),
        }
    }

    fn of_this_user() -> Option<Self> {
        let uid = rustix::process::geteuid();
        let runtime = PathBuf::from(format!("/run/user/{}", uid.as_raw()));
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
        match home {
            _ if uid.is_root() => Some(Self("/run/aye-restart".into())),
            _ if runtime.is_dir() => Some(Self(runtime.join("aye-restart"))),
            home => home.map(|home| Self(Path::new(&home).join(".local/state/aye-restart"))),
        }
    }

    /// The record of an unfinished run of these words; one that cannot be read is none.
    pub(super) fn find(&self, key: &Key) -> Option<Record> {
        let text = fs::read(self.file(key)).ok()?;
        let record: Record = serde_json::from_slice(&text).ok()?;
        (record.v == VERSION && record.key == *key).then_some(record)
    }

    /// Writes the record, whole or not at all.
    pub(super) fn keep(&self, record: &Record) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let file = self.file(&record.key);
        let new = file.with_extension(format!("{}.new", std::process::id()));
        let text = serde_json::to_vec(record)?;
        let written = fs::write(&new, text).and_then(|()| fs::rename(&new, &file));
        written.inspect_err(|_| {
            let _ = fs::remove_file(&new);
        })
    }

    /// Forgets the run.
    pub(super) fn forget(&self, key: &Key) {
        let _ = fs::remove_file(self.file(key));
    }

    fn file(&self, key: &Key) -> PathBuf {
        let text = format!("{:?}", (&key.managers, &key.verb, &key.patterns));
        self.0.join(format!("{:016x}.json", fnv(text.as_bytes())))
    }
}

/// FNV-1a: a name for a file, the same for every build. Two keys of one name are told apart by what is in the file.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aye_bus::Invocation;

    use crate::restart::testing::unit;

    fn key(pattern: &str) -> Key {
        Key {
            managers: vec!["box".to_owned()],
            verb: "restart".to_owned(),
            patterns: vec![pattern.to_owned()],
        }
    }

    fn record(start: u8) -> Record {
        let unit = started(ActiveState::Active, start);
        Record::of(key("web@*"), [(label("box", &unit), &unit)])
    }

    fn started(active: ActiveState, start: u8) -> Unit {
        Unit { invocation: Some(Invocation([start; 16])), active, ..unit("web@1.service") }
    }

    #[test]
    fn a_unit_that_has_another_start_by_now_is_left_alone() {
        let table = [
            (ActiveState::Active, 1, true),
            (ActiveState::Active, 2, false),
            (ActiveState::Reloading, 2, false),
            (ActiveState::Failed, 2, true),
            (ActiveState::Inactive, 2, true),
            (ActiveState::Activating, 2, true),
        ];
        for (active, start, stale) in table {
            let unit = started(active, start);
            assert_eq!(record(1).is_stale("box web@1.service", &unit), stale, "{active:?} {start}");
        }
    }

    #[test]
    fn a_unit_that_the_record_does_not_know_is_stale() {
        assert!(record(1).is_stale("other web@1.service", &started(ActiveState::Active, 2)));
    }

    #[test]
    fn a_record_is_found_by_the_same_words_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store(dir.path().join("deep/down"));
        assert_eq!(store.find(&key("web@*")), None);
        store.keep(&record(1)).unwrap();
        store.keep(&record(2)).unwrap();
        assert_eq!((store.find(&key("web@*")), store.find(&key("api@*"))), (Some(record(2)), None));
        store.forget(&key("web@*"));
        assert_eq!(store.find(&key("web@*")), None);
    }

    #[test]
    fn a_record_that_is_damaged_or_of_another_run_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store(dir.path().to_owned());
        store.keep(&record(1)).unwrap();
        fs::copy(store.file(&key("web@*")), store.file(&key("api@*"))).unwrap();
        fs::write(store.file(&key("db")), "{\"v\":1,").unwrap();
        assert_eq!((store.find(&key("api@*")), store.find(&key("db"))), (None, None));
    }
}
