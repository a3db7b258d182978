//! Where a trace is written: by a thread of its own, so that a reader that stops (a pager, Ctrl-S) never stops what is traced.
//! What comes for one that takes nothing any more is dropped and counted, and the count is written when it reads again.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// How much may wait for a reader, in bytes.
const KEPT: usize = 16 << 20;

/// How long the last lines are waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// The way there. Dropping it waits a moment for what is still under way.
#[derive(Debug)]
pub(in crate::trace) struct Sink {
    lines: Option<Sender<Vec<u8>>>,
    waiting: Arc<AtomicUsize>,
    lost: u64,
    ended: Receiver<()>,
}

impl Sink {
    /// Writes to `to` from now on.
    pub(in crate::trace) fn new(to: impl Write + Send + 'static) -> Self {
        let (lines, queue) = channel();
        let (done, ended) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&waiting);
        thread::spawn(move || {
            write_all(&queue, &counter, to);
            drop(done);
        });
        Self { lines: Some(lines), waiting, lost: 0, ended }
    }

    /// Hands a line over, without its end; it never waits.
    pub(in crate::trace) fn line(&mut self, line: impl Into<Vec<u8>>) {
        let line = line.into();
        if self.waiting.load(Ordering::Relaxed) + line.len() > KEPT {
            self.lost += 1;
            return;
        }
        if self.lost > 0 {
            let lost = std::mem::take(&mut self.lost);
            self.send(format!("aye trace: {lost} lines were not shown: nobody read them").into_bytes());
        }
        self.send(line);
    }

    fn send(&mut self, mut line: Vec<u8>) {
        line.push(b'\n');
        self.waiting.fetch_add(line.len(), Ordering::Relaxed);
        if let Some(lines) = &self.lines {
            let _ = lines.send(line);
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.lines = None;
        let _ = self.ended.recv_timeout(PATIENCE);
    }
}

/// A reader that went away ends the writing, not what is traced.
fn write_all(queue: &Receiver<Vec<u8>>, waiting: &AtomicUsize, mut to: impl Write) {
    for line in queue {
        let _ = to.write_all(&line).and_then(|()| to.flush());
        waiting.fetch_sub(line.len(), Ordering::Relaxed);
    }
}
