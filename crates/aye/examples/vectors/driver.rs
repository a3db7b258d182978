//! Sends every vector from a service of its own, and compares what systemd then shows and logs with the verdict and with
//! the vector's data. Each message is between two of the driver's own, which systemd refuses in a line of its journal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aye::message::Message;
use aye::verdict::{Judged, Role, State, Verdict, judge};
use aye::{Address, Notifier};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::actor::REPORTS;
use super::relay::Relay;
use super::vector::{Names, PROPERTIES, Shown, Vector, by_version, changes, from_hex};
use super::{Failure, journal};

/// As many services as are brought to their grounds side by side.
const BATCH: usize = 24;

/// One vector that was sent.
struct Seen {
    bytes: Vec<u8>,
    sender: String,
    names: Names,
    before: Shown,
    after: Shown,
}

/// What an actor reports.
struct Report {
    number: usize,
    pid: u32,
    words: String,
}

/// The processes of a service on its ground.
#[derive(Clone, Copy)]
struct Actors {
    main: u32,
    /// Its control process, where one holds it there, or the main one.
    last: u32,
}

pub(crate) struct Driver {
    version: u16,
    program: String,
    reports: UnixDatagram,
    marks: Notifier,
    /// The numbers of the vectors, in the order in which they were sent.
    marked: Vec<usize>,
    relay: Option<Relay>,
}

pub(crate) fn unit(number: usize) -> String {
    format!("vector-{number}.service")
}

