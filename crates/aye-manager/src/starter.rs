//! One thread that starts all children, for as long as the process lives. The kernel keeps children by the thread that made
//! them and gives orphans to the first thread (`find_new_reaper` in kernel/exit.c), so what is left among the children of that one
//! are the orphans that the manager has adopted, and looking for them costs nothing however many services there are.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

/// A command, and where the child goes.
type Request = (Command, SyncSender<io::Result<Child>>);

/// Starts the command as a child of that thread.
pub(crate) fn start(command: Command) -> io::Result<Child> {
    let (sender, started) = sync_channel(1);
    let gone = || io::Error::other("the thread that starts processes has ended");
    requests()?.send((command, sender)).map_err(|_| gone())?;
    started.recv().map_err(|_| gone())?
}

/// The way to the thread, which is made with the first request.
fn requests() -> io::Result<Sender<Request>> {
    static REQUESTS: OnceLock<Mutex<Sender<Request>>> = OnceLock::new();
    if REQUESTS.get().is_none() {
        let (sender, requests) = channel::<Request>();
        thread::Builder::new().name("starter".to_owned()).spawn(move || {
            for (mut command, started) in requests {
                let _ = started.send(command.spawn());
            }
        })?;
        let _ = REQUESTS.set(Mutex::new(sender));
    }
    let requests = REQUESTS.get().ok_or_else(|| io::Error::other("no thread that starts processes"))?;
    Ok(requests.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_started_is_an_error_and_the_next_one_is_started() {
        assert_eq!(start(Command::new("/nonexistent")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(start(Command::new("true")).unwrap().wait().unwrap().success());
    }

    #[test]
    fn a_child_is_not_among_those_of_the_first_thread() {
        let mut child = start({
            let mut command = Command::new("sleep");
            command.arg("600");
            command
        })
        .unwrap();
        assert!(!crate::process::orphans().contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
