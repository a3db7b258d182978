//! One run at a time for each manager: a kernel lock on a file of the machine the manager runs on, gone with the process that
//! held it, however it ended. Two runs over the same units would each count the other's stopped ones as healthy.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use aye_bus::Where;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::args::LockWait;

/// Where the lock of a system manager is; a user manager's is in its runtime directory.
const FILE: &str = "/run/aye-restart.lock";

/// Takes the lock on a host with flock(1) and holds it until its input ends or is silent for 20 s: sshd alone would hold on to
/// a client that was unplugged for hours. Says `locked` when it has it, `none` where there is no lock to be had: a user that
/// may not write there, or a host without flock(1).
const REMOTE: &str = r#"
file=$1 wait=$2
[ "$file" ] || file="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/aye-restart.lock"
none() { echo none; exec cat >/dev/null; }
command -v flock >/dev/null || none
{ true >>"$file"; } 2>/dev/null || [ -r "$file" ] || none
exec 9<"$file"
case $wait in
now) flock -n 9 ;;
ever) flock 9 ;;
*) flock -w "$wait" 9 ;;
esac || { cat <&9; exit 75; }
{ echo $$ >"$file"; } 2>/dev/null
echo locked
while [ "$(timeout 20 dd bs=64 count=1 2>/dev/null | wc -c)" -gt 0 ]; do :; done
"#;

/// How often a host hears that we are still there.
const BEAT: Duration = Duration::from_secs(5);

/// For how long a lock that was lost with its link is waited for: until the host has given up what was ours.
const OUR_OWN: Duration = Duration::from_secs(30);

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: Option<File>,
    remote: Option<Remote>,
}

/// A lock on a host: the ssh that holds it, and what tells it that we are there.
#[derive(Debug)]
struct Remote {
    _ssh: Child,
    beats: JoinHandle<()>,
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.beats.abort();
    }
}

/// Why the lock was not to be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(
        "another `aye restart` is at work on {place} (pid {holder}); wait until it has ended, as --lock-wait does"
    )]
    Held { place: String, holder: String },
    #[error("cannot lock {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("cannot lock {place}: {reason}")]
    Remote { place: String, reason: String },
}

impl Lock {
    /// Takes the lock of this manager. Where the caller has no place to put a lock that all others would look at (the system
    /// manager, asked by a user through polkit before root ever made the file), there is none.
    pub(super) async fn take(place: &Where, wait: Option<LockWait>) -> Result<Self, Error> {
        if let Where::Host(_) = place {
            return remote(place, wait).await;
        }
        let Some(path) = path(place) else {
            return Ok(Self::none());
        };
        let (place, file) = (place.to_string(), path.clone());
        // The kernel's own queue: a thread waits there, and is left waiting when its time is over.
        let taking = blocking(move || local(&file, wait.is_some()));
        let taken = match wait {
            Some(LockWait(Some(limit))) => {
                tokio::time::timeout(limit, taking).await.unwrap_or(Err(Trouble::Held(None)))
            }
            _ => taking.await,
        };
        match taken {
            Ok(lock) => Ok(lock),
            Err(Trouble::Held(holder)) => {
                Err(Error::Held { place, holder: holder.unwrap_or_else(|| holder_of(&path)) })
            }
            Err(Trouble::NoFile) => Ok(Self::none()),
            Err(Trouble::File(source)) => Err(Error::File { path, source }),
        }
    }

    /// Takes the lock of a host again whose link was lost, from ourselves.
    pub(super) async fn take_again(place: &Where) -> Result<Option<Self>, Error> {
        match place {
            Where::Host(_) => remote(place, Some(LockWait(Some(OUR_OWN)))).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Whether it is held here, whatever becomes of links.
    pub(super) fn is_local(&self) -> bool {
        self.remote.is_none()
    }

    fn none() -> Self {
        Self { _file: None, remote: None }
    }
}

enum Trouble {
    Held(Option<String>),
    NoFile,
    File(io::Error),
}

/// On a thread that nothing waits for at the end of the process.
async fn blocking(work: impl FnOnce() -> Result<Lock, Trouble> + Send + 'static) -> Result<Lock, Trouble> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || drop(sender.send(work())));
    receiver.await.unwrap_or_else(|_| Err(Trouble::File(io::Error::other("the thread that locks has ended"))))
}

fn path(place: &Where) -> Option<PathBuf> {
    match place {
        Where::System => Some(FILE.into()),
        Where::User => {
            std::env::var_os("XDG_RUNTIME_DIR").map(|dir| PathBuf::from(dir).join("aye-restart.lock"))
        }
        Where::Embedded(dir) => Some(dir.join("restart.lock")),
        Where::Machine(_) => rustix::process::geteuid().is_root().then(|| system_file(place).into()),
        _ => None,
    }
}

/// The file of a system manager on its host: there is one for each machine, too.
fn system_file(place: &Where) -> String {
    match place.machine() {
        Some(machine) => format!("/run/aye-restart.{machine}.lock"),
        None => FILE.to_owned(),
    }
}

fn local(path: &Path, wait: bool) -> Result<Lock, Trouble> {
    let mut file = open(path)?;
    let operation =
        if wait { FlockOperation::LockExclusive } else { FlockOperation::NonBlockingLockExclusive };
    let locked = loop {
        match flock(&file, operation) {
            Err(Errno::INTR) => {}
            other => break other,
        }
    };
    match locked {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Err(Trouble::Held(Some(holder(&mut file)))),
        Err(error) => return Err(Trouble::File(error.into())),
    }
    // The pid is for those who wait; a user who may only read the file holds the lock all the same.
    if file.set_len(0).is_ok() {
        let _ = writeln!(file, "{}", std::process::id());
    }
    Ok(Lock { _file: Some(file), remote: None })
}

/// Made by whoever comes first and may; others can lock what they can read.
fn open(path: &Path) -> Result<File, Trouble> {
    let mut options = OpenOptions::new();
    let opened = options.read(true).write(true).create(true).truncate(false).open(path);
    let opened = match opened {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => File::open(path),
        other => other,
    };
    let shared = path == Path::new(FILE);
    opened.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied if shared => Trouble::NoFile,
        _ => Trouble::File(error),
    })
}

