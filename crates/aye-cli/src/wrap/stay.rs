//! `aye wrap` beside the program: one loop over signals, probes, output and time, which does what the keeper says.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use aye::{Environment, Notifier};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;

use super::attempt::attempt;
use super::ends::Newline;
use super::keeper::{Action, Keeper, Plan};
use super::lookup::Lookup;
use super::news::{self, Listener, News, Teller, thread};
use super::output::{Output, Taken};
use super::ports::{self, Ports};
use super::probe::{Event, Probe, speaks_at};
use super::socket::Socket;
use super::{Args, Main};
use crate::child::{Child, News as Signalled};
use crate::exit::Exit;

/// After `--ready-timeout`, from SIGTERM to SIGKILL.
const TO_KILL: Duration = Duration::from_secs(10);

/// What the program has written is passed on for as long as this when it has ended.
const TO_DRAIN: Duration = Duration::from_secs(5);

/// What asks a service to end. SIGQUIT is not among them: it has a Java machine write down its threads, and go on.
const STOPS: [Signal; 2] = [Signal::TERM, Signal::INT];

struct Stay {
    child: Child,
    notifier: Option<Notifier>,
    keeper: Keeper,
    probes: Vec<Probe>,
    triers: Vec<Option<Sender<()>>>,
    listener: Listener,
    newlines: Vec<Newline>,
    socket: Option<Socket>,
    s6: Option<OwnedFd>,
    output: Option<Output>,
    says_stopping: bool,
    gave_up: bool,
    kill_at: Option<Instant>,
}

/// Ends as the program ended. Returns when it could not be started or was given up.
pub(super) fn stay(args: Args) -> Exit {
    let status = match begin(args) {
        Ok(mut stay) => match stay.until_the_end() {
            Ok(_) if stay.gave_up => return Exit::Failed,
            Ok(status) => status,
            Err(error) => return failed(&format!("cannot wait for the program: {error}")),
        },
        Err(error) => return failed(&error),
    };
    aye::process::end_as(status)
}

fn failed(error: &str) -> Exit {
    crate::complain(format_args!("aye wrap: {error}"));
    Exit::Failed
}

fn begin(args: Args) -> Result<Stay, String> {
    let environment = Environment::of_process();
    let watchdog = environment.watchdog(std::process::id()).map_err(|error| error.to_string())?;
    let s6 = args.s6_notify.map(|number| {
        aye::listen::adopt(number)
            .map_err(|_| format!("--s6-notify {number}: no descriptor {number} was passed to aye: give the number of notification-fd"))
    });
    let s6 = s6.transpose()?;
    let mut ready = args.ready_on.clone();
    if s6.is_some() && ready.is_empty() && args.alive_on.is_empty() {
        ready.push("notify".parse()?);
    }
    // Before anything else is opened, which might take a number that the program was promised.
    let mut newlines = newlines(ready.iter().chain(&args.alive_on))?;
    let notifier = Notifier::from_environment(&environment).map_err(|error| error.to_string())?;
    if notifier.is_none() && s6.is_none() {
        crate::complain("aye wrap: $NOTIFY_SOCKET is not set: nobody waits for the probes");
    }
    let plan = plan(&args, &ready, watchdog.filter(|_| notifier.is_some()));
    let probes: Vec<Probe> = ready.into_iter().chain(args.alive_on).collect();
    let before = Ports::before();
    let socket = speaks_at(probes.iter())?.map(Socket::open).transpose()?;
    let progress = args.extend_at_most.is_some();
    let listens = progress || probes.iter().any(|probe| matches!(probe.event(), Some(Event::Log(_))));
    let taken = if listens {
        Some(Taken::take().map_err(|error| format!("cannot open pipes: {error}"))?)
    } else {
        None
    };
    let child = start(&args.command, socket.as_ref())?;
    newlines.iter_mut().for_each(Newline::close_write);
    // What was passed is the program's, and no probe's.
    let _ = aye::listen::keep_standard_only();
    if ports::state(child.pid()).is_none() {
        crate::complain(format_args!(
            "aye wrap: cannot read /proc/{}/stat: a program that is stopped will not be noticed",
            child.pid()
        ));
    }
    let told = |error| format!("cannot start a thread: {error}");
    let (teller, listener) = news::line().map_err(told)?;
    let patterns: Vec<_> = probes
        .iter()
        .enumerate()
        .filter_map(|(index, probe)| match probe.event() {
            Some(Event::Log(pattern)) => Some((index, pattern.clone())),
            _ => None,
        })
        .collect();
    let output = taken.map(|taken| taken.pass_on(&patterns, &teller, progress)).transpose().map_err(told)?;
    let ports = Arc::new(Ports::of(child.pid(), before));
    let trier =
        |(index, probe): (usize, &Probe)| trier(index, probe, &ports, args.timeout, &teller).map_err(told);
    let triers = probes.iter().enumerate().map(trier).collect::<Result<_, _>>()?;
    let keeper = Keeper::new(plan, Instant::now());
    let stay = Stay {
        child,
        notifier,
        keeper,
        probes,
        triers,
        listener,
        newlines,
        socket,
        s6,
        output,
        says_stopping: false,
        gave_up: false,
        kill_at: None,
    };
    if args.main == Main::Child {
        stay.say(&format!("MAINPID={}\nNOTIFYACCESS=all", stay.child.pid()));
    }
    Ok(stay)
}

