//! What the service is made to do, and what that proves: a run with a reload and a stop, a second run right after it, and one
//! without a manager.

use std::io;
use std::time::{Duration, Instant};

use aye_bus::{JobResult, duration};
use aye_manager::unit::Type;

use super::job::{ask, main_pid, reloaded};
use super::look;
use super::report::{Proof, Verdict, count};
use super::stage::Stage;
use super::stand::{Event, Stand};
use super::{HEARTBEAT_STOPS, Wish, alone, family, heartbeat};

/// The variables that a manager gives to services.
pub(super) const OF_A_MANAGER: [&str; 9] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "LISTEN_FDNAMES",
    "MAINPID",
    "MANAGERPID",
];

/// What a manager needs besides what the service does.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A limit that is none is waited for so long.
pub(super) const NO_LIMIT: Duration = Duration::from_secs(600);

/// How many lines of the log are kept.
const LOG: usize = 200;

/// What came of it all.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) proofs: Vec<Proof>,
    /// The last lines that the service wrote.
    pub(super) log: Vec<String>,
}

/// The proofs, as they come.
pub(super) struct Proofs<'w> {
    wish: &'w Wish,
    list: Vec<Proof>,
    last: Instant,
}

impl Proofs<'_> {
    pub(super) fn add(
        &mut self,
        check: &'static str,
        verdict: Verdict,
        seen: impl Into<String>,
        advice: &str,
    ) {
        let took = self.last.elapsed();
        self.last = Instant::now();
        if self.wish.wants(check) {
            self.list.push(Proof { check, verdict, seen: seen.into(), advice: advice.to_owned(), took });
        }
    }

    pub(super) fn skip(&mut self, check: &'static str, why: &str) {
        self.add(check, Verdict::Skip, why, "");
    }

    pub(super) fn wants(&self, check: &str) -> bool {
        self.wish.wants(check)
    }

    pub(super) fn observe(&self) -> Option<Duration> {
        self.wish.observe
    }

    fn skip_all(&mut self, checks: &[&'static str]) {
        for check in checks {
            self.skip(check, "the service did not become ready");
        }
    }
}

/// Runs the service as often as it takes.
pub(super) fn play(stage: &Stage, wish: &Wish) -> Result<Shown, String> {
    let failed = |error: io::Error| format!("cannot run {}: {error}", stage.name());
    let mut proofs = Proofs { wish, list: Vec::new(), last: Instant::now() };
    let mut first = Stand::start(stage).map_err(failed)?;
    let up = start(stage, &mut first);
    if let Some(Event { kind, text, .. }) = first.seen.iter().find(|event| event.kind == "broken") {
        return Err(format!("cannot run {}: {text} ({kind})", stage.name()));
    }
    ready(stage, &first, &up, &mut proofs);
    if let Ok(took) = up {
        first_run(stage, &mut first, &mut proofs)?;
        second_run(stage, wish, &mut proofs).map_err(failed)?;
        if wish.wants("without-manager") {
            // Without a manager, nobody would see to the folder if this process was killed.
            stage.clear();
            let silent = alone::run(stage, took).map_err(failed)?;
            proofs.add("without-manager", silent.verdict, silent.seen, silent.advice);
        }
    } else {
        first.end().map_err(failed)?;
        main_process(stage, &first, &mut proofs);
        let rest = ["heartbeat", "descriptors", "environment", "reload", "stop", "orphans", "restart"];
        proofs.skip_all(&rest);
        proofs.skip_all(&[HEARTBEAT_STOPS, "without-manager"]);
    }
    let lines = first.seen.iter().filter(|event| event.kind == "line");
    let log: Vec<String> = lines.map(|event| event.text.clone()).collect();
    let log = log[log.len().saturating_sub(LOG)..].to_vec();
    let place = |proof: &Proof| super::CHECKS.iter().position(|check| *check == proof.check);
    proofs.list.sort_by_key(place);
    Ok(Shown { proofs: proofs.list, log })
}

