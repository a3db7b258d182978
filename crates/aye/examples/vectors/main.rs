//! The live case `vectors`: every datagram of tests/vectors/messages.json, sent by a service of the machine's systemd, and
//! what came of it beside what the verdict says. One program is both the service and who watches it.
//!
//! usage: vectors run FILE VERSION [relay SOCKET LOG | trace AYE FOLDER] | vectors act ROLE NUMBER
//!   relay SOCKET LOG    a relay between the services and systemd, and what it writes of each message
//!   trace AYE FOLDER    `aye trace --` before the command of each service, and where that is to write

mod actor;
mod driver;
mod journal;
mod relay;
mod vector;

use std::process::ExitCode;

use relay::Relay;

/// Where the case puts the vectors for the services to read.
const VECTORS: &str = "/run/case/messages.json";

const USAGE: &str =
    "usage: vectors run FILE VERSION [relay SOCKET LOG | trace AYE FOLDER] | vectors act ROLE NUMBER";

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["run", file, version] => run(file, version, None),
        ["run", file, version, kind, what, log] => {
            relay(kind, what, log).and_then(|relay| run(file, version, Some(relay)))
        }
        ["act", role, number] => act(role, number).map(|()| true),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("vectors: {error}");
            ExitCode::FAILURE
        }
    }
}

fn relay(kind: &str, what: &str, log: &str) -> Result<Relay, Failure> {
    let (what, log) = (what.to_owned(), log.to_owned());
    match kind {
        "relay" => Ok(Relay::Socket { socket: what, log }),
        "trace" => Ok(Relay::Command { aye: what, folder: log }),
        _ => Err(USAGE.into()),
    }
}

fn run(file: &str, version: &str, relay: Option<Relay>) -> Result<bool, Failure> {
    std::fs::copy(file, VECTORS)?;
    let vectors = vector::read(&std::fs::read_to_string(file)?);
    let (count, failures) = driver::Driver::new(version.parse()?, relay)?.run(&vectors)?;
    for failure in &failures {
        println!("{failure}");
    }
    println!("{count} vectors sent to systemd {version}, {} disagreements", failures.len());
    Ok(failures.is_empty() && count > 0)
}

fn act(role: &str, number: &str) -> Result<(), Failure> {
    let number = number.parse()?;
    let vectors = vector::read(&std::fs::read_to_string(VECTORS)?);
    let vector = vectors.get(number).ok_or("there is no such vector")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(actor::act(role, number, vector))?)
}
