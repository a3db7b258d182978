//! Spans of time as people read them, the same in every sentence and every row.

use std::time::Duration;

/// A time span for people: `12 ms`, `1.2 s`, `90 s`, `3 min 20 s`. Whole spans keep no decimals.
pub fn duration(span: Duration) -> String {
    let millis = span.as_millis();
    match millis {
        0..1000 => format!("{millis} ms"),
        1000..120_000 if millis.is_multiple_of(1000) => format!("{} s", millis / 1000),
        1000..10_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        10_000..120_000 => format!("{} s", millis / 1000),
        _ if (millis / 1000).is_multiple_of(60) => format!("{} min", millis / 60_000),
        _ => format!("{} min {} s", millis / 60_000, millis / 1000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well_at_every_size() {
        let table = [
            (12, "12 ms"),
            (1_290, "1.2 s"),
            (90_000, "90 s"),
            (2_000, "2 s"),
            (200_000, "3 min 20 s"),
            (180_000, "3 min"),
        ];
        for (millis, expected) in table {
            assert_eq!(duration(Duration::from_millis(millis)), expected);
        }
    }
}
