//! The program's output on its way through: each stream by a thread of its own, byte for byte, and looked at as it passes.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread::JoinHandle;

use regex_lite::Regex;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::stdio::{dup2_stderr, dup2_stdout};

use super::news::{News, Teller, thread};

/// Of a line, no more than its last part of this size is matched.
const LONGEST: usize = 64 * 1024;

/// Pipes in the place of standard output and error, for the program to inherit.
pub(super) struct Taken {
    own: [OwnedFd; 2],
    pipes: [OwnedFd; 2],
}

/// The streams under way.
pub(super) struct Output {
    threads: Vec<JoinHandle<()>>,
    end: Arc<OwnedFd>,
}

impl Taken {
    pub(super) fn take() -> io::Result<Self> {
        let copy = |fd: BorrowedFd<'_>| rustix::io::fcntl_dupfd_cloexec(fd, 3);
        let own = [copy(rustix::stdio::stdout())?, copy(rustix::stdio::stderr())?];
        let (out, to_out) = pipe_with(PipeFlags::CLOEXEC)?;
        let (err, to_err) = pipe_with(PipeFlags::CLOEXEC)?;
        dup2_stdout(&to_out)?;
        dup2_stderr(&to_err)?;
        Ok(Self { own, pipes: [out, err] })
    }

    /// Gives this process its own streams back, and begins to pass on what comes.
    pub(super) fn pass_on(
        self,
        patterns: &[(usize, Regex)],
        teller: &Teller,
        progress: bool,
    ) -> io::Result<Output> {
        dup2_stdout(&self.own[0])?;
        dup2_stderr(&self.own[1])?;
        let end = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
        let mut threads = Vec::new();
        for (from, to) in self.pipes.into_iter().zip(self.own) {
            let look =
                Look { patterns: patterns.to_vec(), line: Vec::new(), teller: teller.clone(), progress };
            let end = Arc::clone(&end);
            threads.push(thread(move || pump(&from, &to, &end, look))?);
        }
        Ok(Output { threads, end })
    }
}

impl Output {
    /// The program has ended: what is still under way is passed on, what its orphans may write later is not.
    pub(super) fn end(&self) {
        let _ = rustix::io::write(&*self.end, &1_u64.to_ne_bytes());
    }

    pub(super) fn is_over(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }
}

fn pump(from: &OwnedFd, to: &OwnedFd, end: &OwnedFd, mut look: Look) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let mut both = [PollFd::new(from, PollFlags::IN), PollFd::new(end, PollFlags::IN)];
        if poll(&mut both, None).is_err() {
            continue;
        }
        if both[0].revents().is_empty() {
            break; // nothing is left, and the end was announced
        }
        match rustix::io::read(from, &mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                if write_all(to.as_fd(), &buffer[..length]).is_err() {
                    break; // nobody reads it any more: the program is to learn that from its own write
                }
                look.at(&buffer[..length]);
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => break,
        }
    }
    look.teller.tell(News::OutputEnded);
}

fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(Errno::INTR) => {}
            // Whoever passed the stream had it non-blocking.
            Err(Errno::AGAIN) => drop(poll(&mut [PollFd::new(&to, PollFlags::OUT)], None)),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What is looked for in a stream.
struct Look {
    patterns: Vec<(usize, Regex)>,
    line: Vec<u8>,
    teller: Teller,
    progress: bool,
}

impl Look {
    /// A line counts as soon as its beginning matches: a program may wait behind one that it never ends.
    fn at(&mut self, bytes: &[u8]) {
        if self.progress && bytes.contains(&b'\n') {
            self.teller.tell(News::Progress);
        }
        if self.patterns.is_empty() {
            return;
        }
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend(part);
            let excess = self.line.len().saturating_sub(LONGEST);
            self.line.drain(..excess);
            let ended = self.line.ends_with(b"\n");
            let text = String::from_utf8_lossy(&self.line);
            let text = text.trim_end_matches(['\n', '\r']);
            for (probe, _) in self.patterns.iter().filter(|(_, pattern)| pattern.is_match(text)) {
                self.teller.tell(News::Happened(*probe));
            }
            if ended {
                self.line.clear();
            }
        }
    }
}
