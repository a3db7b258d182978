//! One manager of the run, the link to it, and what is done when that is lost: connect again for a while, and only then give
//! up. The units' jobs are the manager's and go on meanwhile.

use std::time::{Duration, Instant};

use aye_bus::{Error, Manager, Signal, Signals, Where};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout_at};

use super::super::lock::Lock;
use super::input::Input;

/// The longest pause between two attempts to connect again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// One manager.
pub(in super::super) struct Site {
    pub(in super::super) place: Where,
    /// How it is called in events and hooks.
    pub(in super::super) name: String,
    /// The lock on the manager, from the beginning of the run to its end.
    pub(in super::super) lock: Option<Lock>,
    pub(super) link: Link,
    /// The number of the link: what an earlier one still had to say is of no interest.
    pub(super) epoch: usize,
}

/// The connection to a manager.
pub(super) enum Link {
    /// Made, and not read yet.
    Idle(Manager, Signals),
    Up(Manager, JoinHandle<()>),
    Down {
        since: Instant,
        reason: String,
    },
}

impl Site {
    pub(in super::super) fn manager(&self) -> Option<&Manager> {
        match &self.link {
            Link::Idle(manager, _) | Link::Up(manager, _) => Some(manager),
            Link::Down { .. } => None,
        }
    }

    /// Until the manager has removed a job, whichever: for before the run, as later the signals are the run's.
    pub(in super::super) async fn job_removed(&mut self) -> Result<(), Error> {
        let Link::Idle(_, signals) = &mut self.link else { return Ok(()) };
        while !matches!(signals.next().await?, Signal::JobRemoved { .. }) {}
        Ok(())
    }

    /// Has the signals reported, as those of the site of this index.
    pub(super) fn listen(&mut self, site: usize, sender: &UnboundedSender<Input>) {
        let down = Link::Down { since: Instant::now(), reason: String::new() };
        self.link = match std::mem::replace(&mut self.link, down) {
            Link::Idle(manager, signals) => {
                let reader = tokio::spawn(forward(signals, site, self.epoch, sender.clone()));
                Link::Up(manager, reader)
            }
            other => other,
        };
    }

    /// Takes note that the link of that number is gone, and has it made again. False when that is known already.
    pub(super) fn lose(
        &mut self,
        site: usize,
        epoch: usize,
        reason: String,
        sender: &UnboundedSender<Input>,
    ) -> bool {
        if epoch != self.epoch || matches!(self.link, Link::Down { .. }) {
            return false;
        }
        if let Link::Up(_, reader) =
            std::mem::replace(&mut self.link, Link::Down { since: Instant::now(), reason })
        {
            reader.abort();
        }
        self.epoch += 1;
        // What is left of it on the host ends with it, and is waited for when the link is back.
        self.lock = self.lock.take().filter(Lock::is_local);
        let (place, epoch, sender) = (self.place.clone(), self.epoch, sender.clone());
        tokio::spawn(async move {
            let outcome = reconnect(&place).await;
            let _ = sender.send(Input::Back { site, epoch, outcome });
        });
        true
    }

    /// The link is back. How long it was gone.
    pub(super) fn regain(&mut self, site: usize, back: Back, sender: &UnboundedSender<Input>) -> Duration {
        let gone = match &self.link {
            Link::Down { since, .. } => since.elapsed(),
            _ => Duration::ZERO,
        };
        self.link = Link::Idle(back.manager, back.signals);
        self.lock = self.lock.take().or(back.lock);
        self.listen(site, sender);
        gone
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Link::Up(_, reader) = &self.link {
            reader.abort();
        }
    }
}

/// A link that was made again, and the lock that was lost with it.
pub(super) struct Back {
    manager: Manager,
    signals: Signals,
    lock: Option<Lock>,
}

/// Connects, and has the manager send its signals: what changes after a unit's reading reaches us as one.
pub(in super::super) async fn connect(place: Where, local_name: &str) -> Result<Site, Error> {
    let (manager, signals) = link(&place).await?;
    let name = place.host().unwrap_or(local_name).to_owned();
    Ok(Site { place, name, lock: None, link: Link::Idle(manager, signals), epoch: 0 })
}

async fn link(place: &Where) -> Result<(Manager, Signals), Error> {
    let manager = place.connect().await?;
    let signals = manager.watch().await?;
    Ok((manager, signals))
}

/// For how long a lost manager is connected to again. PID 1 is away for less than a second when it executes itself anew; an
/// `aye run` that has gone does not come back.
fn patience(place: &Where) -> Duration {
    match place {
        Where::Embedded(_) => Duration::from_millis(500),
        Where::System | Where::User => Duration::from_secs(10),
        _ => Duration::from_secs(120),
    }
}

async fn reconnect(place: &Where) -> Result<Back, Error> {
    let (manager, signals) = link_again(place).await?;
    let lock = Lock::take_again(place)
        .await
        .map_err(|error| Error::Lost { doing: format!("go on with {place}"), reason: error.to_string() })?;
    Ok(Back { manager, signals, lock })
}

async fn link_again(place: &Where) -> Result<(Manager, Signals), Error> {
    let deadline = tokio::time::Instant::now() + patience(place);
    let mut pause = Duration::from_millis(50);
    let mut last = None;
    loop {
        match timeout_at(deadline, link(place)).await {
            Ok(Ok(link)) => return Ok(link),
            Ok(Err(error)) => last = Some(error),
            Err(_) => {}
        }
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        if left <= pause {
            return Err(last.unwrap_or_else(|| Error::Lost {
                doing: format!("connect to {place} again"),
                reason: "no answer".to_owned(),
            }));
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn forward(mut signals: Signals, site: usize, epoch: usize, sender: UnboundedSender<Input>) {
    loop {
        let input = match signals.next().await {
            Ok(signal) => Input::Signal { site, signal },
            Err(error) => Input::Lost { site, epoch, error },
        };
        let last = matches!(input, Input::Lost { .. });
        if sender.send(input).is_err() || last {
            return;
        }
    }
}
