//! From what was named on the command line to services: files, folders, and units that are installed. All reading of unit
//! files is here.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use aye_manager::unit::{self, FindError, Kind, Name, Source};

use super::command::{Command, expanded};
use super::look::{self, Signs, Tree};
use super::setting::Settings;
use super::subject::Subject;

/// The folders of `systemd.unit(5)`, "UNIT FILE LOAD PATH", of a system manager.
const SYSTEM: [&str; 9] = [
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Of the managers of users, but for the folders in the user's home.
const USER: [&str; 5] = [
    "/etc/systemd/user",
    "/run/systemd/user",
    "/usr/local/share/systemd/user",
    "/usr/local/lib/systemd/user",
    "/usr/lib/systemd/user",
];

/// An instance that stands for any, where a template is checked as such.
const ANY_INSTANCE: &str = "1";

/// A unit to check: its files.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) name: Name,
    pub(crate) sources: Vec<Source>,
    /// The folders that a socket of it would be in.
    pub(crate) folders: Vec<PathBuf>,
}

/// What was named, and could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    NotFound(String),
}

/// Where units are looked for by name.
pub(crate) fn search_path(root: &Path, is_user: bool) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    if is_user && let Some(home) = std::env::var_os("HOME") {
        folders.push(Path::new(&home).join(".config/systemd/user"));
    }
    let fixed: &[&str] = if is_user { &USER } else { &SYSTEM };
    folders.extend(fixed.iter().map(|folder| root.join(folder.trim_start_matches('/'))));
    folders.retain(|folder| folder.is_dir());
    // /lib is often a link to /usr/lib.
    let mut seen: Vec<PathBuf> = Vec::new();
    folders.retain(|folder| {
        let real = fs::canonicalize(folder).unwrap_or_else(|_| folder.clone());
        let is_new = !seen.contains(&real);
        seen.push(real);
        is_new
    });
    folders
}

/// The units that one word of the command line means.
pub(crate) fn units(word: &str, search: &[PathBuf]) -> Result<Vec<Unit>, Refusal> {
    let path = Path::new(word);
    if path.is_dir() {
        return folder(path);
    }
    if word.contains('/') || path.is_file() {
        return file(path).map(|unit| vec![unit]);
    }
    installed(word, search).map(|unit| vec![unit])
}

/// Every service of a folder that has a file of its own.
fn folder(path: &Path) -> Result<Vec<Unit>, Refusal> {
    let unreadable = |error| Refusal::NotFound(format!("cannot read {}: {error}", path.display()));
    let entries =
        fs::read_dir(path).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension() == Some(OsStr::new("service")) && file.is_file());
    // Aliases are checked under the name of what they mean.
    files.retain(|file| {
        !file.is_symlink() || fs::canonicalize(file).is_ok_and(|real| real.file_name() == file.file_name())
    });
    files.sort();
    let mut units = Vec::new();
    for path in files {
        if fs::metadata(&path).is_ok_and(|about| about.len() > 0) {
            units.push(file(&path)?);
        }
    }
    if units.is_empty() {
        return Err(Refusal::NotFound(format!("there is no service in {}", path.display())));
    }
    Ok(units)
}

/// A unit file, with the drop-ins beside it.
fn file(path: &Path) -> Result<Unit, Refusal> {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let name: Name = name.parse().map_err(|error| Refusal::Usage(format!("{}: {error}", path.display())))?;
    if !path.is_file() {
        return Err(Refusal::NotFound(format!("there is no file {}", path.display())));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    found(&name, &[folder.to_owned()])
}

/// A unit by its name.
fn installed(word: &str, search: &[PathBuf]) -> Result<Unit, Refusal> {
    let name = if word.ends_with(".service") { word.to_owned() } else { format!("{word}.service") };
    let name: Name = name.parse().map_err(|error| Refusal::Usage(format!("{word}: {error}")))?;
    let here = format!("no file {word} in the current folder (name one by its path, such as ./{name})");
    found(&name, search).map_err(|refusal| match refusal {
        Refusal::NotFound(_) if search.is_empty() => {
            Refusal::NotFound(format!("{here}, and no folder of installed units"))
        }
        Refusal::NotFound(reason) => Refusal::NotFound(format!("{here}, and {reason}")),
        usage @ Refusal::Usage(_) => usage,
    })
}

fn found(name: &Name, folders: &[PathBuf]) -> Result<Unit, Refusal> {
    if name.kind() != Kind::Service {
        return Err(Refusal::Usage(format!("{name} is no service: aye check knows services")));
    }
    let wanted = if name.is_template() { name.with_instance(ANY_INSTANCE) } else { Ok(name.clone()) };
    let wanted = wanted.map_err(|error| Refusal::Usage(error.to_string()))?;
    let found = unit::find(&wanted, folders).map_err(|error| match error {
        FindError::NotFound { .. } => Refusal::NotFound(error.to_string()),
        _ => Refusal::Usage(error.to_string()),
    })?;
    Ok(Unit { name: found.name, sources: found.sources, folders: folders.to_vec() })
}

/// Reads a unit's settings and looks at its program. `root` stands for `/`.
pub(crate) fn subject(unit: &Unit, root: &Path, is_users: bool) -> Result<Subject, Refusal> {
    let settings = Settings::read(&unit.sources).map_err(|error| Refusal::Usage(error.to_string()))?;
    let main = settings.list("ExecStart").flat_map(Command::of).next();
    let tree = tree(unit, &settings, root);
    let with_names = main.as_ref().map(|command| named(command, &unit.name));
    let signs = with_names.as_ref().map_or_else(Signs::default, |command| look::look(&tree, command));
    let script = with_names.as_ref().and_then(|command| look::script_of(&tree, command));
    Ok(Subject {
        main,
        signs,
        script,
        is_vendors: is_vendors(unit),
        has_socket: has_socket(unit),
        is_users,
        starts: Vec::new(),
        name: unit.name.clone(),
        settings,
    })
}

/// A command with the unit's name put in, to look for its files.
fn named(command: &Command, name: &Name) -> Command {
    let put_in = |words: &[String]| words.iter().map(|word| expanded(word, name)).collect();
    Command { words: put_in(&command.words), inner: put_in(&command.inner), ..command.clone() }
}

fn tree(unit: &Unit, settings: &Settings, root: &Path) -> Tree {
    let folder = unit.sources.first().and_then(|source| source.path.parent()).unwrap_or(Path::new("/"));
    let working = settings
        .get("WorkingDirectory")
        .map(|setting| expanded(setting.value.trim_start_matches('-'), &unit.name));
    // Only these claim that something is not said.
    let deep = settings.get("WatchdogSec").is_some()
        || settings.get("Type").is_some_and(|kind| kind.value == "notify-reload");
    // What systemd gives a service, `systemd.exec(5)`.
    let path =
        ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(str::to_owned);
    Tree { root: root.to_owned(), beside: folder.to_owned(), working, deep, path: path.to_vec() }
}

fn is_vendors(unit: &Unit) -> bool {
    let is_in = |source: &Source| {
        source
            .path
            .ancestors()
            .any(|folder| folder.ends_with("usr/lib/systemd") || folder.ends_with("lib/systemd"))
    };
    unit.sources.iter().all(is_in)
}

fn has_socket(unit: &Unit) -> bool {
    let names = [Some(unit.name.clone()), unit.name.template()].into_iter().flatten();
    let mut sockets = names.filter_map(|name| name.with_kind(Kind::Socket).ok());
    sockets.any(|socket| unit.folders.iter().any(|folder| folder.join(socket.to_string()).exists()))
}
