//! The embedded manager as a process of its own, and what it tells of the service: one JSON object a line. Its own process,
//! because it reaps every orphan below it, and because the service must see no more of the check than of any manager.

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use aye_manager::service::Report;
use aye_manager::unit::Warning;
use aye_manager::{Ended, Observer, Setup, What};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use serde_json::{Value, json};

use super::stage::Stage;
use crate::exit::Exit;

/// What the binary is called with to be that manager. Not for people.
pub(crate) const MANAGE: &str = "__manage";

/// The word before a program that is to run without one.
pub(super) const ALONE: &str = "alone";

/// The manager's part: runs one unit of a folder and tells of it on standard output.
pub(crate) fn manage(words: impl Iterator<Item = OsString>) -> Exit {
    let words: Vec<OsString> = words.collect();
    if let [alone, parent, program, arguments @ ..] = words.as_slice()
        && *alone == *ALONE
    {
        return become_program(parent, program, arguments);
    }
    let [parent, runtime, units, name] = words.as_slice() else {
        return Exit::Usage;
    };
    if !dies_with(parent, Signal::TERM) {
        return Exit::Failed;
    }
    let what = What::Units(PathBuf::from(units), vec![name.to_string_lossy().into_owned()]);
    let ended = aye_manager::run(Setup { runtime_dir: PathBuf::from(runtime), what }, Box::new(Wire));
    // A check that was ended itself leaves its folder to this.
    if has_died(parent)
        && let Some(folder) = super::stage::folder_of(&PathBuf::from(units))
    {
        let _ = std::fs::remove_dir_all(folder);
    }
    match ended {
        Ok(Ended::ByItself { failed: false }) => Exit::Done,
        Ok(Ended::ByItself { failed: true }) => Exit::Failed,
        Ok(Ended::Interrupted) => Exit::Interrupted,
        Ok(Ended::Terminated) => Exit::Terminated,
        Err(error) => {
            say("broken", 0, &error.to_string());
            Exit::Failed
        }
    }
}

/// Whatever becomes of the check, the service must not outlive it.
fn dies_with(parent: &OsStr, signal: Signal) -> bool {
    let is_set = set_parent_process_death_signal(Some(signal)).is_ok();
    is_set && getppid().is_some_and(|pid| *parent == *pid.as_raw_nonzero().to_string())
}

/// Whether that parent is no more. Where its first thread dies before the others, the number of a parent stays for a moment
/// what it was, but its process is a zombie already.
fn has_died(parent: &OsStr) -> bool {
    let number = parent.to_str().and_then(|number| number.parse().ok());
    let is_parent = getppid().is_some_and(|pid| *parent == *pid.as_raw_nonzero().to_string());
    !is_parent || number.is_none_or(|number| super::look::process(number).is_none())
}

/// The program without a manager, which ends with the check all the same: that stays so over execve(2).
fn become_program(parent: &OsStr, program: &OsStr, arguments: &[OsString]) -> Exit {
    if dies_with(parent, Signal::KILL) {
        let error = Command::new(program).args(arguments).exec();
        crate::complain(format_args!("cannot execute {}: {error}", program.display()));
    }
    Exit::Failed
}

struct Wire;

fn say(event: &str, pid: u32, text: &str) {
    let line = json!({"event": event, "pid": pid, "text": text});
    // The check that reads this may have ended; so does the manager then.
    let _ = writeln!(io::stdout().lock(), "{line}");
}

impl Observer for Wire {
    fn warning(&mut self, _: &Warning) {}

    fn report(&mut self, _: &str, report: &Report) {
        let event = match report {
            Report::Starting => "starting",
            Report::Ready(_) => "ready",
            Report::Stopping => "stopping",
            Report::Stopped => "stopped",
            Report::Failed(..) | Report::StartLimitHit(..) => "failed",
            Report::StartTimedOut(_) => "start_timeout",
            Report::StopTimedOut(_) => "stop_timeout",
            Report::WatchdogTimedOut(_) => "watchdog",
            Report::ReloadFailed(_) => "reload_failed",
            Report::RestartScheduled(..) => "restart",
        };
        say(event, 0, &report.to_string());
    }

    fn notice(&mut self, _: &str, text: &str) {
        say("notice", 0, text);
    }

    fn message(&mut self, _: &str, pid: u32, text: &str) {
        say("message", pid, text);
    }

    fn line(&mut self, _: &str, line: &str) {
        say("line", 0, line);
    }
}

/// Something that happened to the service.
#[derive(Debug, Clone)]
pub(in crate::check) struct Event {
    pub(in crate::check) at: Instant,
    pub(in crate::check) kind: String,
    /// Who sent it, of a message.
    pub(in crate::check) pid: u32,
    pub(in crate::check) text: String,
}

impl Event {
    fn parse(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |key: &str| value.get(key)?.as_str().map(str::to_owned);
        let pid = u32::try_from(value.get("pid")?.as_u64()?).ok()?;
        Some(Self { at: Instant::now(), kind: text("event")?, pid, text: text("text")? })
    }

    /// Whether it is a message with this assignment.
    pub(in crate::check) fn says(&self, assignment: &str) -> bool {
        self.kind == "message" && self.text.lines().any(|line| line == assignment)
    }

    /// Whether the service is down after it.
    pub(in crate::check) fn is_end(&self) -> bool {
        matches!(self.kind.as_str(), "stopped" | "failed" | "broken")
    }
}

/// A service that runs under a manager of its own.
#[derive(Debug)]
pub(in crate::check) struct Stand {
    child: Child,
    events: Receiver<Event>,
    pub(in crate::check) seen: Vec<Event>,
    pub(in crate::check) began: Instant,
}

impl Stand {
    /// The manager.
    pub(in crate::check) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(in crate::check) fn start(stage: &Stage) -> io::Result<Self> {
        let began = Instant::now();
        let mut command = Command::new("/proc/self/exe");
        command.arg(MANAGE).arg(std::process::id().to_string());
        command.arg(stage.runtime()).arg(stage.units()).arg(stage.name());
        for variable in super::scenario::OF_A_MANAGER {
            command.env_remove(variable);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let (sender, events) = channel();
        let output = child.stdout.take();
        thread::spawn(move || {
            for line in BufReader::new(output.expect("it is a pipe")).lines().map_while(Result::ok) {
                let _ = Event::parse(&line).map(|event| sender.send(event));
            }
        });
        Ok(Self { child, events, seen: Vec::new(), began })
    }

    /// The first event from now on that is meant, or the service's end; `None` when none came within `patience`.
    pub(in crate::check) fn wait(
        &mut self,
        patience: Duration,
        is_meant: impl Fn(&Event) -> bool,
    ) -> Option<Event> {
        let until = Instant::now() + patience;
        loop {
            match self.events.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(event) => {
                    self.seen.push(event.clone());
                    if is_meant(&event) || event.is_end() {
                        return Some(event);
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Asks the manager to stop the service and to end.
    pub(in crate::check) fn stop(&self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let _ = pid.map(|pid| rustix::process::kill_process(pid, Signal::TERM));
    }

    /// Waits for the manager to end, and takes in all it said.
    pub(in crate::check) fn end(&mut self) -> io::Result<ExitStatus> {
        self.stop();
        let status = self.child.wait();
        self.seen.extend(self.events.iter());
        status
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
