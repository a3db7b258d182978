//! What the manager that waits for us knows of our unit, asked once at the start and given up soon: what is traced shall not
//! start later because its manager is slow to answer.

use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use aye::NotifyAccess;
use aye::verdict::{NEWEST, Store, Type};
use aye_bus::{Ground, Where};

use super::super::scene::Scene;
use super::judge::Told;
use super::process;

/// A manager answers this within milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a unit says by default, and what systemd holds it to (systemd-system.conf(5)).
const TIMEOUT: Duration = Duration::from_secs(90);

/// What is known of the service.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub(super) scene: Scene,
    pub(super) told: Told,
    /// Its main process, where the manager says one.
    pub(super) main: Option<u32>,
    /// The signals that the manager sends to every process of the service.
    pub(super) for_all: Vec<i32>,
    /// What could not be learnt.
    pub(super) note: Option<String>,
}

/// Learns what can be learnt. `upstream` is the manager's socket, where there is one.
pub(super) fn learn(subject: String, upstream: Option<String>) -> Surroundings {
    let Some(upstream) = upstream else {
        return assumed(subject, None, None);
    };
    match ask() {
        Ok((ground, version)) => known(subject, &ground, version),
        Err(error) => {
            let note = format!(
                "the unit's settings cannot be read, so Type=notify and NotifyAccess=main are assumed: {error}"
            );
            assumed(subject, Some(upstream), Some(note))
        }
    }
}

fn ask() -> Result<(Ground, u16), String> {
    let (answer, question) = channel();
    thread::spawn(move || {
        let _ = answer.send(read(&manager()));
    });
    question
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
}

/// The manager that started this process: `aye run` says where it is, a user manager that it is one (systemd.exec(5)).
fn manager() -> Where {
    let has = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if has("AYE_RUNTIME_DIR") {
        Where::Embedded(aye_bus::runtime_dir())
    } else if has("MANAGERPID") || is_users(std::env::var_os("NOTIFY_SOCKET").as_deref().map(Path::new)) {
        Where::User
    } else {
        Where::System
    }
}

fn is_users(socket: Option<&Path>) -> bool {
    let own = std::env::var_os("XDG_RUNTIME_DIR");
    own.zip(socket).is_some_and(|(own, socket)| !own.is_empty() && socket.starts_with(own))
}

fn read(place: &Where) -> Result<(Ground, u16), String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let asked = async {
        let manager = place.connect().await?;
        let path = manager.unit_of(std::process::id()).await?;
        Ok((manager.ground(&path).await?, manager.version().await?))
    };
    let (ground, version) = runtime.block_on(asked).map_err(|error: aye_bus::Error| error.to_string())?;
    if Type::parse(&ground.kind).is_none() {
        return Err(format!("this process belongs to {}, which is no service", ground.name));
    }
    Ok((ground, version))
}

fn known(subject: String, ground: &Ground, version: u16) -> Surroundings {
    let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    Surroundings {
        scene: Scene {
            subject,
            unit: Some(ground.name.clone()),
            version,
            kind: Type::parse(&ground.kind).unwrap_or(Type::Simple),
            access: NotifyAccess::parse(&ground.access).unwrap_or(NotifyAccess::None),
            timeout_start: ground.start_timeout,
            timeout_stop: ground.stop_timeout,
            watchdog: ground.watchdog,
        },
        told: Told {
            control: ground.control_pid,
            kill_signal: ground.kill_signal,
            reload_signal: ground.reload_signal,
            group: process::group(std::process::id()),
            store: Store { maximum: size(ground.store_max), used: size(ground.stored) },
        },
        main: Some(ground.main_pid).filter(|pid| *pid != 0),
        for_all: for_all(ground),
        note: None,
    }
}

/// The first of a stop, the watchdog's, and the one by which who was stopped (SIGSTOP) hears of the first, too (systemd.kill(5)).
fn for_all(ground: &Ground) -> Vec<i32> {
    use rustix::process::Signal;
    if ground.kill_mode != "control-group" {
        return Vec::new();
    }
    vec![ground.kill_signal, Signal::ABORT.as_raw(), Signal::CONT.as_raw()]
}

fn assumed(subject: String, unit: Option<String>, note: Option<String>) -> Surroundings {
    Surroundings {
        scene: Scene {
            subject,
            unit,
            version: NEWEST,
            kind: Type::Notify,
            access: NotifyAccess::Main,
            timeout_start: Some(TIMEOUT),
            timeout_stop: Some(TIMEOUT),
            watchdog: None,
        },
        told: Told {
            kill_signal: rustix::process::Signal::TERM.as_raw(),
            store: Store { maximum: usize::MAX, used: 0 },
            ..Told::default()
        },
        main: None,
        for_all: Vec::new(),
        note,
    }
}
