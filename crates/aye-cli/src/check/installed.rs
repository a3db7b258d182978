//! Installed units by name: the files that the manager has read, when one answers; else those of the search path.

use std::fs;
use std::path::{Path, PathBuf};

use aye_bus::{Manager, Where};
use aye_manager::unit::{Name, Source};

use super::args::Args;
use super::load::{self, Refusal, Unit};

/// A unit, and whether it was named as one that is installed.
pub(super) struct Named {
    pub(super) unit: Unit,
    pub(super) is_installed: bool,
}

/// All units that the command line names, each once.
pub(super) fn units(args: &Args, root: &Path) -> Result<Vec<Named>, Refusal> {
    let place = local(args)?;
    let search = load::search_path(root, args.place.user);
    let mut units: Vec<Named> = Vec::new();
    for word in &args.units {
        let is_installed = !word.contains('/') && !Path::new(word).exists();
        let asked = if is_installed && args.root.is_none() { asked(&place, word) } else { None };
        let found = match asked {
            Some(unit) => vec![unit],
            None => load::units(word, &search)?,
        };
        for unit in found {
            if !units.iter().any(|other| other.unit.name == unit.name && other.unit.sources == unit.sources) {
                units.push(Named { unit, is_installed });
            }
        }
    }
    Ok(units)
}

/// The manager of this machine: files of another one cannot be read from here.
fn local(args: &Args) -> Result<Where, Refusal> {
    let mut places = args.place.places().map_err(Refusal::Usage)?;
    match places.pop() {
        Some(place @ (Where::System | Where::User | Where::Embedded(_))) if places.is_empty() => Ok(place),
        _ => Err(Refusal::Usage(
            "aye check reads unit files and programs, which are elsewhere with -H and -M: run it there"
                .to_owned(),
        )),
    }
}

/// The files of a unit as its manager has read them; `None` where no manager answers or it knows no such unit.
fn asked(place: &Where, word: &str) -> Option<Unit> {
    let name = if word.ends_with(".service") { word.to_owned() } else { format!("{word}.service") };
    let name: Name = name.parse().ok()?;
    if name.is_template() {
        return None;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let files = runtime.block_on(async {
        let manager: Manager = place.connect().await.ok()?;
        let path = manager.load(&name.to_string()).await.ok()?;
        manager.files(&path).await.ok()
    })?;
    let sources: Vec<Source> = files.iter().filter_map(|file| source(file)).collect();
    let folders: Vec<PathBuf> = sources.first()?.path.parent().map(Path::to_owned).into_iter().collect();
    (sources.len() == files.len()).then_some(Unit { name, sources, folders })
}

fn source(file: &str) -> Option<Source> {
    fs::read(file).ok().map(|text| Source::new(file, text))
}
