//! `cmd:COMMAND`: a shell's exit status. Whoever waits for children here waits for all of them (see child), so the status
//! comes by a pipe: a shell around the command writes it there.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use super::attempt::{left, reason};
use crate::child::BECOME;

/// What a probe must not speak for or take: it is not the service.
const NOT_ITS: [&str; 7] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "LISTEN_FDNAMES",
];

/// Runs the command in a process group of its own, which is killed when the time is over. What it writes goes to standard
/// error.
pub(super) fn run(text: &str, until: Instant) -> Result<(), String> {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("aye").args([BECOME, "0", "/bin/sh", "-c", "/bin/sh -c \"$0\" >&2; echo $?", text]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
    for variable in NOT_ITS {
        command.env_remove(variable);
    }
    let mut shell = command.spawn().map_err(|error| reason(&error))?;
    let Some(mut pipe) = shell.stdout.take() else {
        return Err("no pipe".to_owned());
    };
    let mut said = String::new();
    while !said.ends_with('\n') {
        let limit = left(until).ok().and_then(|left| Timespec::try_from(left).ok());
        let ready = match limit {
            Some(limit) => poll(&mut [PollFd::new(&pipe, PollFlags::IN)], Some(&limit)),
            None => Ok(0),
        };
        if ready == Ok(0) {
            let group = i32::try_from(shell.id()).ok().and_then(Pid::from_raw);
            let _ = group.map(|group| kill_process_group(group, Signal::KILL));
            return Err("took too long".to_owned());
        }
        let mut buffer = [0; 16];
        match pipe.read(&mut buffer) {
            Ok(0) => return Err("was killed".to_owned()),
            Ok(length) => said.push_str(&String::from_utf8_lossy(&buffer[..length])),
            Err(error) => return Err(reason(&error)),
        }
    }
    match said.trim() {
        "0" => Ok(()),
        status => Err(format!("exit status {status}")),
    }
}
