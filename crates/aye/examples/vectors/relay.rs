//! What stands between the services and systemd in the live case `trace-verdicts`, and what it said of each message.

use std::fmt::Write as _;
use std::fs;

use aye::NotifyAccess;
use serde_json::Value;

use super::Failure;
use super::vector::{Shown, Vector, from_hex};

/// Something that passes messages on, and writes a line of JSON for each.
pub(crate) enum Relay {
    /// One process for all services, which listens at `socket` and writes to `log`: what `aye trace UNIT` does for one.
    Socket { socket: String, log: String },
    /// `aye trace --` before the command of each main process, which writes to a file of `folder`.
    Command { aye: String, folder: String },
}

/// A message that was passed on, as it was told.
#[derive(Debug)]
struct Told {
    pid: String,
    bytes: Vec<u8>,
    verdicts: Value,
    passed: String,
}

impl Relay {
    /// The socket that everything is said to, where that is not systemd's and systemd does not know.
    pub(crate) fn socket(&self) -> Option<&str> {
        match self {
            Self::Socket { socket, .. } => Some(socket),
            Self::Command { .. } => None,
        }
    }

    /// What comes before the command of the main process.
    pub(crate) fn before_main(&self, number: usize) -> String {
        match self {
            Self::Socket { .. } => String::new(),
            Self::Command { aye, folder } => format!("{aye} trace --json -o {folder}/{number} -- "),
        }
    }

    /// Whether the vector's message comes by. A command is told of its own main process and what is below that: control processes
    /// have systemd's socket, and so has everybody under `NotifyAccess=none`, where there is none to hand on.
    pub(crate) fn hears(&self, vector: &Vector) -> bool {
        let ground = &vector.ground;
        match self {
            Self::Socket { .. } => true,
            Self::Command { .. } => {
                matches!(ground.sender.as_str(), "main" | "other") && ground.access != NotifyAccess::None
            }
        }
    }

    /// Whether it knows all that its verdict depends on. A command does not see the manager's control processes, and so not the states
    /// in which one of them holds the service.
    fn knows_state(&self, vector: &Vector) -> bool {
        matches!(self, Self::Socket { .. }) || !vector.ground.is_controlled()
    }

    /// Takes out of what was seen what only the process of `aye trace` brings about: systemd kills it, too, and hears that another
    /// is the main process, in a message of `NOTIFYACCESS=all` where it has no rights to speak in the name of others.
    pub(crate) fn without_itself(
        &self,
        vector: &Vector,
        before: &Shown,
        after: &mut Shown,
        journal: &[String],
    ) -> Vec<String> {
        if matches!(self, Self::Socket { .. }) {
            return journal.to_vec();
        }
        let names_main = vector.sent.mentions("MAINPID");
        if let Some(access) =
            before.get("NotifyAccess").filter(|_| names_main && vector.ground.user.is_some())
        {
            after.insert("NotifyAccess".to_owned(), access.clone());
        }
        let expected = vector.data["seen"].to_string();
        let is_its_own = |line: &String| {
            line.contains(" (aye) ")
                || names_main && line.starts_with("Supervising process") && !expected.contains("Supervising")
        };
        journal.iter().filter(|line| !is_its_own(line)).cloned().collect()
    }

    /// As whose it may pass a message on. For systemd the process of `aye trace --` is the main one.
    fn passes_as(&self) -> &[&str] {
        match self {
            Self::Socket { .. } => &["AsSender"],
            Self::Command { .. } => &["as-sender", "as-tracer"],
        }
    }

    /// Holds what it told of a vector's message against what systemd did, `expected`; a line for each disagreement.
    pub(crate) fn compare(
        &self,
        number: usize,
        vector: &Vector,
        bytes: &[u8],
        sender: &str,
        expected: &Value,
    ) -> Vec<String> {
        let own = match self.told(number, sender) {
            Ok(own) => own,
            Err(error) => return vec![format!("what the relay wrote cannot be read: {error}")],
        };
        // Each message has a barrier behind it.
        let [.., told, barrier] = own.as_slice() else {
            return vec![format!("the relay has not seen it: {own:?}")];
        };
        let mut complaints = Vec::new();
        let whole = |bytes: &[u8]| bytes[..bytes.len().min(4097)].to_vec();
        if whole(&told.bytes) != whole(bytes) || barrier.bytes != b"BARRIER=1" {
            complaints.push(format!("the relay saw {told} and {barrier}"));
        }
        if !self.passes_as().contains(&told.passed.as_str()) {
            complaints.push(format!("the relay did not pass it on: {told}"));
        }
        if told.verdicts != expected["verdicts"] && self.knows_state(vector) {
            complaints.push(format!("the relay says {told}, and systemd did {expected}"));
        }
        complaints
    }

    /// What was told of the messages of that process, in their order.
    fn told(&self, number: usize, pid: &str) -> Result<Vec<Told>, Failure> {
        let file = match self {
            Self::Socket { log, .. } => log.clone(),
            Self::Command { folder, .. } => format!("{folder}/{number}"),
        };
        let text = fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
        let rows = text.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>()?;
        let pid: u64 = pid.parse()?;
        let told =
            rows.iter().filter(|row| row["pid"].as_u64() == Some(pid)).filter_map(|row| self.read(row));
        Ok(told.collect())
    }

    fn read(&self, row: &Value) -> Option<Told> {
        let text = |key: &str| row[key].as_str().map(str::to_owned);
        let pid = row["pid"].to_string();
        Some(match self {
            Self::Socket { .. } => Told {
                pid,
                bytes: from_hex(row["bytes"].as_str()?),
                verdicts: row["verdicts"].clone(),
                passed: text("passed")?,
            },
            Self::Command { .. } => Told {
                pid,
                bytes: match &row["data"] {
                    Value::Array(bytes) => {
                        bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect()
                    }
                    data => data.as_str()?.as_bytes().to_vec(),
                },
                verdicts: row["lines"].as_array()?.iter().map(|line| line["verdict"].clone()).collect(),
                passed: text("passed")?,
            },
        })
    }
}

/// For people.
impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.bytes.iter().take(80).fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{}", byte.escape_ascii());
            out
        });
        write!(f, "{bytes} of {} {} {}", self.pid, self.verdicts, self.passed)
    }
}
