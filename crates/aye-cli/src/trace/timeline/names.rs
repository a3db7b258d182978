//! The commands of processes by pid, for messages whose sender has gone before it could be looked at.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::trace::scene::{Event, Happening, Said};

/// How many are remembered; of more, the one that was heard of the longest time ago is forgotten.
const MOST: usize = 256;

/// What is remembered of this trace.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The one that spoke last stands last.
    known: VecDeque<(u32, String)>,
}

impl Names {
    /// The event with its sender's command: its own, which is remembered from now on, else the one that this pid had before.
    pub(super) fn complete<'e>(&mut self, event: &'e Event) -> Cow<'e, Event> {
        let Happening::Said(said) = &event.what else {
            return Cow::Borrowed(event);
        };
        let Some(sender) = said.sender else {
            return Cow::Borrowed(event);
        };
        let before = self.take(sender.pid);
        let Some(command) = said.command.clone().or(before) else {
            return Cow::Borrowed(event);
        };
        self.keep(sender.pid, command.clone());
        if said.command.is_some() {
            return Cow::Borrowed(event);
        }
        let what = Happening::Said(Said { command: Some(command), ..said.clone() });
        Cow::Owned(Event { what, ..*event })
    }

    fn take(&mut self, pid: u32) -> Option<String> {
        let index = self.known.iter().rposition(|(known, _)| *known == pid)?;
        self.known.remove(index).map(|(_, command)| command)
    }

    fn keep(&mut self, pid: u32, command: String) {
        if self.known.len() >= MOST {
            self.known.pop_front();
        }
        self.known.push_back((pid, command));
    }
}
