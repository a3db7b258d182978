//! A run of the program under the embedded manager, and what it was seen to do: whether it says READY=1 and who says it, sends
//! heartbeats, answers SIGHUP, and how it ends at SIGTERM.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::super::prove::job::{ask, main_pid};
use super::super::prove::stage::Stage;
use super::super::prove::stand::{Event, Stand};

/// What the run needs of `[Service]`. Everybody is heard, so that a READY=1 of a child is seen for what it is. The interval is
/// told as by a manager, but nobody keeps watch: a program that sends no heartbeats is to be seen, not killed.
pub(super) const SETTINGS: &str =
    "NotifyAccess=all\nTimeoutStartSec=infinity\nTimeoutStopSec=20s\nEnvironment=WATCHDOG_USEC=1000000\n";

/// How long the first heartbeat, due after half a second, and the answer to SIGHUP may take on a busy machine.
const ANSWER: Duration = Duration::from_secs(5);

/// How long the end may take.
const STOP: Duration = Duration::from_secs(30);

/// How it became ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ready {
    pub(super) took: Duration,
    /// Whether the main process said it.
    pub(super) by_main: bool,
}

/// Who sends heartbeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heartbeats {
    Nobody,
    Main,
    /// Another process alone, which goes on when the main process hangs.
    Child,
}

/// What it makes of SIGHUP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reload {
    /// It has no handler, so SIGHUP would end it.
    None,
    /// `RELOADING=1` with `MONOTONIC_USEC=`, and `READY=1`.
    Answered,
    /// It stays, and says nothing of it.
    Silent,
    /// It ends.
    Ends,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Clean,
    /// With this exit status.
    Status(i32),
    /// It had to be killed.
    Killed,
    /// Otherwise, in the manager's words.
    Other(String),
}

/// All that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) ready: Option<Ready>,
    /// How long READY=1 was waited for.
    pub(super) waited: Duration,
    pub(super) heartbeats: Heartbeats,
    pub(super) reload: Reload,
    pub(super) end: End,
    pub(super) stopping: bool,
    /// From SIGTERM to its end.
    pub(super) stop: Duration,
}

/// Runs it and looks.
pub(super) fn look(stage: &Stage, patience: Duration) -> Result<Seen, String> {
    let mut stand = Stand::start(stage).map_err(|error| format!("cannot run it: {error}"))?;
    let first = stand.wait(patience, |event| event.kind == "ready");
    if first.as_ref().is_some_and(Event::is_end) {
        return Err(too_soon(&stand, first));
    }
    let main = ask(stage, main_pid(stage))?;
    let ready = first.map(|event| {
        let began = stand.seen.iter().find(|event| event.kind == "starting").map(|event| event.at);
        let sender = stand.seen.iter().find(|event| event.says("READY=1")).map(|event| event.pid);
        Ready { took: event.at - began.unwrap_or(stand.began), by_main: sender == Some(main) }
    });
    let heartbeats = if ready.is_some() { heartbeats(&mut stand, main)? } else { Heartbeats::Nobody };
    let reload = if ready.is_some() { reload(&mut stand, main) } else { Reload::None };
    let mut seen = Seen {
        ready,
        waited: patience,
        heartbeats,
        reload,
        end: End::Clean,
        stopping: false,
        stop: Duration::ZERO,
    };
    if reload == Reload::Ends {
        stop_another(stage, stand, patience, &mut seen)?;
    } else {
        stop(stand, &mut seen);
    }
    Ok(seen)
}

/// Whether it says READY=1 this time, too, when it did after `took`.
pub(super) fn is_ready(stage: &Stage, took: Duration) -> bool {
    let Ok(mut stand) = Stand::start(stage) else { return false };
    stand.wait(took * 10 + ANSWER, |event| event.kind == "ready").is_some_and(|event| event.kind == "ready")
}

