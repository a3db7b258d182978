//! Instants of the wall clock as a reader anywhere understands them: in UTC.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A date and a time of day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Utc {
    year: u64,
    month: u64,
    day: u64,
    second: u64,
}

impl Utc {
    /// A time before 1970 is shown as its beginning: no run was then.
    pub(super) fn of(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default();
        let (year, month, day) = civil(seconds / 86_400);
        Self { year, month, day, second: seconds % 86_400 }
    }

    /// `22 November 2026`
    pub(super) fn day(self) -> String {
        let month = usize::try_from(self.month - 1).ok().and_then(|month| MONTHS.get(month));
        format!("{} {} {}", self.day, month.unwrap_or(&""), self.year)
    }

    /// `21:40:03`
    pub(super) fn clock(self) -> String {
        format!("{:02}:{:02}:{:02}", self.second / 3600, self.second / 60 % 60, self.second % 60)
    }
}

impl fmt::Display for Utc {
    /// As in the attribute `datetime`: `2026-11-22T21:40:03Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}T{}Z", self.year, self.month, self.day, self.clock())
    }
}

/// The year, month and day this many days after 1970-01-01.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dates_agree_with_date_1() {
        // From `date -u -d @SECONDS +%FT%TZ`.
        let table = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_732_311_283, "2024-11-22T21:34:43Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ];
        for (seconds, expected) in table {
            assert_eq!(Utc::of(UNIX_EPOCH + Duration::from_secs(seconds)).to_string(), expected);
        }
        assert_eq!(Utc::of(UNIX_EPOCH + Duration::from_secs(951_782_400)).day(), "29 February 2000");
    }
}
