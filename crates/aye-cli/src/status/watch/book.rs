//! What is known of one manager's units, and what is to be asked of it next: pure. A unit is read again when a signal says
//! that it changed, and never twice at once: what changes during a reading is read once more after it.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant};

use aye_bus::{ActiveState, Error, OwnedObjectPath, Unit, fits};

/// What to ask the manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Read(OwnedObjectPath),
    /// The object of a unit that was loaded, if it still is.
    Find(String),
}

/// One unit, and when it was read.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) unit: Unit,
    pub(super) read: Instant,
}

#[derive(Debug)]
pub(super) struct Book {
    patterns: Vec<String>,
    entries: Vec<Entry>,
    reading: HashSet<OwnedObjectPath>,
    dirty: HashSet<OwnedObjectPath>,
    finding: BTreeSet<String>,
    sought: HashSet<String>,
    pub(super) lost: Option<Instant>,
    pub(super) trouble: Option<String>,
}

impl Book {
    pub(super) fn new(patterns: Vec<String>) -> Self {
        Self {
            patterns,
            entries: Vec::new(),
            reading: HashSet::new(),
            dirty: HashSet::new(),
            finding: BTreeSet::new(),
            sought: HashSet::new(),
            lost: None,
            trouble: None,
        }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.unit.name == name)
    }

    /// A unit was read. Whether anything is new that is worth a line of its own: heartbeats are not.
    pub(super) fn put(&mut self, unit: &Unit) -> bool {
        let entry = Entry { unit: unit.clone(), read: Instant::now() };
        if let Some(known) = self.entries.iter_mut().find(|entry| entry.unit.name == unit.name) {
            let is_new = essence(&known.unit) != essence(unit);
            *known = entry;
            return is_new;
        }
        // Named units stay as they were named; those that a glob finds stand in their natural place.
        let sorted = !self.patterns.iter().all(|pattern| is_name(pattern)) || self.patterns.is_empty();
        let after = |entry: &Entry| aye_bus::natural_order(&entry.unit.name, &unit.name).is_gt();
        let place = self.entries.iter().position(|entry| sorted && after(entry));
        let place = place.unwrap_or(self.entries.len());
        self.entries.insert(place, entry);
        true
    }

    fn is_named(&self, name: &str) -> bool {
        self.patterns.iter().any(|pattern| is_name(pattern) && fits(pattern, name))
    }

    /// Of interest when the unit is known, or is being read for the first time: the answer may be older than the news.
    pub(super) fn changed(&mut self, path: &OwnedObjectPath) {
        if self.reading.contains(path) || self.entries.iter().any(|entry| entry.unit.path == *path) {
            self.dirty.insert(path.clone());
        }
    }

    /// A unit was loaded: of interest when it is one of those meant and not known yet.
    pub(super) fn loaded(&mut self, name: &str) {
        let meant = if self.patterns.is_empty() {
            fits("*", name)
        } else {
            self.patterns.iter().any(|pattern| fits(pattern, name))
        };
        if !meant || self.has(name) {
            return;
        }
        // While it is sought, the news may be of our own making.
        if !self.sought.contains(name) {
            self.finding.insert(name.to_owned());
        }
    }

    pub(super) fn found(&mut self, name: &str, path: Option<OwnedObjectPath>) {
        self.sought.remove(name);
        self.dirty.extend(path);
    }

    /// A unit was unloaded. One that was named is stopped from then on, and stays: what it is now.
    pub(super) fn unloaded(&mut self, name: &str) -> Option<Unit> {
        let named = self.is_named(name);
        let entry = self.entries.iter_mut().find(|entry| named && entry.unit.name == name)?;
        if entry.unit.active == ActiveState::Inactive {
            return None;
        }
        (entry.unit.active, entry.unit.sub) = (ActiveState::Inactive, "dead".to_owned());
        Some(entry.unit.clone())
    }

    /// Takes a unit out that was found by a glob, or by none; whether it was there.
    pub(super) fn dropped(&mut self, name: &str) -> bool {
        if self.is_named(name) {
            return false;
        }
        let before = self.entries.len();
        self.entries.retain(|entry| entry.unit.name != name);
        self.entries.len() < before
    }

    /// Takes out whatever is not among these, and gives their names.
    pub(super) fn without(&mut self, names: &[String]) -> Vec<String> {
        let (kept, gone) =
            std::mem::take(&mut self.entries).into_iter().partition(|entry| names.contains(&entry.unit.name));
        self.entries = kept;
        gone.into_iter().map(|entry: Entry| entry.unit.name).collect()
    }

    /// What to ask now; each question is to be answered before it is asked again.
    pub(super) fn steps(&mut self) -> Vec<Step> {
        if self.lost.is_some() {
            return Vec::new();
        }
        let ready: Vec<_> = self.dirty.difference(&self.reading).cloned().collect();
        for path in &ready {
            self.dirty.remove(path);
            self.reading.insert(path.clone());
        }
        let find = std::mem::take(&mut self.finding);
        self.sought.extend(find.iter().cloned());
        ready.into_iter().map(Step::Read).chain(find.into_iter().map(Step::Find)).collect()
    }

    /// A reading has ended, well or not.
    pub(super) fn read(&mut self, path: &OwnedObjectPath) {
        self.reading.remove(path);
        self.trouble = None;
    }

    pub(super) fn failed(&mut self, error: &Error) {
        self.trouble = Some(error.to_string());
    }

    pub(super) fn lost(&mut self) {
        self.lost = Some(Instant::now());
        self.dirty.clear();
        self.finding.clear();
    }

    pub(super) fn back(&mut self) {
        self.lost = None;
        self.reading.clear();
        self.sought.clear();
    }

    pub(super) fn gone_for(&self) -> Option<Duration> {
        self.lost.map(|lost| lost.elapsed())
    }
}

