//! `aye check --init`: a unit file for a program, from what it was seen to do. `seen` runs it under the embedded manager,
//! `harden` finds the sandboxing it survives, by trials under systemd (`trial`), and `page` writes all of it
//! down, in `part`s.

mod harden;
mod page;
mod part;
mod seen;
mod trial;

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use aye_manager::unit::value::finite;

use super::finding::Finding;
use super::prove::look::Orphanage;
use super::prove::stage::Stage;
use super::rule::Severity;
use super::subject::Subject;
use super::{Args, load, rules};
use crate::exit::Exit;
use page::{Page, Sandbox};
use seen::Seen;

/// How long READY=1 is waited for, unless `--observe` says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// Prints the unit file.
pub(super) fn run(args: &Args) -> Exit {
    match made(args) {
        Ok(text) => {
            let mut out = io::stdout().lock();
            match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    crate::complain(format_args!("aye check: cannot write to standard output: {error}"));
                    Exit::Failed
                }
                _ => Exit::Done,
            }
        }
        Err((reason, exit)) => {
            crate::complain(format_args!("aye check: {reason}"));
            exit
        }
    }
}

fn made(args: &Args) -> Result<String, (String, Exit)> {
    let usage = |reason| (reason, Exit::Usage);
    let patience = span("--observe", args.observe.as_deref()).map_err(usage)?;
    let watchdog = span("--watchdog", args.watchdog.as_deref()).map_err(usage)?;
    let words = resolved(&args.command).map_err(usage)?;
    let folder =
        std::env::current_dir().map_err(|error| usage(format!("cannot find the current folder: {error}")))?;
    let _orphanage = Orphanage::open();
    let seen = look(args, patience.unwrap_or(PATIENCE)).map_err(|reason| (reason, Exit::Failed))?;
    let mut page = Page {
        words,
        folder,
        seen,
        watchdog,
        opens_socket: false,
        user: user(),
        sandbox: Sandbox::Untried(String::new()),
    };
    let draft = examined(&page.text()).map_err(|reason| (reason, Exit::Failed))?;
    page.opens_socket = draft.0.signs.ours.is_some() || needs_socket(args, &page.seen);
    page.sandbox = sandbox(&page);
    let text = page.text();
    let (_, findings) = examined(&text).map_err(|reason| (reason, Exit::Failed))?;
    for finding in findings {
        let severity = finding.severity.word();
        crate::complain(format_args!("aye check: {severity}: {}: {}", finding.rule.id, finding.found.what));
    }
    Ok(text)
}

fn span(name: &str, text: Option<&str>) -> Result<Option<Duration>, String> {
    let read = |text| match finite(text) {
        Ok(span) if !span.is_zero() => Ok(span),
        Ok(_) => Err(format!("{name} {text}: expected more than nothing")),
        Err(error) => Err(format!("{name} {text}: {error}")),
    };
    text.map(read).transpose()
}

/// Runs it once and looks.
fn look(args: &Args, patience: Duration) -> Result<Seen, String> {
    crate::complain(format_args!("aye check: running {} under the embedded manager", args.command[0]));
    let stage = Stage::of(args, seen::SETTINGS)?;
    seen::look(&stage, patience)
}

/// Whether a program that said READY=1 does not without the notify socket as an open descriptor: shown by a run without.
fn needs_socket(args: &Args, seen: &Seen) -> bool {
    let Some(ready) = &seen.ready else { return false };
    let without = format!("{}OpenFile=\n", seen::SETTINGS);
    Stage::of(args, &without).is_ok_and(|stage| !seen::is_ready(&stage, ready.took))
}

/// The sandboxing that it survived, where that can be tried.
fn sandbox(page: &Page) -> Sandbox {
    if page.seen.ready.is_none() {
        return Sandbox::Untried(
            "without READY=1 there is no telling whether it works under them".to_owned(),
        );
    }
    let trial = match trial::Trial::new(page) {
        Ok(trial) => trial,
        Err(why) => return Sandbox::Untried(why),
    };
    crate::complain(format_args!("aye check: trying sandboxing under systemd {}", trial.version));
    let mut count = 0;
    let mut runs = |settings: &[&str]| {
        count += 1;
        trial.run(settings)
    };
    match harden::survived(&mut runs) {
        Ok((kept, dropped)) => Sandbox::Tried { version: trial.version, starts: count, kept, dropped },
        Err(why) => Sandbox::Untried(format!("it did not run under systemd: {why}")),
    }
}

/// What the rules say of a unit file.
fn examined(text: &str) -> Result<(Subject, Vec<Finding>), String> {
    let folder = std::env::temp_dir().join(format!("aye-check-{}", std::process::id()));
    let failed = |error: io::Error| format!("cannot write below {}: {error}", folder.display());
    fs::create_dir(&folder).map_err(failed)?;
    let file = folder.join("new.service");
    let subject = fs::write(&file, text).map_err(failed).and_then(|()| {
        let units = load::units(&file.to_string_lossy(), &[]).map_err(|error| error.to_string())?;
        load::subject(&units[0], Path::new("/"), false).map_err(|error| error.to_string())
    });
    let _ = fs::remove_dir_all(&folder);
    let subject = subject?;
    let mut findings = rules::judge(&subject);
    findings.retain(|finding| finding.severity >= Severity::Warning);
    Ok((subject, findings))
}

/// The command with the path of its program.
fn resolved(words: &[String]) -> Result<Vec<String>, String> {
    let (program, rest) = words.split_first().ok_or("expected a command")?;
    let found = if program.contains('/') {
        std::path::absolute(program).ok().filter(|path| path.is_file())
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut places = std::env::split_paths(&path).map(|folder| folder.join(program));
        places.find(|place| is_program(place.as_path())).and_then(|place| std::path::absolute(place).ok())
    };
    let found = found.ok_or_else(|| format!("there is no program {program}: name one by its path"))?;
    Ok([found.to_string_lossy().into_owned()].into_iter().chain(rest.iter().cloned()).collect())
}

fn is_program(place: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(place).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

/// Whoever runs this, unless that is root.
fn user() -> Option<String> {
    let number = rustix::process::getuid().as_raw();
    if number == 0 {
        return None;
    }
    let table = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut rows = table.lines().map(|row| row.split(':').collect::<Vec<_>>());
    let own = rows.find(|row| row.get(2).is_some_and(|field| *field == number.to_string()));
    Some(own.map_or_else(|| number.to_string(), |row| row[0].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_its_name_and_kept_with_its_words() {
        let words = resolved(&["sh".to_owned(), "a b".to_owned()]).unwrap();
        assert!(words[0].starts_with('/') && words[0].ends_with("/sh"), "{words:?}");
        assert_eq!(words[1], "a b");
        let error = resolved(&["no-such-program".to_owned()]).unwrap_err();
        assert_eq!(error, "there is no program no-such-program: name one by its path");
    }
}
