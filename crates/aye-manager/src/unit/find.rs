//! Finding and reading the files of a unit: the only place here that reads unit files. Templates, aliases, masks and
//! the order of drop-ins are those of `systemd.unit(5)`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::load::{Source, template_hint};
use super::name::{Name, ParseError};
use super::syntax;

/// Symbolic links from one unit name to the next are followed this often.
const MOST_ALIASES: usize = 8;

/// The files of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The unit's name; another one than was asked for when that is an alias.
    pub name: Name,
    /// The unit file, then the drop-ins in the order they apply: what [`load`](super::load()) takes.
    pub sources: Vec<Source>,
}

/// Why a unit's files cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A template was asked for.
    #[error("{}", template_hint(template))]
    Template {
        /// Its name.
        template: Name,
    },
    /// No file of that name, nor of its template's.
    #[error("no {name}{} in {}{}", or_template(name), folders(searched), hint(template.as_deref()))]
    NotFound {
        /// The unit asked for.
        name: Name,
        /// The folders that were searched.
        searched: Vec<PathBuf>,
        /// A template of the same prefix that is there instead.
        template: Option<Box<Name>>,
    },
    /// A mask: an empty file or a link to `/dev/null`.
    #[error("{name} is masked by {}: remove that file to run it", file.display())]
    Masked {
        /// The unit asked for.
        name: Name,
        /// The file that masks it.
        file: PathBuf,
    },
    /// Aliases that never end at a file.
    #[error("cannot follow {name}: its symbolic links form a loop or a chain of more than {MOST_ALIASES}")]
    Loop {
        /// The unit asked for.
        name: Name,
    },
    /// A template that cannot be parsed.
    #[error(transparent)]
    Syntax(#[from] super::error::Error),
    /// A file or folder that is there and cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn or_template(name: &Name) -> String {
    name.template().map(|template| format!(" or {template}")).unwrap_or_default()
}

fn folders(searched: &[PathBuf]) -> String {
    let here = |folder: &PathBuf| folder.as_os_str().is_empty();
    let show = |folder| {
        if here(folder) { ".".to_owned() } else { folder.display().to_string() }
    };
    searched.iter().map(show).collect::<Vec<_>>().join(", ")
}

fn hint(template: Option<&Name>) -> String {
    template.map(|template| format!("; {}", template_hint(template))).unwrap_or_default()
}

/// Reads the files of `name` from the folders of `search`, of which an earlier one overrides a later one.
pub fn find(name: &Name, search: &[PathBuf]) -> Result<Found, Error> {
    if name.is_template() {
        return Err(Error::Template { template: name.clone() });
    }
    let mut names = vec![name.clone()];
    while let Some(file) = locate(&names[names.len() - 1], search) {
        let current = &names[names.len() - 1];
        match alias(&file, current) {
            Some(next) if names.len() < MOST_ALIASES => names.push(next),
            Some(_) => return Err(Error::Loop { name: name.clone() }),
            None => {
                let fragment = read(&file)?.filter(|source| !source.text.is_empty());
                let fragment =
                    fragment.ok_or_else(|| Error::Masked { name: name.clone(), file: file.clone() })?;
                names.reverse();
                let mut sources = vec![fragment];
                sources.extend(drop_ins(&names, search)?);
                return Ok(Found { name: names.swap_remove(0), sources });
            }
        }
    }
    Err(not_found(name, search))
}

fn not_found(name: &Name, search: &[PathBuf]) -> Error {
    let template = name.with_instance("").ok().filter(|_| name.instance().is_none());
    Error::NotFound {
        name: name.clone(),
        searched: search.to_vec(),
        template: template.filter(|template| locate(template, search).is_some()).map(Box::new),
    }
}

/// The file of a unit: its own in any folder, or else its template's. A dangling link counts only as an alias.
fn locate(name: &Name, search: &[PathBuf]) -> Option<PathBuf> {
    let candidates = [Some(name.clone()), name.template()].into_iter().flatten().map(|name| name.to_string());
    let mut files = candidates.flat_map(|unit| search.iter().map(move |folder| in_folder(folder, &unit)));
    files.find(|file| file.try_exists().unwrap_or(true) || alias(file, name).is_some())
}

/// A file in a folder, without a `./` that nobody typed.
fn in_folder(folder: &Path, file: &str) -> PathBuf {
    if folder == Path::new(".") { PathBuf::from(file) } else { folder.join(file) }
}

fn target(file: &Path) -> Option<PathBuf> {
    fs::read_link(file).ok()
}

fn unit_of(file: &Path) -> Option<Name> {
    file.file_name().and_then(OsStr::to_str)?.parse().ok()
}

/// The unit that a symbolic link makes `name` another name of: `a.service -> b.service`, `a@1.service -> b@.service`.
/// A link to a file of the same name, or from an instance to its own template, is no alias.
fn alias(file: &Path, name: &Name) -> Option<Name> {
    let other = unit_of(&target(file)?).filter(|other| other.kind() == name.kind())?;
    let other = match (name.instance(), other.instance()) {
        (Some(instance), Some("")) => other.with_instance(instance).ok()?,
        (None, Some(_)) | (Some(_), None) => return None,
        _ => other,
    };
    (other != *name).then_some(other)
}

