//! The runtime drop-in by which a unit is told of another notify socket: its text, and how it comes and goes.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::{Folder, REAL};
use super::reach::Plan;
use super::{MEND, PREFIX};

const UNITS: &str = "/run/systemd/system";

/// Sorted after all that one writes: the last assignment of a variable counts.
const FILE: &str = "zz-aye-trace.conf";

/// Its text. `Environment=` is merged after what the manager sets itself (`exec_child()` of systemd's exec-invoke.c).
/// `program` is this one, where its path can stand in a unit file.
pub(super) fn text(folder: &Folder, plan: &Plan, program: Option<&str>) -> String {
    let socket = folder.socket();
    let socket = socket.display();
    let mut text = format!(
        "# By `aye trace`, which removes it when it ends.\n[Service]\nEnvironment=NOTIFY_SOCKET={socket}\n"
    );
    if let Some(program) = program {
        // Should all of us have been killed, the unit's next start finds the way back to the manager.
        let _ = writeln!(text, "ExecStartPre=-+{program} {PREFIX}{MEND} {}", folder.name());
    }
    if plan.bind {
        let _ = writeln!(text, "BindPaths={}", folder.path().display());
        // Where the path leads when the trace is over: in another root 262 mounts its socket elsewhere.
        let _ = writeln!(text, "BindReadOnlyPaths={REAL}");
    }
    if let Some(files) = &plan.open_files {
        text.push_str("OpenFile=\n");
        for file in files {
            let path = file.path.clone().unwrap_or_else(|| socket.to_string());
            let options: String = file.options.join(",");
            let end = if options.is_empty() { String::new() } else { format!(":{options}") };
            let _ = writeln!(text, "OpenFile={path}:{}{end}", file.name);
        }
    }
    text
}

/// The path of this program, where a unit file can name it without quotes.
pub(super) fn program() -> Option<String> {
    let path = std::env::current_exe().ok()?;
    let text = path.to_str()?;
    let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+".contains(&b));
    (is_plain && path.exists()).then(|| text.to_owned())
}

/// Writes it, at first in the folder of the trace: no moment sees a part of it.
pub(super) fn write(unit: &str, folder: &Folder, text: &str) -> io::Result<()> {
    let (new, path) = (folder.path().join(FILE), path(unit));
    fs::write(&new, text)?;
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::rename(&new, &path)
}

/// Removes the one that tells of this folder; whether it was there.
pub(super) fn remove(unit: &str, folder: &Folder) -> io::Result<bool> {
    let path = path(unit);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Made for it, and cut short: only an empty one goes.
            let _ = path.parent().map(fs::remove_dir);
            return Ok(false);
        }
        text => text?,
    };
    if !text.contains(&folder.socket().display().to_string()) {
        return Ok(false);
    }
    fs::remove_file(&path)?;
    // Others may have put something there, too.
    let _ = path.parent().map(fs::remove_dir);
    Ok(true)
}

fn path(unit: &str) -> PathBuf {
    Path::new(UNITS).join(format!("{unit}.d")).join(FILE)
}

#[cfg(test)]
mod tests {
    use super::super::reach::OpenFile;
    use super::*;

    #[test]
    fn says_no_more_than_is_needed() {
        let folder = Folder::named("7-1f").unwrap();
        assert_eq!(
            text(&folder, &Plan::default(), None),
            "# By `aye trace`, which removes it when it ends.\n[Service]\n\
             Environment=NOTIFY_SOCKET=/run/aye-trace/7-1f/notify\n"
        );
    }

    #[test]
    fn does_again_what_the_unit_opens() {
        let file = |path: Option<&str>, name: &str, options: &[&'static str]| OpenFile {
            path: path.map(str::to_owned),
            name: name.to_owned(),
            options: options.to_vec(),
        };
        let files = vec![file(Some("/a"), "a", &["read-only", "graceful"]), file(None, "notify", &[])];
        let plan = Plan { bind: true, open_files: Some(files), notes: Vec::new() };
        let text = text(&Folder::named("7-1f").unwrap(), &plan, Some("/usr/bin/aye"));
        let wanted = "ExecStartPre=-+/usr/bin/aye __trace-mend 7-1f\nBindPaths=/run/aye-trace/7-1f\n\
                      BindReadOnlyPaths=/run/systemd/notify\nOpenFile=\n\
                      OpenFile=/a:a:read-only,graceful\nOpenFile=/run/aye-trace/7-1f/notify:notify\n";
        assert!(text.ends_with(wanted), "{text}");
    }
}
