//! `aye trace -- CMD`: CMD gets a notify socket of ours, and what comes there goes on to the manager, unchanged and before
//! anything is shown. For the manager this process is what CMD is: it gets its signals and ends as it did.

pub(super) mod fds;
mod folder;
mod judge;
mod outbox;
mod passage;
mod process;
pub(super) mod sink;
mod surroundings;
mod upstream;
mod view;

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::{Duration, SystemTime};

use aye::process::pidfd;
use aye::{Address, DESCRIPTOR_NAME, Environment, Notifier, Raw, Receiver};
use aye_manager::service;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::Args;
use super::scene::{Event, Happening, Passed, Said};
use crate::child::{Child, News};
use crate::exit::Exit;
use folder::Folder;
use judge::Judge;
use outbox::{Outbox, Sent};
use upstream::Upstream;
use view::View;

/// Runs CMD; returns only when that could not be.
pub(super) fn run(args: &Args) -> Exit {
    match trace(args) {
        Ok(status) => aye::process::end_as(status),
        Err(error) => {
            crate::complain(format_args!("aye trace: {error}"));
            Exit::Failed
        }
    }
}

fn trace(args: &Args) -> Result<ExitStatus, String> {
    let environment = Environment::of_process();
    let target = view::target(args)?;
    let failed = |error: io::Error| format!("cannot make a notify socket: {error}");
    let (folder, receiver) = Folder::open().map_err(failed)?;
    rustix::io::ioctl_fionbio(&receiver, true).map_err(|error| failed(error.into()))?;
    let _ = receiver.pass_pidfds(false); // there are none before Linux 6.5, and no use for them here
    let inherited = take_descriptor(&environment, folder.address())?;
    let (upstream, broken) = Upstream::find(&environment, inherited).unzip();
    let change: [(&OsStr, Option<&OsStr>); 1] = [("NOTIFY_SOCKET".as_ref(), Some(folder.address()))];
    let started = monotonic();
    let child = Child::start(&args.command, &change)
        .map_err(|error| format!("cannot start {}: {error}", args.command[0].display()))?;
    let mut relay = Relay::new(args, child, receiver, upstream, target, started);
    if let Some(error) = broken.flatten() {
        relay.note(format!("nothing can be passed on for now: {error}"));
    }
    let status = relay.run().map_err(|error| format!("cannot go on: {error}"));
    drop(folder);
    status
}

/// The descriptor named `notify` that this process was handed leads to the manager: CMD gets one that leads here in its place.
fn take_descriptor(environment: &Environment, address: &OsStr) -> Result<Option<OwnedFd>, String> {
    let names = environment.listen_names(std::process::id()).map_err(|error| error.to_string())?;
    let Some(index) = names.iter().position(|name| name == DESCRIPTOR_NAME) else {
        return Ok(None);
    };
    let failed = |error: io::Error| format!("cannot replace the descriptor named {DESCRIPTOR_NAME}: {error}");
    let number = aye::listen::FIRST + i32::try_from(index).unwrap_or(i32::MAX - aye::listen::FIRST);
    let theirs = aye::listen::passed(number).map_err(failed)?;
    let address = Address::parse(address.as_encoded_bytes()).map_err(|error| error.to_string())?;
    let ours = Notifier::connect(&address).map_err(|error| error.to_string())?.into_socket();
    let ours = ours.ok_or_else(|| failed(io::ErrorKind::Unsupported.into()))?;
    aye::listen::replace(number, ours.as_fd()).map_err(failed)?;
    Ok(Some(theirs))
}

/// A trace under way.
#[derive(Debug)]
struct Relay {
    child: Child,
    receiver: Receiver,
    judge: Judge,
    outbox: Outbox,
    view: View,
    started: Duration,
    /// A datagram that is not on its way yet, because the manager's queue is full.
    held: Option<Said>,
    noted_withheld: bool,
    status: Option<ExitStatus>,
    /// The process that has taken CMD's place as the main one (MAINPID=).
    successor: Option<(u32, OwnedFd)>,
}

impl Relay {
    fn new(
        args: &Args,
        mut child: Child,
        receiver: Receiver,
        upstream: Option<Upstream>,
        target: Option<std::fs::File>,
        started: Duration,
    ) -> Self {
        let words: Vec<_> = args.command.iter().map(|word| word.to_string_lossy()).collect();
        let known = surroundings::learn(words.join(" "), upstream.as_ref().map(Upstream::name));
        let own = std::process::id();
        let main = known.main.filter(|main| *main != own).unwrap_or(child.pid());
        child.gets_directly(std::os::unix::process::parent_id(), known.for_all);
        let judge = Judge::new(&known.scene, known.told, main, started);
        let outbox = Outbox::new(upstream, child.pid(), known.scene.version);
        let view = View::new(args, known.scene, target);
        let mut relay = Self {
            child,
            receiver,
            judge,
            outbox,
            view,
            started,
            held: None,
            noted_withheld: false,
            status: None,
            successor: None,
        };
        relay.show_at(Duration::ZERO, Happening::Began { pid: relay.child.pid() });
        known.note.into_iter().for_each(|note| relay.note(note));
        relay
    }

    fn run(mut self) -> io::Result<ExitStatus> {
        let status = loop {
            let awaited = self.wait()?;
            if awaited.signals {
                self.heed()?;
            }
            if awaited.room {
                self.go_on();
            }
            self.hear()?;
            if let Some(due) = self.view.next_wake().filter(|due| *due <= self.now()) {
                self.view.wake(self.now().max(due));
            }
            if let Some(status) = self.status.filter(|_| self.is_over(awaited.successor)) {
                break status;
            }
        };
        let at = self.now();
        self.view.finish(at);
        Ok(status)
    }