/// Waits until it is up: how long that took, or why it is not.
fn start(stage: &Stage, stand: &mut Stand) -> Result<Duration, String> {
    let limit = stage.service.timeout_start.unwrap_or(NO_LIMIT) + PATIENCE;
    match stand.wait(limit, |event| matches!(event.kind.as_str(), "ready" | "start_timeout")) {
        Some(event) if event.kind == "ready" => {
            let began = stand.seen.iter().find(|event| event.kind == "starting").map(|event| event.at);
            Ok(event.at - began.unwrap_or(stand.began))
        }
        Some(event) => Err(event.text),
        None => Err(format!("nothing was heard of it for {}", duration(limit))),
    }
}

fn ready(stage: &Stage, stand: &Stand, up: &Result<Duration, String>, proofs: &mut Proofs<'_>) {
    let service = &stage.service;
    match up {
        Ok(took) if service.kind.is_notify() => {
            let share = service.timeout_start.map_or_else(
                || "no limit (TimeoutStartSec=infinity)".to_owned(),
                |limit| {
                    let share = took.as_secs_f64() / limit.as_secs_f64() * 100.0;
                    format!("{share:.1} % of the {} it has (TimeoutStartSec=)", duration(limit))
                },
            );
            proofs.add("ready", Verdict::Pass, format!("READY=1 after {}, {share}", duration(*took)), "");
        }
        Ok(_) => {
            let kind = service.kind;
            proofs.skip("ready", &format!("Type={kind} waits for no READY=1: Type=notify does"));
        }
        Err(why) => {
            let said = stand.seen.iter().any(|event| event.says("READY=1"));
            let advice = if said {
                "READY=1 was sent, but did not count: see main-process"
            } else {
                "have the program send READY=1 when it can serve, or set Type=exec"
            };
            proofs.add("ready", Verdict::Fail, why.clone(), advice);
        }
    }
}

/// Everything that is proved of one run, from its start to its end.
fn first_run(stage: &Stage, stand: &mut Stand, proofs: &mut Proofs<'_>) -> Result<(), String> {
    let main = ask(stage, main_pid(stage))?;
    heartbeat::in_time(stage, stand, proofs);
    let mut children = look::descendants(stand.pid());
    children.retain(|process| process.pid != main);
    family::descriptors(stage, stand, main, &children, proofs);
    family::environment(&children, proofs);
    reload(stage, stand, main, proofs);
    let all = look::descendants(stand.pid());
    stop(stage, stand, proofs);
    main_process(stage, stand, proofs);
    family::orphans(&all, proofs);
    Ok(())
}

fn main_process(stage: &Stage, stand: &Stand, proofs: &mut Proofs<'_>) {
    let mut notices: Vec<&str> =
        stand.seen.iter().filter(|event| is_complaint(event)).map(|event| event.text.as_str()).collect();
    notices.dedup();
    let messages = stand.seen.iter().filter(|event| event.kind == "message").count();
    let access = stage.service.notify_access.as_str();
    if !notices.is_empty() {
        let advice = "let the main process send (exec in shell scripts), or set NotifyAccess=all";
        proofs.add("main-process", Verdict::Fail, notices.join("\n"), advice);
    } else if messages == 0 {
        proofs.skip("main-process", "it sent no message");
    } else {
        let seen =
            format!("{}, all accepted (NotifyAccess={access})", count(messages, "message", "messages"));
        proofs.add("main-process", Verdict::Pass, seen, "");
    }
}

/// Whether the manager has something to say against a message. That `STOPPING=1` changes nothing where the manager itself
/// has begun the stop is as it should be.
fn is_complaint(event: &Event) -> bool {
    event.kind == "notice" && !event.text.starts_with("STOPPING=1 is ignored")
}

