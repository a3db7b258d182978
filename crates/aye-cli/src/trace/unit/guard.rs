//! The process that outlives a trace, however that ends: it holds the same socket, takes back what the trace did, and then
//! passes on what still comes to the socket until the start of the unit is over that was told of it. Its standard input is
//! the socket, its standard output the leash, whose end is the end of the trace.

use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aye_bus::{Manager, Signal, Signals, Where};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::signal::unix::{SignalKind, signal};

use super::clean::{self, is_over};
use super::folder::{Folder, Part, one_at_a_time};
use super::relay::Relay;
use super::{GUARD, PREFIX};
use crate::exit::Exit;

/// How often, and how far apart, a manager is looked for that is executing itself anew.
const TRIES: u32 = 50;
const BETWEEN: Duration = Duration::from_millis(200);

/// What the guard says when it watches, and when everything has been taken back.
const WATCHES: u8 = b'w';
const CLEAN: u8 = b'c';

/// The trace's end of the leash.
#[derive(Debug)]
pub(super) struct Leash {
    child: Child,
    stream: tokio::net::UnixStream,
}

impl Leash {
    /// Starts a guard over the folder and its socket, and waits until it watches.
    pub(super) async fn start(folder: &Folder, socket: OwnedFd) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new("/proc/self/exe");
        command.arg(format!("{PREFIX}{GUARD}")).arg(folder.name()).current_dir("/");
        command.stdin(Stdio::from(socket)).stdout(Stdio::from(OwnedFd::from(theirs))).stderr(Stdio::null());
        let child = command.spawn()?;
        // With it goes the other end of the leash, which is the guard's alone.
        drop(command);
        ours.set_nonblocking(true)?;
        let mut leash = Self { child, stream: tokio::net::UnixStream::from_std(ours)? };
        match leash.hear().await {
            Some(WATCHES) => Ok(leash),
            _ => Err(io::Error::other("the process that cleans up after the trace did not start")),
        }
    }

    /// The next word of the guard; `None` when it is gone. The wait may be given up.
    pub(super) async fn hear(&mut self) -> Option<u8> {
        let mut word = [0];
        self.stream.read_exact(&mut word).await.ok().map(|_| word[0])
    }

    /// Lets it go, and waits until it has taken everything back; whether it has.
    pub(super) async fn end(mut self) -> bool {
        let _ = self.stream.shutdown().await;
        let clean = self.hear().await == Some(CLEAN);
        // One that goes on passing messages on is not waited for; one that was killed leaves no zombie.
        let _ = self.child.try_wait();
        clean
    }
}

/// The guard's own run.
pub(super) fn run(folder: &Folder) -> Exit {
    // The terminal's signals and its hang-up are for the trace.
    let _ = rustix::process::setsid();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Exit::Failed;
    };
    match runtime.block_on(guard(folder)) {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Failed,
    }
}

async fn guard(folder: &Folder) -> io::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let _hangup = signal(SignalKind::hangup())?;
    let trace = folder.hold(Part::Trace)?;
    let _serve = folder.hold(Part::Serve)?;
    let mut relay = Relay::new(io::stdin().as_fd().try_clone_to_owned()?)?;
    let leash = UnixStream::from(io::stdout().as_fd().try_clone_to_owned()?);
    leash.set_nonblocking(true)?;
    let mut leash = tokio::net::UnixStream::from_std(leash)?;
    leash.write_all(&[WATCHES]).await?;
    let told_to_end = tokio::select! {
        // Nothing is ever sent: this is the trace's end.
        _ = leash.read_u8() => false,
        _ = term.recv() => true,
    };
    let manager = take_back(folder, &mut relay).await;
    drop(trace);
    let _ = leash.write_all(&[CLEAN]).await;
    drop(leash);
    let _ = io::stdout().flush();
    if !told_to_end && let Some(manager) = manager {
        let served = serve(folder, &mut relay, manager);
        tokio::select! {
            served = served => served?,
            // The session or the machine goes down: the path leads to the manager, which is all that can be left.
            _ = term.recv() => return relay.drain(),
        }
        folder.remove()?;
    }
    relay.drain()
}

/// Takes everything back. What came before the path led to the manager goes first.
async fn take_back(folder: &Folder, relay: &mut Relay) -> Option<Manager> {
    let _ = relay.drain();
    let one = one_at_a_time().ok()?;
    let changed = clean::take_back(folder).unwrap_or(true);
    let _ = relay.drain();
    let manager = find().await?;
    if changed {
        let _ = manager.reload().await;
    }
    // Whoever was started before the files were read anew was told of our path.
    if let Some(ground) = clean::ground_of(&manager, folder).await
        && let Some(invocation) = ground.invocation
    {
        let _ = folder.note_user(&invocation.to_string());
    }
    drop(one);
    Some(manager)
}

/// Passes on what comes from those who connected before, until the start of the unit is over.
async fn serve(folder: &Folder, relay: &mut Relay, mut manager: Manager) -> io::Result<()> {
    let user = folder.user();
    loop {
        let Ok(mut signals) = manager.watch().await else { return Ok(()) };
        loop {
            // Read after the signals flow: no end is missed.
            match clean::ground_of(&manager, folder).await {
                Some(ground) if is_over(&ground, user.as_deref()) => return Ok(()),
                _ => {}
            }
            if !passed_until_news(relay, &mut signals).await? {
                break;
            }
        }
        // The manager executes itself anew, and the connection ends with the old one.
        match find().await {
            Some(found) => manager = found,
            None => return Ok(()),
        }
    }
}

/// Passes messages on until the manager says that a unit has changed; `false` when it says nothing any more.
async fn passed_until_news(relay: &mut Relay, signals: &mut Signals) -> io::Result<bool> {
    loop {
        tokio::select! {
            ready = relay.ready() => {
                ready?;
                relay.drain()?;
            }
            signal = signals.next() => match signal {
                Ok(Signal::Changed { .. }) => return Ok(true),
                Ok(_) => {}
                Err(_) => return Ok(false),
            },
        }
    }
}

/// A connection to the manager; one that is executing itself anew is back in a moment.
pub(super) async fn find() -> Option<Manager> {
    for _ in 0..TRIES {
        if let Ok(manager) = Where::System.connect().await {
            return Some(manager);
        }
        tokio::time::sleep(BETWEEN).await;
    }
    None
}
