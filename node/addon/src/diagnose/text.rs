//! Text of a bounded size: what does not fit is left out at a character boundary, and what comes from the program, such
//! as a function's name, cannot break a line.

/// UTF-8 in a buffer, the whole of which comes last.
pub(super) struct Buffer<B: ?Sized> {
    length: usize,
    bytes: B,
}

/// A buffer of any size.
pub(super) type Text = Buffer<[u8]>;

impl<const N: usize> Buffer<[u8; N]> {
    pub(super) const fn new() -> Self {
        Self { length: 0, bytes: [0; N] }
    }
}

impl Text {
    pub(super) fn as_str(&self) -> &str {
        // SAFETY: only whole characters are ever added.
        unsafe { core::str::from_utf8_unchecked(self.bytes.get(..self.length).unwrap_or_default()) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    pub(super) fn room(&self) -> usize {
        self.bytes.len().saturating_sub(self.length)
    }

    pub(super) fn push(&mut self, text: &str) {
        let mut fitting = text.len().min(self.room());
        while !text.is_char_boundary(fitting) {
            fitting -= 1;
        }
        for (to, from) in self.bytes.iter_mut().skip(self.length).zip(text.as_bytes().iter().take(fitting)) {
            *to = *from;
        }
        self.length += fitting;
    }

    /// A name out of the program or the kernel, in one line: control characters become spaces, and what Unicode says is
    /// no character the replacement character, because systemd clears a status that has one.
    pub(super) fn push_name(&mut self, name: &str) {
        for character in name.chars() {
            let character = match character {
                '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => ' ',
                '\u{fdd0}'..='\u{fdef}' => '\u{fffd}',
                other if u32::from(other) & 0xfffe == 0xfffe => '\u{fffd}',
                other => other,
            };
            self.push_character(character);
        }
    }

    pub(super) fn push_character(&mut self, character: char) {
        self.push(character.encode_utf8(&mut [0; 4]));
    }

    pub(super) fn push_number(&mut self, number: u64) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        self.push_character(char::from(b'0' + (number % 10) as u8));
    }

    /// Milliseconds in seconds, with one decimal: `6.2 s`.
    pub(super) fn push_seconds(&mut self, milliseconds: u64) {
        let tenths = milliseconds.saturating_add(50) / 100;
        self.push_number(tenths / 10);
        self.push(".");
        self.push_number(tenths % 10);
        self.push(" s");
    }
}
