//! One vector of tests/vectors/messages.json: a datagram, the ground it is sent on, and what both are to a verdict. Read by
//! the live case, which sends it, and by tests/vectors.rs, which does not.

use std::collections::BTreeMap;

use aye::Assignment;
use aye::message::Message;
use aye::verdict::{
    Context, Descriptors, Effect, Judged, NotifyAccess, Process, Role, State, Store, Type, Verdict,
};
use serde_json::Value;

/// What stands for `@MAIN@`, `@CHILD@` and so on, which differ from run to run.
pub(crate) type Names = BTreeMap<&'static str, String>;

/// What `systemctl show` says, by property.
pub(crate) type Shown = BTreeMap<String, String>;

/// A datagram with what comes along.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    template: Vec<u8>,
    pad: usize,
    pub(crate) fds: Vec<String>,
}

impl Sent {
    fn of(value: &Value) -> Self {
        let template = match value["hex"].as_str() {
            Some(hex) => from_hex(hex),
            None => value["bytes"].as_str().expect("bytes or hex").as_bytes().to_vec(),
        };
        let pad = usize::try_from(value["pad"].as_u64().unwrap_or(0)).unwrap();
        Self { template, pad, fds: strings(&value["fds"]) }
    }

    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.template.windows(name.len()).any(|window| window == name.as_bytes())
    }

    /// The bytes, with the names filled in.
    pub(crate) fn bytes(&self, names: &Names) -> Vec<u8> {
        let mut bytes = self.template.clone();
        for (name, value) in names {
            bytes = replace(&bytes, format!("@{name}@").as_bytes(), value.as_bytes());
        }
        bytes.resize(bytes.len().max(self.pad), b'x');
        bytes
    }
}

fn replace(bytes: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut rest = bytes;
    let mut out = Vec::with_capacity(bytes.len());
    while let Some(&first) = rest.first() {
        if rest.starts_with(what) {
            out.extend_from_slice(with);
            rest = &rest[what.len()..];
        } else {
            out.push(first);
            rest = &rest[1..];
        }
    }
    out
}

pub(crate) fn from_hex(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits in pairs");
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Where a datagram is sent.
#[derive(Debug, Clone)]
pub(crate) struct Ground {
    pub(crate) kind: Type,
    pub(crate) access: NotifyAccess,
    pub(crate) state: State,
    /// main, control, other or outside
    pub(crate) sender: String,
    pub(crate) user: Option<String>,
    pub(crate) store_max: usize,
    pub(crate) watchdog: bool,
    pub(crate) before: Vec<Sent>,
    versions: Vec<u16>,
}

impl Ground {
    fn of(value: &Value) -> Self {
        let text = |key: &str, default: &'static str| value[key].as_str().unwrap_or(default).to_owned();
        Self {
            kind: Type::parse(&text("type", "notify")).expect("a Type="),
            access: NotifyAccess::parse(&text("access", "main")).expect("a NotifyAccess="),
            state: State::parse(&text("state", "running")).expect("a SubState"),
            sender: text("sender", "main"),
            user: value["user"].as_str().map(str::to_owned),
            store_max: usize::try_from(value["store_max"].as_u64().unwrap_or(0)).unwrap(),
            watchdog: value["watchdog"].as_bool().unwrap_or(false),
            before: value["before"].as_array().into_iter().flatten().map(Sent::of).collect(),
            versions: numbers(value["versions"].as_str().unwrap_or("247 252 257 262")),
        }
    }

    /// The state that systemd of that version calls it: before 253 a reload has but one.
    pub(crate) fn state_in(&self, version: u16) -> State {
        match self.state {
            State::ReloadNotify if version < 253 => State::Reload,
            state => state,
        }
    }

    /// Whether a control process is what holds it in its state.
    pub(crate) fn is_controlled(&self) -> bool {
        matches!(self.state, State::StartPost | State::Reload | State::Stop | State::StopPost)
    }

    /// The names of what is in the store before.
    pub(crate) fn stored(&self) -> Vec<String> {
        let mut stored = Vec::new();
        for sent in &self.before {
            let message = Message::parse(&sent.template).unwrap();
            if message.contains("FDSTORE=1") {
                let name = message.value("FDNAME").unwrap_or(b"stored");
                let name = String::from_utf8(name.to_vec()).unwrap();
                stored.extend(sent.fds.iter().map(|_| name.clone()));
            }
        }
        stored
    }
}

fn numbers(text: &str) -> Vec<u16> {
    text.split(' ').map(|number| number.parse().expect("a version")).collect()
}

/// What is looked at, and the version that brought it.
pub(crate) const PROPERTIES: [(&str, u16); 10] = [
    ("SubState", 0),
    ("Result", 0),
    ("StatusText", 0),
    ("StatusErrno", 0),
    ("StatusBusError", 257),
    ("StatusVarlinkError", 257),
    ("NotifyAccess", 0),
    ("WatchdogUSec", 0),
    ("MainPID", 0),
    ("NFileDescriptorStore", 0),
];

/// What has changed, with names in place of pids.
pub(crate) fn changes(before: &Shown, after: &Shown, names: &Names) -> Shown {
    let changed = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    let named = |value: &String| match names.iter().find(|(name, pid)| **name != "BEGAN" && *pid == value) {
        Some((name, _)) => format!("@{name}@"),
        None => value.clone(),
    };
    changed.map(|(name, value)| (name.clone(), named(value))).collect()
}

/// One vector.
#[derive(Debug, Clone)]
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) ground: Ground,
    pub(crate) sent: Sent,
    pub(crate) data: Value,
}

