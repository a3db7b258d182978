//! A unit file from what a program was seen to do: built on the branch of its own room.

use super::Args;
use crate::exit::Exit;

/// Prints the unit file.
pub(super) fn run(_: &Args) -> Exit {
    crate::complain("aye check: this build cannot run a command: write the unit file and check that instead");
    Exit::Usage
}
