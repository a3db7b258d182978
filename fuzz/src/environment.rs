//! Reading `WATCHDOG_*` and `LISTEN_*`: aye's environment beside sd_watchdog_enabled(3) and sd_listen_fds_with_names(3),
//! which read that of the process. The input is one value a line; an empty line leaves its variable unset.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

use aye::Environment;

use crate::systemd;

const VARIABLES: [&str; 5] = ["WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/// In a value, what stands for the pid of this process, which no corpus can know.
const OWN_PID: &str = "PID";

/// In a value, what stands for no letter at all: set, but empty.
const EMPTY: &[u8] = b"EMPTY";

/// The most descriptors that are compared; beyond it systemd fails because they are not open.
const OPEN: u16 = 8;

/// Any environment means to aye what it means to systemd.
pub fn environment(input: &[u8]) {
    let mut lines = input.split(|&byte| byte == b'\n');
    let values = VARIABLES.map(|_| value(lines.next().unwrap_or_default()));
    let Ok(ended) = values
        .clone()
        .into_iter()
        .map(|value| value.map(CString::new).transpose())
        .collect::<Result<Vec<_>, _>>()
    else {
        return; // the environment of a process cannot hold a NUL byte
    };
    let environment = Environment::of(|name| {
        let at = VARIABLES.iter().position(|variable| *variable == name)?;
        values[at].as_deref().map(|value| OsStr::from_bytes(value).to_owned())
    });
    for (name, value) in VARIABLES.iter().zip(&ended) {
        systemd::set_variable(name, value.as_deref());
    }
    watchdog(&environment);
    listen(&environment);
}

fn value(line: &[u8]) -> Option<Vec<u8>> {
    match line {
        b"" => None,
        EMPTY => Some(Vec::new()),
        _ => match std::str::from_utf8(line) {
            Ok(OWN_PID) => Some(std::process::id().to_string().into_bytes()),
            _ => Some(line.to_vec()),
        },
    }
}

fn watchdog(environment: &Environment) {
    let ours = environment.watchdog(std::process::id());
    let theirs = systemd::watchdog();
    match (&ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours.map(|interval| interval.as_micros()), theirs.map(u128::from), "{environment:?}");
        }
        (Err(_), Err(_)) => {}
        (Err(error), Ok(_)) => panic!("{error}, and fine to systemd, in {environment:?}"),
        (Ok(_), Err(errno)) => panic!("{ours:?}, and {errno} to systemd, in {environment:?}"),
    }
}

/// Names are compared where they have no backslash: systemd writes them as they are, and libsystemd takes backslashes for
/// escapes when it reads them, so that it hands on another name than the one that was stored.
fn listen(environment: &Environment) {
    if environment.listen_fdnames.as_ref().is_some_and(|names| names.as_bytes().contains(&b'\\')) {
        return;
    }
    systemd::open_descriptors(OPEN.into());
    let ours = environment.listen_names(std::process::id());
    let theirs = systemd::listen_names();
    match (&ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            // A name is ASCII by fdname_is_valid(); what is not even text is shown as such.
            assert!(
                ours.iter().cloned().eq(theirs.iter().map(|name| String::from_utf8_lossy(name).into_owned())),
                "{ours:?}, {theirs:?}"
            );
        }
        (Err(_), Err(_)) => {}
        (Err(error), Ok(_)) => panic!("{error}, and fine to systemd, in {environment:?}"),
        // Descriptors that are not open are found when they are taken, not when the names are read.
        (Ok(ours), Err(errno)) => {
            assert!(ours.len() > OPEN.into() && errno == -libc::EBADF, "{ours:?}, and {errno} to systemd");
        }
    }
}
