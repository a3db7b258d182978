//! Text of a bounded size: what does not fit is left out at a character boundary, and what comes from the program, such
//! as a function's name, cannot break a line.

/// UTF-8 in a buffer of `N` bytes.
pub(super) struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; N], length: 0 }
    }

    pub(super) fn as_str(&self) -> &str {
        // Only whole characters are ever added.
        core::str::from_utf8(self.bytes.get(..self.length).unwrap_or_default()).unwrap_or_default()
    }

    pub(super) fn room(&self) -> usize {
        N - self.length
    }

    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    /// Whether it all fitted.
    pub(super) fn push(&mut self, text: &str) -> bool {
        let room = N - self.length;
        let fitting = (0..=text.len().min(room)).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        let whole = fitting == text.len();
        let (Some(to), Some(from)) =
            (self.bytes.get_mut(self.length..self.length + fitting), text.as_bytes().get(..fitting))
        else {
            return false;
        };
        to.copy_from_slice(from);
        self.length += fitting;
        whole
    }

    /// A name out of the program or the kernel, in one line: control characters become spaces, and what Unicode says is
    /// no character the replacement character, because systemd clears a status that has one.
    pub(super) fn push_name(&mut self, name: &str) -> bool {
        name.chars().all(|character| {
            let character = match character {
                '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => ' ',
                '\u{fdd0}'..='\u{fdef}' => '\u{fffd}',
                other if u32::from(other) & 0xfffe == 0xfffe => '\u{fffd}',
                other => other,
            };
            self.push(character.encode_utf8(&mut [0; 4]))
        })
    }

    pub(super) fn push_number(&mut self, number: u64) -> bool {
        let mut digits = [b'0'; 20];
        let mut rest = number;
        let mut from = digits.len();
        for (at, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            from = at;
            if rest == 0 {
                break;
            }
        }
        self.push(digits.get(from..).and_then(|digits| core::str::from_utf8(digits).ok()).unwrap_or_default())
    }

    /// Milliseconds in seconds, with one decimal: `6.2 s`.
    pub(super) fn push_seconds(&mut self, milliseconds: u64) -> bool {
        let tenths = milliseconds.saturating_add(50) / 100;
        self.push_number(tenths / 10) && self.push(".") && self.push_number(tenths % 10) && self.push(" s")
    }
}
