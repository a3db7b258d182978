//! One trace from its first word to its last: everything is looked at before anything is touched, the guard watches before
//! the first change, and it is the guard that takes all of it back.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use aye::verdict::Type;
use aye::{Address, NotifyAccess, Receiver};
use aye_bus::{Change, Error, Ground, JobResult, Manager, OwnedObjectPath, Signal, Signals, Verb, Where};

use super::folder::{Folder, Part, one_at_a_time};
use super::follow::Follow;
use super::guard::{self, Leash};
use super::relay::{Court, Relay, Whose};
use super::show::Show;
use super::{clean, drop_in, process, reach};
use crate::complain;
use crate::exit::Exit;
use crate::restart::interrupt::Interrupts;
use crate::trace::Args;
use crate::trace::scene::{Event, Happening, Scene};

/// Why a trace did not come about, or could not go on.
struct Trouble(Exit, String);

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let exit = match error {
            Error::Unreachable { .. } | Error::Lost { .. } => Exit::Unreachable,
            Error::Denied { .. } => Exit::NotPermitted,
            Error::NothingMatched { .. } => Exit::NothingMatched,
            _ => Exit::Failed,
        };
        Self(exit, error.to_string())
    }
}

fn cannot(doing: &str) -> impl FnOnce(io::Error) -> Trouble {
    let doing = doing.to_owned();
    move |error| Trouble(Exit::Failed, format!("cannot {doing}: {error}"))
}

/// Traces the unit.
pub(super) async fn run(unit: &str, args: &Args) -> Exit {
    match trace(unit, args).await {
        Ok(exit) => exit,
        Err(Trouble(exit, error)) => {
            complain(format_args!("aye trace: {error}"));
            exit
        }
    }
}

async fn trace(unit: &str, args: &Args) -> Result<Exit, Trouble> {
    let manager = Where::System.connect().await?;
    let path = manager.load(unit).await?;
    let mut reach = manager.reach(&path).await?;
    reach.environment_files.retain(|file| speaks_of_the_socket(file));
    if reach.load == "not-found" {
        return Err(Trouble(Exit::NothingMatched, format!("there is no unit {unit}")));
    }
    let version = manager.version().await?;
    let plan = reach::plan(unit, &reach, version).map_err(|why| Trouble(Exit::Failed, why))?;
    let file = file(args)?;
    // Before anything is changed: from now on an interruption is an end like any other.
    let mut interrupts = Interrupts::new().map_err(cannot("wait for signals"))?;
    let ground = manager.ground(&path).await?;
    let unit = ground.name.clone();
    let one = one_at_a_time().map_err(cannot("lock the folder of traces"))?;
    clean::sweep(&manager).await.map_err(|why| Trouble(Exit::Failed, why))?;
    refuse_a_second(&unit)?;
    let opened = Opened::open(&unit, &reach.root).await?;
    let text = drop_in::text(&opened.folder, &plan, drop_in::program().as_deref());
    let begun = begin(&unit, &opened.folder, &text, &manager).await;
    drop(one);
    let (job, signals) = match begun {
        Ok(begun) => begun,
        Err(trouble) => {
            let _ = opened.close().await;
            return Err(trouble);
        }
    };
    let show = Show::new(args, file, scene(&unit, version, &ground));
    let court = Court::new(manager.clone(), Whose::Unit(path.clone()), version);
    let relay = Relay::new(opened.socket.try_clone().map_err(cannot("hold the socket"))?);
    let relay = relay.map_err(cannot("reach the manager's notify socket"))?;
    let follow = Follow::new(&ground);
    let mut session = Session {
        manager,
        path,
        job: Some(job),
        failed: false,
        relay,
        court,
        follow,
        show,
        began: Instant::now(),
        opened,
    };
    let untold = (ground.access == "none").then(|| {
        "NotifyAccess=none: without the trace its processes are told of no notify socket at all".to_owned()
    });
    for note in plan.notes.into_iter().chain(untold) {
        session.tell(Happening::Note(note));
    }
    let ended = session.stream(signals, &mut interrupts).await;
    session.end(ended).await
}

