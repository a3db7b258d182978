//! The columns: time, sender, a mark that holds a message together, and text that wraps beside them.

use std::time::Duration;

use unicode_width::UnicodeWidthChar as _;

use super::Look;
use super::words::count;

/// Cells of the time, in seconds since the trace began.
const TIME: usize = 9;

/// The narrowest text that is still laid out in columns; a terminal below it gets lines that are too wide.
const NARROWEST: usize = 12;

/// How a paragraph is meant, which is its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// Something was reached.
    Good,
    /// Something is to be looked at.
    Warn,
    /// Something did not do what it was meant to.
    Bad,
}

impl Tone {
    /// The colour as ECMA-48 numbers it.
    fn colour(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "1;31",
        }
    }
}

/// A text with a tone; from its second line on it is indented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paragraph {
    pub(super) text: String,
    pub(super) tone: Tone,
    /// How many lines of it are shown at most; it is cut there.
    pub(super) lines: usize,
}

impl Paragraph {
    pub(super) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { text: text.into(), tone, lines: usize::MAX }
    }
}

/// What stands on the left of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) at: Duration,
    pub(super) sender: &'a str,
}

/// How many cells a text takes.
pub(super) fn cells(text: &str) -> usize {
    text.chars().map(|letter| letter.width().unwrap_or(0)).sum()
}

impl Look {
    /// Cells of the sender's column.
    pub(super) fn sender_width(self) -> usize {
        match self.width {
            0..60 => 12,
            60..100 => 18,
            _ => 26,
        }
    }

    fn text_width(self) -> usize {
        self.width.saturating_sub(TIME + 1 + self.sender_width() + 3).max(NARROWEST)
    }

    /// Paragraphs beside one head, with a mark in front of each line: `!` in front of all where one is bad or a warning, else
    /// a bracket where there is more than one line.
    pub(super) fn block(self, head: Head<'_>, paragraphs: &[Paragraph]) -> Vec<String> {
        let room = self.text_width();
        let lines: Vec<(Tone, String)> = paragraphs
            .iter()
            .flat_map(|one| wrapped(&one.text, room, one.lines).into_iter().map(|line| (one.tone, line)))
            .collect();
        let flagged = paragraphs.iter().map(|one| one.tone).find(|tone| *tone == Tone::Bad);
        let flagged =
            flagged.or_else(|| paragraphs.iter().map(|one| one.tone).find(|tone| *tone == Tone::Warn));
        let last = lines.len().saturating_sub(1);
        let show = |(index, (tone, text)): (usize, &(Tone, String))| {
            let mark = match (flagged, index) {
                (Some(tone), _) => self.painted(tone, "!"),
                (None, 0) if last == 0 => " ".to_owned(),
                (None, 0) => "┌".to_owned(),
                (None, index) if index == last => "└".to_owned(),
                (None, _) => "│".to_owned(),
            };
            let head = if index == 0 { self.head(head) } else { " ".repeat(TIME + 1 + self.sender_width()) };
            format!("{head} {mark} {}", self.painted(*tone, text)).trim_end().to_owned()
        };
        lines.iter().enumerate().map(show).collect()
    }

    fn head(self, head: Head<'_>) -> String {
        let width = self.sender_width();
        let sender = cut(head.sender, width);
        let fill = " ".repeat(width - cells(&sender));
        format!("{:>TIME$} {sender}{fill}", clock(head.at))
    }

    /// A text over the whole width, indented by so many cells, and by two more from its second line on.
    pub(super) fn prose(self, indent: usize, one: &Paragraph) -> Vec<String> {
        let room = self.width.saturating_sub(indent).max(NARROWEST);
        let lines = wrapped(&one.text, room, one.lines);
        let painted = |line: &String| format!("{}{}", " ".repeat(indent), self.painted(one.tone, line));
        lines.iter().map(painted).map(|line| line.trim_end().to_owned()).collect()
    }

