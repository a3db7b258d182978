//! When to try which probe and what to say, by what came of them: the state machine of `aye wrap`. Pure: time is an
//! argument.

use std::time::{Duration, Instant};

/// Between two tries before the program is ready; `--interval` holds afterwards, and here where it is shorter.
const EAGER: Duration = Duration::from_millis(100);

/// How much one sign of progress extends the start.
const EXTENSION: Duration = Duration::from_secs(30);

/// Signs of progress closer together than this count as one.
const EXTENSION_PAUSE: Duration = Duration::from_secs(1);

/// What is known from the start. Probes go by their index: those of `--ready-on`, then those of `--alive-on`.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// How each probe is called in texts.
    pub(super) names: Vec<String>,
    /// Whether it is tried, or happens by itself.
    pub(super) tried: Vec<bool>,
    /// How many of them are of `--ready-on`. With none, the others decide.
    pub(super) ready: usize,
    pub(super) interval: Duration,
    /// From READY on, how long nothing need be alive.
    pub(super) grace: Duration,
    pub(super) ready_timeout: Option<Duration>,
    pub(super) extend_at_most: Option<Duration>,
    pub(super) watchdog: Option<Duration>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    Try(usize),
    Say(String),
    Ready,
    /// `--ready-timeout` is over; the text says what is missing.
    GiveUp(String),
}

#[derive(Debug, Clone, Default)]
struct Seen {
    held_once: bool,
    /// Since the last heartbeat.
    passes: bool,
    in_flight: bool,
    next: Option<Instant>,
    answer: Option<String>,
}

#[derive(Debug)]
pub(super) struct Keeper {
    plan: Plan,
    seen: Vec<Seen>,
    started: Instant,
    ready_at: Option<Instant>,
    beat_due: Option<Instant>,
    extended: Option<Instant>,
    status: String,
    stopping: bool,
}

