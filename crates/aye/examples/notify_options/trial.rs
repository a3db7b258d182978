//! One command against one receiver: what arrived, from whom, and how the command ended.

use std::fmt::{self, Write as _};
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aye::{Address, Datagram, Received, Receiver};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tempfile::TempDir;

use super::rows::Row;

/// Nothing here takes as long; whatever does has hung.
const PATIENCE: Duration = Duration::from_secs(20);

/// A receiver in a folder of its own.
pub(crate) struct Trial {
    folder: TempDir,
    receiver: Receiver,
}

/// What was seen of a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record {
    lines: Vec<String>,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "    {line}"))
    }
}

impl Trial {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
        open(folder.path());
        let socket = folder.path().join("notify");
        let receiver = Receiver::bind(&Address::Path(socket.as_os_str().as_bytes())).unwrap();
        open(&socket);
        rustix::io::ioctl_fionbio(&receiver, true).unwrap();
        Self { folder, receiver }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the program with the row's arguments to its end, and, where a child stays behind, to the child's barrier.
    pub(crate) fn run(&self, program: &[&str], row: &Row, leaves_a_child: bool) -> Record {
        let before = aye::monotonic_usec();
        let mut child = self.start(program, row);
        let awaits = leaves_a_child && row.lingers;
        let mut lines = Vec::new();
        let ended = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap();
        // Now: it may have ended, and be forgotten, when its messages are looked at.
        let own = Own { pid: child.id(), id: rustix::fs::fstat(&ended).unwrap().st_ino };
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.wait(&ended, deadline, row);
            // In this order: what is sent before the end is there when the end has been seen.
            let code = child.try_wait().unwrap();
            while let Some(line) = self.hear(own, before) {
                lines.push(line);
            }
            let silent = lines.is_empty();
            let barrier = lines.iter().any(|line| line.starts_with("BARRIER=1"));
            if let Some(status) = code.filter(|_| !awaits || barrier || silent) {
                lines.extend(output(&mut child, own.pid));
                lines.push(format!("exit {}", status.code().unwrap_or(-1)));
                return Record { lines };
            }
        }
    }

    fn wait(&self, ended: &OwnedFd, deadline: Instant, row: &Row) {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout =
            Timespec { tv_sec: left.as_secs().try_into().unwrap(), tv_nsec: left.subsec_nanos().into() };
        let mut events = [PollFd::new(&self.receiver, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
        let seen = poll(&mut events, Some(&timeout)).unwrap();
        assert!(seen > 0, "{row}: it did not come to its end within {PATIENCE:?}");
    }

    /// The program becomes the process that is started here, so that its PID is known.
    fn start(&self, program: &[&str], row: &Row) -> Child {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{}exec \"$@\" {}", row.before, row.redirections)).arg("sh");
        if row.as_nobody {
            command.args(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]);
        }
        command.args(program).args(&row.arguments);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
            .env("CALLER", std::process::id().to_string())
            .env("LANG", "C.UTF-8")
            .current_dir(self.folder());
        match row.socket {
            "" => {}
            "notify" => drop(command.env("NOTIFY_SOCKET", self.folder().join("notify"))),
            other => drop(command.env("NOTIFY_SOCKET", other)),
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn hear(&self, own: Own, since: u64) -> Option<String> {
        match self.receiver.receive() {
            Ok(Received::Datagram(datagram)) => Some(described(&datagram, own, since)),
            Ok(Received::Dropped(why, _)) => Some(format!("dropped: {why}")),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => panic!("cannot receive: {error}"),
        }
    }
}

/// The process that is looked at, by the numbers that it and only it had.
#[derive(Debug, Clone, Copy)]
struct Own {
    pid: u32,
    /// The inode number of its pidfd.
    id: u64,
}

/// What the command wrote, numbers of processes apart.
fn output(child: &mut Child, own: u32) -> Vec<String> {
    let mut text = String::new();
    io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut text).unwrap();
    let normal = |line: &str| match line.parse::<u32>() {
        Ok(pid) if pid == own => "its PID".to_owned(),
        // --fork says whom it started.
        Ok(pid) if pid > 99 => "the PID of another".to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(|line| format!("stdout: {}", normal(line))).collect()
}

fn described(datagram: &Datagram, own: Own, since: u64) -> String {
    let text = String::from_utf8_lossy(&datagram.bytes);
    let lines: Vec<String> = text.split('\n').map(|line| normal(line, own, since)).collect();
    let sender = datagram.sender;
    let mut described =
        format!("{} from {} {}:{}", lines.join(" | "), who(sender.pid, own.pid), sender.uid, sender.gid);
    let mut fds: Vec<String> = datagram.fds.iter().map(what).collect();
    // One name is for all of them: they have no order.
    fds.sort();
    if !fds.is_empty() {
        let _ = write!(described, " with {}", fds.join(" "));
    }
    described
}

/// Numbers that differ from run to run, once they are seen to be right, become words.
fn normal(line: &str, own: Own, since: u64) -> String {
    let Some((key, value)) = line.split_once('=') else { return line.to_owned() };
    let number = value.parse::<u64>().ok();
    match (key, number) {
        ("MONOTONIC_USEC", Some(usec)) if (since..=aye::monotonic_usec()).contains(&usec) => {
            "MONOTONIC_USEC=now".to_owned()
        }
        ("MAINPID", Some(pid)) => format!("MAINPID={}", who(u32::try_from(pid).unwrap_or(0), own.pid)),
        ("MAINPIDFDID", Some(id)) => {
            let known =
                [(Some(own.id), "itself"), (pidfd_id(std::process::id()), "caller"), (pidfd_id(1), "1")];
            let of = known.into_iter().find(|(known, _)| *known == Some(id));
            format!("MAINPIDFDID=of {}", of.map_or("nobody", |(_, name)| name))
        }
        _ => line.to_owned(),
    }
}

fn pidfd_id(pid: u32) -> Option<u64> {
    let pidfd = pidfd_open(Pid::from_raw(i32::try_from(pid).ok()?)?, PidfdFlags::empty()).ok()?;
    rustix::fs::fstat(&pidfd).ok().map(|status| status.st_ino)
}

fn who(pid: u32, own: u32) -> String {
    match pid {
        pid if pid == own => "itself".to_owned(),
        pid if pid == std::process::id() => "caller".to_owned(),
        1 => "1".to_owned(),
        _ => "another".to_owned(),
    }
}

/// The file behind a descriptor; pipes have numbers.
fn what(fd: &OwnedFd) -> String {
    let path = fs::read_link(format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd())).unwrap();
    let path = path.to_str().unwrap();
    if path.starts_with("pipe:") { "a pipe".to_owned() } else { path.to_owned() }
}
