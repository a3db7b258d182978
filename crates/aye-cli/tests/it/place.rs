//! The one builder of these tests: a place with a folder of units and a runtime directory of its own, the binary run
//! in it, and a manager whose every line can be awaited. Whatever a test starts, the place can tell if it is left.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use tempfile::TempDir;

/// Nothing here takes as long; whatever does has hung.
const PATIENCE: Duration = Duration::from_secs(20);

/// A service's end of the notify socket on descriptor 3, and a program that stays.
pub(crate) const READY: &str = "OpenFile=/run/systemd/notify:notify\nType=notify\n\
    ExecStart=/bin/sh -c 'printf READY=1 >&3; exec sleep 1000'\n";

pub(crate) struct Place {
    dir: TempDir,
}

/// What a finished run left to see.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("aye-it-").tempdir().unwrap();
        fs::create_dir(dir.path().join("units")).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn units(&self) -> PathBuf {
        self.dir.path().join("units")
    }

    pub(crate) fn runtime(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// Writes a unit file whose `[Service]` section is `service`.
    pub(crate) fn service(self, name: &str, service: &str) -> Self {
        self.file(name, &format!("[Service]\n{service}"))
    }

    /// Writes a file into the folder of units.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        let path = self.units().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// The binary, in the folder of units, with no manager's variables but the runtime directory.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aye"));
        command.args(arguments).current_dir(self.units()).stdin(Stdio::null());
        for variable in
            ["NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "MANAGERPID"]
        {
            command.env_remove(variable);
        }
        command.env("AYE_RUNTIME_DIR", self.runtime()).env("NO_COLOR", "1");
        command
    }

    /// The same by way of another program, which becomes it.
    pub(crate) fn command_through(&self, before: &[&str], arguments: &[&str]) -> Command {
        let aye = self.command(arguments);
        let mut command = Command::new(before[0]);
        command.args(&before[1..]).arg(aye.get_program()).args(aye.get_args());
        command.current_dir(self.units()).stdin(Stdio::null());
        for (variable, value) in aye.get_envs() {
            match value {
                Some(value) => command.env(variable, value),
                None => command.env_remove(variable),
            };
        }
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn aye(&self, arguments: &[&str]) -> Outcome {
        self.outcome(self.command(arguments))
    }

    /// Runs any command to its end.
    pub(crate) fn outcome(&self, mut command: Command) -> Outcome {
        let output = command.output().unwrap();
        self.seen(output)
    }

    /// The same for a command that leaves a process behind which has its standard error: nobody waits for the end of that.
    pub(crate) fn outcome_without_stderr(&self, mut command: Command) -> Outcome {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        self.seen(child.wait_with_output().unwrap())
    }

    fn seen(&self, output: Output) -> Outcome {
        let text = |bytes: Vec<u8>| self.normal(&String::from_utf8(bytes).unwrap());
        Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The place is `PLACE`, wherever it is.
    fn normal(&self, text: &str) -> String {
        text.replace(self.dir.path().to_str().unwrap(), "PLACE")
    }

    /// The machine's own systemctl, talking to our manager as if it were the user's.
    pub(crate) fn systemctl(&self, arguments: &[&str]) -> Outcome {
        let mut command = Command::new("systemctl");
        command.arg("--user").arg("--no-pager").args(arguments);
        command.env("XDG_RUNTIME_DIR", self.runtime()).env("SYSTEMD_COLORS", "0").stdin(Stdio::null());
        command.env_remove("DBUS_SESSION_BUS_ADDRESS");
        self.outcome(command)
    }

    /// One property of a unit, as systemctl shows it.
    pub(crate) fn property(&self, unit: &str, name: &str) -> String {
        let shown = self.systemctl(&["show", "--value", "-p", name, unit]);
        assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""));
        shown.stdout.trim_end().to_owned()
    }

    /// Starts `aye run`.
    pub(crate) fn run(&self, arguments: &[&str]) -> Running<'_> {
        let mut all = vec!["run"];
        all.extend(arguments);
        self.start(self.command(&all))
    }

    /// Starts any command whose lines are awaited.
    pub(crate) fn start(&self, mut command: Command) -> Running<'_> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = read_lines(child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Running { place: self, child, lines, seen: Vec::new(), unmatched: Vec::new() }
    }

    /// The same, its standard output going where the command says.
    pub(crate) fn start_silently(&self, mut command: Command) -> Running<'_> {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = read_lines(std::io::empty(), child.stderr.take().unwrap());
        Running { place: self, child, lines, seen: Vec::new(), unmatched: Vec::new() }
    }

    /// Every process that carries this place in its environment or arguments, ours and this test's left out.
    pub(crate) fn processes(&self) -> HashSet<u32> {
        let needle = self.dir.path().as_os_str().as_bytes();
        let holds = |path: PathBuf| {
            fs::read(path).is_ok_and(|bytes| bytes.windows(needle.len()).any(|part| part == needle))
        };
        let numbers = fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let proc = |pid: u32| PathBuf::from(format!("/proc/{pid}"));
        numbers.filter(|&pid| holds(proc(pid).join("environ")) && !is_zombie(&proc(pid))).collect()
    }

    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        let left = self.processes();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

