//! What is proved of the heartbeat: that it comes in time, and that it stops with the main process.

use std::time::{Duration, Instant};

use aye_bus::duration;
use rustix::process::{Pid, Signal, kill_process};

use super::HEARTBEAT_STOPS;
use super::job::{ask, main_pid};
use super::report::{Verdict, count};
use super::scenario::{PATIENCE, Proofs};
use super::stage::Stage;
use super::stand::Stand;

const NO_WATCHDOG: &str = "no watchdog: set WatchdogSec=, or try one with --watchdog DUR";

/// Watches the heartbeats for a while.
pub(super) fn in_time(stage: &Stage, stand: &mut Stand, proofs: &mut Proofs<'_>) {
    let Some(interval) = stage.service.watchdog else {
        return proofs.skip("heartbeat", NO_WATCHDOG);
    };
    if !proofs.wants("heartbeat") {
        return;
    }
    let began = Instant::now();
    let asked = proofs.observe().unwrap_or(interval * 3);
    let mut end = stand.wait(asked, |event| event.kind == "watchdog");
    let heard = |stand: &Stand| {
        let beats = stand.seen.iter().filter(|event| event.says("WATCHDOG=1") && event.at >= began);
        beats.map(|event| event.at).collect::<Vec<Instant>>()
    };
    if end.is_none() && heard(stand).is_empty() && asked < interval {
        // That none came says something only once the interval is over.
        let rest = (interval + PATIENCE).saturating_sub(asked);
        end = stand.wait(rest, |event| event.kind == "watchdog" || event.says("WATCHDOG=1"));
        end = end.filter(|event| !event.says("WATCHDOG=1"));
    }
    let advice = "send WATCHDOG=1 every half of WATCHDOG_USEC, or set a longer WatchdogSec=";
    if let Some(event) = end {
        return proofs.add("heartbeat", Verdict::Fail, event.text, advice);
    }
    let (near, seen) = judged(interval, began.elapsed(), began, &heard(stand));
    if near {
        proofs.add("heartbeat", Verdict::Fail, seen, advice);
    } else {
        proofs.add("heartbeat", Verdict::Pass, seen, "");
    }
}

/// Whether the heartbeats came too near to the end of the interval, or not at all, with figures.
fn judged(interval: Duration, span: Duration, began: Instant, beats: &[Instant]) -> (bool, String) {
    let moments: Vec<Instant> =
        [began].into_iter().chain(beats.iter().copied()).chain([began + span]).collect();
    let longest = moments.windows(2).map(|pair| pair[1].saturating_duration_since(pair[0])).max();
    let longest = longest.unwrap_or(span);
    let seen = format!(
        "{} in {}; longest gap {} of {} (WatchdogSec=), margin {}",
        count(beats.len(), "heartbeat", "heartbeats"),
        duration(span),
        duration(longest),
        duration(interval),
        duration(interval.saturating_sub(longest))
    );
    (beats.is_empty() || longest > interval * 3 / 4, seen)
}

/// Halts the main process: the watchdog has to notice, which it does not when another process sends the heartbeats.
pub(super) fn stops(stage: &Stage, stand: &mut Stand, proofs: &mut Proofs<'_>) {
    let Some(interval) = stage.service.watchdog else {
        return proofs.skip(HEARTBEAT_STOPS, NO_WATCHDOG);
    };
    if !proofs.wants(HEARTBEAT_STOPS) {
        return;
    }
    let number = ask(stage, main_pid(stage)).unwrap_or_default();
    let main = i32::try_from(number).ok().and_then(Pid::from_raw);
    let began = Instant::now();
    let Some(main) = main.filter(|main| kill_process(*main, Signal::STOP).is_ok()) else {
        return proofs.add(HEARTBEAT_STOPS, Verdict::Fail, "the main process was gone", "");
    };
    let by_another = |event: &super::stand::Event| {
        event.says("WATCHDOG=1") && event.pid != number && event.at > began + interval
    };
    let heard = stand.wait(interval + PATIENCE, |event| event.kind == "watchdog" || by_another(event));
    // So that SIGABRT can end it.
    let _ = kill_process(main, Signal::CONT);
    match heard {
        Some(event) if event.kind == "watchdog" => {
            let seen = format!("SIGSTOP was noticed after {}", duration(event.at - began));
            proofs.add(HEARTBEAT_STOPS, Verdict::Pass, seen, "");
        }
        other => {
            let seen = match other {
                Some(event) if by_another(&event) => {
                    format!("SIGSTOP went unnoticed: PID {} went on with the heartbeats", event.pid)
                }
                Some(event) => event.text,
                None => "SIGSTOP went unnoticed".to_owned(),
            };
            let advice = "let nobody but the main process send WATCHDOG=1 (NotifyAccess=main)";
            proofs.add(HEARTBEAT_STOPS, Verdict::Fail, seen, advice);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(beats: &[u64]) -> bool {
        let began = Instant::now();
        let at: Vec<Instant> = beats.iter().map(|second| began + Duration::from_secs(*second)).collect();
        judged(Duration::from_secs(8), Duration::from_secs(20), began, &at).0
    }

    #[test]
    fn a_heartbeat_that_is_near_the_end_of_the_interval_is_too_late() {
        assert!(near(&[]));
        assert!(near(&[4, 11, 15, 19]));
        assert!(!near(&[4, 8, 12, 16, 20]));
    }
}
