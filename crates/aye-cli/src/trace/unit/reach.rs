//! Whether the processes of a unit can reach a notify socket, ours and the manager's, going by its settings: pure. What
//! cannot be traced is found here, before anything is touched.

use std::path::Path;

use aye_bus::Reach;

use super::folder::{BASE, REAL};

/// What the drop-in has to say beside the variable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The folder of the trace is to be mounted for the unit.
    pub(super) bind: bool,
    /// Every `OpenFile=`, with ours in place of the manager's socket; `None` where they can stay as they are.
    pub(super) open_files: Option<Vec<OpenFile>>,
    /// What is worth knowing beforehand.
    pub(super) notes: Vec<String>,
}

/// One `OpenFile=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenFile {
    /// The path; `None` for the notify socket, which is ours now.
    pub(super) path: Option<String>,
    pub(super) name: String,
    pub(super) options: Vec<&'static str>,
}

/// The flags of `OpenFile=` as the manager counts them (`OpenFileFlag` of open-file.h).
const OPTIONS: [(u64, &str); 4] = [(1, "read-only"), (2, "append"), (4, "truncate"), (8, "graceful")];

/// What to do so that the unit reaches our socket where it reaches the manager's, or why it cannot be traced.
pub(super) fn plan(unit: &str, reach: &Reach) -> Result<Plan, String> {
    if reach.load != "loaded" {
        return Err(format!("{unit} is {}: there is nothing to trace", reach.load));
    }
    if !reach.starts {
        return Err(format!("{unit} has no ExecStart=: there is no process to trace"));
    }
    let handed = reach.open_files.iter().any(|(path, ..)| path == REAL);
    let open_files = handed.then(|| open_files(reach)).transpose()?;
    let mut plan = Plan { bind: false, open_files, notes: Vec::new() };
    if let Some(why) = untold(reach).or_else(|| hidden(reach)) {
        if !handed {
            return Err(format!("{unit} cannot be traced: {why}"));
        }
        plan.notes.push(format!("only what comes by OpenFile= is seen: {why}"));
        return Ok(plan);
    }
    if Path::new(&reach.root).is_file() {
        return Err(format!(
            "{unit} cannot be traced: RootImage={} has no place on which our socket could be mounted",
            reach.root
        ));
    }
    plan.bind = !reach.root.is_empty() || covered(reach, &format!("{BASE}/x/notify")).is_some();
    for file in &reach.environment_files {
        plan.notes.push(format!("a NOTIFY_SOCKET= in {file} would win over ours, and nothing would be seen"));
    }
    Ok(plan)
}

/// Why the unit's processes are told of no socket.
fn untold(reach: &Reach) -> Option<String> {
    let takes_away = |name: &&String| name.split('=').next() == Some("NOTIFY_SOCKET");
    let unset = reach.unset.iter().find(takes_away)?;
    Some(format!("UnsetEnvironment={unset} takes $NOTIFY_SOCKET away: remove it"))
}

/// Why the unit's processes cannot reach the manager's socket either.
fn hidden(reach: &Reach) -> Option<String> {
    // In another root systemd mounts its socket itself.
    let by = covered(reach, REAL).filter(|_| reach.root.is_empty())?;
    Some(format!("{by} hides {REAL} from it: add BindReadOnlyPaths={REAL}"))
}

/// The setting that hides the path from the unit.
fn covered(reach: &Reach, path: &str) -> Option<String> {
    // What is mounted deeper wins.
    let deepest = |paths: &[String]| {
        paths
            .iter()
            .map(|one| one.trim_start_matches(['-', '+']))
            .filter(|one| Path::new(path).starts_with(one))
            .map(str::len)
            .max()
    };
    let bound = deepest(&reach.binds);
    let by = |name: &str, paths: &[String]| {
        let depth = deepest(paths).filter(|depth| bound.is_none_or(|bound| bound < *depth))?;
        Some(format!("{name}={}", &path[..depth]))
    };
    by("TemporaryFileSystem", &reach.temporary).or_else(|| by("InaccessiblePaths", &reach.inaccessible))
}

fn open_files(reach: &Reach) -> Result<Vec<OpenFile>, String> {
    let one = |(path, name, flags): &(String, String, u64)| {
        let is_ours = path == REAL;
        let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic() && !b"\"'\\:%".contains(&b));
        if !is_ours && !(is_plain(path) && is_plain(name)) {
            return Err(format!("OpenFile={path}:{name} cannot be written again as it was: rename it"));
        }
        let options = OPTIONS.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, option)| *option);
        Ok(OpenFile {
            path: (!is_ours).then(|| path.clone()),
            name: name.clone(),
            options: options.collect(),
        })
    };
    reach.open_files.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach() -> Reach {
        Reach { load: "loaded".to_owned(), starts: true, ..Reach::default() }
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn says_of_a_unit_that_cannot_reach_the_manager_either_what_to_write() {
        let reach = Reach { temporary: owned(&["/run"]), ..reach() };
        let error = plan("a.service", &reach).unwrap_err();
        assert_eq!(
            error,
            "a.service cannot be traced: TemporaryFileSystem=/run hides /run/systemd/notify from it: \
             add BindReadOnlyPaths=/run/systemd/notify"
        );
    }

    #[test]
    fn refuses_what_is_not_loaded_starts_nothing_or_is_told_nothing() {
        let missing = Reach { load: "not-found".to_owned(), ..reach() };
        let empty = Reach { starts: false, ..reach() };
        let untold = Reach { unset: owned(&["NOTIFY_SOCKET"]), ..reach() };
        let image = Reach { root: "/etc/passwd".to_owned(), ..reach() };
        for reach in [missing, empty, untold, image] {
            assert!(plan("a.service", &reach).is_err(), "{reach:?}");
        }
    }

    #[test]
    fn mounts_our_folder_only_where_the_managers_socket_is_seen_and_ours_is_not() {
        let bound = Reach { temporary: owned(&["/run"]), binds: owned(&[REAL]), ..reach() };
        let whole = Reach { temporary: owned(&["/run"]), binds: owned(&["/run"]), ..reach() };
        let other = Reach { temporary: owned(&["/var"]), ..reach() };
        let root = Reach { root: "/srv".to_owned(), ..reach() };
        let ours = Reach { inaccessible: owned(&["-/run/aye-trace"]), ..reach() };
        let wanted =
            [(reach(), false), (bound, true), (whole, false), (other, false), (root, true), (ours, true)];
        for (reach, bind) in wanted {
            assert_eq!(plan("a.service", &reach).unwrap().bind, bind, "{reach:?}");
        }
    }

    #[test]
    fn an_open_file_of_the_socket_is_replaced_and_the_others_stay() {
        let files =
            vec![("/etc/hosts".to_owned(), "hosts".to_owned(), 9), (REAL.to_owned(), "notify".to_owned(), 0)];
        let plan = plan("a.service", &Reach { open_files: files, ..reach() }).unwrap();
        let files = plan.open_files.unwrap();
        assert_eq!(
            (files[0].path.as_deref(), files[0].options.as_slice()),
            (Some("/etc/hosts"), &["read-only", "graceful"][..])
        );
        assert_eq!((files[1].path.as_deref(), files[1].name.as_str()), (None, "notify"));
    }
}