    /// CMD has ended, what it said is passed on, and nobody has taken its place.
    fn is_over(&self, successor_ended: bool) -> bool {
        self.held.is_none() && (self.successor.is_none() || successor_ended)
    }

    /// Waits until there is something to do.
    fn wait(&self) -> io::Result<Awaited> {
        let signals = self.child.signals();
        let room = self.outbox.room().filter(|_| self.held.is_some());
        let mut fds = vec![PollFd::new(&signals, PollFlags::IN)];
        // While a datagram is held, the others wait in the queue.
        fds.push(match room {
            Some(room) => PollFd::from_borrowed_fd(room, PollFlags::OUT),
            None => PollFd::new(&self.receiver, PollFlags::IN),
        });
        if let Some((_, pidfd)) = self.successor.as_ref().filter(|_| self.status.is_some()) {
            fds.push(PollFd::new(pidfd, PollFlags::IN));
        }
        let timeout = self.view.next_wake().map(|due| timespec(due.saturating_sub(self.now())));
        match poll(&mut fds, timeout.as_ref()) {
            Err(Errno::INTR) => {}
            result => drop(result?),
        }
        let is_there = |index: usize| fds.get(index).is_some_and(|fd| !fd.revents().is_empty());
        Ok(Awaited { signals: is_there(0), room: room.is_some() && is_there(1), successor: is_there(2) })
    }

    /// Hands on signals, and learns of CMD's end.
    fn heed(&mut self) -> io::Result<()> {
        // Before the program can have heard of it: what it says of a reload must not be older than that.
        let now = monotonic();
        while let Some(news) = self.child.next()? {
            match news {
                News::HandedOn(signal) => {
                    self.judge.signalled(signal, now);
                    if self.status.is_some() {
                        self.held = None; // there is nobody left to hand it to: whoever ends us means it
                        self.successor = None;
                    }
                    self.show(Happening::Signalled(signal));
                }
                News::Children => {
                    // What they said goes on in their names as long as these are theirs.
                    self.hear()?;
                    if let Some(status) = self.child.reap()? {
                        return self.ended(status);
                    }
                }
            }
        }
        Ok(())
    }

    fn ended(&mut self, status: ExitStatus) -> io::Result<()> {
        // What it said comes before.
        self.hear()?;
        self.status = Some(status);
        let successor = self.judge.main().filter(|main| *main != self.child.pid());
        self.successor = successor.and_then(|main| Some((main, pidfd(main).ok()?)));
        if self.successor.is_none() {
            let exit = status.signal().map_or_else(
                || service::Exit::Code(status.code().unwrap_or_default()),
                |signal| service::Exit::Signal(signal, status.core_dumped()),
            );
            self.judge.ended(exit, monotonic());
        }
        self.show(Happening::Ended(Some(status)));
        Ok(())
    }

    /// Takes what has come, as long as it can be passed on.
    fn hear(&mut self) -> io::Result<()> {
        while self.held.is_none() {
            match self.receiver.receive_raw() {
                Ok(raw) => self.heard(raw),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn heard(&mut self, raw: Raw) {
        let (main, access) = (self.judge.main(), self.judge.access());
        let now = monotonic();
        let early = self.outbox.send_early(&raw, main, access);
        let heard = self.judge.hear(&raw, now);
        let Raw { bytes, fds, sender, .. } = raw;
        let sent =
            early.unwrap_or_else(|| self.outbox.send(&heard, sender, bytes.clone(), fds, main, access));
        let said = Said {
            bytes,
            sender,
            // After it has gone on: to look may take longer than to send.
            command: sender.and_then(|sender| process::command(sender.pid)),
            role: heard.role,
            fds: self.outbox.described(),
            outcome: heard.outcome,
            passed: Passed::Nowhere,
        };
        self.settle(said, sent);
    }

    fn go_on(&mut self) {
        if let Some(said) = self.held.take() {
            let sent = self.outbox.go_on();
            self.settle(said, sent);
        }
    }

    fn settle(&mut self, said: Said, sent: Sent) {
        let Sent::Done(passed) = sent else {
            self.held = Some(said);
            return;
        };
        let is_first = passed == Passed::Withheld && !self.noted_withheld;
        self.noted_withheld |= is_first;
        self.show(Happening::Said(Said { passed, ..said }));
        if self.outbox.was_changed() {
            self.note(
                "MAINPID= is not passed on: the manager takes this process for the one it names, and before systemd 254 it \
                 would not hear it any more"
                    .to_owned(),
            );
        }
        if is_first {
            self.note(
                "what its manager would refuse of its true sender is not passed on, because it would come from this \
                 process, which is the main one, and be accepted: only root can pass on a message under its sender's name, \
                 and only while that is there"
                    .to_owned(),
            );
        }
    }

    fn note(&mut self, note: String) {
        self.show(Happening::Note(note));
    }

    fn show(&mut self, what: Happening) {
        self.show_at(self.now(), what);
    }

    fn show_at(&mut self, at: Duration, what: Happening) {
        self.view.show(&Event { at, time: SystemTime::now(), what });
    }

    fn now(&self) -> Duration {
        monotonic().saturating_sub(self.started)
    }
}

/// What a wait was ended by.
#[derive(Debug, Clone, Copy)]
struct Awaited {
    signals: bool,
    room: bool,
    successor: bool,
}

fn monotonic() -> Duration {
    Duration::from_micros(aye::monotonic_usec())
}

fn timespec(span: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: span.subsec_nanos().into(),
    }
}
