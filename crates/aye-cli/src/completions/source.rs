//! Where the words come from that are not in the help: the manager's units, the unit files of a folder, the containers of
//! this machine, the rules and checks of `aye check`. What the shell knows better is asked of the shell.

use std::fs;
use std::path::Path;
use std::time::Duration;

use aye_bus::{Where, natural_order};
use tokio::task::LocalSet;
use tokio::time::timeout;

use super::line::{Line, Word};
use crate::check;
use crate::place::Place;

/// How long a Tab may take in all where managers do not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the words of a probe begin with.
const PROBES: [(&str, &str); 10] = [
    ("tcp:", "a port of a host takes connections: tcp:HOST:PORT"),
    ("http://", "a page is answered with 2xx"),
    ("unix:", "a socket takes connections: unix:PATH"),
    ("file:", "a file is there: file:PATH"),
    ("log:", "a line of the output matches: log:REGEX"),
    ("fd:", "a newline is written to a descriptor: fd:N"),
    ("cmd:", "a command exits with 0: cmd:COMMAND"),
    ("port", "any port is listened on"),
    ("notify", "READY=1 or WATCHDOG=1 is said to aye"),
    ("notify:", "the same, to a socket at a path: notify:PATH"),
];

const MAIN_PIDS: [(&str, &str); 3] = [
    ("auto", "who called, unless that is the manager"),
    ("parent", "who called"),
    ("self", "aye notify itself"),
];

#[derive(Debug)]
pub(super) enum Answer {
    Words(Vec<Word>),
    /// The shell is to find it: the line that tells it so.
    Shell(String),
}

/// What the help calls `noun`.
pub(super) fn find(noun: &str, line: &Line) -> Answer {
    let words = match noun {
        "FILE" | "FILE.html" => return Answer::Shell(":files".to_owned()),
        "DIR" => return Answer::Shell(":folders".to_owned()),
        "HOST" => return Answer::Shell(":hosts".to_owned()),
        "USER" => return Answer::Shell(":users".to_owned()),
        "UNIT" if line.verb == "run" => unit_files(line),
        "UNIT" => units(line),
        "MACHINE" => machines(Path::new("/run/systemd/machines")),
        "RULE" => check::rules().map(|(id, title)| (id.to_owned(), title.to_owned())).collect(),
        "CHECK" => check::CHECKS.iter().map(|id| ((*id).to_owned(), String::new())).collect(),
        "PROBE" => told(&PROBES),
        "PID" => told(&MAIN_PIDS),
        _ => Vec::new(),
    };
    Answer::Words(words)
}

fn told(words: &[(&str, &str)]) -> Vec<Word> {
    words.iter().map(|(word, meaning)| ((*word).to_owned(), (*meaning).to_owned())).collect()
}

/// What stands in `line` for the options of [`Place`].
fn place(line: &Line) -> Place {
    let given = |id: &str| -> Vec<String> {
        line.given.iter().filter(|(given, _)| given == id).map(|(_, value)| value.clone()).collect()
    };
    Place {
        system: !given("system").is_empty(),
        user: !given("user").is_empty(),
        machine: given("machine").pop(),
        host: given("host"),
        ssh_command: given("ssh_command").pop(),
        embedded: given("embedded").pop().map(Into::into),
    }
}

/// The units of the managers meant that begin as typed.
fn units(line: &Line) -> Vec<Word> {
    let Ok(places) = place(line).places() else { return Vec::new() };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    LocalSet::new().block_on(&runtime, async {
        // What cannot be asked in time is left out; what has answered by then counts.
        let _ = timeout(PATIENCE, async {
            for place in &places {
                let _ = listed(place, &line.typed, &mut found).await;
            }
        })
        .await;
    });
    named(found, &line.typed)
}

async fn listed(place: &Where, typed: &str, found: &mut Vec<Word>) -> aye_bus::Result<()> {
    // A glob that is typed stays as it is.
    if typed.contains(['*', '?', '[', '\\']) {
        return Ok(());
    }
    let manager = place.connect().await?;
    let pattern = format!("{typed}*");
    for unit in manager.list_units(&pattern).await? {
        if unit.load == "loaded" {
            found.push((unit.name, unit.description));
        }
    }
    found.extend(manager.list_enabled(&pattern).await?.into_iter().map(|name| (name, String::new())));
    Ok(())
}

/// Services go by their short names, as everywhere in aye, until a dot asks for the whole.
fn named(mut units: Vec<Word>, typed: &str) -> Vec<Word> {
    units.retain(|(name, _)| !name.contains("@."));
    let mut units = sorted(units);
    units.dedup_by(|(later, _), (earlier, _)| later == earlier);
    if typed.contains('.') {
        return units;
    }
    let short = |(name, meaning): Word| Some((name.strip_suffix(".service")?.to_owned(), meaning));
    units.into_iter().filter_map(short).collect()
}

/// The services and sockets whose files are in the folder of `aye run`.
fn unit_files(line: &Line) -> Vec<Word> {
    let folder = line.given.iter().find(|(id, _)| id == "directory").map_or(".", |(_, folder)| folder);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let files = names.filter(|name| name.ends_with(".service") || name.ends_with(".socket"));
    // Of a template what is typed goes on behind the @.
    let words = files.map(|name| match name.split_once("@.") {
        Some((stem, _)) => (format!("{stem}@"), "instances of a template".to_owned()),
        None => (name.strip_suffix(".service").unwrap_or(&name).to_owned(), name.clone()),
    });
    sorted(words.collect())
}

/// The containers that are registered: a file for each, and a link for its unit (systemd-machined.service(8)).
fn machines(folder: &Path) -> Vec<Word> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    sorted(names.filter(|name| !name.contains(':')).map(|name| (name, String::new())).collect())
}

fn sorted(mut words: Vec<Word>) -> Vec<Word> {
    words.sort_by(|(a, _), (b, _)| natural_order(a, b));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units() -> Vec<Word> {
        ["web@10.service", "web@2.service", "web@.service", "web.socket", "web@2.service"]
            .map(|name| (name.to_owned(), String::new()))
            .to_vec()
    }

    fn names(words: Vec<Word>) -> Vec<String> {
        words.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn services_go_by_their_short_names_until_a_dot_is_typed() {
        assert_eq!(names(named(units(), "web")), ["web@2", "web@10"]);
        assert_eq!(names(named(units(), "web.")), ["web.socket", "web@2.service", "web@10.service"]);
    }

    #[test]
    fn the_units_of_aye_run_are_the_files_of_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["web@.service", "api.service", "api.socket", "notes.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let given = vec![("directory".to_owned(), folder.path().display().to_string())];
        let words = unit_files(&Line { given, ..Line::default() });
        assert_eq!(names(words), ["api", "api.socket", "web@"]);
        let nowhere = vec![("directory".to_owned(), "/nonexistent".to_owned())];
        assert_eq!(unit_files(&Line { given: nowhere, ..Line::default() }), []);
    }

    #[test]
    fn a_container_is_the_file_and_not_the_link_of_its_unit() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["box", "unit:machine-box.scope"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(names(machines(folder.path())), ["box"]);
    }
}
