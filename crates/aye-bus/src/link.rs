//! The child that carries a connection: ssh, or the bridge into a machine, on one end of a socket pair. It lives as
//! long as the connection; what it wrote to stderr is why the connection ended.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::net::Shutdown;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::watch;
use tokio::time::timeout;

/// How much of the end of stderr is kept.
const KEPT: usize = 4096;

/// How many of its last lines are shown.
const SHOWN: usize = 3;

/// How long the child may take to say its last words once its end of the connection is closed.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long the child may take to end once it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// What is known of a child that carries a connection.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    program: String,
    stderr: Arc<Mutex<VecDeque<u8>>>,
    ended: watch::Receiver<Option<End>>,
}

/// How the child ended.
#[derive(Debug)]
struct End {
    success: bool,
    /// Its last words, and its exit status.
    reason: String,
}

/// Ends the child when it is dropped. Whoever holds the connection's stream holds this.
#[derive(Debug)]
pub(crate) struct Leash {
    group: Arc<Mutex<Option<Pid>>>,
    _alive: watch::Sender<()>,
}

impl Drop for Leash {
    fn drop(&mut self) {
        signal(&self.group, Signal::TERM);
    }
}

impl Link {
    /// Starts the command, with its stdin and stdout on the other end of the stream that is returned. It is in a
    /// process group of its own: the Ctrl-C of a terminal is not for it.
    pub(crate) fn start(line: &[String]) -> std::io::Result<(Self, UnixStream, Leash)> {
        let (program, arguments) = line.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut command = Command::new(program);
        command.args(arguments).process_group(0).kill_on_drop(true).stderr(Stdio::piped());
        // For the bridge into a machine, which up to 252 writes its errors to the journal otherwise.
        command.env("SYSTEMD_LOG_TARGET", "console");
        command.stdin(OwnedFd::from(theirs.try_clone()?)).stdout(OwnedFd::from(theirs));
        let mut child = command.spawn()?;
        // The command holds the other end, too, and its end must be seen here.
        drop(command);
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let group = Arc::new(Mutex::new(group));
        let end = ours.try_clone()?;
        let stderr = Arc::new(Mutex::new(VecDeque::new()));
        let (alive, leash) = watch::channel(());
        let (ended_sender, ended) = watch::channel(None);
        let link = Self { program: program.clone(), stderr, ended };
        let pipe = child.stderr.take();
        let keeper = Keeper { child, group: group.clone(), link: link.clone(), end };
        tokio::spawn(keeper.keep(pipe, leash, ended_sender));
        Ok((link, UnixStream::from_std(ours)?, Leash { group, _alive: alive }))
    }

    /// Why the child ended; `None` while it runs.
    pub(crate) fn ended(&self) -> Option<String> {
        self.ended.borrow().as_ref().map(|end| end.reason.clone())
    }

    /// Why the connection over this child has ended: its last words, for which it is given a moment.
    pub(crate) async fn reason(&self) -> String {
        let mut ended = self.ended.clone();
        let told = timeout(LAST_WORDS, ended.wait_for(Option::is_some)).await;
        match told {
            Ok(Ok(end)) => end.as_ref().map(|end| end.reason.clone()).unwrap_or_default(),
            _ => self.words().unwrap_or_else(|| format!("{} closed the connection", self.program)),
        }
    }

    /// Why a connection could not be made over this child: its last words when it failed by itself, else what showed.
    pub(crate) async fn blame(&self, showed: Showed) -> String {
        let mut ended = self.ended.clone();
        if !showed.silent
            && let Ok(Ok(end)) = timeout(LAST_WORDS, ended.wait_for(Option::is_some)).await
            && let Some(end) = end.as_ref().filter(|end| !end.success)
        {
            return end.reason.clone();
        }
        match self.words() {
            Some(words) => format!("{words} ({})", showed.reason),
            None => showed.reason,
        }
    }

    /// The last lines the child wrote, as one; `None` when it was silent.
    pub(crate) fn words(&self) -> Option<String> {
        let mut kept = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        last_lines(&String::from_utf8_lossy(kept.make_contiguous()))
    }
}

