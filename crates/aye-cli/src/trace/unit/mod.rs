//! `aye trace UNIT`.

use super::Args;
use crate::exit::Exit;

pub(super) fn run(args: &Args) -> Exit {
    let unit = args.unit.as_deref().unwrap_or_default();
    crate::complain(format_args!("aye trace: {unit}: only -- CMD can be traced so far"));
    Exit::Failed
}
