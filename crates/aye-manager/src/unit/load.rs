//! From the files of a unit to its typed settings. Everything a file says is either honoured, or a [`Warning`], or an
//! [`Error`]; only `[Install]`, `Documentation=`, `Description=` and what begins with `X-` pass without a word.

use std::path::{Path, PathBuf};

use super::error::{Error, Invalid, Warning};
use super::name::{Kind, Name};
use super::service::{self, Service};
use super::setting;
use super::socket::{self, Socket};
use super::specifier::Specifiers;
use super::syntax::{self, Entry};

/// One file of a unit: the unit file itself, or a drop-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it is; `%y` and the `FragmentPath` of D-Bus come from it.
    pub path: PathBuf,
    /// What messages call it; a path as short as the one that was given.
    pub label: String,
    /// What it holds.
    pub text: Vec<u8>,
}

impl Source {
    /// A file whose messages call it by its path.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<Vec<u8>>) -> Self {
        let path = path.into();
        Self { label: path.to_string_lossy().into_owned(), path, text: text.into() }
    }
}

/// A unit and what it says in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The unit.
    pub unit: Unit,
    /// In the order of the files and their lines.
    pub warnings: Vec<Warning>,
}

/// A unit of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "units are few and never in bulk")]
pub enum Unit {
    /// A `.service`.
    Service(Service),
    /// A `.socket`.
    Socket(Socket),
}

impl Unit {
    /// Its name.
    pub fn name(&self) -> &Name {
        match self {
            Self::Service(service) => &service.name,
            Self::Socket(socket) => &socket.name,
        }
    }

    /// Its description.
    pub fn description(&self) -> &str {
        match self {
            Self::Service(service) => &service.description,
            Self::Socket(socket) => &socket.description,
        }
    }
}

/// A line of a file.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) line: usize,
}

/// What became of a valid setting.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It has its effect.
    Honoured,
    /// It has none.
    NotHonoured,
    /// It has none with this value; the text names both.
    NotHonouredAs(String),
}

impl Outcome {
    /// For a setting that asks for what happens anyway.
    pub(super) fn honoured_if(condition: bool) -> Self {
        if condition { Self::Honoured } else { Self::NotHonoured }
    }
}

/// What a setting may need to know besides its value.
pub(super) struct Context<'a> {
    name: &'a Name,
    fragment: &'a Path,
    specifiers: &'a Specifiers,
    place: Place,
    warnings: Vec<Warning>,
}

impl Context<'_> {
    /// `text` with its specifiers replaced.
    pub(super) fn expand(&self, text: &str) -> Result<String, Invalid> {
        self.specifiers.expand(text, self.name, self.fragment)
    }

    /// A unit's name, with its specifiers replaced, that can be started and is of this kind.
    pub(super) fn unit_name(&self, text: &str, kind: Kind) -> Result<Name, Invalid> {
        let text = self.expand(text)?;
        let name: Name =
            text.parse().map_err(|error: super::name::ParseError| Invalid::because(error.to_string()))?;
        if name.kind() != kind || name.is_template() {
            return Err(Invalid::expected(format_args!("the name of a .{} unit", kind.suffix()), &text));
        }
        Ok(name)
    }

    /// The line that is being read.
    pub(super) fn place(&self) -> Place {
        self.place.clone()
    }

    /// Warns about parts of a value.
    pub(super) fn remark(&mut self, remarks: Vec<String>) {
        for remark in remarks {
            self.warn(remark);
        }
    }

    fn warn(&mut self, text: String) {
        self.warnings.push(Warning { file: self.place.file.clone(), line: self.place.line, text });
    }
}

/// What every kind of unit has.
#[derive(Default)]
struct Head {
    description: Option<String>,
    documentation: Vec<String>,
}

enum Draft {
    Service(Box<service::Draft>),
    Socket(socket::Draft),
}

