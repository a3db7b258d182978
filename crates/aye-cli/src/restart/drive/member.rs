//! One unit of the run as the driver sees it: what it was before its job, what it is by the signals since, and from which
//! start on it has to stay as it is.

use aye_bus::{
    ActiveState, Change, Invocation, JobResult, Service, Unit, Verb, Verdict, judge, judge_reload,
    judge_unseen,
};
use tokio::task::AbortHandle;

use super::super::report::HookEnd;
use super::super::select::Chosen;
use super::sentence;

/// The start that has to last through check, soak and after-hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Baseline {
    invocation: Option<Invocation>,
    restarts: u32,
}

/// One unit.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) site: usize,
    /// As it was when its job was enqueued; kept up to date by signals until then.
    pub(super) before: Unit,
    /// As it is by the signals received since.
    pub(super) latest: Unit,
    /// Whether a job of ours was enqueued.
    pub(super) touched: bool,
    /// Whether that job asks it to reload.
    pub(super) reloads: bool,
    /// The status text that was shown last.
    pub(super) status: String,
    /// Why it failed, once that is known to the driver.
    pub(super) verdict: Option<String>,
    /// Its last hook, for what went wrong with it.
    pub(super) hook: Option<HookEnd>,
    /// The hook that is running.
    pub(super) running: Option<AbortHandle>,
    baseline: Option<Baseline>,
}

impl Member {
    pub(super) fn new(chosen: Chosen) -> Self {
        let unit = chosen.unit;
        Self {
            site: chosen.site,
            status: unit.service.as_ref().map(|service| service.status.clone()).unwrap_or_default(),
            latest: unit.clone(),
            before: unit,
            touched: false,
            reloads: false,
            verdict: None,
            hook: None,
            running: None,
            baseline: None,
        }
    }

    /// What is said when the job is enqueued, by what the unit is at that moment.
    pub(super) fn enqueue(&mut self, verb: Verb) {
        let runs = self.latest.active == ActiveState::Active;
        self.reloads = match verb {
            Verb::Reload => true,
            Verb::ReloadOrRestart | Verb::ReloadOrTryRestart => runs && self.latest.can_reload,
            _ => false,
        };
    }

    /// Takes a signal in. `enqueued` is whether it can be the work of our own job.
    pub(super) fn apply(&mut self, change: &Change, enqueued: bool) {
        change.apply(&mut self.latest);
        if !enqueued {
            change.apply(&mut self.before);
        }
    }

    /// The status text, if it is one that has not been shown.
    pub(super) fn news(&mut self, change: Change) -> Option<String> {
        let text = change.status.filter(|text| *text != self.status)?;
        self.status.clone_from(&text);
        Some(text).filter(|text| !text.is_empty())
    }

    /// What the job's end says, by the signals alone; `None` where they prove nothing. A unit that said READY=1 itself has
    /// told it all before the job's end; one without that gate may be dead already.
    pub(super) fn proof(&self, result: &JobResult) -> Option<Verdict> {
        let gated = self.before.service.as_ref().is_some_and(Service::says_when_ready);
        let provable = gated && !self.reloads;
        provable
            .then(|| judge(&self.before, &self.latest, result))
            .filter(|verdict| *verdict == Verdict::Ready)
    }

    /// What became of the unit, now that it was read.
    pub(super) fn judge(&mut self, mut after: Unit, result: &JobResult) -> Verdict {
        if after.invocation.is_none() {
            // Stopped and wanted by nobody, the unit was unloaded, and a fresh one knows nothing of its past.
            after = Unit { service: after.service, ..self.latest.clone() };
        }
        self.latest = after;
        if self.reloads {
            judge_reload(&self.before, &self.latest, result)
        } else {
            judge(&self.before, &self.latest, result)
        }
    }

    /// The same where the end of the job was not seen; `None` while there is a job.
    pub(super) fn judge_unseen(&mut self, after: Unit) -> Option<Verdict> {
        self.latest = after;
        match self.latest.active {
            // Nothing but the job's result tells a reload that failed from one that did not.
            ActiveState::Active if self.reloads && self.latest.job.is_none() => Some(Verdict::Ready),
            _ => judge_unseen(&self.before, &self.latest),
        }
    }

    /// From now on it has to stay as it is.
    pub(super) fn hold(&mut self) {
        self.baseline = Some(Baseline::of(&self.latest));
    }

    /// Why `unit` is not what it has to stay; `None` when it is.
    pub(super) fn breach(&self, unit: &Unit) -> Option<String> {
        let baseline = self.baseline?;
        let runs = matches!(unit.active, ActiveState::Active | ActiveState::Reloading);
        let same = Baseline::of(unit) == baseline;
        (!runs || !same).then(|| sentence::breach(&self.before, unit, runs))
    }

    /// Whether the signals give reason to ask.
    pub(super) fn is_suspect(&self) -> bool {
        self.breach(&self.latest).is_some()
    }
}

impl Baseline {
    fn of(unit: &Unit) -> Self {
        let restarts = unit.service.as_ref().map_or(0, |service| service.restarts);
        Self { invocation: unit.invocation, restarts }
    }
}