    fn painted(self, tone: Tone, text: &str) -> String {
        match tone.colour() {
            colour if self.colour && !colour.is_empty() => format!("\x1b[{colour}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

/// Seconds with milliseconds up to a day, then days, hours and minutes.
fn clock(at: Duration) -> String {
    let seconds = at.as_secs();
    match seconds {
        0..86_400 => format!("{seconds}.{:03}", at.subsec_millis()),
        _ if seconds / 86_400 < 1_000 => {
            format!("{}d{:02}:{:02}", seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60)
        }
        _ => format!("{}d", (seconds / 86_400).min(99_999_999)),
    }
}

/// At most so many cells, with an ellipsis where it was cut.
pub(super) fn cut(text: &str, room: usize) -> String {
    let (whole, rest) = broken(text, room);
    if rest.is_empty() {
        return whole.to_owned();
    }
    let (mut kept, mut taken) = (String::new(), 0);
    for letter in text.chars().take(room.saturating_mul(4)) {
        taken += letter.width().unwrap_or(0);
        if taken >= room {
            break;
        }
        kept.push(letter);
    }
    kept.push('…');
    kept
}

/// As much of the text as has room, whole words where there is more than one; and the rest. Of letters that take no cell it
/// takes a few for each of the others, lest an endless text looks short.
fn broken(text: &str, room: usize) -> (&str, &str) {
    let (mut taken, mut blank) = (0, None);
    for (letters, (index, letter)) in text.char_indices().enumerate() {
        taken += letter.width().unwrap_or(0);
        if taken > room || letters >= room.saturating_mul(4) {
            // A blank that leads belongs to the text; the one in front of a word that has no room does not.
            let blank = if letter == ' ' { Some(index) } else { blank };
            return match blank.filter(|blank| !text[..*blank].trim().is_empty()) {
                Some(blank) => (text[..blank].trim_end(), text[blank..].trim_start_matches(' ')),
                // Something must be taken: a letter that is wider than the room stands for itself.
                None if index == 0 => text.split_at(letter.len_utf8()),
                None => text.split_at(index),
            };
        }
        if letter == ' ' {
            blank = Some(index);
        }
    }
    (text, "")
}

/// Lines of at most so many cells, indented from the second on, and how much was left out where they are too many.
fn wrapped(text: &str, room: usize, most: usize) -> Vec<String> {
    const INDENT: &str = "  ";
    let (first, mut rest) = broken(text, room);
    let mut lines = vec![first.to_owned()];
    while !rest.is_empty() {
        if lines.len() >= most {
            lines.push(cut(&format!("{INDENT}… {} more", count(rest.len() as u64, "byte")), room));
            break;
        }
        let (line, after) = broken(rest, room - INDENT.len());
        lines.push(format!("{INDENT}{line}"));
        rest = after;
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_breaks_between_words_and_inside_of_one_that_has_no_room() {
        assert_eq!(wrapped("one two three", 8, 9), ["one two", "  three"]);
        assert_eq!(wrapped("abcdefghijkl", 8, 9), ["abcdefgh", "  ijkl"]);
        assert_eq!(wrapped("読み込み中です", 8, 9), ["読み込み", "  中です"]);
        assert_eq!(wrapped("", 8, 9), [""]);
        assert_eq!(wrapped("  two blanks", 8, 9), ["  two", "  blanks"]);
        assert_eq!(wrapped("one two three four five", 20, 1), ["one two three four", "  … 4 bytes more"]);
        assert_eq!(wrapped("a b c d e f", 6, 2), ["a b c", "  d e", "  … 1…"]);
    }

    #[test]
    fn a_time_has_room_at_any_hour() {
        for (seconds, expected) in
            [(0, "0.000"), (86_399, "86399.000"), (93_780, "1d02:03"), (u64::MAX, "99999999d")]
        {
            assert_eq!(clock(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn a_sender_is_cut_where_it_has_no_room() {
        assert_eq!(cut("node[4711] main", 15), "node[4711] main");
        assert_eq!(cut("node[4711] main", 10), "node[4711…");
        assert_eq!(cut("読み込み", 4), "読…");
    }

    #[test]
    fn a_block_is_held_together_by_its_mark() {
        let look = Look { width: 64, colour: false };
        let head = Head { at: Duration::from_millis(1310), sender: "node[4711] main" };
        let plain = [
            Paragraph::new(Tone::Good, "READY=1"),
            Paragraph::new(Tone::Plain, "X=1"),
            Paragraph::new(Tone::Plain, "Y=1"),
        ];
        let lines = look.block(head, &plain);
        assert_eq!(lines[0], "    1.310 node[4711] main    ┌ READY=1");
        assert_eq!(lines[1], "                             │ X=1");
        assert_eq!(lines[2], "                             └ Y=1");
        let bad = [Paragraph::new(Tone::Bad, "READY=1"), Paragraph::new(Tone::Plain, "X=1")];
        let marks: Vec<_> = look.block(head, &bad).iter().map(|line| line.chars().nth(29)).collect();
        assert_eq!(marks, [Some('!'), Some('!')]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_letter_is_lost(text in "[a-z読込 \u{301}]{0,60}", room in 4usize..40) {
            let lines = wrapped(&text, room, usize::MAX);
            prop_assert!(lines.iter().all(|line| cells(line) <= room), "{lines:?}");
            let letters = |text: &str| text.chars().filter(|letter| *letter != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
            prop_assert!(cells(&cut(&text, room)) <= room);
        }
    }
}