/// Awaits a heartbeat; an error when the program ends instead.
fn heartbeats(stand: &mut Stand, main: u32) -> Result<Heartbeats, String> {
    let by_main = |event: &Event| event.says("WATCHDOG=1") && event.pid == main;
    if !stand.seen.iter().any(by_main) {
        match stand.wait(ANSWER, by_main) {
            Some(event) if event.is_end() => return Err(too_soon(stand, Some(event))),
            Some(_) => {}
            None if stand.seen.iter().any(|event| event.says("WATCHDOG=1")) => return Ok(Heartbeats::Child),
            None => return Ok(Heartbeats::Nobody),
        }
    }
    Ok(Heartbeats::Main)
}

fn too_soon(stand: &Stand, event: Option<Event>) -> String {
    let lines = stand.seen.iter().filter(|event| event.kind == "line").map(|event| event.text.as_str());
    let lines: Vec<&str> = lines.collect();
    let tail = lines[lines.len().saturating_sub(10)..].join("\n  ");
    let end = event.map_or_else(|| "it ended".to_owned(), |event| event.text);
    let wrote = if tail.is_empty() { String::new() } else { format!("\n  {tail}") };
    format!("the program does not stay: {end}{wrote}")
}

/// Sends SIGHUP to a program that handles it.
fn reload(stand: &mut Stand, main: u32) -> Reload {
    let status = fs::read_to_string(format!("/proc/{main}/status")).unwrap_or_default();
    let Some(pid) = i32::try_from(main).ok().and_then(Pid::from_raw).filter(|_| handles_hangup(&status))
    else {
        return Reload::None;
    };
    let began = Instant::now();
    if kill_process(pid, Signal::HUP).is_err() {
        return Reload::Ends;
    }
    let is_answer = |event: &Event| {
        event.says("RELOADING=1") && event.text.lines().any(|line| line.starts_with("MONOTONIC_USEC="))
    };
    match stand.wait(ANSWER, is_answer) {
        Some(event) if event.is_end() => return Reload::Ends,
        Some(_) => {}
        None => return Reload::Silent,
    }
    let is_done = |event: &Event| event.says("READY=1") && event.at >= began;
    match stand.wait(ANSWER, is_done) {
        Some(event) if event.is_end() => Reload::Ends,
        Some(_) => Reload::Answered,
        None => Reload::Silent,
    }
}

/// Whether SIGHUP is among the signals that are caught (`SigCgt` of proc_pid_status(5)).
fn handles_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask & 1 << (Signal::HUP.as_raw() - 1) != 0
}

/// The end of another run, where SIGHUP ended the first.
fn stop_another(stage: &Stage, mut stand: Stand, patience: Duration, seen: &mut Seen) -> Result<(), String> {
    let failed = |error| format!("cannot run it again: {error}");
    stand.end().map_err(failed)?;
    let mut again = Stand::start(stage).map_err(failed)?;
    let event = again.wait(patience, |event| event.kind == "ready");
    if event.as_ref().is_some_and(Event::is_end) {
        return Err(too_soon(&again, event));
    }
    stop(again, seen);
    Ok(())
}

fn stop(mut stand: Stand, seen: &mut Seen) {
    let began = Instant::now();
    stand.stop();
    let ended = stand.wait(STOP, |event| event.kind == "stop_timeout");
    seen.stop = began.elapsed();
    seen.end = match ended {
        Some(event) if event.kind == "stopped" => End::Clean,
        Some(event) if event.kind == "failed" => end(&event.text),
        _ => End::Killed,
    };
    let _ = stand.end();
    seen.stopping = stand.seen.iter().any(|event| event.says("STOPPING=1"));
}

/// From the words of the manager.
fn end(text: &str) -> End {
    let status = text.split_once("exited with ").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    status.map_or_else(|| End::Other(text.to_owned()), End::Status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_program_with_a_handler_is_sent_sighup() {
        assert!(!handles_hangup(""));
        assert!(!handles_hangup("SigIgn:\t0000000000000001\nSigCgt:\t0000000000004002\n"));
        assert!(handles_hangup("SigCgt:\t0000000180004a03\n"));
    }

    #[test]
    fn an_end_is_read_from_the_words_of_the_manager() {
        assert_eq!(end("FAILED: exited with 143 after 2 s"), End::Status(143));
        assert!(matches!(end("FAILED: killed by SIGSEGV after 2 s"), End::Other(_)));
    }
}
