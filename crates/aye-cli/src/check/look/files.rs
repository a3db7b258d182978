//! Where the files of a unit's programs are: under a root folder, or beside the unit file, where a repository has both.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// Larger files are looked at no further: 64 MiB.
const LARGEST: u64 = 64 << 20;

/// The files that can be looked at.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    /// The folder that stands for `/`.
    pub(crate) root: PathBuf,
    /// The folder of the unit file.
    pub(crate) beside: PathBuf,
    /// `WorkingDirectory=`.
    pub(crate) working: Option<String>,
    /// Whether the libraries of a compiled program are looked into, which takes its time.
    pub(crate) deep: bool,
    /// `PATH` of the service.
    pub(crate) path: Vec<String>,
}

impl Tree {
    /// The file that a program's name means: an absolute path, or one to look for in `PATH`.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        if name.contains('/') {
            return self.file(name);
        }
        self.path.iter().find_map(|folder| self.absolute(&format!("{folder}/{name}")))
    }

    /// The file that a path means. One that is not there is looked for beside the unit file, by as much of its path as there
    /// is.
    pub(crate) fn file(&self, path: &str) -> Option<PathBuf> {
        let absolute = if path.starts_with('/') {
            self.absolute(path)
        } else {
            self.working.as_ref().and_then(|folder| self.absolute(&format!("{folder}/{path}")))
        };
        absolute.or_else(|| self.near(path))
    }

    fn absolute(&self, path: &str) -> Option<PathBuf> {
        let file = follow(&self.root, &inside(&self.root, path))?;
        file.is_file().then_some(file)
    }

    fn near(&self, path: &str) -> Option<PathBuf> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        (0..parts.len()).find_map(|from| {
            let file = self.beside.join(parts[from..].join("/"));
            file.is_file().then_some(file)
        })
    }

    /// What messages call a file.
    pub(crate) fn label(&self, file: &Path) -> String {
        if let Ok(rest) = file.strip_prefix(&self.beside) {
            return rest.display().to_string();
        }
        match file.strip_prefix(&self.root) {
            Ok(rest) => format!("/{}", rest.display()),
            Err(_) => file.display().to_string(),
        }
    }
}

fn inside(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// Follows symbolic links as from inside the root; `None` where they never end.
fn follow(root: &Path, path: &Path) -> Option<PathBuf> {
    if root == Path::new("/") {
        return fs::canonicalize(path).ok();
    }
    let mut done = root.to_owned();
    let mut rest: Vec<std::ffi::OsString> =
        path.strip_prefix(root).ok()?.components().rev().map(|part| part.as_os_str().to_owned()).collect();
    let mut links = 0;
    while let Some(part) = rest.pop() {
        match Path::new(&part).components().next() {
            Some(Component::ParentDir) if done != root => {
                done.pop();
            }
            Some(Component::Normal(name)) => {
                let next = done.join(name);
                let Ok(target) = fs::read_link(&next) else {
                    done = next;
                    continue;
                };
                links += 1;
                if links > 40 {
                    return None;
                }
                if target.is_absolute() {
                    root.clone_into(&mut done);
                }
                rest.extend(target.components().rev().map(|part| part.as_os_str().to_owned()));
            }
            _ => {}
        }
    }
    Some(done)
}

/// What a file holds; `None` when it cannot be read or is too large.
pub(super) fn read(file: &Path) -> Option<Vec<u8>> {
    let about = fs::metadata(file).ok()?;
    if !about.is_file() || about.len() > LARGEST {
        return None;
    }
    fs::read(file).ok()
}