/// Every vector of the file.
pub(crate) fn read(text: &str) -> Vec<Vector> {
    let file: Value = serde_json::from_str(text).expect("tests/vectors/messages.json is JSON");
    let vector = |data: &Value| {
        let name = data["name"].as_str().expect("a name").to_owned();
        let ground = &file["grounds"][data["ground"].as_str().expect("a ground")];
        assert!(ground.is_object(), "{name}: there is no ground {}", data["ground"]);
        Vector { name, ground: Ground::of(ground), sent: Sent::of(data), data: data.clone() }
    };
    file["vectors"].as_array().expect("vectors").iter().map(vector).collect()
}

/// The entry of a table whose keys are versions with spaces between, or `all`.
pub(crate) fn by_version(table: &Value, version: u16) -> Option<&Value> {
    let table = table.as_object()?;
    let holds = |key: &str| key == "all" || numbers(key).contains(&version);
    table.iter().find(|(key, _)| holds(key)).map(|(_, value)| value)
}

impl Vector {
    pub(crate) fn is_for(&self, version: u16) -> bool {
        self.ground.versions.contains(&version)
    }

    /// What a verdict on it depends on.
    pub(crate) fn context(&self, version: u16, names: &Names) -> Context {
        let ground = &self.ground;
        let state = ground.state_in(version);
        let stored = ground.stored().len();
        let kept = ground.before.iter().any(|sent| sent.fds.iter().any(|fd| fd == "kept"));
        Context {
            version,
            access: ground.access,
            unit_access: ground.access,
            role: match ground.sender.as_str() {
                "main" => Role::Main,
                "control" => Role::Control,
                "other" => Role::Other,
                _ => Role::Outside,
            },
            uid: if ground.user.is_some() { 65534 } else { 0 },
            kind: ground.kind,
            state,
            controlled: ground.is_controlled(),
            stopping_said: self.stopping_said(),
            reload_began: names.get("BEGAN").and_then(|began| began.parse().ok()),
            watchdog: ground.watchdog,
            main_pid: self.main_pid(),
            main_pid_fd_id: names.get("CHILDID").and_then(|id| id.parse().ok()),
            fds: Descriptors {
                count: self.sent.fds.len(),
                stored: if kept { self.sent.fds.iter().filter(|fd| *fd == "kept").count() } else { 0 },
                process: match self.sent.fds.as_slice() {
                    [one] if one == "pidfd-main" => Some(Process::Main),
                    [one] if one == "pidfd-child" => Some(Process::Member),
                    _ => None,
                },
            },
            store: Store { maximum: ground.store_max, used: stored },
        }
    }

