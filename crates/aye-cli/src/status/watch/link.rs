//! The connection to a manager: its signals as they come, and another one when it is lost.

use std::time::Duration;

use aye_bus::{Error, Manager, OwnedObjectPath, Signal, Signals, Unit, Where};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep, timeout_at};

use super::read;

/// The longest pause between two attempts to connect again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What happens.
pub(super) enum Input {
    Signal { site: usize, signal: Signal },
    Read { site: usize, path: OwnedObjectPath, unit: Result<Box<Unit>, Error> },
    Found { site: usize, name: String, path: Option<OwnedObjectPath> },
    Lost { site: usize, reason: String },
    Back { site: usize, link: Result<Box<Again>, Error> },
}

/// A link that was made again, and what the units are by now.
pub(super) struct Again {
    pub(super) manager: Manager,
    pub(super) signals: Signals,
    pub(super) units: Vec<Unit>,
}

/// The signals flow before anything is read: what changes after a reading reaches us as one.
pub(super) async fn connect(place: &Where) -> Result<(Manager, Signals), Error> {
    let manager = place.connect().await?;
    let signals = manager.watch_units().await?;
    Ok((manager, signals))
}

/// Has the signals reported as those of the site of this index, until the link is lost.
pub(super) fn follow(site: usize, mut signals: Signals, sender: UnboundedSender<Input>) {
    tokio::spawn(async move {
        loop {
            let input = match signals.next().await {
                Ok(signal) => Input::Signal { site, signal },
                Err(error) => Input::Lost { site, reason: error.to_string() },
            };
            let last = matches!(input, Input::Lost { .. });
            if sender.send(input).is_err() || last {
                return;
            }
        }
    });
}

/// For how long a lost manager is connected to again: PID 1 that executes itself anew is away for less than a second, an
/// `aye run` may be started again by hand, a host may boot.
fn patience(place: &Where) -> Duration {
    match place {
        Where::Embedded(_) | Where::System | Where::User => Duration::from_secs(10),
        _ => Duration::from_secs(120),
    }
}

pub(super) async fn again(place: &Where, patterns: &[String]) -> Result<Again, Error> {
    let deadline = Instant::now() + patience(place);
    let mut pause = Duration::from_millis(50);
    let link = || async {
        let (manager, signals) = connect(place).await?;
        let units = read(&manager, patterns).await?;
        Ok(Again { manager, signals, units })
    };
    loop {
        let last = match timeout_at(deadline, link()).await {
            Ok(Ok(again)) => return Ok(again),
            Ok(Err(error)) => error,
            Err(_) => {
                Error::Lost { doing: format!("connect to {place} again"), reason: "no answer".to_owned() }
            }
        };
        if deadline.saturating_duration_since(Instant::now()) <= pause {
            return Err(last);
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
