//! The unit to prove, put into a folder of its own with what the proof needs changed: no restart by itself, no limit of
//! starts, and the watchdog that was asked for.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use aye_manager::unit::{self, Service, Specifiers};

use super::super::Args;

/// The name of a unit that has none.
const COMMAND: &str = "command.service";

/// The folder, which goes away with this.
#[derive(Debug)]
pub(in crate::check) struct Stage {
    dir: PathBuf,
    pub(in crate::check) service: Service,
}

impl Stage {
    pub(in crate::check) fn of(args: &Args, settings: &str) -> Result<Self, String> {
        let file = args.run.as_deref();
        let name = match file {
            Some(path) => path
                .file_name()
                .and_then(OsStr::to_str)
                .ok_or_else(|| format!("{} is no file", path.display()))?,
            None => COMMAND,
        };
        let name = &name.replace("@.", "@1.");
        let dir = std::env::temp_dir().join(format!("{PREFIX}{}", std::process::id()));
        let made = fs::DirBuilder::new().mode(0o700).create(&dir);
        made.map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
        let kept = Kept(dir);
        let units = kept.0.join("units");
        let written = fs::create_dir(&units).map_err(|error| error.to_string()).and_then(|()| match file {
            Some(path) => {
                copy(path, &units).map_err(|error| format!("cannot read {}: {error}", path.display()))
            }
            None => {
                fs::write(units.join(COMMAND), command(&args.command)?).map_err(|error| error.to_string())
            }
        });
        written?;
        change(&units, name, settings)
            .map_err(|error| format!("cannot write below {}: {error}", units.display()))?;
        let service = load(name, &units).map_err(|error| shown(&error, &units, file))?;
        let dir = kept.keep();
        Ok(Self { dir, service })
    }

    /// Takes the folder away: nothing can be started any more.
    pub(super) fn clear(&self) {
        let _ = fs::remove_dir_all(&self.dir);
    }

    pub(in crate::check) fn name(&self) -> String {
        self.service.name.to_string()
    }

    pub(in crate::check) fn units(&self) -> PathBuf {
        self.dir.join("units")
    }

    pub(in crate::check) fn runtime(&self) -> PathBuf {
        self.dir.join("run")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What the folders of stages are called, before the number of the process.
const PREFIX: &str = "aye-check-";

/// The folder that these units are staged in; `None` when it is not one of ours.
pub(super) fn folder_of(units: &Path) -> Option<&Path> {
    units
        .parent()
        .filter(|folder| folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX)))
}

/// A folder that goes away unless it is kept.
struct Kept(PathBuf);

impl Kept {
    fn keep(mut self) -> PathBuf {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// A message about the copy, as one about the file that was named.
fn shown(error: &str, units: &Path, file: Option<&Path>) -> String {
    let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
    error.replace(&format!("{}/", units.display()), &folder.join("").to_string_lossy())
}

/// The unit file, its drop-ins, and the socket of its name.
fn copy(file: &Path, units: &Path) -> io::Result<()> {
    let Some(name) = file.file_name() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    fs::copy(file, units.join(name))?;
    let socket = file.with_extension("socket");
    if socket.is_file() {
        fs::copy(&socket, units.join(socket.file_name().unwrap_or_default()))?;
    }
    let folder = file.with_file_name(format!("{}.d", name.to_string_lossy()));
    if folder.is_dir() {
        let there = units.join(folder.file_name().unwrap_or_default());
        fs::create_dir(&there)?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            fs::copy(entry.path(), there.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// A unit file for a command: its words as they are.
fn command(words: &[String]) -> Result<String, String> {
    let here = std::env::current_dir().map_err(|error| format!("cannot find the current folder: {error}"))?;
    let path = words.first().filter(|word| word.starts_with("./") || word.starts_with("../"));
    let program = path.map(|path| here.join(path).to_string_lossy().into_owned());
    let words = program.iter().chain(words.iter().skip(usize::from(program.is_some())));
    let words: Vec<String> = words.map(|word| quoted(word)).collect();
    let here = here.to_string_lossy().replace('%', "%%");
    Ok(format!(
        "[Service]\nType=notify\nWorkingDirectory={here}\nOpenFile=/run/systemd/notify:notify\nExecStart=:{}\n",
        words.join(" ")
    ))
}

/// A word as systemd.syntax(7) quotes it, its specifiers taken for what they are.
fn quoted(word: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in word.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '%' => quoted.push_str("%%"),
            _ => quoted.push(letter),
        }
    }
    quoted + "\""
}

/// Writes the drop-in with what the proof needs.
fn change(units: &Path, name: &str, settings: &str) -> io::Result<()> {
    let folder = units.join(format!("{name}.d"));
    fs::create_dir_all(&folder)?;
    let text = format!("[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=no\n{settings}");
    fs::write(folder.join("zz-aye-check.conf"), text)
}

fn load(name: &str, units: &Path) -> Result<Service, String> {
    let name: unit::Name = name.parse().map_err(|error: unit::name::ParseError| error.to_string())?;
    let found = unit::find(&name, &[units.to_owned()]).map_err(|error| error.to_string())?;
    let specifiers = Specifiers::of_this_host(&|name| std::env::var(name).ok());
    let loaded = unit::load(&found.name, &found.sources, &specifiers).map_err(|error| error.to_string())?;
    match loaded.unit {
        unit::Unit::Service(service) => Ok(service),
        unit::Unit::Socket(_) => Err(format!("{name} is no service: aye check runs services")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_kept_whatever_is_in_it() {
        assert_eq!(quoted("a \"b\\c\n100%"), "\"a \\\"b\\\\c\\n100%%\"");
    }
}