    fn stopping_said(&self) -> bool {
        let said = |sent: &Sent| Message::parse(&sent.template).is_ok_and(|said| said.contains("STOPPING=1"));
        self.ground.state == State::StopSigterm || self.ground.before.iter().any(said)
    }

    /// What the first MAINPID= names.
    fn main_pid(&self) -> Process {
        let message = Message::parse(&self.sent.template).unwrap_or_default();
        let value = message.value("MAINPID").unwrap_or_default();
        match value {
            b"@MAIN@" => Process::Main,
            b"@CHILD@" | b"@CHILDHEX@" => Process::Member,
            b"@CONTROL@" => Process::Control,
            b"@FOREIGN@" => Process::Foreign,
            other => match Assignment::of(b"MAINPID", other) {
                Ok(Assignment::MainPid(1)) => Process::Manager,
                _ => Process::Dead,
            },
        }
    }

    /// What `systemctl show` must say after the message, going by what it said before and by the verdict.
    pub(crate) fn predict(
        &self,
        version: u16,
        before: &Shown,
        judged: &[Judged<'_>],
        names: &Names,
    ) -> Shown {
        let mut shown = before.clone();
        for judged in judged {
            if let Verdict::Accepted(effect, assignment) = &judged.verdict {
                self.apply(version, *effect, *assignment, names, &mut shown);
            }
        }
        shown
    }

    fn apply(&self, version: u16, effect: Effect, said: Assignment<'_>, names: &Names, shown: &mut Shown) {
        use Assignment as A;
        let mut set = |key: &str, value: &str| {
            if version >= 257 || !matches!(key, "StatusBusError" | "StatusVarlinkError") {
                shown.insert(key.to_owned(), value.to_owned());
            }
        };
        match effect {
            Effect::EndsStart | Effect::EndsReload => set("SubState", "running"),
            Effect::BeginsReload | Effect::AnswersReload => {
                set("SubState", if version < 253 { "reload" } else { "reload-notify" });
            }
            Effect::BeginsStop => set("SubState", "stop-sigterm"),
            Effect::Triggers => {
                set("SubState", "stop-watchdog");
                set("Result", "watchdog");
            }
            _ => {}
        }
        match said {
            // systemctl does not print a line break.
            A::Status(text) if text.contains('\n') => set("StatusText", "[unprintable]"),
            A::Status(text) => set("StatusText", text),
            A::Errno(errno) => set("StatusErrno", &errno.to_string()),
            A::BusError(name) => set("StatusBusError", name),
            A::VarlinkError(name) => set("StatusVarlinkError", name),
            A::NotifyAccess(access) => set("NotifyAccess", access.as_str()),
            A::WatchdogUsec(interval) => set("WatchdogUSec", &span(interval.as_micros())),
            A::MainPid(_) | A::MainPidFd => {
                let name = if self.sent.mentions("@FOREIGN@") { "FOREIGN" } else { "CHILD" };
                set("MainPID", names.get(name).map_or("", String::as_str));
            }
            A::FdStore => {
                let message = Message::parse(&self.sent.bytes(names)).unwrap();
                // Without FDPOLL=0 a pipe without writer goes as soon as it came.
                let hung = self.sent.fds.iter().filter(|fd| *fd == "hung").count();
                let gone = if message.contains("FDPOLL=0") { 0 } else { hung };
                if let Effect::Stores(count) = effect {
                    let kept = self.ground.stored().len() + count - gone.min(count);
                    set("NFileDescriptorStore", &kept.to_string());
                }
            }
            A::FdStoreRemove => {
                let message = Message::parse(&self.sent.bytes(names)).unwrap();
                let name = message.value("FDNAME").unwrap_or_default();
                let left = self.ground.stored().iter().filter(|stored| stored.as_bytes() != name).count();
                set("NFileDescriptorStore", &left.to_string());
            }
            _ => {}
        }
    }
}

/// A span of time as systemctl shows it; the vectors have whole seconds below a minute.
fn span(usec: u128) -> String {
    match usec {
        0 => "0".to_owned(),
        18_446_744_073_709_551_615 => "infinity".to_owned(),
        _ if usec % 1_000_000 == 0 && usec < 60_000_000 => format!("{}s", usec / 1_000_000),
        _ => format!("{usec} us"),
    }
}
