//! What happened in a run, for those who have to find out why it broke a rule. A run is played again for it: to write it
//! down takes longer than to play.

use std::fmt;

#[derive(Default)]
pub(super) struct Log {
    /// The lines, if anybody will read them.
    pub(super) lines: Option<Vec<String>>,
}

impl Log {
    pub(super) fn write(&mut self, line: fmt::Arguments<'_>) {
        if let Some(lines) = &mut self.lines {
            lines.push(line.to_string());
        }
    }
}
