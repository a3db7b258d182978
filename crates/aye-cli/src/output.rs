//! Lines for whoever reads, written by a thread of their own: a reader that stops (a pager, Ctrl-S) must not stop the
//! manager, whose services wait for it. A slow reader is waited for by reading no more from the services; what comes for
//! one that has stopped altogether is dropped and counted, and the count is shown when it reads again.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How many lines may wait for a reader before it counts as slow.
const KEPT: u64 = 4096;

/// A reader that takes nothing for this long has stopped.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where a line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// A service's name in front of its line: without the suffix, whatever the verb.
pub(crate) fn short(unit: &str) -> &str {
    unit.strip_suffix(".service").unwrap_or(unit)
}

/// The way to the reader. Dropping it waits a moment for the last lines.
#[derive(Debug)]
pub(crate) struct Output {
    lines: Option<Sender<(Stream, String)>>,
    sent: u64,
    written: Arc<AtomicU64>,
    /// How far the reader was when it last took something, and when that was seen.
    progress: (u64, Instant),
    lost: u64,
    ended: Receiver<()>,
}

impl Output {
    pub(crate) fn new() -> Self {
        let (lines, queue) = channel();
        let (done, ended) = channel();
        let written = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&written);
        thread::spawn(move || {
            write_all(&queue, &counter);
            drop(done);
        });
        Self { lines: Some(lines), sent: 0, written, progress: (0, Instant::now()), lost: 0, ended }
    }

    /// Hands a line over; it never waits.
    pub(crate) fn line(&mut self, stream: Stream, line: String) {
        match self.reader() {
            Reader::Stopped => self.lost += 1,
            Reader::Fast | Reader::Slow => {
                if self.lost > 0 {
                    let lost = std::mem::take(&mut self.lost);
                    self.send(Stream::Err, format!("aye run: {lost} lines were not shown: nobody read them"));
                }
                self.send(stream, line);
            }
        }
    }

    /// Whether it would be kind to the reader to wait a little with more.
    pub(crate) fn is_congested(&mut self) -> bool {
        self.reader() == Reader::Slow
    }

    fn send(&mut self, stream: Stream, line: String) {
        if let Some(lines) = &self.lines {
            self.sent += u64::from(lines.send((stream, line)).is_ok());
        }
    }

    fn reader(&mut self) -> Reader {
        let written = self.written.load(Ordering::Relaxed);
        if written != self.progress.0 || written == self.sent {
            self.progress = (written, Instant::now());
        }
        match self.sent - written {
            ..KEPT => Reader::Fast,
            _ if self.progress.1.elapsed() < PATIENCE => Reader::Slow,
            _ => Reader::Stopped,
        }
    }
}

/// What is known of whoever reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Fast,
    Slow,
    Stopped,
}

impl Drop for Output {
    fn drop(&mut self) {
        self.lines = None;
        // A reader that still does not read has had its time.
        let _: Result<(), RecvTimeoutError> = self.ended.recv_timeout(PATIENCE);
    }
}

/// A reader that went away ends the writing, not the services.
fn write_all(queue: &Receiver<(Stream, String)>, written: &AtomicU64) {
    for (stream, line) in queue {
        let _ = match stream {
            Stream::Out => writeln!(io::stdout().lock(), "{line}"),
            Stream::Err => writeln!(io::stderr().lock(), "{line}"),
        };
        written.fetch_add(1, Ordering::Relaxed);
    }
}