/// Reads the files of a unit: first the unit file, then the drop-ins in their order.
///
/// An invalid value of an honoured setting is an error, as is a service without `ExecStart=` or with two of them, and a
/// socket without `ListenStream=`.
pub fn load(name: &Name, sources: &[Source], specifiers: &Specifiers) -> Result<Loaded, Error> {
    let Some((first, drop_ins)) = sources.split_first() else {
        return Err(Error::in_file(&name.to_string(), "expected a unit file, found none"));
    };
    if name.is_template() {
        return Err(Error::in_file(&name.to_string(), template_hint(name)));
    }
    let place = Place { file: first.label.clone(), line: 0 };
    let mut context = Context { name, fragment: &first.path, specifiers, place, warnings: Vec::new() };
    let mut head = Head::default();
    let mut draft = match name.kind() {
        Kind::Service => Draft::Service(Box::default()),
        Kind::Socket => Draft::Socket(socket::Draft::default()),
    };
    for source in sources {
        read(source, &mut head, &mut draft, &mut context)?;
    }
    let drop_ins = drop_ins.iter().map(|source| source.path.clone()).collect();
    let unit = draft.finish(name, first, drop_ins, head)?;
    Ok(Loaded { unit, warnings: context.warnings })
}

/// What to do about the name of a template.
pub(super) fn template_hint(template: &Name) -> String {
    let example = template.with_instance("1").map_or_else(|_| "one".to_owned(), |name| name.to_string());
    format!("{template} is a template: name an instance, such as {example}")
}

fn read(source: &Source, head: &mut Head, draft: &mut Draft, context: &mut Context<'_>) -> Result<(), Error> {
    let mut section = None;
    for entry in syntax::parse(&source.label, &source.text)? {
        context.place = Place { file: source.label.clone(), line: entry.line };
        let is_new = section.as_ref() != Some(&entry.section);
        apply(&entry, is_new, head, draft, context).map_err(|invalid| {
            Error::at(&source.label, entry.line, format_args!("{}=: {invalid}", entry.key))
        })?;
        section = Some(entry.section);
    }
    Ok(())
}

fn apply(
    entry: &Entry,
    is_new_section: bool,
    head: &mut Head,
    draft: &mut Draft,
    context: &mut Context<'_>,
) -> Result<(), Invalid> {
    let (kind, section) = (context.name.kind(), entry.section.as_str());
    if section == "Install" || section.starts_with("X-") || entry.key.starts_with("X-") {
        return Ok(());
    }
    if !setting::sections(kind).contains(&section) {
        if is_new_section {
            context.warn(setting::explain_section(kind, section));
        }
        return Ok(());
    }
    let outcome =
        if section == "Unit" { head.set(entry, draft, context)? } else { draft.set(entry, context)? };
    match outcome {
        Outcome::Honoured => {}
        Outcome::NotHonoured => context.warn(setting::explain(kind, section, &entry.key)),
        Outcome::NotHonouredAs(what) => context.warn(format!("{what} is not honoured by aye run")),
    }
    Ok(())
}

impl Head {
    fn set(&mut self, entry: &Entry, draft: &mut Draft, context: &Context<'_>) -> Result<Outcome, Invalid> {
        match (entry.key.as_str(), draft) {
            ("Description", _) => {
                self.description = Some(context.expand(&entry.value)?).filter(|text| !text.is_empty());
            }
            ("Documentation", _) if entry.value.is_empty() => self.documentation.clear(),
            ("Documentation", _) => {
                let text = context.expand(&entry.value)?;
                self.documentation.extend(text.split_whitespace().map(str::to_owned));
            }
            (key, Draft::Service(service)) => return service.set_in_unit(key, &entry.value),
            (_, Draft::Socket(_)) => return Ok(Outcome::NotHonoured),
        }
        Ok(Outcome::Honoured)
    }
}

impl Draft {
    fn set(&mut self, entry: &Entry, context: &mut Context<'_>) -> Result<Outcome, Invalid> {
        match self {
            Self::Service(service) => service.set(&entry.key, &entry.value, context),
            Self::Socket(socket) => socket.set(&entry.key, &entry.value, context),
        }
    }

    fn finish(self, name: &Name, first: &Source, drop_ins: Vec<PathBuf>, head: Head) -> Result<Unit, Error> {
        let description = head.description.unwrap_or_else(|| name.to_string());
        let (documentation, fragment) = (head.documentation, first.path.clone());
        match self {
            Self::Service(draft) => {
                let service = draft.finish(name, &first.label)?;
                Ok(Unit::Service(Service { description, documentation, fragment, drop_ins, ..service }))
            }
            Self::Socket(draft) => {
                let socket = draft.finish(name, &first.label)?;
                Ok(Unit::Socket(Socket { description, documentation, fragment, drop_ins, ..socket }))
            }
        }
    }
}

#[cfg(test)]
mod tests;
