//! Waiting, off the thread that runs JavaScript, until the manager has read what was sent.

use core::time::Duration;

use aye::{BarrierError, SendError};
use rustix::io::Errno;

use crate::connection::errno;
use crate::napi::{Call, Thrown, Value};

/// `barrier(connection, milliseconds: number)`: a promise of 0, of `ETIMEDOUT` at the deadline, or of another errno.
///
/// The connection stays open until then, whatever becomes of the external.
pub(crate) fn barrier(call: &Call<'_>) -> Result<Value, Thrown> {
    let arguments = (|| {
        let limit = call.number(1).filter(|milliseconds| *milliseconds >= 0.0)?;
        Some((call.connection(0, Clone::clone)?, limit))
    })();
    let (notifier, limit) =
        arguments.ok_or(Thrown::Type(c"barrier takes a connection and milliseconds: a number from 0 on"))?;
    // More than fits is for ever, in effect.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it saturates, and is not negative"
    )]
    let limit = Duration::from_millis(limit as u64);
    call.promise(c"aye.barrier", move || match notifier.barrier(limit) {
        Ok(()) => 0,
        Err(BarrierError::TimedOut(_)) => Errno::TIMEDOUT.raw_os_error(),
        Err(BarrierError::Send(error)) => errno(&Err::<(), SendError>(error)),
        Err(_) => Errno::INVAL.raw_os_error(),
    })
}