/// The task that waits for the child.
struct Keeper {
    child: Child,
    group: Arc<Mutex<Option<Pid>>>,
    link: Link,
    /// Our end of the socket pair, once more.
    end: std::os::unix::net::UnixStream,
}

impl Keeper {
    async fn keep(
        mut self,
        pipe: Option<ChildStderr>,
        mut leash: watch::Receiver<()>,
        ended: watch::Sender<Option<End>>,
    ) {
        let stderr = self.link.stderr.clone();
        let mut reading = tokio::spawn(async move {
            if let Some(pipe) = pipe {
                collect(pipe, &stderr).await;
            }
        });
        let status = tokio::select! {
            status = self.child.wait() => status,
            // Nothing is ever sent: this is the leash being dropped.
            _ = leash.changed() => self.end().await,
        };
        self.group.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A process that the child left behind may hold the other end: only this makes the reader see the end now.
        let _ = rustix::net::shutdown(&self.end, Shutdown::Both);
        // And it may hold stderr: what is there by now is all that is waited for.
        if timeout(LAST_WORDS / 4, &mut reading).await.is_err() {
            reading.abort();
        }
        let success = status.as_ref().is_ok_and(ExitStatus::success);
        let end = status.map_or_else(|error| error.to_string(), |status| outcome(&self.link.program, status));
        let reason = self.link.words().map_or_else(|| end.clone(), |words| format!("{words} ({end})"));
        ended.send_replace(Some(End { success, reason }));
    }

    /// Waits for a child that was asked to end, as long as is decent.
    async fn end(&mut self) -> std::io::Result<ExitStatus> {
        if let Ok(status) = timeout(GRACE, self.child.wait()).await {
            return status;
        }
        signal(&self.group, Signal::KILL);
        self.child.wait().await
    }
}

/// How it showed that a connection could not be made.
#[derive(Debug)]
pub(crate) struct Showed {
    pub(crate) reason: String,
    /// Nothing was said for too long; otherwise it ended, or something other than D-Bus was said.
    silent: bool,
}

impl Showed {
    pub(crate) fn broken(reason: String) -> Self {
        Self { reason, silent: false }
    }

    pub(crate) fn silent(reason: String) -> Self {
        Self { reason, silent: true }
    }
}

fn signal(group: &Mutex<Option<Pid>>, signal: Signal) {
    let group = *group.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(group) = group {
        // It may have ended in this moment.
        let _ = kill_process_group(group, signal);
    }
}

async fn collect(mut pipe: ChildStderr, kept: &Mutex<VecDeque<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(length @ 1..) = pipe.read(&mut buffer).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&buffer[..length]);
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }
}

/// The last lines that say something, on one line. What ssh merely notes in passing is left out.
fn last_lines(text: &str) -> Option<String> {
    let clean = |line: &str| line.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned();
    let says = |line: &String| {
        line.contains(char::is_alphanumeric) && !line.starts_with("Warning: Permanently added")
    };
    let lines: Vec<String> = text.lines().map(clean).filter(says).collect();
    let shown = &lines[lines.len().saturating_sub(SHOWN)..];
    (!shown.is_empty()).then(|| shown.join("; "))
}

fn outcome(program: &str, status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("{program} exited with {code}"),
        (None, Some(signal)) => format!("{program} was killed by signal {signal}"),
        (None, None) => format!("{program} ended"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_and_decoration_are_no_words() {
        assert_eq!(last_lines(""), None);
        assert_eq!(last_lines("@@@@@@@\r\n\r\n"), None);
        assert_eq!(
            last_lines("Warning: Permanently added 'a' (ED25519) to the list of known hosts.\r\n"),
            None
        );
    }

    #[test]
    fn the_last_lines_are_the_words_and_control_characters_are_not() {
        let text = "banner\r\none\r\ntwo\r\n\u{1b}[31mHost key verification failed.\r\n";
        assert_eq!(last_lines(text).unwrap(), "one; two; [31mHost key verification failed.");
    }
}
