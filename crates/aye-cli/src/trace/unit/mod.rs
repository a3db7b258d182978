//! `aye trace UNIT`: a service of the system manager is restarted with another notify socket, by a runtime drop-in, and stays
//! what it was otherwise: its main process is the manager's child, and nothing stands between the two. What comes to that
//! socket is judged, passed on in the name of its sender, and shown. However the trace ends, everything is taken back, by
//! the guard, and the service loses nothing.

mod any;
mod clean;
mod drop_in;
mod folder;
mod follow;
mod guard;
mod judge;
pub(super) mod process;
mod reach;
mod relay;
mod session;
mod show;
mod upstream;

use std::ffi::OsString;

use aye_bus::Where;
use tokio::runtime::{Builder, Runtime};

use super::Args;
use crate::complain;
use crate::exit::Exit;
use folder::Folder;

/// What the parts of this that are processes of their own begin with on their command line. Not for people.
const PREFIX: &str = "__trace-";
const GUARD: &str = "guard";
const MEND: &str = "mend";
const ANY: &str = "any";

const NO_RESTART: &str = "aye trace: cannot trace a unit that runs already: its processes have been told where their notify \
socket is, nobody can tell them anew, and the manager tells nobody what it hears there. Without --no-restart the unit is \
restarted. Without a restart there are `aye status UNIT`, for what the manager has made of the messages so far, and \
`systemctl log-level debug`, with which systemd writes to the journal what it receives from now on";

/// Traces a unit until it ends or somebody interrupts.
pub(crate) fn run(args: &Args) -> Exit {
    if args.no_restart {
        complain(NO_RESTART);
        return Exit::Usage;
    }
    let unit = match name(args.unit.as_deref().unwrap_or_default())
        .and_then(|unit| place(args, &unit).map(|()| unit))
    {
        Ok(unit) => unit,
        Err(error) => {
            complain(format_args!("aye trace: {error}"));
            return Exit::Usage;
        }
    };
    if !rustix::process::geteuid().is_root() {
        complain(format_args!(
            "aye trace: not permitted to trace {unit}: a message goes on in its sender's name, which takes root: use sudo"
        ));
        return Exit::NotPermitted;
    }
    match runtime() {
        Ok(runtime) => runtime.block_on(session::run(&unit, args)),
        Err(exit) => exit,
    }
}

/// Runs the part that a command line names, if it names one.
pub(crate) fn part(mut words: impl Iterator<Item = OsString>) -> Option<Exit> {
    let part = words.next()?;
    let part = part.to_str()?.strip_prefix(PREFIX)?.to_owned();
    let word = words.next().and_then(|word| word.into_string().ok()).unwrap_or_default();
    Some(match (part.as_str(), Folder::named(&word)) {
        (GUARD, Some(folder)) => guard::run(&folder),
        (MEND, Some(folder)) => match runtime().map(|runtime| runtime.block_on(clean::mend(&folder))) {
            Ok(Ok(())) => Exit::Done,
            Ok(Err(error)) => {
                complain(format_args!("aye trace: {error}"));
                Exit::Failed
            }
            Err(exit) => exit,
        },
        (ANY, _) => runtime().map_or_else(|exit| exit, |runtime| runtime.block_on(any::run(&word))),
        _ => Exit::Usage,
    })
}

fn runtime() -> Result<Runtime, Exit> {
    Builder::new_current_thread().enable_all().build().map_err(|error| {
        complain(format_args!("aye trace: cannot wait for anything: {error}"));
        Exit::Failed
    })
}

/// The name of the service that was typed.
fn name(typed: &str) -> Result<String, String> {
    let kinds =
        ["socket", "target", "timer", "mount", "automount", "path", "slice", "scope", "swap", "device"];
    if typed.is_empty() || typed.contains(['/', '*', '?', '[']) {
        return Err(format!("{typed:?} names no unit: name one service"));
    }
    match typed.rsplit_once('.') {
        Some((_, "service")) => Ok(typed.to_owned()),
        Some((_, kind)) if kinds.contains(&kind) => {
            Err(format!("{typed} is a {kind} unit, which says nothing to its manager: name a service"))
        }
        _ => Ok(format!("{typed}.service")),
    }
}

/// Whether units of the manager that is meant can be traced from here.
fn place(args: &Args, unit: &str) -> Result<(), String> {
    let places = args.place.places()?;
    let instead =
        format!("put `aye trace --` before the command of its ExecStart=, with `systemctl edit {unit}`");
    match places.first() {
        Some(Where::System) => Ok(()),
        Some(Where::User) => Err(format!(
            "cannot trace {unit} of a user manager: a message goes on in its sender's name, which takes root, and from \
             another process' name the manager does not take it: {}",
            instead.replace("systemctl", "systemctl --user")
        )),
        Some(Where::Embedded(_)) => Err(format!(
            "cannot trace {unit} of `aye run`, which reads its files once: write `aye trace --` before the command of its ExecStart="
        )),
        _ => Err(format!(
            "cannot trace {unit} there: what passes its messages on has to be beside its manager: run `aye trace {unit}` there"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_service_is_named_as_what_it_is() {
        assert!(name("a.socket").unwrap_err().starts_with("a.socket is a socket unit"));
        assert!(name("").is_err() && name("web@*").is_err() && name("../a").is_err());
        assert_eq!(name("web@1.2"), Ok("web@1.2.service".to_owned()));
        assert_eq!(name("a.service"), Ok("a.service".to_owned()));
    }

    #[test]
    fn no_words_and_those_of_a_verb_are_no_part() {
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>().into_iter();
        assert_eq!(part(words(&[])), None);
        assert_eq!(part(words(&["trace", "a"])), None);
        assert_eq!(part(words(&["__trace-guard", "../x"])), Some(Exit::Usage));
    }
}
