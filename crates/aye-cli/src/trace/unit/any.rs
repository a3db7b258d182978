//! A relay for the units of all senders, for the live case `trace-verdicts`: one line of JSON for each message, with the same
//! verdict that `aye trace UNIT` comes to, while the case holds what systemd does against what it did without a relay.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::fd::AsFd as _;

use aye::{Address, Receiver};
use aye_bus::Where;
use serde_json::json;

use super::relay::{Court, Relay, Whose};
use crate::complain;
use crate::exit::Exit;
use crate::trace::scene::{Outcome, Said, Word};

/// Serves a socket at that path until it is killed.
pub(super) async fn run(path: &str) -> Exit {
    match serve(path).await {
        Ok(()) => Exit::Done,
        Err(error) => {
            complain(format_args!("aye trace: {error}"));
            Exit::Failed
        }
    }
}

async fn serve(path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let receiver = Receiver::bind(&Address::Path(path.as_bytes()))?;
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
    let mut relay = Relay::new(receiver.as_fd().try_clone_to_owned()?)?;
    let manager = Where::System.connect().await?;
    let version = manager.version().await?;
    let mut court = Court::new(manager, Whose::Any, version);
    writeln!(std::io::stdout(), "{}", json!({ "listens": path }))?;
    loop {
        relay.ready().await?;
        while let Some(waiting) = relay.peek()? {
            let mut said = court.hear(&waiting).await;
            // Before the sender hears that its message was received.
            said.passed = relay.pass(&waiting)?;
            writeln!(std::io::stdout(), "{}", line(&said))?;
        }
    }
}

fn line(said: &Said) -> String {
    let bytes = said.bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let word = |verdict: Word| match verdict {
        Word::Accepted(_) => "accepted",
        Word::Ignored => "ignored",
        Word::Refused => "refused",
    };
    let (words, why): (Vec<_>, Vec<_>) = match &said.outcome {
        Outcome::Dropped(_) => (Vec::new(), Vec::new()),
        Outcome::Judged(lines) => lines.iter().map(|line| (word(line.verdict), line.why.clone())).unzip(),
    };
    let role = format!("{:?}", said.role).to_lowercase();
    let passed = format!("{:?}", said.passed);
    let pid = said.sender.map(|sender| sender.pid);
    json!({ "pid": pid, "role": role, "bytes": bytes, "verdicts": words, "why": why, "passed": passed })
        .to_string()
}
