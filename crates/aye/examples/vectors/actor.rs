//! The service of a vector: its main process, its child, its control process. Each knows the vector by its number.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aye::verdict::State;
use aye::{Address, Environment, Notifier};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::vector::{Names, Sent, Vector};

/// Where the driver hears of the actors.
pub(crate) const REPORTS: &str = "/run/case/vectors";

const PATIENCE: Duration = Duration::from_secs(20);

/// Signals the actor outlives, so that the state it is in can be looked at.
const OUTLIVED: [i32; 2] = [15, 6]; // SIGTERM, SIGABRT

struct Actor<'v> {
    vector: &'v Vector,
    number: usize,
    notifier: Notifier,
    names: Names,
    child: Child,
    kept: File,
    /// Ends of pipes that stay open.
    open: Vec<OwnedFd>,
}

/// Acts as that process of the vector's service, for ever.
pub(crate) async fn act(role: &str, number: usize, vector: &Vector) -> io::Result<()> {
    if role == "child" {
        return child();
    }
    let mut go = signal(SignalKind::user_defined1())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let outlived: Vec<Signal> =
        OUTLIVED.into_iter().map(|number| signal(SignalKind::from_raw(number))).collect::<Result<_, _>>()?;
    let mut actor = Actor::new(vector, number)?;
    if role == "main" {
        actor.reach(&mut hangup).await?;
    }
    if role != "outside" {
        report(number, if role == "main" && vector.ground.is_controlled() { "main" } else { "ready" })?;
        go.recv().await;
    }
    let bytes =
        if vector.ground.sender == "other" { actor.send_by_child()? } else { actor.send(&vector.sent)? };
    actor.barrier()?;
    report(number, &format!("sent {} {}", hex(&bytes), actor.known()))?;
    let for_ever = std::future::pending::<()>();
    for_ever.await;
    drop((outlived, hangup, actor));
    Ok(())
}

/// Sends what it is given, if anything, and stays.
fn child() -> io::Result<()> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    let notifier = connect()?;
    notifier.send(&bytes).map_err(io::Error::other)?;
    notifier.barrier(PATIENCE).map_err(io::Error::other)?;
    io::stdout().write_all(b"done")?;
    io::stdout().flush()?;
    loop {
        std::thread::park();
    }
}

/// With NotifyAccess=none systemd tells nobody where its socket is.
fn connect() -> io::Result<Notifier> {
    match Notifier::from_environment(&Environment::of_process()).map_err(io::Error::other)? {
        Some(notifier) => Ok(notifier),
        None => Notifier::connect(&Address::Path(b"/run/systemd/notify")).map_err(io::Error::other),
    }
}

fn report(number: usize, text: &str) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.send_to(format!("{number} {} {text}", std::process::id()).as_bytes(), REPORTS)?;
    Ok(())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

impl<'v> Actor<'v> {
    fn new(vector: &'v Vector, number: usize) -> io::Result<Self> {
        let child = Command::new(std::env::current_exe()?)
            .args(["act", "child", &number.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).expect("a pid");
        let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?;
        let names = Names::from([
            ("MAIN", std::process::id().to_string()),
            ("CHILD", child.id().to_string()),
            ("CHILDHEX", format!("{:#x}", child.id())),
            ("CHILDID", rustix::fs::fstat(&pidfd)?.st_ino.to_string()),
            ("CONTROL", std::process::id().to_string()),
            ("FOREIGN", fs::read_to_string(format!("{REPORTS}.pid")).unwrap_or_default()),
        ]);
        Ok(Self { vector, number, notifier: connect()?, names, child, kept: file()?, open: vec![pidfd] })
    }

    fn known(&self) -> String {
        ["CHILD", "CHILDID"].map(|name| format!("{name}={}", self.names[name])).join(" ")
    }

    /// Brings the service to its ground.
    async fn reach(&mut self, hangup: &mut Signal) -> io::Result<()> {
        let ground = &self.vector.ground;
        if ground.kind.is_notify() && ground.state != State::Start {
            self.say(b"READY=1")?;
        }
        for sent in &ground.before {
            self.send(sent)?;
            self.barrier()?;
        }
        match ground.state {
            State::ReloadNotify => self.say(b"RELOADING=1"),
            State::StopSigterm => self.say(b"STOPPING=1"),
            State::ReloadSignal => {
                report(self.number, "main")?;
                hangup.recv().await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn say(&self, bytes: &[u8]) -> io::Result<()> {
        self.notifier.send(bytes).map_err(io::Error::other)?;
        self.barrier()
    }

    fn barrier(&self) -> io::Result<()> {
        self.notifier.barrier(PATIENCE).map_err(io::Error::other)
    }

    fn send(&mut self, sent: &Sent) -> io::Result<Vec<u8>> {
        self.names.insert("NOW", aye::monotonic_usec().to_string());
        let bytes = sent.bytes(&self.names);
        let fds = sent.fds.iter().map(|kind| self.open(kind)).collect::<io::Result<Vec<_>>>()?;
        let borrowed: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
        self.notifier.send_with_fds(&bytes, &borrowed).map_err(io::Error::other)?;
        Ok(bytes)
    }

    fn send_by_child(&mut self) -> io::Result<Vec<u8>> {
        let bytes = self.vector.sent.bytes(&self.names);
        let (input, output) = (self.child.stdin.take(), self.child.stdout.as_mut());
        input.expect("a pipe").write_all(&bytes)?;
        output.expect("a pipe").read_exact(&mut [0; 4])?;
        Ok(bytes)
    }

    fn open(&mut self, kind: &str) -> io::Result<OwnedFd> {
        let pidfd = |pid: u32| {
            let pid = rustix::process::Pid::from_raw(pid.cast_signed()).expect("a pid");
            rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())
        };
        Ok(match kind {
            "kept" => self.kept.as_fd().try_clone_to_owned()?,
            "pipe" | "hung" => {
                let (reader, writer) = rustix::pipe::pipe()?;
                if kind == "pipe" {
                    self.open.push(writer);
                }
                reader
            }
            "pidfd-main" => pidfd(std::process::id())?,
            "pidfd-child" => pidfd(self.child.id())?,
            _ => file()?.into(),
        })
    }
}

/// A file that nothing else is.
fn file() -> io::Result<File> {
    Ok(rustix::fs::memfd_create("aye", rustix::fs::MemfdFlags::CLOEXEC)?.into())
}