fn systemctl<'a>(arguments: impl IntoIterator<Item = &'a str>) -> io::Result<String> {
    let output = Command::new("systemctl").args(arguments).stderr(Stdio::null()).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Driver {
    pub(crate) fn new(version: u16, relay: Option<Relay>) -> Result<Self, Failure> {
        // That of another run, which is over.
        let _ = fs::remove_file(REPORTS);
        let reports = UnixDatagram::bind(REPORTS)?;
        fs::set_permissions(REPORTS, fs::Permissions::from_mode(0o777))?;
        reports.set_read_timeout(Some(Duration::from_secs(15)))?;
        let program = std::env::current_exe()?.to_string_lossy().into_owned();
        Ok(Self {
            version,
            program,
            reports,
            marks: Notifier::connect(&Address::Path(b"/run/systemd/notify"))?,
            marked: Vec::new(),
            relay,
        })
    }

    /// Runs all; how many were for this version, and a line for each disagreement.
    pub(crate) fn run(&mut self, vectors: &[Vector]) -> Result<(usize, Vec<String>), Failure> {
        let heard = |vector: &Vector| self.relay.as_ref().is_none_or(|relay| relay.hears(vector));
        let is_mine = |vector: &Vector| vector.is_for(self.version) && heard(vector);
        let mine: Vec<(usize, &Vector)> =
            vectors.iter().enumerate().filter(|(_, vector)| is_mine(vector)).collect();
        for (number, vector) in &mine {
            fs::write(format!("/run/systemd/system/{}", unit(*number)), self.unit_file(*number, vector))?;
        }
        systemctl(["daemon-reload"])?;
        // One that said RELOADING=1 in a reload of ExecReload= stays reloading when both of its processes are killed at once.
        systemctl(["stop", "vector-*.service"])?;
        let cursor = journal::cursor()?;
        let mut seen = BTreeMap::new();
        for batch in mine.chunks(BATCH) {
            seen.extend(self.send_all(batch)?);
        }
        let journal = journal::since(&cursor, &self.marked)?;
        let mut failures = Vec::new();
        for (number, vector) in &mine {
            let complaints = match seen.get_mut(number) {
                Some(Ok(seen)) => {
                    let mut journal = journal.get(number).cloned().unwrap_or_default();
                    if let Some(relay) = &self.relay {
                        journal = relay.without_itself(vector, &seen.before, &mut seen.after, &journal);
                    }
                    let mut complaints = self.compare(vector, seen, &journal);
                    if let Some(relay) = &self.relay {
                        let expected = by_version(&vector.data["seen"], self.version).unwrap_or(&Value::Null);
                        complaints.extend(relay.compare(
                            *number,
                            vector,
                            &seen.bytes,
                            &seen.sender,
                            expected,
                        ));
                    }
                    complaints
                }
                Some(Err(error)) => vec![format!("it could not be run: {error}")],
                None => vec!["it was not run".to_owned()],
            };
            failures.extend(complaints.into_iter().map(|complaint| format!("{}: {complaint}", vector.name)));
        }
        Ok((mine.len(), failures))
    }

    /// Brings the services to their grounds side by side, and sends one message after another.
    fn send_all(
        &mut self,
        batch: &[(usize, &Vector)],
    ) -> Result<BTreeMap<usize, Result<Seen, String>>, Failure> {
        let units: Vec<String> = batch.iter().map(|(number, _)| unit(*number)).collect();
        let with = |words: &[&str]| systemctl(words.iter().copied().chain(units.iter().map(String::as_str)));
        let began = aye::monotonic_usec();
        with(&["start", "--no-block"])?;
        let mut actors = self.reach(batch)?;
        let before = show(&units)?;
        let mut all = BTreeMap::new();
        for ((number, vector), before) in batch.iter().zip(before) {
            let actor =
                actors.remove(number).ok_or_else(|| "its service never came to its ground".to_owned());
            let sent = actor.and_then(|actor| {
                self.send(*number, vector, actor, before, began).map_err(|e| e.to_string())
            });
            all.insert(*number, sent);
        }
        for ((number, _), after) in batch.iter().zip(show(&units)?) {
            if let Some(Ok(seen)) = all.get_mut(number) {
                seen.after = after;
            }
        }
        with(&["kill", "--signal=KILL"])?;
        Ok(all)
    }

    /// Waits until every service of the batch is on its ground; by number, its main process and who reported that.
    fn reach(&self, batch: &[(usize, &Vector)]) -> Result<BTreeMap<usize, Actors>, Failure> {
        let vectors: BTreeMap<usize, &Vector> = batch.iter().copied().collect();
        let mut mains = BTreeMap::new();
        let mut ready = BTreeMap::new();
        // Where a control process holds the service there, it may report before the main one does.
        let is_there =
            |(number, vector): &(usize, &Vector), mains: &BTreeMap<_, _>, ready: &BTreeMap<_, _>| {
                ready.contains_key(number) && (mains.contains_key(number) || !vector.ground.is_controlled())
            };
        while !batch.iter().all(|one| is_there(one, &mains, &ready)) {
            let Ok(report) = self.report() else { break };
            let Some(vector) = vectors.get(&report.number) else { continue };
            if report.words == "ready" {
                ready.insert(report.number, report.pid);
                continue;
            }
            let unit = unit(report.number);
            match vector.ground.state {
                State::Reload | State::ReloadSignal => systemctl(["reload", "--no-block", &unit])?,
                State::Stop | State::StopPost => systemctl(["stop", "--no-block", &unit])?,
                _ => String::new(),
            };
            mains.insert(report.number, report.pid);
        }
        let there = batch.iter().filter(|one| is_there(one, &mains, &ready));
        let actors = there.map(|(number, _)| {
            let last = ready[number];
            (*number, Actors { main: mains.get(number).copied().unwrap_or(last), last })
        });
        Ok(actors.collect())
    }

    fn unit_file(&self, number: usize, vector: &Vector) -> String {
        let (ground, program) = (&vector.ground, &self.program);
        let command = |role: &str| format!("{program} act {role} {number}");
        let before = self.relay.as_ref().map(|relay| relay.before_main(number)).unwrap_or_default();
        let mut file = format!(
            "[Service]\nType={}\nNotifyAccess={}\nExecStart={}\nFileDescriptorStoreMax={}\nTimeoutStartSec=90\nTimeoutStopSec=90\n",
            ground.kind.as_str(),
            ground.access.as_str(),
            format_args!("{before}{}", command("main")),
            ground.store_max
        );
        let control = match ground.state {
            State::StartPost => "ExecStartPost=",
            State::Reload => "ExecReload=",
            State::Stop => "ExecStop=",
            State::StopPost => "KillSignal=SIGKILL\nExecStopPost=",
            _ => "# ",
        };
        let _ = writeln!(file, "{control}{}", command("control"));
        if ground.watchdog {
            file.push_str("WatchdogSec=30\n");
        }
        if let Some(socket) = self.relay.as_ref().and_then(Relay::socket) {
            let _ = writeln!(file, "Environment=NOTIFY_SOCKET={socket}");
        }
        if let Some(user) = &ground.user {
            let _ = writeln!(file, "User={user}");
        }
        file
    }

    fn report(&self) -> Result<Report, Failure> {
        let mut buffer = vec![0; 64 * 1024];
        let length = loop {
            match self.reports.recv(&mut buffer) {
                // A wait with a limit is cut short when the machine was stopped meanwhile (signal(7)).
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                received => break received.map_err(|error| format!("no report came: {error}"))?,
            }
        };
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let mut words = text.splitn(3, ' ');
        let mut next = || words.next().ok_or("a report of too few words");
        Ok(Report { number: next()?.parse()?, pid: next()?.parse()?, words: next()?.to_owned() })
    }

    fn send(
        &mut self,
        number: usize,
        vector: &Vector,
        actors: Actors,
        mut before: Shown,
        began: u64,
    ) -> Result<Seen, Failure> {
        let wanted = vector.ground.state_in(self.version).as_str();
        if before.get("SubState").is_none_or(|state| state != wanted) {
            before = settled(&unit(number), "SubState", wanted)?;
        }
        let foreign = vector.sent.mentions("@FOREIGN@").then(foreign).transpose()?;
        self.marks.send(b"X_MARK=from")?;
        self.marked.push(number);
        let sent = self.told_to_send(number, vector, actors);
        self.marks.send(b"X_MARK=to")?;
        let Report { words: sent, pid, .. } = sent?;
        let mut words = sent.split(' ');
        let bytes = match (words.next(), words.next()) {
            (Some("sent"), Some(hex)) => from_hex(hex),
            _ => return Err(format!("an unexpected report: {sent}").into()),
        };
        let mut names = Names::from([("MAIN", actors.main.to_string()), ("BEGAN", began.to_string())]);
        names.extend(foreign.map(|pid| ("FOREIGN", pid)));
        for word in words {
            match word.split_once('=') {
                Some(("CHILD", pid)) => names.insert("CHILD", pid.to_owned()),
                Some(("CHILDID", id)) => names.insert("CHILDID", id.to_owned()),
                _ => None,
            };
        }
        let sender = match vector.ground.sender.as_str() {
            "other" => names.get("CHILD").cloned().unwrap_or_default(),
            _ => pid.to_string(),
        };
        Ok(Seen { bytes, sender, names, before, after: Shown::new() })
    }

    fn told_to_send(&self, number: usize, vector: &Vector, actors: Actors) -> Result<Report, Failure> {
        match vector.ground.sender.as_str() {
            "outside" => self.start_outside(number)?,
            "control" => go(actors.last)?,
            _ => go(actors.main)?,
        }
        loop {
            let report = self.report()?;
            if report.number == number {
                return Ok(report);
            }
        }
    }

    /// A process in a cgroup that belongs to no unit.
    fn start_outside(&self, number: usize) -> io::Result<()> {
        let group = "/sys/fs/cgroup/aye-outside";
        fs::create_dir_all(group)?;
        let script = format!("echo $$ >{group}/cgroup.procs && exec {} act outside {number}", self.program);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script]);
        if let Some(socket) = self.relay.as_ref().and_then(Relay::socket) {
            command.env("NOTIFY_SOCKET", socket);
        }
        command.spawn()?;
        Ok(())
    }

    fn compare(&self, vector: &Vector, seen: &Seen, journal: &[String]) -> Vec<String> {
        let mut complaints = Vec::new();
        let message = Message::parse(&seen.bytes).unwrap_or_default();
        let judged = judge(&message, &vector.context(self.version, &seen.names));
        let predicted = vector.predict(self.version, &seen.before, &judged, &seen.names);
        for (name, value) in &predicted {
            let shown = &seen.after[name];
            if shown != value {
                let verdicts: Vec<_> = judged.iter().map(ToString::to_string).collect();
                complaints.push(format!(
                    "systemd {} shows {name}={shown}, and the verdict says {value:?}: {verdicts:?}",
                    self.version
                ));
            }
        }
        if refused_by_access(vector, &judged) && !journal.iter().any(|line| journal::says_so(line)) {
            complaints.push(format!("the verdict refuses the sender, and systemd says only {journal:?}"));
        }
        let words: Vec<_> = judged.iter().map(|judged| judged.verdict.word()).collect();
        let data = json!({
            "verdicts": words,
            "changes": changes(&seen.before, &seen.after, &seen.names),
            "journal": journal,
        });
        let expected = by_version(&vector.data["seen"], self.version).unwrap_or(&Value::Null);
        if *expected != data {
            complaints.push(format!("the file says {expected}, seen by {} was {data}", self.version));
        }
        complaints
    }
}

