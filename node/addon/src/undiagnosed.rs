//! In the place of `diagnose` on CPUs that it is not for: nothing is watched there.

use crate::napi::{Exports, Failed};

/// There is none.
pub(crate) enum Guard {}

/// Adds nothing.
#[expect(clippy::unnecessary_wraps, reason = "as what it is in the place of")]
pub(crate) fn export(_: &Exports<'_>) -> Result<(), Failed> {
    Ok(())
}
