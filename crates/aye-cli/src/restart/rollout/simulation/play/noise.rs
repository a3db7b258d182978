//! Events that have no place where they are: they must change nothing.

use super::Play;
use crate::restart::report::Hook;
use crate::restart::rollout::simulation::book::Broken;
use crate::restart::rollout::{Event, Phase};

impl Play<'_> {
    /// Says something out of place, at a time at which the clock has nothing to do.
    pub(super) fn noise(&mut self) -> Result<(), Broken> {
        if self.rollout.next_wake().is_some_and(|wake| wake <= self.now) {
            return Ok(());
        }
        let index = self.chance.below(self.members.len() + 2);
        let event = self.misplaced(index);
        // No driver would tell anybody of these.
        let lines = self.lines.take();
        self.step(event)?;
        self.lines = lines;
        if self.acted {
            return Err("an event out of place had a consequence".to_owned());
        }
        Ok(())
    }

    fn misplaced(&mut self, index: usize) -> Event {
        let phase = (index < self.members.len()).then(|| self.rollout.phase(index));
        let flying = phase.is_some_and(Phase::is_in_flight);
        let of_unit = [
            (Event::Enqueued(index), phase != Some(Phase::Enqueuing)),
            (Event::Denied(index), phase != Some(Phase::Enqueuing)),
            (Event::Ready(index), phase != Some(Phase::Starting)),
            (Event::Diagnosed(index), phase != Some(Phase::Diagnosing)),
            (Event::Failed(index), !flying),
            (Event::Broke(index), !flying),
            (Event::HookEnded { index, hook: Hook::Before, ok: false }, phase != Some(Phase::Before)),
            (Event::HookEnded { index, hook: Hook::Check, ok: true }, phase != Some(Phase::Checking)),
            (Event::HookEnded { index, hook: Hook::After, ok: true }, phase != Some(Phase::After)),
            (Event::HookEnded { index, hook: Hook::OnFail, ok: true }, phase != Some(Phase::OnFail)),
            (Event::GivenUp { host: self.lost.len() }, true),
            (Event::Lost { host: self.lost.len() }, true),
            (Event::Begin, true),
            (Event::Tick, true),
        ];
        let (event, misplaced) = self.chance.pick(&of_unit);
        if misplaced { event } else { Event::Tick }
    }
}