fn reload(stage: &Stage, stand: &mut Stand, main: u32, proofs: &mut Proofs<'_>) {
    let service = &stage.service;
    if service.kind != Type::NotifyReload && service.exec_reload.is_empty() {
        return proofs.skip("reload", "it has no reload (ExecReload=, Type=notify-reload)");
    }
    if !proofs.wants("reload") {
        return;
    }
    let began = Instant::now();
    let result = ask(stage, reloaded(stage));
    let took = duration(began.elapsed());
    // Everything the manager said of it is there once nothing more comes for a moment; the job has ended.
    let answered = |stand: &Stand, word: &str| {
        stand
            .seen
            .iter()
            .any(|event| event.at >= began && event.kind == "message" && event.text.contains(word))
    };
    if service.kind == Type::NotifyReload && !answered(stand, "RELOADING=1") {
        stand.wait(Duration::from_secs(1), |event| event.says("READY=1"));
    }
    let gone = look::process(main).is_none();
    let advice = "answer with RELOADING=1 and MONOTONIC_USEC= in one message, and READY=1 once it is done";
    match result {
        Ok(JobResult::Done) if gone => {
            proofs.add(
                "reload",
                Verdict::Fail,
                "the main process ended at the reload",
                "do not end at the reload signal",
            );
        }
        Ok(JobResult::Done) => {
            let how = match service.kind {
                Type::NotifyReload if answered(stand, "MONOTONIC_USEC=") => {
                    "RELOADING=1, MONOTONIC_USEC=, READY=1"
                }
                Type::NotifyReload => "RELOADING=1, READY=1",
                _ => "ExecReload= ended well",
            };
            proofs.add("reload", Verdict::Pass, format!("reloaded in {took}: {how}"), "");
        }
        Ok(other) => {
            proofs.add("reload", Verdict::Fail, format!("the reload ended as {other} after {took}"), advice);
        }
        Err(reason) => proofs.add("reload", Verdict::Fail, reason, advice),
    }
}

fn stop(stage: &Stage, stand: &mut Stand, proofs: &mut Proofs<'_>) {
    let limit = stage.service.timeout_stop.unwrap_or(NO_LIMIT);
    let began = Instant::now();
    stand.stop();
    let mut ended = stand.wait(limit + PATIENCE, |event| event.kind == "stop_timeout");
    if ended.as_ref().is_some_and(|event| event.kind == "stop_timeout") {
        let text = ended.take().map(|event| event.text).unwrap_or_default();
        proofs.add("stop", Verdict::Fail, text, "end at SIGTERM, or set KillSignal= to what ends it");
    }
    let timed_out = stand.seen.iter().any(|event| event.kind == "stop_timeout");
    let _ = stand.end();
    if timed_out {
        return;
    }
    let Some(ended) = ended else {
        let seen = format!("nothing was heard of it for {}", duration(limit + PATIENCE));
        return proofs.add("stop", Verdict::Fail, seen, "");
    };
    if ended.kind != "stopped" {
        let advice = "end with status 0 or by the signal, or name the status in SuccessExitStatus=";
        return proofs.add("stop", Verdict::Fail, ended.text, advice);
    }
    let said = stand.seen.iter().any(|event| event.says("STOPPING=1"));
    let (words, advice) = match (said, stage.service.kind.is_notify()) {
        (true, _) => ("STOPPING=1 said", ""),
        (false, true) => ("STOPPING=1 not said", "send STOPPING=1 when it begins to stop"),
        (false, false) => ("no STOPPING=1", ""),
    };
    let took = duration(ended.at - began);
    let seen = format!("stopped in {took} of {} (TimeoutStopSec=); {words}", duration(limit));
    proofs.add("stop", Verdict::Pass, seen, advice);
}

/// A start right after the stop; it ends with a main process that hangs.
fn second_run(stage: &Stage, wish: &Wish, proofs: &mut Proofs<'_>) -> io::Result<()> {
    let hangs = wish.wants(HEARTBEAT_STOPS) && stage.service.watchdog.is_some();
    if !wish.wants("restart") && !hangs {
        return Ok(());
    }
    let mut stand = Stand::start(stage)?;
    match start(stage, &mut stand) {
        Ok(took) => {
            let seen = format!("started again right after the stop, up in {}", duration(took));
            proofs.add("restart", Verdict::Pass, seen, "");
            heartbeat::stops(stage, &mut stand, proofs);
        }
        Err(why) => {
            let advice = "free what it holds (ports, locks, sockets) when it stops; SO_REUSEADDR for ports";
            proofs.add("restart", Verdict::Fail, format!("the second start: {why}"), advice);
            proofs.skip(HEARTBEAT_STOPS, "the service did not start again");
        }
    }
    stand.end().map(drop)
}
