//! Text in the cells of a terminal: wide letters take two, combining ones none.

use unicode_width::UnicodeWidthChar as _;

/// How many cells the text takes.
pub(crate) fn cells(text: &str) -> usize {
    text.chars().map(cells_of).sum()
}

fn cells_of(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// The text with spaces up to so many cells.
pub(crate) fn padded(text: &str, room: usize) -> String {
    format!("{text}{}", " ".repeat(room.saturating_sub(cells(text))))
}

/// The text in at most so many cells, with an ellipsis where it was cut. Of letters that take no cell it keeps a few for
/// each of the others, lest an endless text looks short.
pub(crate) fn cut(text: &str, room: usize) -> String {
    let mut kept = String::new();
    let (mut taken, mut letters) = (0, 0);
    // Where the text has to end when the ellipsis must still fit.
    let mut end = 0;
    for c in text.chars() {
        taken += cells_of(c);
        letters += 1;
        if taken > room || letters > 4 * room {
            kept.truncate(end);
            if room > 0 {
                kept.push('…');
            }
            return kept;
        }
        kept.push(c);
        if taken < room {
            end = kept.len();
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_wide_letter_is_not_cut_in_half() {
        assert_eq!(cut("読み込み中", 10), "読み込み中");
        assert_eq!(cut("読み込み中", 9), "読み込み…");
        assert_eq!(cut("読み込み中", 8), "読み込…");
        assert_eq!(cut("読", 1), "…");
        assert_eq!(cut("読", 0), "");
    }

    #[test]
    fn a_combining_letter_takes_no_cell() {
        assert_eq!(cells("e\u{301}"), 1);
        assert_eq!(cut("e\u{301}a", 2), "e\u{301}a");
        assert_eq!(padded("e\u{301}", 3), "e\u{301}  ");
    }

    #[test]
    fn a_thousand_accents_on_one_letter_are_cut() {
        let text = format!("e{}", "\u{301}".repeat(1000));
        assert!(cut(&text, 10).chars().count() <= 41);
    }

    proptest! {
        #[test]
        fn what_is_cut_fits_and_what_fits_is_not_cut(text in "[a-z読み込\u{301}]{0,30}", room in 0usize..40) {
            let shown = cut(&text, room);
            prop_assert!(cells(&shown) <= room);
            let fits = cells(&text) <= room && text.chars().count() <= 4 * room;
            prop_assert_eq!(shown == text, fits);
        }
    }
}
