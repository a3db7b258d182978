//! A fake org.freedesktop.systemd1 on the real socket path: it answers raw messages as each unit's script says, so
//! that a test can have what a live manager does only once in a while.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use tokio::net::UnixListener;
use tokio::sync::{Notify, watch};
use zbus::message::{Header, Message};
use zbus::{Connection, Guid, MessageStream, ObjectPath, Variant};

/// What becomes of a unit's next restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Active with a new invocation; the job is done.
    Succeed,
    /// As above, with the signals sent before the reply to the enqueuing call.
    SucceedBeforeReply,
    /// The job is done and the unit is active, but nothing was started anew.
    KeepOldInvocation,
    /// The process exits with 1 after 2.04 s; the job has failed.
    Exit1,
    /// The job ends with this result; the unit was not started.
    End(&'static str),
    /// The call is refused with this D-Bus error.
    Refuse(&'static str, &'static str),
    /// The connection ends in place of a reply.
    DropCall,
    /// The connection ends after the reply.
    DropJob,
    /// The connection ends after the reply, and the job is done meanwhile.
    DropAndSucceed,
    /// The connection ends after the reply, the job is pending, and it ends while the unit is read over the next one: its
    /// signals come before that answer, which still names it.
    DropAndEndDuringRead,
    /// The connection ends after the reply, and nobody listens any more.
    Vanish,
    /// Runs to its end, and is unloaded: a oneshot that nothing refers to.
    RunToEnd,
    /// Nothing more until [`Fake::release`], then as `Succeed`.
    Hold,
}

#[derive(Debug, Clone)]
struct Unit {
    act: Act,
    active: &'static str,
    invocation: u8,
    result: &'static str,
    kind: &'static str,
    /// The number of its job while that is pending; 0 for none.
    job: u32,
}

#[derive(Debug, Default)]
struct State {
    units: HashMap<String, Unit>,
    jobs: u32,
    /// Calls to find a unit are answered two at a time.
    in_pairs: bool,
    waiting: Vec<Message>,
    /// All calls so far.
    asked: usize,
}

/// A manager that serves every connection to its socket until it is dropped.
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
    calls: watch::Sender<Vec<String>>,
    release: Arc<Notify>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Fake {
    /// Serves `DIR/systemd/private`, with these units, all active and of `Type=notify`.
    pub(crate) fn listen(dir: &Path, units: &[(&str, Act)]) -> Self {
        std::fs::create_dir_all(dir.join("systemd")).unwrap();
        let listener = UnixListener::bind(dir.join("systemd/private")).unwrap();
        let unit =
            |act| Unit { act, active: "active", invocation: 1, result: "success", kind: "notify", job: 0 };
        let units = units.iter().map(|&(name, act)| (name.to_owned(), unit(act))).collect();
        let state = Arc::new(Mutex::new(State { units, ..State::default() }));
        let calls = watch::Sender::new(Vec::new());
        let release = Arc::new(Notify::new());
        let served = Served {
            state: state.clone(),
            calls: calls.clone(),
            release: release.clone(),
            gone: Arc::default(),
        };
        let accepting = tokio::spawn(async move {
            loop {
                tokio::select! {
                    accepted = listener.accept() => match accepted {
                        Ok((stream, _)) => drop(tokio::spawn(served.clone().serve(stream))),
                        Err(_) => return,
                    },
                    () = served.gone.notified() => return,
                }
            }
        });
        Self { state, calls, release, accepting }
    }

    /// Makes a unit one that has failed before the test begins.
    pub(crate) fn failed_before(&self, name: &str) {
        self.state.lock().unwrap().units.get_mut(name).unwrap().active = "failed";
    }

    /// From now on, a call to find a unit is answered when the next one has arrived: who waits for each reply before
    /// the next call waits for ever.
    pub(crate) fn answer_in_pairs(&self) {
        self.state.lock().unwrap().in_pairs = true;
    }

    /// Makes a unit one of this `Type=`.
    pub(crate) fn of_type(&self, name: &str, kind: &'static str) {
        self.state.lock().unwrap().units.get_mut(name).unwrap().kind = kind;
    }

    /// The enqueuing calls so far, as `RestartUnit web@1.service`.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.borrow().clone()
    }

    /// How many calls there were, of whatever kind.
    pub(crate) fn asked(&self) -> usize {
        self.state.lock().unwrap().asked
    }

    /// Waits until this call has been received.
    pub(crate) async fn called(&self, call: &str) {
        let mut calls = self.calls.subscribe();
        calls.wait_for(|calls| calls.iter().any(|seen| seen == call)).await.unwrap();
    }

    /// Lets a held job end.
    pub(crate) fn release(&self) {
        self.release.notify_one();
    }
}

