//! The units that have not been touched yet, in the order of the plan. The question is always for the first one that may
//! go, and what may go differs by host and by health: so each host keeps two lines, and the heads of the lines of
//! all open hosts are kept in order. Every question and every change costs the logarithm of the number of units.

use std::collections::BTreeSet;

/// The lines of one host.
#[derive(Debug, Default)]
struct Line {
    open: bool,
    /// Taking one of these takes something away from the users.
    active: BTreeSet<usize>,
    /// Nothing is lost by starting one of these.
    idle: BTreeSet<usize>,
}

/// Who waits.
#[derive(Debug)]
pub(super) struct Queue {
    lines: Vec<Line>,
    /// The first active unit of each open host.
    active: BTreeSet<usize>,
    /// The first of the others of each open host.
    idle: BTreeSet<usize>,
    waiting: usize,
}

impl Queue {
    /// An empty queue; every host is closed.
    pub(super) fn new(hosts: usize) -> Self {
        let lines = std::iter::repeat_with(Line::default).take(hosts).collect();
        Self { lines, active: BTreeSet::new(), idle: BTreeSet::new(), waiting: 0 }
    }

    pub(super) fn add(&mut self, index: usize, host: usize, active: bool) {
        self.change(host, |line| {
            if active {
                line.active.insert(index)
            } else {
                line.idle.insert(index)
            };
        });
        self.waiting += 1;
    }

    /// Takes the unit out, if it waits.
    pub(super) fn remove(&mut self, index: usize, host: usize) {
        let mut waited = false;
        self.change(host, |line| waited = line.active.remove(&index) || line.idle.remove(&index));
        self.waiting -= usize::from(waited);
    }

    /// Says whether units of this host may go at all.
    pub(super) fn set_open(&mut self, host: usize, open: bool) {
        if self.lines[host].open != open {
            self.change(host, |line| line.open = open);
        }
    }

    /// The first unit that may go; one that is active only when `active` says that one of those may be missing.
    pub(super) fn first(&self, active: bool) -> Option<usize> {
        let idle = self.idle.first();
        let active = self.active.first().filter(|_| active);
        idle.into_iter().chain(active).min().copied()
    }

    /// How many wait, on all hosts.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether any unit of this host waits.
    pub(super) fn has(&self, host: usize) -> bool {
        let line = &self.lines[host];
        !(line.active.is_empty() && line.idle.is_empty())
    }

    fn change(&mut self, host: usize, change: impl FnOnce(&mut Line)) {
        let line = &mut self.lines[host];
        if let Some(first) = line.active.first() {
            self.active.remove(first);
        }
        if let Some(first) = line.idle.first() {
            self.idle.remove(first);
        }
        change(line);
        if line.open {
            self.active.extend(line.active.first());
            self.idle.extend(line.idle.first());
        }
    }
}