/// The drop-in, read by the manager, and the restart.
async fn begin(
    unit: &str,
    folder: &Folder,
    text: &str,
    manager: &Manager,
) -> Result<(OwnedObjectPath, Signals), Trouble> {
    drop_in::write(unit, folder, text).map_err(cannot("write the drop-in"))?;
    manager.reload().await?;
    let signals = manager.watch().await?;
    let job = manager.enqueue(Verb::Restart, unit).await?;
    Ok((job, signals))
}

/// The file of `-o`.
fn file(args: &Args) -> Result<Option<File>, Trouble> {
    let open = |path: &PathBuf| {
        File::create(path).map_err(cannot(&format!("write the trace to {}", path.display())))
    };
    args.output.as_ref().map(open).transpose()
}

/// Whether an `EnvironmentFile=` has the one variable that is ours; it is merged after `Environment=`.
fn speaks_of_the_socket(file: &str) -> bool {
    std::fs::read(file).is_ok_and(|text| text.windows(14).any(|word| word == b"NOTIFY_SOCKET="))
}

fn refuse_a_second(unit: &str) -> Result<(), Trouble> {
    for folder in Folder::all().map_err(cannot("look at other traces"))? {
        let held = folder.is_held(Part::Trace).map_err(cannot("look at other traces"))?;
        if held && folder.unit().as_deref() == Some(unit) {
            return Err(Trouble(
                Exit::Locked,
                format!("{unit} is traced already: wait until that trace has ended"),
            ));
        }
    }
    Ok(())
}

fn scene(unit: &str, version: u16, ground: &Ground) -> Scene {
    Scene {
        subject: unit.to_owned(),
        unit: Some(unit.to_owned()),
        version,
        kind: Type::parse(&ground.kind).unwrap_or(Type::Simple),
        access: NotifyAccess::parse(&ground.access).unwrap_or(NotifyAccess::None),
        timeout_start: ground.start_timeout,
        timeout_stop: ground.stop_timeout,
        watchdog: ground.watchdog,
    }
}

/// The folder, the socket in it, and the guard over both.
struct Opened {
    folder: Folder,
    socket: OwnedFd,
    leash: Leash,
    trace: File,
}

impl Opened {
    async fn open(unit: &str, root: &str) -> Result<Self, Trouble> {
        let make = cannot("make a folder below /run/aye-trace");
        let folder = Folder::make(unit).map_err(make)?;
        let opened = Self::fill(folder.clone(), root).await;
        if opened.is_err() {
            let _ = folder.remove();
        }
        opened.map_err(cannot("open a notify socket"))
    }

    async fn fill(folder: Folder, root: &str) -> io::Result<Self> {
        if !root.is_empty() {
            folder.note_root(root)?;
        }
        let trace = folder.hold(Part::Trace)?;
        let path = folder.socket();
        let receiver = Receiver::bind(&Address::Path(path.as_os_str().as_bytes()))?;
        // Services of any user speak to it, as to the manager's.
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
        let socket = receiver.as_fd().try_clone_to_owned()?;
        let leash = Leash::start(&folder, socket.try_clone()?).await?;
        Ok(Self { folder, socket, leash, trace })
    }

    /// Has the guard take everything back; without one it is done here.
    async fn close(self) -> bool {
        let Self { folder, leash, trace, .. } = self;
        if leash.end().await {
            return true;
        }
        drop(trace);
        let Ok(_one) = one_at_a_time() else { return false };
        let changed = clean::take_back(&folder).unwrap_or(true);
        match guard::find().await {
            Some(manager) if changed => manager.reload().await.is_ok(),
            found => found.is_some(),
        }
    }
}

/// How the streaming came to its end.
enum Ended {
    Interrupted,
    /// The unit is down, and nothing is under way that would start it.
    Down,
    /// The manager or the socket cannot be had any more.
    Lost(String),
}

struct Session {
    manager: Manager,
    path: OwnedObjectPath,
    /// The restart, as long as it goes on.
    job: Option<OwnedObjectPath>,
    failed: bool,
    relay: Relay,
    court: Court,
    follow: Follow,
    show: Show,
    began: Instant,
    opened: Opened,
}