fn holder_of(path: &Path) -> String {
    File::open(path).map_or_else(|_| "unknown".to_owned(), |mut file| holder(&mut file))
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    match read {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}

async fn remote(place: &Where, wait: Option<LockWait>) -> Result<Lock, Error> {
    let failed = |reason: String| Error::Remote { place: place.to_string(), reason };
    let file = if place.is_user() { String::new() } else { system_file(place) };
    let wait = match wait {
        None => "now".to_owned(),
        Some(LockWait(None)) => "ever".to_owned(),
        Some(LockWait(Some(limit))) => seconds(limit),
    };
    let mut command: Command = place.command("sh", &["-c", REMOTE, "sh", &file, &wait]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let mut line = String::new();
    if let Some(out) = &mut child.stdout {
        BufReader::new(out).read_line(&mut line).await.map_err(|error| failed(error.to_string()))?;
    }
    match line.trim() {
        "locked" | "none" => return Ok(Lock { _file: None, remote: Some(Remote::of(child)) }),
        _ => {}
    }
    let ended = child.wait_with_output().await.map_err(|error| failed(error.to_string()))?;
    match ended.status.code() {
        Some(75) => {
            let holder = Some(line.trim()).filter(|pid| !pid.is_empty()).unwrap_or("unknown").to_owned();
            Err(Error::Held { place: place.to_string(), holder })
        }
        _ => Err(failed(String::from_utf8_lossy(&ended.stderr).trim().to_owned())),
    }
}

impl Remote {
    fn of(mut ssh: Child) -> Self {
        let stdin = ssh.stdin.take();
        let beats = tokio::spawn(async move {
            let mut beats = tokio::time::interval(BEAT);
            if let Some(mut stdin) = stdin {
                while stdin.write_all(b"\n").await.is_ok() {
                    beats.tick().await;
                }
            }
        });
        Self { _ssh: ssh, beats }
    }
}

/// As flock(1) reads it.
fn seconds(span: Duration) -> String {
    format!("{}.{:03}", span.as_secs(), span.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_run_is_told_who_holds_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let place = Where::Embedded(dir.path().to_owned());
        let _held = Lock::take(&place, None).await.unwrap();
        let short = LockWait(Some(Duration::from_millis(20)));
        for wait in [None, Some(short)] {
            let Err(Error::Held { holder, .. }) = Lock::take(&place, wait).await else {
                panic!("locked twice")
            };
            assert_eq!(holder, std::process::id().to_string());
        }
    }

    #[tokio::test]
    async fn a_run_that_waits_goes_on_when_the_other_has_ended() {
        let dir = tempfile::tempdir().unwrap();
        let place = Where::Embedded(dir.path().to_owned());
        let held = Lock::take(&place, None).await.unwrap();
        let other = place.clone();
        let waiting = tokio::spawn(async move { Lock::take(&other, Some(LockWait(None))).await.map(drop) });
        tokio::task::yield_now().await;
        drop(held);
        waiting.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_lock_ends_with_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let place = Where::Embedded(dir.path().to_owned());
        drop(Lock::take(&place, None).await.unwrap());
        Lock::take(&place, None).await.unwrap();
    }

    #[tokio::test]
    async fn a_missing_directory_is_an_error_that_names_the_file() {
        let place = Where::Embedded("/nonexistent".into());
        let error = Lock::take(&place, None).await.unwrap_err().to_string();
        assert!(error.starts_with("cannot lock /nonexistent/restart.lock"), "{error}");
    }

    /// The script that runs on hosts, run here.
    fn remote_script(file: &Path, wait: &str) -> std::process::Command {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", REMOTE, "sh"]).arg(file).arg(wait);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    #[test]
    fn the_script_on_a_host_takes_the_lock_that_a_run_there_takes() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("lock");
        let free = remote_script(&file, "now").output().unwrap();
        assert_eq!(String::from_utf8_lossy(&free.stdout), "locked\n");
        let held = local(&file, false).unwrap_or_else(|_| panic!("held by a process that has ended"));
        for wait in ["now", "0.020"] {
            let refused = remote_script(&file, wait).output().unwrap();
            assert_eq!(refused.status.code(), Some(75), "{refused:?}");
            assert_eq!(String::from_utf8_lossy(&refused.stdout).trim(), std::process::id().to_string());
        }
        drop(held);
    }

    #[test]
    fn the_script_says_where_there_is_no_lock_to_be_had() {
        let none = remote_script(Path::new("/nonexistent/lock"), "now").output().unwrap();
        assert_eq!(String::from_utf8_lossy(&none.stdout), "none\n");
    }
}