#[derive(Clone)]
struct Served {
    state: Arc<Mutex<State>>,
    calls: watch::Sender<Vec<String>>,
    release: Arc<Notify>,
    /// Nobody is to be let in any more.
    gone: Arc<Notify>,
}

impl Served {
    async fn serve(self, stream: tokio::net::UnixStream) {
        let stream = stream.into_std().unwrap();
        let builder = zbus::connection::Builder::unix_stream(stream).server(Guid::generate()).p2p();
        let Ok(connection) = builder.build().await else {
            return;
        };
        let mut messages = MessageStream::from(&connection);
        while let Some(Ok(message)) = messages.next().await {
            if !self.answer(&connection, &message).await {
                let _ = connection.close().await;
                return;
            }
        }
    }

    /// Answers one call; false ends the connection.
    async fn answer(&self, connection: &Connection, call: &Message) -> bool {
        let header = call.header();
        let body = call.body();
        self.state.lock().unwrap().asked += 1;
        match header.member().unwrap().as_str() {
            // What a bus is asked: a fake behind a bridge is its own bus.
            "Hello" => reply(connection, &header, &":1.7").await,
            "AddMatch" | "Subscribe" => reply(connection, &header, &()).await,
            "LoadUnit" | "GetUnit" => {
                let Some(waiting) = self.paired(call) else { return true };
                for call in waiting {
                    let path = unit_path(call.body().deserialize().unwrap());
                    reply(connection, &call.header(), &path).await;
                }
            }
            "ListUnitsByPatterns" => {
                let (_, patterns): (Vec<String>, Vec<String>) = body.deserialize().unwrap();
                let root = ObjectPath::try_from("/").unwrap();
                let rows: Vec<_> = self
                    .names()
                    .into_iter()
                    .filter(|name| {
                        patterns.iter().any(|pattern| fits(name, pattern)) && name != "web@5.service"
                    })
                    .collect();
                let rows: Vec<_> = rows
                    .iter()
                    .map(|name| {
                        (
                            &**name,
                            "",
                            "loaded",
                            "active",
                            "running",
                            "",
                            unit_path(name),
                            0u32,
                            "",
                            root.clone(),
                        )
                    })
                    .collect();
                reply(connection, &header, &rows).await;
            }
            "ListUnitFilesByPatterns" => {
                // More than was asked for: the first is not enabled. And an enabled template, but none of its instances.
                let dir = "/etc/systemd/system";
                let files = [("web@6.service", "static"), ("web@.service", "indirect")];
                let rows: Vec<_> =
                    files.iter().map(|(name, state)| (format!("{dir}/{name}"), *state)).collect();
                let rows = if self.names().contains(&"web@5.service".to_owned()) { rows } else { Vec::new() };
                reply(connection, &header, &rows).await;
            }
            "GetUnitFileLinks" => {
                let wants = "/etc/systemd/system/multi-user.target.wants";
                let links =
                    ["web@5.service", "web@1.service", "api@1.service"].map(|name| format!("{wants}/{name}"));
                reply(connection, &header, &links.to_vec()).await;
            }
            "GetAll" => {
                self.get_all(connection, &header, body.deserialize().unwrap()).await;
            }
            "Get" => {
                let lines = vec!["first line", "Error: listen EADDRINUSE :::3003"];
                reply(connection, &header, &Variant::from(lines)).await;
            }
            method => {
                let (name, _): (String, String) = body.deserialize().unwrap();
                self.calls.send_modify(|calls| calls.push(format!("{method} {name}")));
                return self.enqueue(connection, &header, name).await;
            }
        }
        true
    }

    /// The calls to find a unit that are answered now; `None` while this one waits for a second.
    fn paired(&self, call: &Message) -> Option<Vec<Message>> {
        let mut state = self.state.lock().unwrap();
        state.waiting.push(call.clone());
        let enough = !state.in_pairs || state.waiting.len() == 2;
        enough.then(|| std::mem::take(&mut state.waiting))
    }

