//! The commands that a user adds around each unit: run by the shell, in a process group of their own so that a Ctrl-C meant
//! for the run does not end them, and ended with that whole group when nobody waits for them any more.

use std::collections::VecDeque;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use super::report::{Hook, HookEnd};

/// How many of the last lines are kept.
const LINES: usize = 20;

/// What a hook is told about its unit, as AYE_UNIT, AYE_HOST, AYE_INDEX and AYE_TOTAL.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) unit: String,
    pub(super) host: String,
    /// From 1.
    pub(super) index: usize,
    pub(super) total: usize,
}

/// Runs a hook to its end. Dropped before that, it ends the hook and all that it started.
pub(super) async fn run(hook: Hook, command: String, subject: Subject) -> HookEnd {
    let began = Instant::now();
    let (outcome, output) = match start(&command, &subject) {
        Ok(group) => group.finish().await,
        Err(error) => (format!("cannot be started: {error}"), Vec::new()),
    };
    HookEnd { hook, ok: outcome.is_empty(), outcome, took: began.elapsed(), output }
}

fn start(command: &str, subject: &Subject) -> io::Result<Group> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).process_group(0);
    shell.env("AYE_UNIT", &subject.unit).env("AYE_HOST", &subject.host);
    shell.env("AYE_INDEX", subject.index.to_string()).env("AYE_TOTAL", subject.total.to_string());
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = shell.spawn()?;
    let id = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
    Ok(Group { child, id })
}

/// A shell and all that it started, which share a process group.
struct Group {
    child: Child,
    /// `None` once the shell is reaped: its number could be somebody else's from then on.
    id: Option<Pid>,
}

impl Group {
    /// What a process that the hook left behind writes is not waited for.
    async fn finish(mut self) -> (String, Vec<String>) {
        let mut output = VecDeque::new();
        let (out, err) = (self.child.stdout.take(), self.child.stderr.take());
        let (Some(out), Some(err)) = (out, err) else {
            return ("its output was not to be had".to_owned(), Vec::new());
        };
        let (mut out, mut err) = (lines(out), lines(err));
        let (mut out_open, mut err_open) = (true, true);
        let status = loop {
            tokio::select! {
                biased;
                line = out.next_line(), if out_open => out_open = keep(&mut output, line),
                line = err.next_line(), if err_open => err_open = keep(&mut output, line),
                status = self.child.wait() => break status,
            }
        };
        self.id = None;
        (outcome(status), output.into())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

fn lines<R: AsyncRead + Unpin>(stream: R) -> tokio::io::Lines<BufReader<R>> {
    BufReader::new(stream).lines()
}

/// Keeps a line, and says whether there can be more. Bytes that are no text end the reading, not the hook.
fn keep(output: &mut VecDeque<String>, line: io::Result<Option<String>>) -> bool {
    let Ok(Some(line)) = line else {
        return false;
    };
    if output.len() == LINES {
        output.pop_front();
    }
    output.push_back(line);
    true
}

/// Empty for success.
fn outcome(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) if status.success() => String::new(),
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("exited with {code}"),
            (None, Some(signal)) => format!("killed by signal {signal}"),
            (None, None) => status.to_string(),
        },
        Err(error) => format!("cannot be waited for: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn subject() -> Subject {
        Subject { unit: "web@1.service".to_owned(), host: "box".to_owned(), index: 1, total: 8 }
    }

    async fn ran(command: &str) -> (bool, String, Vec<String>) {
        let end = run(Hook::Before, command.to_owned(), subject()).await;
        (end.ok, end.outcome, end.output)
    }

    #[tokio::test]
    async fn says_how_a_hook_failed_and_what_it_wrote() {
        let (ok, outcome, output) = ran("echo draining; echo 'no such backend' >&2; exit 3").await;
        assert_eq!((ok, outcome.as_str()), (false, "exited with 3"));
        assert!(output.contains(&"draining".to_owned()) && output.contains(&"no such backend".to_owned()));
        assert_eq!(ran("kill -KILL $$").await.1, "killed by signal 9");
    }

    #[tokio::test]
    async fn tells_a_hook_which_unit_it_is_about() {
        let (ok, _, output) = ran(r#"echo "$AYE_UNIT $AYE_HOST $AYE_INDEX/$AYE_TOTAL""#).await;
        assert!(ok);
        assert_eq!(output, ["web@1.service box 1/8"]);
    }

    #[tokio::test]
    async fn keeps_the_last_lines_of_many() {
        let (_, _, output) = ran("i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo $i; done").await;
        assert_eq!((output.len(), output.last().map(String::as_str)), (LINES, Some("100")));
    }

    #[tokio::test]
    async fn does_not_wait_for_what_a_hook_left_behind() {
        let end = tokio::time::timeout(Duration::from_secs(20), ran("sleep 1000 & echo $!")).await;
        let (ok, _, output) = end.expect("a hook that has ended is over");
        assert!(ok);
        let left = Pid::from_raw(output[0].parse().unwrap()).unwrap();
        rustix::process::kill_process(left, Signal::KILL).unwrap();
    }

    #[tokio::test]
    async fn a_hook_that_nobody_waits_for_is_ended_with_all_that_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
        let command = format!("exec 9>{}; sleep 1000 & wait", fifo.display());
        let hook = tokio::spawn(run(Hook::Check, command, subject()));
        // Opening it waits for the hook, reading it to the end for the last process that has it.
        let opened = tokio::task::spawn_blocking(move || std::fs::File::open(fifo)).await.unwrap();
        hook.abort();
        let read = tokio::task::spawn_blocking(move || io::read_to_string(opened.unwrap())).await.unwrap();
        assert_eq!(read.unwrap(), "");
    }
}
