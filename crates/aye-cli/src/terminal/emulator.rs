//! A terminal, as far as the rows use one: it interprets the bytes and has a screen, a history, a cursor and a size that
//! can change, either as tmux does it, which wraps lines anew, or as xterm does, which cuts them.

use unicode_width::UnicodeWidthChar as _;

use super::frame::Size;

#[derive(Debug, Clone, Default)]
struct Line {
    /// A letter and what combines with it; a wide letter has an empty cell behind it.
    cells: Vec<String>,
    /// Whether the text goes on in the next line because there was no room.
    wrapped: bool,
}

impl Line {
    fn text(&self) -> String {
        self.cells.concat().trim_end().to_owned()
    }
}

pub(crate) struct Terminal {
    size: Size,
    reflows: bool,
    /// History and screen; the screen is the last `size.rows` of them.
    lines: Vec<Line>,
    x: usize,
    y: usize,
    wraps: bool,
    /// Whether wrapping anew has ever pushed the cursor's line into the history, as tmux 3.3 does where the lines then are
    /// more than the screen has, empty ones included. What is in the history nobody can wipe out.
    pub(crate) pushed: bool,
}

impl Terminal {
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        let size = Size::new(columns, rows);
        let lines = vec![Line::default(); size.rows];
        Self { size, reflows: true, lines, x: 0, y: 0, wraps: true, pushed: false }
    }

    /// The same that cuts its lines when it becomes narrower.
    pub(crate) fn cutting(columns: u16, rows: u16) -> Self {
        Self { reflows: false, ..Self::new(columns, rows) }
    }

    pub(crate) fn size(&self) -> Size {
        self.size
    }

    /// What is seen, without the empty lines at the end.
    pub(crate) fn screen(&self) -> Vec<String> {
        shown(&self.lines[self.top()..])
    }

    /// The same with the history.
    pub(crate) fn all(&self) -> Vec<String> {
        shown(&self.lines)
    }

    /// The line of the screen that the cursor is on.
    pub(crate) fn cursor(&self) -> usize {
        self.y - self.top()
    }

    fn top(&self) -> usize {
        self.lines.len() - self.size.rows
    }

    pub(crate) fn write(&mut self, text: &str) {
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match c {
                '\r' => self.x = 0,
                '\n' => self.line_feed(),
                '\x1b' => {
                    assert_eq!(rest.next(), Some('['), "only CSI is known here");
                    let mut parameters = String::new();
                    let last = loop {
                        match rest.next().expect("an unfinished sequence") {
                            c @ ('0'..='9' | '?' | ';') => parameters.push(c),
                            c => break c,
                        }
                    };
                    self.control(&parameters, last);
                }
                c => self.put(c),
            }
        }
    }

    fn control(&mut self, parameters: &str, last: char) {
        match (parameters, last) {
            (_, 'm') => {}
            ("?7", 'h') => self.wraps = true,
            ("?7", 'l') => self.wraps = false,
            ("", 'C') => self.x = (self.x + 1).min(self.size.columns - 1),
            ("", 'K') => self.erase(),
            ("", 'J') => {
                // In one column there is no other place to clear from.
                let corner = (self.x, self.y) == (0, self.top()) && self.size.columns > 1;
                assert!(!corner, "tmux would push the screen into its history");
                self.erase();
                let y = self.y;
                self.lines[y + 1..].fill(Line::default());
            }
            (count, 'A') => self.y = (self.y - count.parse::<usize>().unwrap()).max(self.top()),
            (parameters, last) => panic!("unknown: CSI {parameters}{last}"),
        }
    }

    fn erase(&mut self) {
        let line = &mut self.lines[self.y];
        line.cells.truncate(self.x);
        line.wrapped = false;
    }

    fn line_feed(&mut self) {
        self.y += 1;
        if self.y == self.lines.len() {
            self.lines.push(Line::default());
        }
    }

    fn put(&mut self, c: char) {
        let width = c.width().unwrap_or_else(|| panic!("a control character on the screen: {c:?}"));
        if width == 0 {
            if let Some(cell) = self.lines[self.y].cells.iter_mut().rev().find(|cell| !cell.is_empty()) {
                cell.push(c);
            }
            return;
        }
        if self.x + width > self.size.columns {
            if self.wraps {
                self.lines[self.y].wrapped = true;
                self.line_feed();
                self.x = 0;
            } else {
                self.x = self.size.columns - width;
            }
        }
        let cells = &mut self.lines[self.y].cells;
        cells.resize(cells.len().max(self.x + width), " ".to_owned());
        cells[self.x] = c.to_string();
        cells[self.x + 1..self.x + width].fill(String::new());
        self.x += width;
    }

    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        let size = Size::new(columns, rows);
        while self.size.rows > size.rows {
            // What is below the cursor goes first, then the upper lines go to the history.
            if self.y + 1 < self.lines.len() {
                self.lines.pop();
            }
            self.size.rows -= 1;
        }
        let missing = size.rows.saturating_sub(self.lines.len());
        self.lines.extend(vec![Line::default(); missing]);
        self.size.rows = size.rows;
        if self.reflows {
            self.reflow(size.columns);
        } else {
            self.lines.iter_mut().for_each(|line| line.cells.truncate(size.columns));
        }
        self.size.columns = size.columns;
        self.x = self.x.min(size.columns - 1);
        self.pushed |= self.y < self.top();
        self.y = self.y.max(self.top());
    }

    fn reflow(&mut self, columns: usize) {
        let mut lines: Vec<Line> = Vec::new();
        let mut cursor = 0;
        let mut begins = true;
        for (y, line) in self.lines.iter().enumerate() {
            if begins {
                lines.push(Line::default());
            }
            if y == self.y {
                cursor = lines.len() - 1;
            }
            for cell in &line.cells {
                let full = lines.last().is_some_and(|line| line.cells.len() >= columns);
                if full && !cell.is_empty() {
                    lines.last_mut().unwrap().wrapped = true;
                    lines.push(Line::default());
                }
                lines.last_mut().unwrap().cells.push(cell.clone());
            }
            begins = !line.wrapped;
        }
        let missing = self.size.rows.saturating_sub(lines.len());
        lines.extend(vec![Line::default(); missing]);
        (self.lines, self.y) = (lines, cursor);
    }
}

fn shown(lines: &[Line]) -> Vec<String> {
    let mut shown: Vec<String> = lines.iter().map(Line::text).collect();
    let end = shown.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    shown.truncate(end);
    shown
}