fn refused_by_access(vector: &Vector, judged: &[Judged<'_>]) -> bool {
    let refused = |judged: &Judged<'_>| matches!(&judged.verdict, Verdict::Refused(why) if why.starts_with("its sender"));
    vector.context(262, &Names::new()).role != Role::Outside && judged.iter().any(refused)
}

/// A process of another unit, the one of the case. systemd may come to take it for the main process of a vector's service,
/// which is then killed.
fn foreign() -> io::Result<String> {
    let pid = Command::new("sleep").arg("60").spawn()?.id().to_string();
    fs::write(format!("{REPORTS}.pid"), &pid)?;
    Ok(pid)
}

fn go(pid: u32) -> io::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(kill_process(pid, Signal::USR1)?)
}

/// What each unit shows, in their order.
fn show(units: &[String]) -> Result<Vec<Shown>, Failure> {
    let names: Vec<_> = PROPERTIES.iter().map(|(name, _)| *name).collect();
    let names = format!("--property={}", names.join(","));
    let text = systemctl(["show", &names].into_iter().chain(units.iter().map(String::as_str)))?;
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let all: Vec<Shown> =
        text.split("\n\n").map(|part| part.split('\n').filter_map(pair).collect()).collect();
    if all.len() == units.len() { Ok(all) } else { Err(format!("systemctl showed {text:?}").into()) }
}

/// What is shown once a property has the value. The control process reports before systemd has heard of its start.
fn settled(unit: &str, name: &str, value: &str) -> Result<Shown, Failure> {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let shown = show(&[unit.to_owned()])?.remove(0);
        if shown.get(name).is_some_and(|found| found == value) {
            return Ok(shown);
        }
        if Instant::now() > end {
            return Err(format!("awaited {name}={value}, saw {shown:?}").into());
        }
    }
}
