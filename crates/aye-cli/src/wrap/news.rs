//! What the threads beside the main loop have to tell it, and how it wakes up for that.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

use rustix::event::{EventfdFlags, eventfd};

/// Enough for a resolver and a pattern, and little for the many.
const STACK: usize = 256 * 1024;

#[derive(Debug)]
pub(super) enum News {
    /// What came of a try of that probe.
    Answered(usize, Result<(), String>),
    /// The event of that probe has happened.
    Happened(usize),
    /// There was a line of output.
    Progress,
    OutputEnded,
}

#[derive(Debug, Clone)]
pub(super) struct Teller {
    sender: Sender<News>,
    wake: Arc<OwnedFd>,
}

#[derive(Debug)]
pub(super) struct Listener {
    pub(super) news: Receiver<News>,
    pub(super) wake: Arc<OwnedFd>,
}

pub(super) fn line() -> io::Result<(Teller, Listener)> {
    let (sender, news) = channel();
    let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
    Ok((Teller { sender, wake: Arc::clone(&wake) }, Listener { news, wake }))
}

impl Teller {
    pub(super) fn tell(&self, news: News) {
        if self.sender.send(news).is_ok() {
            let _ = rustix::io::write(&*self.wake, &1_u64.to_ne_bytes());
        }
    }
}

impl Listener {
    /// All there is for now.
    pub(super) fn heard(&self) -> Vec<News> {
        let _ = rustix::io::read(&*self.wake, &mut [0; 8]);
        self.news.try_iter().collect()
    }
}

pub(super) fn thread(work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().stack_size(STACK).spawn(work)
}