    fn names(&self) -> Vec<String> {
        self.state.lock().unwrap().units.keys().cloned().collect()
    }

    async fn get_all(&self, connection: &Connection, header: &Header<'_>, interface: &str) {
        let path = header.path().unwrap();
        let name = unit_name(path);
        let found = self.state.lock().unwrap().units.contains_key(&name).then_some(name);
        let properties = match found {
            None if interface.ends_with(".Service") => {
                let error = "org.freedesktop.DBus.Error.UnknownInterface";
                let message = Message::error(header, error).build(&"no such interface").unwrap();
                connection.send(&message).await.unwrap();
                return;
            }
            None => missing(),
            Some(name) => {
                let unit = self.state.lock().unwrap().units[&name].clone();
                if unit.job != 0 && interface.ends_with(".Unit") {
                    self.state.lock().unwrap().units.get_mut(&name).unwrap().job = 0;
                    self.end(connection, unit.job, &name, Act::Succeed).await;
                    // No event tells that the client has taken the signals; a busy manager takes its time as well.
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                if interface.ends_with(".Unit") { unit.unit(name) } else { unit.service() }
            }
        };
        reply(connection, header, &properties).await;
    }

    async fn enqueue(&self, connection: &Connection, header: &Header<'_>, name: String) -> bool {
        let (act, job) = {
            let mut state = self.state.lock().unwrap();
            state.jobs += 1;
            (state.units[&name].act, state.jobs)
        };
        let path = job_path(job);
        // Somebody else's job ends first, and badly.
        removed(connection, 9999, "other.service", "failed").await;
        match act {
            Act::Refuse(error, text) => {
                let message = Message::error(header, error).build(&text).unwrap();
                connection.send(&message).await.unwrap();
            }
            Act::DropCall => return false,
            Act::SucceedBeforeReply => {
                self.end(connection, job, &name, act).await;
                reply(connection, header, &path).await;
            }
            Act::Hold => {
                reply(connection, header, &path).await;
                let (this, connection) = (self.clone(), connection.clone());
                tokio::spawn(async move {
                    this.release.notified().await;
                    this.end(&connection, job, &name, Act::Succeed).await;
                });
            }
            Act::DropJob | Act::Vanish => {
                reply(connection, header, &path).await;
                if act == Act::Vanish {
                    self.gone.notify_one();
                }
                return false;
            }
            Act::DropAndEndDuringRead => {
                reply(connection, header, &path).await;
                let mut state = self.state.lock().unwrap();
                let unit = state.units.get_mut(&name).unwrap();
                (unit.active, unit.job) = ("activating", job);
                return false;
            }
            Act::DropAndSucceed => {
                reply(connection, header, &path).await;
                let unit = &mut self.state.lock().unwrap();
                let unit = unit.units.get_mut(&name).unwrap();
                (unit.active, unit.invocation) = ("active", u8::try_from(job + 1).unwrap());
                return false;
            }
            _ => {
                reply(connection, header, &path).await;
                self.end(connection, job, &name, act).await;
            }
        }
        true
    }

    async fn end(&self, connection: &Connection, job: u32, name: &str, act: Act) {
        let result = {
            let mut state = self.state.lock().unwrap();
            let unit = state.units.get_mut(name).unwrap();
            let new = u8::try_from(job + 1).unwrap();
            match act {
                Act::Succeed | Act::SucceedBeforeReply => {
                    (unit.active, unit.invocation, unit.result) = ("active", new, "success");
                    "done"
                }
                Act::RunToEnd => {
                    (unit.active, unit.invocation, unit.result) = ("inactive", new, "success");
                    "done"
                }
                Act::Exit1 => {
                    (unit.active, unit.invocation, unit.result) = ("failed", new, "exit-code");
                    "failed"
                }
                Act::End(result) => result,
                _ => "done",
            }
        };
        let status = HashMap::from([("StatusText", Variant::from(format!("loading {name}")))]);
        changed(connection, name, "org.freedesktop.systemd1.Service", status).await;
        let unit = self.state.lock().unwrap().units[name].unit(name.to_owned());
        changed(connection, name, "org.freedesktop.systemd1.Unit", unit).await;
        if act == Act::RunToEnd {
            let mut state = self.state.lock().unwrap();
            state.units.get_mut(name).unwrap().invocation = 0;
        }
        removed(connection, job, name, result).await;
    }
}

impl Unit {
    fn unit(&self, name: String) -> HashMap<&'static str, Variant<'static>> {
        HashMap::from([
            ("Id", Variant::from(name)),
            ("LoadState", Variant::from("loaded")),
            ("ActiveState", Variant::from(self.active)),
            ("SubState", Variant::from("running")),
            ("InvocationID", Variant::from(vec![self.invocation; 16])),
            ("InactiveExitTimestamp", Variant::from(u64::from(self.invocation) * 1_000_000)),
            ("CanReload", Variant::from(true)),
            ("Job", Variant::from((self.job, pending_path(self.job)))),
            ("ActiveEnterTimestampMonotonic", Variant::from(u64::from(self.invocation) * 1_000_000)),
        ])
    }