/// A file's text and its real path; `None` for a mask.
fn read(file: &Path) -> Result<Option<Source>, Error> {
    let failed = |source| Error::Read { path: file.to_owned(), source };
    let path = fs::canonicalize(file).map_err(failed)?;
    if path == Path::new("/dev/null") {
        return Ok(None);
    }
    let text = fs::read(&path).map_err(failed)?;
    let label = label(file).to_string_lossy().into_owned();
    Ok(Some(Source { path, label, text }))
}

/// What messages call a file: for a link beside the file it means, that file.
fn label(file: &Path) -> PathBuf {
    match target(file).filter(|target| target.components().count() == 1) {
        Some(target) => file.with_file_name(target),
        None => file.to_owned(),
    }
}

/// The drop-ins of a unit and its aliases, ordered by file name. Of those with the same file name the one in the most
/// specific folder counts; an empty one overrides the others with nothing.
fn drop_ins(names: &[Name], search: &[PathBuf]) -> Result<Vec<Source>, Error> {
    let mut by_file_name = BTreeMap::new();
    for folder in drop_in_folders(names, search) {
        for file_name in conf_files(&folder)? {
            by_file_name.entry(file_name.clone()).or_insert_with(|| folder.join(&file_name));
        }
    }
    let mut sources = Vec::new();
    for file in by_file_name.values() {
        sources.extend(read(file)?.filter(|source| !source.text.is_empty()));
    }
    Ok(sources)
}

fn conf_files(folder: &Path) -> Result<Vec<String>, Error> {
    let failed = |source| Error::Read { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().into_string().unwrap_or_default();
        let is_conf = Path::new(&name).extension() == Some(OsStr::new("conf"));
        if is_conf && !name.starts_with('.') && !entry.path().is_dir() {
            names.push(name);
        }
    }
    Ok(names)
}

/// Every folder that may hold drop-ins, the most specific first. The search path is walked for each name.
fn drop_in_folders(names: &[Name], search: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for name in names {
        for folder in search {
            folders.extend(folder_names(name).iter().map(|unit| in_folder(folder, &format!("{unit}.d"))));
        }
    }
    if let Some(name) = names.first() {
        folders.extend(search.iter().map(|folder| in_folder(folder, &format!("{}.d", name.kind().suffix()))));
    }
    folders
}

/// The names whose `.d` folders count for a unit. For `a-b.service` these are itself and `a-.service`, cut at each dash;
/// for `a-b@1.service` they are itself, its template, `a-.service`, `a-@1.service` and `a-@.service`.
fn folder_names(name: &Name) -> Vec<String> {
    let suffix = name.kind().suffix();
    let shorter = shorter_prefixes(name.prefix());
    let plain = shorter.iter().map(|prefix| format!("{prefix}.{suffix}"));
    let Some(instance) = name.instance() else {
        return std::iter::once(name.to_string()).chain(plain).collect();
    };
    let both = |prefix: &str| [format!("{prefix}@{instance}.{suffix}"), format!("{prefix}@.{suffix}")];
    let own = both(name.prefix()).into_iter();
    own.chain(plain).chain(shorter.iter().flat_map(|prefix| both(prefix))).collect()
}

/// `a-b-` and `a-` of `a-b-c`.
fn shorter_prefixes(prefix: &str) -> Vec<String> {
    let mut prefixes = Vec::new();
    let mut rest = prefix.strip_suffix('-').unwrap_or(prefix);
    while let Some((shorter, _)) = rest.rsplit_once('-').filter(|(shorter, _)| !shorter.is_empty()) {
        prefixes.push(format!("{shorter}-"));
        rest = shorter;
    }
    prefixes
}

/// Every unit of a folder that can start by itself, in order: services and sockets, instances that have a file or a
/// link of their own, and the `DefaultInstance=` of templates. Masked units and aliases of others are left out.
pub fn units_of_dir(folder: &Path) -> Result<Vec<Name>, Error> {
    let failed = |source| Error::Read { path: folder.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let file_name = entry.map_err(failed)?.file_name();
        let Some(name) = unit_of(Path::new(&file_name)) else {
            continue;
        };
        let file = in_folder(folder, &file_name.to_string_lossy());
        names.extend(startable(&file, name, folder)?);
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// The unit that a file of a folder stands for, if it can start.
fn startable(file: &Path, name: Name, folder: &Path) -> Result<Option<Name>, Error> {
    let here = [folder.to_owned()];
    if file.is_dir() || alias(file, &name).is_some_and(|other| locate(&other, &here).is_some()) {
        return Ok(None);
    }
    // A dangling `web@1.service` still names an instance of the template beside it.
    let holder = locate(&name, &here).unwrap_or_else(|| file.to_owned());
    let Some(source) = read(&holder)?.filter(|source| !source.text.is_empty()) else {
        return Ok(None);
    };
    if name.is_template() { default_instance(&name, &source) } else { Ok(Some(name)) }
}

/// The instance that `DefaultInstance=` of a template names.
fn default_instance(template: &Name, source: &Source) -> Result<Option<Name>, Error> {
    let mut instance = None;
    for entry in syntax::parse(&source.label, &source.text)? {
        if entry.section == "Install" && entry.key == "DefaultInstance" {
            instance = Some(entry).filter(|entry| !entry.value.is_empty());
        }
    }
    let Some(entry) = instance else {
        return Ok(None);
    };
    let invalid = |error: ParseError| {
        let what = format_args!("DefaultInstance=: {error}");
        Error::Syntax(super::error::Error::at(&source.label, entry.line, what))
    };
    template.with_instance(&entry.value).map(Some).map_err(invalid)
}

#[cfg(test)]
mod tests;
