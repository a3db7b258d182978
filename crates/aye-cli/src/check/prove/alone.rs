//! The service as from a shell: its program without a manager, which must neither crash, nor hang, nor complain of that.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use aye_bus::duration;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::look;
use super::report::Verdict;
use super::scenario::OF_A_MANAGER;
use super::stage::Stage;
use super::stand::{ALONE, MANAGE};

/// How long a program that was to crash for want of a manager is given for it, besides the time it took to get ready.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long it may take to end.
const NO_LIMIT: Duration = Duration::from_secs(90);

/// Words in a complaint about the manager that is not there.
const COMPLAINTS: [&str; 4] = ["NOTIFY_SOCKET", "sd_notify", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// What came of it.
pub(super) struct Alone {
    pub(super) verdict: Verdict,
    pub(super) seen: String,
    pub(super) advice: &'static str,
}

fn alone(verdict: Verdict, seen: impl Into<String>, advice: &'static str) -> Alone {
    Alone { verdict, seen: seen.into(), advice }
}

/// Runs the program for a little longer than it took to get ready, then ends it.
pub(super) fn run(stage: &Stage, ready: Duration) -> io::Result<Alone> {
    let service = &stage.service;
    if !service.sockets.is_empty() || !service.environment_files.is_empty() {
        return Ok(alone(Verdict::Skip, "it needs its socket unit or EnvironmentFile=", ""));
    }
    let variables = &service.environment;
    let value = |name: &str| {
        let own = variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        own.or_else(|| std::env::var(name).ok())
    };
    let words = service.exec_start.argv(&value);
    let mut command = Command::new("/proc/self/exe");
    command.arg(MANAGE).arg(ALONE).arg(std::process::id().to_string());
    command
        .arg(&service.exec_start.executable)
        .args(words.iter().skip(1))
        .envs(variables.iter().map(|(key, value)| (key, value)));
    for variable in OF_A_MANAGER {
        command.env_remove(variable);
    }
    if let Some(path) = service.working_directory.as_ref().and_then(|folder| folder.path.as_ref()) {
        command.current_dir(path);
    }
    command
        .stdin(Stdio::null())
        .stdout(File::options().write(true).open("/dev/null")?)
        .stderr(Stdio::piped());
    // A group of its own, so that nothing of it is left, however it ends.
    let mut child = command.process_group(0).spawn()?;
    let number = child.id();
    let pid = i32::try_from(number).ok().and_then(Pid::from_raw);
    let _group = Group(pid);
    let errors = child.stderr.take();
    let (end, ended) = channel();
    let (tell, told) = channel();
    thread::spawn(move || {
        let lines = errors.into_iter().flat_map(|errors| BufReader::new(errors).split(b'\n'));
        for line in lines.map_while(Result::ok) {
            let _ = tell.send(String::from_utf8_lossy(&line).into_owned());
        }
    });
    thread::spawn(move || end.send(child.wait()));
    let span = ready * 2 + PATIENCE;
    let limit = service.timeout_start.unwrap_or(NO_LIMIT);
    let early = ended_early(&ended, span, limit, || look::rests(number)).transpose()?;
    if let Some(status) = early {
        let lines: Vec<String> = told.try_iter().collect();
        // Runtimes put the error first, and a trace behind it.
        let error = lines.iter().find(|line| line.contains("rror")).or(lines.last());
        let last = error.map(|line| format!(": {line}")).unwrap_or_default();
        let advice = "send nothing where NOTIFY_SOCKET is not set, and go on";
        return Ok(alone(Verdict::Fail, format!("ended within {} ({status}){last}", duration(span)), advice));
    }
    let send = |signal| pid.map(|pid| kill_process(pid, signal));
    let _ = send(Signal::TERM);
    let limit = service.timeout_stop.unwrap_or(NO_LIMIT);
    let Ok(status) = ended.recv_timeout(limit) else {
        let _ = send(Signal::KILL);
        let seen = format!("still there {} after SIGTERM; killed", duration(limit));
        return Ok(alone(Verdict::Fail, seen, "end at SIGTERM without a manager, too"));
    };
    Ok(judged(span, status?, told.try_iter()))
}

/// What it ended with, if it did within `span`, or later but before it had come to rest: on a busy machine, what is to crash
/// may take long to get there.
fn ended_early<T>(
    ended: &Receiver<T>,
    span: Duration,
    limit: Duration,
    rests: impl Fn() -> bool,
) -> Option<T> {
    let until = Instant::now() + span + limit;
    let (mut patience, mut restful) = (span, 0);
    while restful < RESTFUL && Instant::now() < until {
        if let Ok(status) = ended.recv_timeout(patience) {
            return Some(status);
        }
        patience = BETWEEN_LOOKS;
        restful = if rests() { restful + 1 } else { 0 };
    }
    ended.try_recv().ok()
}

/// How often it has to be found at rest, and how far apart.
const RESTFUL: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// The processes of the program, which end with this.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.0.map(|leader| kill_process_group(leader, Signal::KILL));
    }
}

fn judged(span: Duration, status: ExitStatus, mut lines: impl Iterator<Item = String>) -> Alone {
    let complaint = lines.find(|line| COMPLAINTS.iter().any(|word| line.contains(word)));
    if let Some(line) = complaint {
        return alone(
            Verdict::Fail,
            format!("it complains: {line}"),
            "say nothing where NOTIFY_SOCKET is not set",
        );
    }
    let seen = format!("ran {} without NOTIFY_SOCKET, then ended by SIGTERM ({status})", duration(span));
    alone(Verdict::Pass, seen, "")
}