fn is_name(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '['])
}

/// A unit without what moves by itself.
fn essence(unit: &Unit) -> Unit {
    let mut unit = unit.clone();
    unit.job = None;
    if let Some(service) = &mut unit.service {
        service.heartbeat = aye_bus::Stamp::default();
    }
    unit
}

#[cfg(test)]
mod tests {
    use super::super::super::fact::tests::{unit, with};
    use super::*;

    fn book(patterns: &[&str]) -> Book {
        Book::new(patterns.iter().map(|pattern| (*pattern).to_owned()).collect())
    }

    fn path(unit: &Unit) -> OwnedObjectPath {
        unit.path.clone()
    }

    #[test]
    fn a_unit_nobody_asked_for_is_not_read() {
        let mut book = book(&["web@*"]);
        book.changed(&path(&unit("api")));
        book.loaded("api.service");
        assert_eq!(book.steps(), []);
    }

    #[test]
    fn what_changes_during_a_reading_is_read_once_more_after_it() {
        let (mut book, web) = (book(&["web"]), unit("web"));
        book.put(&web);
        book.changed(&path(&web));
        assert_eq!(book.steps(), [Step::Read(path(&web))]);
        book.changed(&path(&web));
        book.changed(&path(&web));
        assert_eq!(book.steps(), []);
        book.read(&path(&web));
        assert_eq!(book.steps(), [Step::Read(path(&web))]);
        book.read(&path(&web));
        assert_eq!(book.steps(), []);
    }

    #[test]
    fn what_changes_during_the_first_reading_of_a_unit_is_read_once_more_too() {
        let (mut book, web) = (book(&["web@*"]), unit("web@2"));
        book.loaded("web@2.service");
        assert_eq!(book.steps(), [Step::Find("web@2.service".to_owned())]);
        book.found("web@2.service", Some(path(&web)));
        assert_eq!(book.steps(), [Step::Read(path(&web))]);
        book.changed(&path(&web));
        book.read(&path(&web));
        book.put(&web);
        assert_eq!(book.steps(), [Step::Read(path(&web))]);
    }

    #[test]
    fn a_heartbeat_alone_is_no_news() {
        let (mut book, web) = (book(&["web"]), unit("web"));
        assert!(book.put(&web));
        assert!(!book.put(&with(web.clone(), |service| service.heartbeat = aye_bus::Stamp::default())));
        assert!(book.put(&with(web, |service| service.status = "new".to_owned())));
    }

    #[test]
    fn a_named_unit_that_is_unloaded_is_stopped_and_one_of_a_glob_is_gone() {
        let mut named = book(&["web@1"]);
        named.put(&unit("web@1"));
        assert_eq!(named.unloaded("web@1.service").unwrap().active, ActiveState::Inactive);
        assert!(!named.dropped("web@1.service"));
        let mut globbed = book(&["web@*"]);
        globbed.put(&unit("web@1"));
        assert!(globbed.unloaded("web@1.service").is_none());
        assert!(globbed.dropped("web@1.service"));
        assert!(globbed.entries().is_empty());
    }

    #[test]
    fn a_new_instance_is_sought_once_and_stands_in_its_place() {
        let mut book = book(&["web@*"]);
        for name in ["web@1", "web@10"] {
            book.put(&unit(name));
        }
        book.loaded("web@2.service");
        book.loaded("web@2.service");
        assert_eq!(book.steps(), [Step::Find("web@2.service".to_owned())]);
        book.loaded("web@2.service");
        assert_eq!(book.steps(), [], "the news may be of our own making");
        book.put(&unit("web@2"));
        let names: Vec<&str> = book.entries().iter().map(|entry| entry.unit.name.as_str()).collect();
        assert_eq!(names, ["web@1.service", "web@2.service", "web@10.service"]);
    }

    #[test]
    fn nothing_is_asked_of_a_manager_that_is_lost() {
        let (mut book, web) = (book(&["web"]), unit("web"));
        book.put(&web);
        book.lost();
        book.changed(&path(&web));
        assert_eq!(book.steps(), []);
    }
}