    fn service(&self) -> HashMap<&'static str, Variant<'static>> {
        let failed = i32::from(self.result == "exit-code");
        HashMap::from([
            ("Type", Variant::from(self.kind)),
            ("Result", Variant::from(self.result)),
            ("StatusText", Variant::from(if failed == 1 { "loading cache 40%" } else { "" })),
            ("ExecMainCode", Variant::from(failed)),
            ("ExecMainStatus", Variant::from(failed)),
            ("ExecMainStartTimestampMonotonic", Variant::from(1_000_000u64)),
            ("ExecMainExitTimestampMonotonic", Variant::from(3_040_000u64)),
            ("TimeoutStartUSec", Variant::from(90_000_000u64)),
        ])
    }
}

/// A unit that does not exist, as a manager shows it.
fn missing() -> HashMap<&'static str, Variant<'static>> {
    HashMap::from([
        ("Id", Variant::from("missing.service")),
        ("LoadState", Variant::from("not-found")),
        ("ActiveState", Variant::from("inactive")),
    ])
}

async fn reply<B: serde::Serialize + zbus::DynamicType>(connection: &Connection, to: &Header<'_>, body: &B) {
    let message = Message::method_return(to).build(body).unwrap();
    let _ = connection.send(&message).await;
}

async fn changed(connection: &Connection, name: &str, interface: &str, new: HashMap<&str, Variant<'_>>) {
    let properties = "org.freedesktop.DBus.Properties";
    let signal = Message::signal(unit_path(name), properties, "PropertiesChanged");
    let message = signal.build(&(interface, new, Vec::<&str>::new())).unwrap();
    let _ = connection.send(&message).await;
}

async fn removed(connection: &Connection, job: u32, unit: &str, result: &str) {
    let signal =
        Message::signal("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "JobRemoved");
    let message = signal.build(&(job, job_path(job), unit, result)).unwrap();
    let _ = connection.send(&message).await;
}

/// What `Job` names: without a job, the root.
fn pending_path(job: u32) -> ObjectPath<'static> {
    if job == 0 { ObjectPath::try_from("/").unwrap() } else { job_path(job) }
}

fn job_path(job: u32) -> ObjectPath<'static> {
    ObjectPath::try_from(format!("/org/freedesktop/systemd1/job/{job}")).unwrap()
}

/// systemd's own escape of a unit's name: what is no letter and no digit becomes `_` and its hexadecimal code.
fn unit_path(name: &str) -> ObjectPath<'static> {
    let escape = |c: char| {
        if c.is_ascii_alphanumeric() { c.to_string() } else { format!("_{:02x}", c as u32) }
    };
    let label: String = name.chars().map(escape).collect();
    ObjectPath::try_from(format!("/org/freedesktop/systemd1/unit/{label}")).unwrap()
}

/// The inverse of [`unit_path`].
fn unit_name(path: &str) -> String {
    let label = path.rsplit('/').next().unwrap();
    let mut parts = label.split('_');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |name, part| {
        let code = u8::from_str_radix(&part[..2], 16).unwrap();
        format!("{name}{}{}", char::from(code), &part[2..])
    })
}

/// As much of fnmatch as the tests use: one star at the end.
fn fits(name: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').is_some_and(|stem| name.starts_with(stem))
}
