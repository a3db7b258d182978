//! What the program inherits besides its output: descriptors to write a newline to.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd, ioctl_fionbio};
use rustix::pipe::{PipeFlags, pipe_with};

/// Above every number that a program is given one of.
const OUT_OF_THE_WAY: i32 = 1024;

/// A pipe, the end for writing of which the program has under the number it was promised.
pub(super) struct Newline {
    pub(super) number: i32,
    pub(super) read: OwnedFd,
    /// Ours only until the program has it.
    write: Option<OwnedFd>,
}

impl Newline {
    pub(super) fn open(number: i32) -> Result<Self, String> {
        let taken = || {
            format!(
                "descriptor {number} of fd:{number} was passed to aye as something else: take another number"
            )
        };
        if aye::listen::passed(number).is_ok() {
            return Err(taken());
        }
        let failed = |error| format!("cannot open a pipe for fd:{number}: {}", io::Error::from(error));
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).map_err(failed)?;
        // The pipe itself may sit on that number.
        let high =
            |fd: &OwnedFd| fcntl_dupfd_cloexec(fd, OUT_OF_THE_WAY).or_else(|_| fcntl_dupfd_cloexec(fd, 200));
        let (read, high_write) = (high(&read).map_err(failed)?, {
            let moved = high(&write).map_err(failed)?;
            drop((read, write));
            moved
        });
        let write = fcntl_dupfd_cloexec(&high_write, number).map_err(failed)?;
        if std::os::fd::AsRawFd::as_raw_fd(&write) != number {
            return Err(taken());
        }
        ioctl_fionbio(&write, false).map_err(failed)?;
        fcntl_setfd(&write, FdFlags::empty()).map_err(failed)?;
        Ok(Self { number, read, write: Some(write) })
    }

    /// The program has its end.
    pub(super) fn close_write(&mut self) {
        self.write = None;
    }

    /// Whether a newline came; `None` at the end of all writers.
    pub(super) fn newline(&self) -> Option<bool> {
        let mut buffer = [0; 256];
        match rustix::io::read(&self.read, &mut buffer) {
            Ok(0) => None,
            Ok(length) => Some(buffer[..length].contains(&b'\n')),
            Err(_) => Some(false),
        }
    }
}
