//! What is left of a trace is taken back: the drop-in, the path of its socket, its folder. Whoever does it has the lock of
//! `folder::one_at_a_time`, and it may be done twice.

use std::io;

use aye_bus::{Ground, Manager, Where};

use super::drop_in;
use super::folder::{Folder, Part};

/// Ends a trace as far as files go: the path leads to the manager again, and the drop-in is gone. Whether the manager has to
/// read its files anew for it.
pub(super) fn take_back(folder: &Folder) -> io::Result<bool> {
    folder.hand_back()?;
    match folder.unit() {
        Some(unit) => drop_in::remove(&unit, folder),
        None => Ok(false),
    }
}

/// Whether the start of the unit that was told of this socket is over, so that nobody has use of the path any more.
pub(super) fn is_over(ground: &Ground, user: Option<&str>) -> bool {
    let is_down = matches!(ground.active.as_str(), "inactive" | "failed");
    let now = ground.invocation.map(|invocation| invocation.to_string());
    is_down || user.is_some() && user != now.as_deref()
}

/// Takes back what traces left that were killed, of all units. The path of a socket stays, as a link, as long as the start
/// of the unit goes on that was told of it.
pub(super) async fn sweep(manager: &Manager) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot clean up after an earlier trace: {error}");
    let mut changed = false;
    let mut abandoned = Vec::new();
    for folder in Folder::all().map_err(failed)? {
        if folder.is_held(Part::Trace).map_err(failed)? {
            continue;
        }
        if !folder.is_held(Part::Serve).map_err(failed)? {
            changed |= take_back(&folder).map_err(failed)?;
            abandoned.push(folder);
        }
    }
    if changed {
        manager.reload().await.map_err(|error| error.to_string())?;
    }
    for folder in abandoned {
        let ground = ground_of(manager, &folder).await;
        match ground {
            Some(ground) if !is_over(&ground, folder.user().as_deref()) => {
                if let (None, Some(invocation)) = (folder.user(), ground.invocation) {
                    folder.note_user(&invocation.to_string()).map_err(failed)?;
                }
            }
            _ => folder.remove().map_err(failed)?,
        }
    }
    Ok(())
}

/// The ground of the unit a folder was made for.
pub(super) async fn ground_of(manager: &Manager, folder: &Folder) -> Option<Ground> {
    let path = manager.load(&folder.unit()?).await.ok()?;
    manager.ground(&path).await.ok()
}

/// The part of a unit's start that a killed trace has left behind: the path leads to the manager again, in time for the
/// processes that this start brings. Where the trace goes on, nothing is done.
pub(super) async fn mend(folder: &Folder) -> Result<(), String> {
    let failed = |error: io::Error| error.to_string();
    // Held by the trace and by its guard, of which one may be replacing the other.
    if folder.is_held(Part::Trace).map_err(failed)? || folder.is_held(Part::Serve).map_err(failed)? {
        return Ok(());
    }
    folder.hand_back().map_err(failed)?;
    let Some(unit) = folder.unit() else { return Ok(()) };
    drop_in::remove(&unit, folder).map_err(failed)?;
    // Always: the manager has read the drop-in, since it runs this, and who removed it may have been killed before the next step.
    let manager = Where::System.connect().await.map_err(|error| error.to_string())?;
    manager.reload().await.map_err(|error| error.to_string())
}
