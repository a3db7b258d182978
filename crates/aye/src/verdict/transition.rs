//! What READY, RELOADING and STOPPING meet: each other, the service's state, and the moment at which a reload began.

use super::context::State;
use super::history::Rule;
use super::judge::{Case, ignored};
use super::{Effect, Verdict};
use crate::message::{Assignment, InvalidValue};

impl<'m> Case<'m, '_> {
    /// Another one of the three in this message that takes this one's place.
    fn beaten(&self, own: &'static str, by: &[&'static str]) -> Option<Verdict<'m>> {
        if self.holds(Rule::Precedence) {
            let winner = by.iter().find(|other| self.says(other))?;
            return Some(ignored(format!("{winner} in the same message beats it")));
        }
        let of_three = |line: &&[u8]| matches!(*line, b"READY=1" | b"RELOADING=1" | b"STOPPING=1");
        let last = self.message.lines().rev().find(of_three)?;
        let version = self.context.version;
        (last != own.as_bytes()).then(|| {
            ignored(format!(
                "systemd {version} goes by the last of READY, RELOADING and STOPPING in a message"
            ))
        })
    }

    fn after_the_last_word(&self) -> Option<Verdict<'m>> {
        (self.context.stopping_said && self.holds(Rule::StoppingIsFinal)).then(|| {
            ignored("STOPPING=1 was said before, and since systemd 259 it is the last word of a run")
        })
    }

    pub(super) fn ready(&self) -> Result<Effect, Verdict<'m>> {
        if let Some(verdict) = self.beaten("READY=1", &["STOPPING=1"]).or_else(|| self.after_the_last_word())
        {
            return Err(verdict);
        }
        let reloading = self.holds(Rule::Precedence) && self.says("RELOADING=1");
        match self.context.state {
            State::Start if self.context.kind.is_notify() => Ok(Effect::EndsStart),
            State::Reload if self.holds(Rule::ReloadStates) || self.context.controlled => Ok(Effect::Waits),
            State::ReloadNotify | State::Reload => Ok(Effect::EndsReload),
            State::ReloadSignal if reloading && self.is_in_time() => Ok(Effect::EndsReload),
            State::ReloadSignal if reloading => Err(self.why_not_in_time()),
            State::ReloadSignal => Err(ignored(
                "the reload waits for RELOADING=1 with MONOTONIC_USEC= before READY=1, or with it",
            )),
            State::Running if reloading => Ok(Effect::Reloads),
            _ if !self.context.kind.is_notify() => {
                let kind = self.context.kind.as_str();
                Err(ignored(format!("Type={kind} does not wait for READY=1: set Type=notify")))
            }
            _ => Err(ignored(format!("nothing waits for it in {}", self.state()))),
        }
    }

    pub(super) fn reloading(&self) -> Result<Effect, Verdict<'m>> {
        if let Some(verdict) =
            self.beaten("RELOADING=1", &["STOPPING=1"]).or_else(|| self.after_the_last_word())
        {
            return Err(verdict);
        }
        if self.says("READY=1") && self.holds(Rule::Precedence) {
            return match self.ready() {
                Ok(Effect::EndsReload) if self.context.state == State::ReloadSignal => {
                    Ok(Effect::Belongs("READY"))
                }
                Ok(Effect::Reloads) => Ok(Effect::Belongs("READY")),
                _ => Err(ignored("READY=1 in the same message beats it")),
            };
        }
        match self.context.state {
            State::Running => Ok(Effect::BeginsReload),
            State::ReloadSignal if self.is_in_time() => Ok(Effect::AnswersReload),
            State::ReloadSignal => Err(self.why_not_in_time()),
            State::Reload if self.holds(Rule::ReloadStates) || self.context.controlled => Ok(Effect::Waits),
            State::Start if self.context.kind.is_notify() => {
                Err(ignored("the start is not over, and READY=1, which ends it, takes its place"))
            }
            State::Condition | State::StartPre | State::Start | State::StartPost => Ok(Effect::Waits),
            State::Reload | State::ReloadNotify => Err(ignored("a reload is under way already")),
            _ => Err(ignored(format!("no reload can begin in {}", self.state()))),
        }
    }

    fn monotonic_usec(&self) -> Option<Result<u64, InvalidValue<'m>>> {
        let value = self.message.value("MONOTONIC_USEC")?;
        Some(Assignment::of(b"MONOTONIC_USEC", value).map(|assignment| match assignment {
            Assignment::MonotonicUsec(usec) => usec,
            _ => u64::MAX,
        }))
    }

    /// Whether MONOTONIC_USEC says that the reload was begun after it was asked for.
    fn is_in_time(&self) -> bool {
        let began = self.context.reload_began.unwrap_or(0);
        matches!(self.monotonic_usec(), Some(Ok(usec)) if usec != u64::MAX && usec >= began)
    }

    fn why_not_in_time(&self) -> Verdict<'m> {
        ignored(match self.monotonic_usec() {
            None => "to answer a reload it needs MONOTONIC_USEC= in the same message",
            Some(Err(_)) => "to answer a reload it needs a valid MONOTONIC_USEC= in the same message",
            Some(Ok(_)) => {
                "its MONOTONIC_USEC= is older than the reload: read CLOCK_MONOTONIC when the signal came"
            }
        })
    }

    pub(super) fn monotonic(&self) -> Result<Effect, Verdict<'m>> {
        if !self.says("RELOADING=1") {
            return Err(ignored("it says nothing without RELOADING=1 in the same message"));
        }
        match self.context.state {
            State::ReloadSignal if !self.is_in_time() => Err(self.why_not_in_time()),
            _ => Ok(Effect::Belongs("RELOADING")),
        }
    }

    pub(super) fn stopping(&self) -> Result<Effect, Verdict<'m>> {
        if let Some(verdict) = self.beaten("STOPPING=1", &[]) {
            return Err(verdict);
        }
        let counts = match self.context.state {
            State::Running => true,
            State::ReloadSignal | State::ReloadNotify => self.holds(Rule::ReloadStates),
            State::RefreshExtensions | State::RefreshCredentials => self.holds(Rule::RefreshStates),
            _ => false,
        };
        if counts {
            Ok(Effect::BeginsStop)
        } else if self.context.state.is_ending() {
            Err(ignored("the service is stopping already"))
        } else if self.holds(Rule::StoppingIsFinal) {
            Ok(Effect::IsFinal)
        } else {
            Ok(Effect::Waits)
        }
    }
}
