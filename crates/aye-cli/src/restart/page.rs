//! `--report FILE.html`: the run as one page that needs nothing but itself. What happens is collected by `record`, which
//! makes a timeline of it, and `render` makes the page of that; this file only sees to the file. It is made before
//! anything is touched, so that a path that cannot be written is known in time, and gets its name when it is complete.

mod chart;
mod date;
mod figure;
mod markup;
mod overview;
mod record;
mod render;
mod row;
mod tables;
mod trouble;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::report::{Happening, Shown};
use record::Timeline;

/// A page in the making.
#[derive(Debug)]
pub(crate) struct Page {
    timeline: Timeline,
    draft: Option<Draft>,
}

/// The open file, and the name it has to get.
#[derive(Debug)]
struct Draft {
    file: File,
    /// Where it is until then, and where it belongs; `None` for what is no regular file, such as a pipe.
    names: Option<(PathBuf, PathBuf)>,
}

impl Page {
    /// Makes the file. `words` is the command line as typed, `machine` the name of this machine, which units without a
    /// host are shown under.
    pub(crate) fn new(path: &Path, words: &[String], machine: &str) -> io::Result<Self> {
        let draft = Draft::new(path)?;
        Ok(Self { timeline: Timeline::new(words, machine), draft: Some(draft) })
    }

    /// Takes in what happened, `at` this long after the run began. With the summary the page is written, and only then
    /// there can be an error.
    pub(crate) fn tell(
        &mut self,
        units: &[Shown],
        happening: &Happening<'_>,
        at: Duration,
        now: SystemTime,
    ) -> io::Result<()> {
        self.timeline.record(units, happening, at, now);
        if matches!(happening, Happening::Summary(_)) { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> io::Result<()> {
        self.draft.take().map_or(Ok(()), |draft| draft.publish(&render::page(&self.timeline)))
    }
}

impl Drop for Page {
    /// A run that ends without a summary leaves what is known of it; one that never began leaves nothing.
    fn drop(&mut self) {
        if self.timeline.has_begun() {
            self.timeline.close();
            let _ = self.write();
        } else if let Some(draft) = self.draft.take() {
            draft.discard();
        }
    }
}

impl Draft {
    fn new(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match fs::metadata(&path) {
            Ok(there) if there.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
            Ok(there) if !there.is_file() => {
                Ok(Self { file: OpenOptions::new().write(true).open(&path)?, names: None })
            }
            _ => Self::beside(path),
        }
    }

    fn beside(path: PathBuf) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let hidden = format!(".{}.{}", name.display(), std::process::id());
        let draft = path.with_file_name(hidden);
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&draft)?;
        Ok(Self { file, names: Some((draft, path)) })
    }

    fn publish(mut self, text: &str) -> io::Result<()> {
        let written = self.file.write_all(text.as_bytes());
        let named = written.and_then(|()| match &self.names {
            Some((draft, path)) => fs::rename(draft, path),
            None => Ok(()),
        });
        if named.is_err() {
            self.discard();
        }
        named
    }

    fn discard(self) {
        if let Some((draft, _)) = self.names {
            let _ = fs::remove_file(draft);
        }
    }
}
