//! The bytes of a drawing. Between two of them the cursor rests at the first letter of the first moving row: whatever
//! else lands there, such as the terminal's `^C`, is wiped out with the rows by the next drawing, and so are rows that a
//! terminal has wrapped when it became narrower, because their first letter is still where the cursor is.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// How many columns and rows a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

impl Size {
    /// Some terminals, such as a serial console, do not know their size and say 0.
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        let or = |value: u16, default: usize| if value == 0 { default } else { usize::from(value) };
        Self { columns: or(columns, 80), rows: or(rows, 24) }
    }
}

impl Default for Size {
    fn default() -> Self {
        Self::new(0, 0)
    }
}

/// Wipes out the cursor's line and all below it. Not from the first cell on: cleared from its upper left corner, tmux
/// (3.3a) pushes the whole screen into its history, and with it rows that were to be wiped out.
const WIPE: &str = "\r\x1b[K\x1b[C\x1b[J\r";

/// The bytes that wipe the moving rows, let `lines` stay in their place, and draw `rows` below them. Wrapping is off
/// for the rows, which are cut already: the terminal may count the width of a letter otherwise than we do.
pub(crate) fn frame(lines: &[String], rows: &[String]) -> String {
    let mut text = WIPE.to_owned();
    for line in lines {
        text += line;
        text += "\r\n";
    }
    if let Some(above) = rows.len().checked_sub(1) {
        text += "\x1b[?7l";
        text += &rows.join("\r\n");
        text += "\x1b[?7h\r";
        if above > 0 {
            let _ = write!(text, "\x1b[{above}A");
        }
    }
    text
}

/// So many drawings may come at once, and so many a second for long.
const BURST: u32 = 10;

/// How often there may be a drawing of what merely moves.
#[derive(Debug)]
pub(crate) struct Pace {
    left: u32,
    /// When one more was last allowed.
    refilled: Option<Instant>,
    last: Option<Instant>,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self { left: BURST, refilled: None, last: None }
    }

    /// Whether something that happened may be drawn now.
    pub(crate) fn allows(&mut self, now: Instant) -> bool {
        let since = *self.refilled.get_or_insert(now);
        let earned = now.saturating_duration_since(since).as_millis() / Self::gap().as_millis();
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        if earned > 0 {
            self.left = self.left.saturating_add(earned).min(BURST);
            self.refilled = Some(if self.left == BURST { now } else { since + Self::gap() * earned });
        }
        self.left > 0
    }

    /// Whether there was no drawing for a while, so that the time itself may be drawn.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.last.is_none_or(|last| now.saturating_duration_since(last) >= Self::gap())
    }

    pub(crate) fn drawn(&mut self, now: Instant) {
        self.left = self.left.saturating_sub(1);
        self.last = Some(now);
    }

    fn gap() -> Duration {
        Duration::from_secs(1) / BURST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_of_nothing_is_the_usual_one() {
        assert_eq!(Size::new(0, 0), Size { columns: 80, rows: 24 });
        assert_eq!(Size::new(20, 5), Size { columns: 20, rows: 5 });
    }

    #[test]
    fn a_frame_without_rows_leaves_the_cursor_below_its_lines() {
        assert_eq!(frame(&["a".to_owned(), "b".to_owned()], &[]), format!("{WIPE}a\r\nb\r\n"));
    }

    #[test]
    fn the_cursor_returns_to_the_first_of_several_rows() {
        let rows = ["one", "two", "three"].map(str::to_owned);
        assert_eq!(frame(&[], &rows), format!("{WIPE}\x1b[?7lone\r\ntwo\r\nthree\x1b[?7h\r\x1b[2A"));
    }

    #[test]
    fn a_storm_is_drawn_ten_times_a_second_and_a_few_events_at_once() {
        let (mut pace, begin) = (Pace::new(), Instant::now());
        let mut drawn = Vec::new();
        for millis in 0..5000 {
            let now = begin + Duration::from_millis(millis);
            if pace.allows(now) {
                pace.drawn(now);
                drawn.push(millis);
            }
        }
        assert_eq!(drawn[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert!((50..=60).contains(&drawn.len()), "{drawn:?}");
    }
}