impl Session {
    fn tell(&mut self, what: Happening) {
        self.show.feed(&Event { at: self.began.elapsed(), time: SystemTime::now(), what });
    }

    async fn stream(&mut self, mut signals: Signals, interrupts: &mut Interrupts) -> Ended {
        loop {
            let wake = self.show.next_wake(self.began);
            let looked = tokio::select! {
                biased;
                _ = interrupts.next() => return Ended::Interrupted,
                ready = self.relay.ready() => match ready {
                    Ok(()) => self.hear().await,
                    Err(error) => Err(error),
                },
                signal = signals.next() => match signal {
                    Ok(signal) => match self.news(signal).await {
                        Some(ended) => return ended,
                        None => Ok(()),
                    },
                    Err(_) => match self.reconnect().await {
                        Some(found) => {
                            signals = found;
                            Ok(())
                        }
                        None => return Ended::Lost("the manager does not answer any more".to_owned()),
                    },
                },
                None = self.opened.leash.hear() => self.guard_again().await,
                () = show_wake(wake) => {
                    self.show.wake(self.began.elapsed());
                    Ok(())
                }
            };
            if let Err(error) = looked {
                return Ended::Lost(error.to_string());
            }
        }
    }

    /// Everything that has come.
    async fn hear(&mut self) -> io::Result<()> {
        while let Some(waiting) = self.relay.peek()? {
            // One that has ended is nobody's any more as soon as it is reaped: there is no time to ask the manager first.
            let ended = waiting.sender.is_some_and(|sender| process::is_dead(sender.pid));
            let early =
                (ended || self.court.knows(&waiting)).then(|| self.relay.pass(&waiting)).transpose()?;
            let mut said = self.court.hear(&waiting).await;
            said.passed = match early {
                Some(passed) => passed,
                None => self.relay.pass(&waiting)?,
            };
            self.tell(Happening::Said(said));
        }
        Ok(())
    }

    async fn news(&mut self, signal: Signal) -> Option<Ended> {
        let told = match signal {
            Signal::JobRemoved { job, result } => {
                if self.job.as_ref() != Some(&job) {
                    return None;
                }
                self.job = None;
                if result != JobResult::Done {
                    self.failed = true;
                    self.tell(Happening::Note(format!("the restart ended with: {result}")));
                }
                Change::default()
            }
            Signal::Changed { unit, change } if unit == self.path => change,
            _ => return None,
        };
        // What was said before it comes before it; last words, too, which came while the manager answered that all is over.
        let _ = self.hear().await;
        let ground = self.court.ground(None).await.ok()??;
        let _ = self.hear().await;
        for one in self.follow.news(&ground, &told) {
            self.tell(one);
        }
        let is_down = matches!(ground.active.as_str(), "inactive" | "failed");
        (self.job.is_none() && is_down).then_some(Ended::Down)
    }

    /// Another guard in place of one that was killed.
    async fn guard_again(&mut self) -> io::Result<()> {
        let socket = self.opened.socket.try_clone()?;
        self.opened.leash = Leash::start(&self.opened.folder, socket).await?;
        Ok(())
    }

    /// The manager again, after it has executed itself anew.
    async fn reconnect(&mut self) -> Option<Signals> {
        self.manager = guard::find().await?;
        let signals = self.manager.watch().await.ok()?;
        self.court.reconnect(self.manager.clone());
        Some(signals)
    }

    async fn end(mut self, ended: Ended) -> Result<Exit, Trouble> {
        // From here on the guard passes on what comes, and nobody looks at it.
        let _ = self.hear().await;
        let Self { mut show, opened, began, failed, .. } = self;
        let clean = opened.close().await;
        show.finish(began.elapsed());
        drop(show);
        if !clean {
            let text = "cannot take everything back: the next `aye trace` does".to_owned();
            return Err(Trouble(Exit::Failed, text));
        }
        match ended {
            Ended::Lost(why) => Err(Trouble(Exit::Failed, why)),
            Ended::Down if failed => Ok(Exit::Failed),
            Ended::Down | Ended::Interrupted => Ok(Exit::Done),
        }
    }
}

/// Waits until the timeline has something to say of itself.
async fn show_wake(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