fn plan(args: &Args, ready: &[Probe], watchdog: Option<Duration>) -> Plan {
    let all = || ready.iter().chain(&args.alive_on);
    Plan {
        names: all().map(ToString::to_string).collect(),
        tried: all().map(|probe| probe.event().is_none()).collect(),
        ready: ready.len(),
        interval: args.interval,
        grace: args.grace,
        ready_timeout: args.ready_timeout,
        extend_at_most: args.extend_at_most,
        watchdog,
    }
}

fn newlines<'p>(probes: impl Iterator<Item = &'p Probe>) -> Result<Vec<Newline>, String> {
    let mut newlines: Vec<Newline> = Vec::new();
    for probe in probes {
        if let Some(Event::Newline(number)) = probe.event()
            && !newlines.iter().any(|newline| newline.number == *number)
        {
            newlines.push(Newline::open(*number)?);
        }
    }
    Ok(newlines)
}

/// The manager's socket is aye's to speak on, and the heartbeat aye's to send.
fn start(command: &[OsString], socket: Option<&Socket>) -> Result<Child, String> {
    let mut change: Vec<(&OsStr, Option<&OsStr>)> =
        vec![(OsStr::new("NOTIFY_SOCKET"), socket.map(|socket| OsStr::new(&socket.address)))];
    change.push((OsStr::new("WATCHDOG_PID"), None));
    if socket.is_none() {
        change.push((OsStr::new("WATCHDOG_USEC"), None));
    }
    Child::start(command, &change)
        .map_err(|error| format!("cannot start a process by way of /proc/self/exe: {error}"))
}

/// A thread that tries the probe whenever it is asked to.
fn trier(
    index: usize,
    probe: &Probe,
    ports: &Arc<Ports>,
    limit: Duration,
    teller: &Teller,
) -> std::io::Result<Option<Sender<()>>> {
    let Some(target) = probe.target().cloned() else {
        return Ok(None);
    };
    let (asks, asked) = channel();
    let (ports, teller) = (Arc::clone(ports), teller.clone());
    thread(move || {
        let mut lookup = Lookup::default();
        while asked.recv().is_ok() {
            teller.tell(News::Answered(index, attempt(&target, &mut lookup, &ports, limit)));
        }
    })?;
    Ok(Some(asks))
}

impl Stay {
    fn until_the_end(&mut self) -> std::io::Result<ExitStatus> {
        loop {
            while let Some(news) = self.child.next()? {
                match news {
                    Signalled::HandedOn(number) => self.handed_on(number),
                    Signalled::Children => {
                        if let Some(status) = self.child.reap()? {
                            self.end(status);
                            return Ok(status);
                        }
                    }
                }
            }
            let now = Instant::now();
            self.hear(now);
            let runs = ports::runs(self.child.pid());
            for action in self.keeper.due(now, runs) {
                self.act(action);
            }
            if self.kill_at.is_some_and(|at| at <= now) {
                self.kill_at = None;
                let _ = aye::process::send(self.child.pid(), Signal::KILL.as_raw());
            }
            self.wait();
        }
    }

