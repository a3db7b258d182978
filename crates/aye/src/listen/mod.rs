//! Descriptors from one process to the next, by the rules of sd_listen_fds(3): they start at 3, `LISTEN_FDS` counts them,
//! `LISTEN_FDNAMES` names them, and `LISTEN_PID` says whom they are for. Both ends are here: [`take`] receives them,
//! [`HandOver`] passes them on.

mod hand_over;
mod take;

pub use hand_over::{HandOver, Sigpipe, adopt, forget_inherited, keep_standard_only, passed, replace};
pub use take::{Descriptor, ListenError, WrongKind, take};

/// The first descriptor handed over (`SD_LISTEN_FDS_START`).
///
/// ```
/// assert_eq!(aye::listen::FIRST, 3);
/// ```
pub const FIRST: i32 = 3;

fn number_of(index: usize) -> i32 {
    FIRST + i32::try_from(index).expect("a process has fewer descriptors than i32 counts")
}
