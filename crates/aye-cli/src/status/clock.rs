//! How long ago a manager's moments were. A manager of this machine shares `CLOCK_MONOTONIC` with us. That of another host
//! does not, and no manager tells what time it has: there the moments count by `CLOCK_REALTIME` against ours, and are as
//! right as the two clocks agree.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aye_bus::{Stamp, Where};
use rustix::time::{ClockId, clock_gettime};

/// What time it is, for one manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Now {
    /// Since boot.
    Monotonic(Duration),
    /// Since 1970.
    Realtime(Duration),
}

impl Now {
    pub(super) fn of(place: &Where) -> Self {
        match place {
            Where::Host(_) => {
                Self::Realtime(micros(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()))
            }
            // Whole microseconds, as the managers' are.
            _ => Self::Monotonic(micros(clock_gettime(ClockId::Monotonic).try_into().unwrap_or_default())),
        }
    }

    /// The age of a moment that was. One that lies ahead, by a clock that differs from ours, is of no age.
    pub(super) fn since(self, stamp: Stamp) -> Option<Duration> {
        let stamp = stamp.some()?;
        Some(match self {
            Self::Monotonic(now) => now.saturating_sub(stamp.monotonic),
            Self::Realtime(now) => now.saturating_sub(stamp.realtime),
        })
    }
}

fn micros(span: Duration) -> Duration {
    Duration::from_micros(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp =
        Stamp { monotonic: Duration::from_secs(5), realtime: Duration::from_secs(1_000_005) };

    #[test]
    fn what_never_was_has_no_age_and_what_lies_ahead_is_of_none() {
        let now = Now::Monotonic(Duration::from_secs(3));
        assert_eq!((now.since(Stamp::default()), now.since(STAMP)), (None, Some(Duration::ZERO)));
    }

    #[test]
    fn another_host_counts_by_the_clock_that_we_have_in_common() {
        let near = Now::Monotonic(Duration::from_secs(9)).since(STAMP);
        let far = Now::Realtime(Duration::from_secs(1_000_009)).since(STAMP);
        assert_eq!((near, far), (Some(Duration::from_secs(4)), Some(Duration::from_secs(4))));
    }
}