fn is_zombie(proc: &Path) -> bool {
    fs::read_to_string(proc.join("stat"))
        .is_ok_and(|stat| stat.rsplit_once(')').is_some_and(|(_, rest)| rest.starts_with(" Z")))
}

fn read_lines(stdout: impl Read + Send + 'static, stderr: ChildStderr) -> Receiver<String> {
    let (sender, lines) = channel();
    let other = sender.clone();
    let forward = |stream: Box<dyn Read + Send>, sender: std::sync::mpsc::Sender<String>| {
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
    };
    forward(Box::new(stdout), sender);
    forward(Box::new(stderr), other);
    lines
}

/// A process under way and what it has said, standard output and error together.
pub(crate) struct Running<'p> {
    place: &'p Place,
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    /// Which of them nobody has awaited.
    unmatched: Vec<usize>,
}

impl Running<'_> {
    /// Waits for a line with `text` that was not awaited before, and gives it. The two streams have no order between
    /// them, so a line may have come before one that was awaited.
    #[track_caller]
    pub(crate) fn says(&mut self, text: &str) -> String {
        if let Some(index) = self.unmatched.iter().position(|&index| self.seen[index].contains(text)) {
            return self.seen[self.unmatched.remove(index)].clone();
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let line = self.place.normal(&line);
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                    self.unmatched.push(self.seen.len() - 1);
                }
                Err(error) => panic!("never said {text:?} ({error}); said:\n{}", self.seen.join("\n")),
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Its exit code and all it said.
    #[track_caller]
    pub(crate) fn ends(mut self) -> (Option<i32>, Vec<String>) {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.seen.push(self.place.normal(&line));
        }
        await_exit(self.child.id());
        let code = self.child.wait().unwrap().code();
        (code, std::mem::take(&mut self.seen))
    }

    /// Ctrl-C, and what follows.
    #[track_caller]
    pub(crate) fn interrupted(self) -> (Option<i32>, Vec<String>) {
        self.signalled(Signal::INT)
    }

    #[track_caller]
    pub(crate) fn signalled(self, signal: Signal) -> (Option<i32>, Vec<String>) {
        self.signal(signal);
        self.ends()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // Only a test that failed comes here with a living child.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for left in self.place.processes() {
            let _ = Pid::from_raw(left.cast_signed()).map(|pid| kill_process(pid, Signal::KILL));
        }
    }
}

pub(crate) fn send(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
}

/// Waits for the end of a process that need not be a child.
#[track_caller]
pub(crate) fn await_exit(pid: u32) {
    let Ok(pidfd) = pidfd_open(Pid::from_raw(pid.cast_signed()).unwrap(), PidfdFlags::empty()) else {
        return; // gone and reaped
    };
    let patience = Timespec { tv_sec: PATIENCE.as_secs().cast_signed(), tv_nsec: 0 };
    let ended = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&patience)).unwrap();
    assert_eq!(ended, 1, "PID {pid} did not end");
}
