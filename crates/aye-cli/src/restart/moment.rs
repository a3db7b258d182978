//! A moment as people write it, for `--started-before`: the forms of systemd.time(7) that a deploy script has at hand.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aye_manager::unit::value::finite;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Reads `now`, `10min ago`, `@1732311283.5`, `2026-11-22 21:40:03` (local time), or the same with a `T`, a zone or `Z`, as
/// the time since the epoch.
pub(crate) fn moment(text: &str, now: SystemTime) -> Result<Duration, String> {
    let trimmed = text.trim();
    let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let read = match (trimmed, trimmed.strip_prefix('@'), trimmed.strip_suffix(" ago")) {
        ("now", ..) => Some(since_epoch),
        (_, Some(seconds), _) => finite(seconds).ok().filter(|_| is_number(seconds)),
        (_, _, Some(span)) => finite(span).ok().and_then(|span| since_epoch.checked_sub(span)),
        _ => date(trimmed),
    };
    read.ok_or_else(|| {
        format!(
            "expected a moment such as '2026-11-22 21:40:03', '2026-11-22T21:40:03Z', '@1732311283', '10min ago' or 'now', \
             found '{text}'"
        )
    })
}

fn is_number(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

fn date(text: &str) -> Option<Duration> {
    let stamp: Timestamp = match text.parse() {
        Ok(stamp) => stamp,
        Err(_) => text.parse::<DateTime>().ok()?.to_zoned(TimeZone::system()).ok()?.timestamp(),
    };
    SystemTime::from(stamp).duration_since(UNIX_EPOCH).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Duration, String> {
        moment(text, UNIX_EPOCH + Duration::from_secs(1_000_000))
    }

    #[test]
    fn refuses_what_is_no_moment() {
        for text in ["", "tomorrow", "@", "@5min", "@-1", "5min", "2026-13-01", "99999999999s ago", "12:00"] {
            assert!(read(text).unwrap_err().contains("expected a moment"), "{text}");
        }
    }

    #[test]
    fn reads_what_scripts_have_at_hand() {
        let table = [
            ("now", 1_000_000_000),
            ("10min ago", 999_400_000),
            ("@1732311283.5", 1_732_311_283_500),
            ("1970-01-02T00:00:00Z", 86_400_000),
            ("1970-01-02T01:00:00+01:00", 86_400_000),
        ];
        for (text, millis) in table {
            assert_eq!(read(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn a_date_without_a_zone_is_local_time() {
        let local: DateTime = "2026-11-22T21:40:03".parse().unwrap();
        let expected = local.to_zoned(TimeZone::system()).unwrap().timestamp().as_second();
        assert_eq!(read("2026-11-22 21:40:03").unwrap().as_secs(), expected.cast_unsigned());
    }
}