    /// Until something happens or is due.
    fn wait(&self) {
        let until = self.keeper.wake().into_iter().chain(self.kill_at).min();
        let limit = until.map(|until| until.saturating_duration_since(Instant::now()));
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let signals = self.child.signals();
        let mut fds =
            vec![PollFd::new(&signals, PollFlags::IN), PollFd::new(&*self.listener.wake, PollFlags::IN)];
        fds.extend(self.newlines.iter().map(|newline| PollFd::new(&newline.read, PollFlags::IN)));
        fds.extend(self.socket.iter().map(|socket| PollFd::new(&socket.receiver, PollFlags::IN)));
        let _ = poll(&mut fds, limit.as_ref()); // interrupted: the loop looks at everything anyway
    }

    fn hear(&mut self, now: Instant) {
        for news in self.listener.heard() {
            let actions = match news {
                News::Answered(probe, answer) => self.keeper.answered(probe, answer, now),
                News::Progress => self.keeper.progress(now),
                News::Happened(probe) => {
                    self.keeper.happened(probe);
                    self.keeper.progress(now)
                }
                News::OutputEnded => Vec::new(),
            };
            for action in actions {
                self.act(action);
            }
        }
        self.hear_newlines();
        self.hear_messages();
    }

    fn hear_newlines(&mut self) {
        let mut written = Vec::new();
        self.newlines.retain(|newline| match newline.newline() {
            Some(true) => {
                written.push(newline.number);
                true
            }
            Some(false) => true,
            None => false,
        });
        self.happened(|event| matches!(event, Event::Newline(number) if written.contains(number)), 0);
    }

    fn hear_messages(&mut self) {
        while let Some(message) = self.socket.as_ref().and_then(|socket| socket.next(self.child.pid())) {
            let is_notify = |event: &Event| matches!(event, Event::Notify(_));
            let beats = message.contains("WATCHDOG=1") && self.keeper.is_ready();
            if message.contains("READY=1") || beats {
                self.happened(is_notify, 0);
            }
            if let Some(status) = message.value("STATUS") {
                self.say_bytes(&[b"STATUS=", status].concat());
            }
        }
    }

    fn happened(&mut self, is: impl Fn(&Event) -> bool, from: usize) {
        for index in from..self.probes.len() {
            if self.probes[index].event().is_some_and(&is) {
                self.keeper.happened(index);
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Try(probe) => {
                if let Some(trier) = &self.triers[probe] {
                    let _ = trier.send(()); // it ends with this process only
                }
            }
            Action::Say(text) => self.say(&text),
            // The reader of the descriptor may be gone; the program is ready all the same.
            Action::Ready => drop(self.s6.take().map(|s6| rustix::io::write(s6.as_fd(), b"\n"))),
            Action::GiveUp(missing) => self.give_up(&missing),
        }
    }

    fn give_up(&mut self, missing: &str) {
        crate::complain(format_args!("aye wrap: not ready in time, {missing}: ending the program"));
        self.say(&format!("STATUS=not ready in time, {}", missing.replace('\n', " ")));
        self.gave_up = true;
        let _ = aye::process::send(self.child.pid(), Signal::TERM.as_raw());
        let _ = aye::process::send(self.child.pid(), Signal::CONT.as_raw());
        self.kill_at = Some(Instant::now() + TO_KILL);
    }

    fn handed_on(&mut self, number: i32) {
        if STOPS.iter().any(|stop| stop.as_raw() == number) {
            self.stopping("stopping");
        }
    }

    fn stopping(&mut self, status: &str) {
        self.keeper.stop();
        if !std::mem::replace(&mut self.says_stopping, true) {
            self.say(&format!("STOPPING=1\nSTATUS={status}"));
        }
    }

    fn end(&mut self, status: ExitStatus) {
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => format!("the program ended with status {code}"),
            (_, Some(signal)) => format!("the program was ended by signal {signal}"),
            _ => "the program ended".to_owned(),
        };
        if !self.gave_up {
            self.stopping(&how);
        }
        let Some(output) = &self.output else {
            return;
        };
        output.end();
        let until = Instant::now() + TO_DRAIN;
        while !output.is_over() && Instant::now() < until {
            let _ = self.listener.news.recv_timeout(Duration::from_millis(5));
        }
    }

    fn say(&self, text: &str) {
        self.say_bytes(text.as_bytes());
    }

    /// A heartbeat is followed by another, so it waits for nobody; where the manager is gone there is nobody to tell.
    fn say_bytes(&self, message: &[u8]) {
        if let Some(notifier) = &self.notifier {
            let _ =
                if message == b"WATCHDOG=1" { notifier.try_send(message) } else { notifier.send(message) };
        }
    }
}
