//! What a service finds in its environment: the manager's own, what the unit says, and what the protocol needs.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;

use super::unit::{ServiceUnit, hexadecimal};
use crate::service::Spawn;
use crate::unit::value::environment_file;
use crate::unit::{NotifyAccess, Service};

/// Variables that speak of the process they were set for, never of its children.
const NOT_INHERITED: [&str; 15] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "LISTEN_FDNAMES",
    "FDSTORE",
    "SYSTEMD_EXEC_PID",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "MANAGERPID",
    "MAINPID",
    "SERVICE_RESULT",
    "AYE_RUNTIME_DIR",
];

/// Builds the environment of one process.
pub(crate) fn of(
    service: &ServiceUnit,
    what: Spawn,
    ours: &[(OsString, OsString)],
) -> Result<Vec<(OsString, OsString)>, String> {
    let inherited = ours.iter().filter(|(key, _)| !NOT_INHERITED.iter().any(|name| key == OsStr::new(name)));
    let mut variables: BTreeMap<OsString, OsString> = inherited.cloned().collect();
    for (key, value) in unit_variables(&service.settings)? {
        variables.insert(key.into(), value.into());
    }
    let mut set = |key: &str, value: String| variables.insert(key.into(), value.into());
    set("INVOCATION_ID", hexadecimal(&service.invocation));
    set("MANAGERPID", std::process::id().to_string());
    let speaks = match what {
        Spawn::Main => service.settings.notify_access != NotifyAccess::None,
        Spawn::Reload(_) => matches!(service.settings.notify_access, NotifyAccess::Exec | NotifyAccess::All),
    };
    if speaks {
        set("NOTIFY_SOCKET", service.notify_path.display().to_string());
    }
    match (what, service.settings.watchdog, service.machine.main_pid()) {
        (Spawn::Main, Some(interval), _) => {
            set("WATCHDOG_USEC", interval.as_micros().to_string());
        }
        (Spawn::Reload(_), _, Some(main)) => {
            set("MAINPID", main.to_string());
        }
        _ => {}
    }
    Ok(variables.into_iter().collect())
}

/// `Environment=`, then the files of `EnvironmentFile=`, the later ones winning.
fn unit_variables(settings: &Service) -> Result<Vec<(String, String)>, String> {
    let mut variables = settings.environment.clone();
    for file in &settings.environment_files {
        let failed = |why: String| format!("cannot read EnvironmentFile= {}: {why}", file.path);
        let paths: Vec<_> =
            glob::glob(&file.path).map_err(|error| failed(error.to_string()))?.flatten().collect();
        if paths.is_empty() && !file.optional {
            return Err(failed("no such file".to_owned()));
        }
        for path in paths {
            match fs::read_to_string(&path) {
                Ok(text) => variables.extend(environment_file(&text).pairs),
                Err(_) if file.optional => {}
                Err(error) => return Err(failed(error.to_string())),
            }
        }
    }
    Ok(variables)
}