impl Keeper {
    pub(super) fn new(plan: Plan, now: Instant) -> Self {
        let seen = vec![Seen { next: Some(now), ..Seen::default() }; plan.names.len()];
        let status = String::new();
        Self {
            plan,
            seen,
            started: now,
            ready_at: None,
            beat_due: None,
            extended: None,
            status,
            stopping: false,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready_at.is_some()
    }

    /// Nothing is tried or said any more.
    pub(super) fn stop(&mut self) {
        self.stopping = true;
    }

    /// Of a try, what came of it.
    pub(super) fn answered(&mut self, probe: usize, answer: Result<(), String>, now: Instant) -> Vec<Action> {
        let pause = self.pause();
        let seen = &mut self.seen[probe];
        seen.in_flight = false;
        seen.next = Some(now + pause);
        let answer_before = seen.answer.take();
        seen.answer = answer.err();
        seen.passes = seen.answer.is_none();
        seen.held_once |= seen.passes;
        let changed = answer_before.is_some() && answer_before != seen.answer;
        if changed { self.progress(now) } else { Vec::new() }
    }

    /// A probe's event has happened by itself.
    pub(super) fn happened(&mut self, probe: usize) {
        let seen = &mut self.seen[probe];
        (seen.held_once, seen.passes) = (true, true);
    }

    /// The program is getting on with it.
    pub(super) fn progress(&mut self, now: Instant) -> Vec<Action> {
        let Some(most) = self.plan.extend_at_most.filter(|_| !self.is_ready() && !self.stopping) else {
            return Vec::new();
        };
        if self.extended.is_some_and(|last| now < last + EXTENSION_PAUSE) {
            return Vec::new();
        }
        let left = (self.started + most).saturating_duration_since(now).min(EXTENSION);
        if left.is_zero() {
            return Vec::new();
        }
        self.extended = Some(now);
        vec![Action::Say(format!("EXTEND_TIMEOUT_USEC={}", left.as_micros()))]
    }

    /// What is due. `runs`: whether the program can run, being neither stopped nor dead.
    pub(super) fn due(&mut self, now: Instant, runs: bool) -> Vec<Action> {
        if self.stopping {
            return Vec::new();
        }
        let mut actions = self.tries(now);
        if self.is_ready() {
            actions.extend(self.beat(now, runs));
        } else {
            actions.extend(self.towards_ready(now));
        }
        actions
    }

    /// When to call [`due`](Self::due) again if nothing happens.
    pub(super) fn wake(&self) -> Option<Instant> {
        if self.stopping {
            return None;
        }
        let waits = |probe: &usize| self.is_wanted(*probe) && !self.seen[*probe].in_flight;
        let tries = (0..self.seen.len()).filter(waits).filter_map(|probe| self.seen[probe].next);
        let deadline = self.plan.ready_timeout.filter(|_| !self.is_ready()).map(|most| self.started + most);
        tries.chain(deadline).chain(self.beat_due).min()
    }

    fn half(&self) -> Option<Duration> {
        self.plan.watchdog.map(|period| period / 2)
    }

    fn pause(&self) -> Duration {
        let most = if self.is_ready() { self.half().unwrap_or(Duration::MAX) } else { EAGER };
        self.plan.interval.min(most)
    }

    /// Whether READY waits for it.
    fn is_awaited(&self, probe: usize) -> bool {
        (probe < self.plan.ready || self.plan.ready == 0) && !self.seen[probe].held_once
    }

    /// Whether it is to be tried.
    fn is_wanted(&self, probe: usize) -> bool {
        let asked = if self.is_ready() {
            probe >= self.plan.ready && self.plan.watchdog.is_some()
        } else {
            self.is_awaited(probe)
        };
        asked && self.plan.tried[probe]
    }

    fn tries(&mut self, now: Instant) -> Vec<Action> {
        let is_due = |probe: &usize| {
            let seen = &self.seen[*probe];
            self.is_wanted(*probe) && !seen.in_flight && seen.next.is_some_and(|next| next <= now)
        };
        let due: Vec<usize> = (0..self.seen.len()).filter(is_due).collect();
        for probe in &due {
            self.seen[*probe].in_flight = true;
        }
        due.into_iter().map(Action::Try).collect()
    }

    fn towards_ready(&mut self, now: Instant) -> Vec<Action> {
        let awaited: Vec<usize> = (0..self.seen.len()).filter(|probe| self.is_awaited(*probe)).collect();
        if awaited.is_empty() {
            return self.become_ready(now);
        }
        let waiting = format!("waiting for {}", self.missing(&awaited));
        if self.plan.ready_timeout.is_some_and(|most| now >= self.started + most) {
            self.stopping = true;
            return vec![Action::GiveUp(waiting)];
        }
        self.status(&waiting)
    }

    fn become_ready(&mut self, now: Instant) -> Vec<Action> {
        self.ready_at = Some(now);
        self.beat_due = self.half().map(|half| now + half);
        for seen in &mut self.seen[self.plan.ready..] {
            seen.next = seen.next.map(|next| if self.plan.ready == 0 { next } else { now });
        }
        let status = self.status(&ready_text(now - self.started));
        let text = status.into_iter().map(|action| match action {
            Action::Say(status) => Action::Say(format!("READY=1\n{status}")),
            other => other,
        });
        text.chain([Action::Ready]).collect()
    }

    /// The heartbeat, if it is due and deserved. One that is late is sent as soon as it is deserved.
    fn beat(&mut self, now: Instant, runs: bool) -> Vec<Action> {
        let (Some(due), Some(half), Some(ready_at)) = (self.beat_due, self.half(), self.ready_at) else {
            return Vec::new();
        };
        if now < due {
            return Vec::new();
        }
        let in_grace = now < ready_at + self.plan.grace;
        let failing = |probe: &usize| !in_grace && !self.seen[*probe].passes;
        let failing: Vec<usize> = (self.plan.ready..self.seen.len()).filter(failing).collect();
        if runs && failing.is_empty() {
            self.beat_due = Some(now + half);
            self.seen.iter_mut().for_each(|seen| seen.passes = false);
            let mut actions = vec![Action::Say("WATCHDOG=1".to_owned())];
            actions.extend(self.status(&ready_text(ready_at - self.started)));
            return actions;
        }
        self.beat_due = Some(now + self.pause());
        if !runs {
            return self.status("no heartbeat: the program is stopped");
        }
        // What has not been answered yet is late, which is no news; what is answered with an error is.
        let answered: Vec<usize> =
            failing.into_iter().filter(|probe| self.seen[*probe].answer.is_some()).collect();
        if answered.is_empty() {
            Vec::new()
        } else {
            self.status(&format!("no heartbeat: {}", self.missing(&answered)))
        }
    }

    fn missing(&self, probes: &[usize]) -> String {
        let each = probes.iter().map(|probe| match &self.seen[*probe].answer {
            Some(answer) => format!("{}: {answer}", self.plan.names[*probe]),
            None => self.plan.names[*probe].clone(),
        });
        each.collect::<Vec<_>>().join("; ")
    }

    /// Says the status where it is another one. A newline would end the assignment.
    fn status(&mut self, text: &str) -> Vec<Action> {
        let text = text.replace(['\n', '\r'], " ");
        if text == self.status {
            return Vec::new();
        }
        self.status.clone_from(&text);
        vec![Action::Say(format!("STATUS={text}"))]
    }
}

fn ready_text(after: Duration) -> String {
    format!("ready after {:.2} s", after.as_secs_f64())
}

#[cfg(test)]
mod tests;
