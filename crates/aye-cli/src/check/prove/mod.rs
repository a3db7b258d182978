//! Proving by running: built on the branch of its own room.

use super::Args;
use crate::exit::Exit;

/// Runs what was named and proves what it does.
pub(super) fn run(_: &Args) -> Exit {
    crate::complain("aye check: this build cannot run a service: name its unit file instead");
    Exit::Usage
}
