//! A text for C, on the stack: what does not fit is left out.

use core::ffi::{CStr, c_char};
use core::fmt::{self, Write};

/// An address of 107 characters with what is wrong with it, and to spare.
const LONGEST: usize = 511;

/// Text that ends in a NUL byte and holds no other.
pub(crate) struct Text {
    bytes: [u8; LONGEST + 1],
    length: usize,
}

impl Text {
    /// Parts, and a last one as it prints itself. They are no format string, because that would bring along all that str can
    /// do in one, which is 2 KiB.
    pub(crate) fn of(parts: &[&str], last: &dyn fmt::Display) -> Self {
        let mut this = Self { bytes: [0; LONGEST + 1], length: 0 };
        // An error says that it is full, and then it is.
        let _ = parts.iter().try_for_each(|part| this.write_str(part)).and_then(|()| write!(this, "{last}"));
        this
    }

    pub(super) fn as_ptr(&self) -> *const c_char {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default().as_ptr()
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            let letter = if letter == '\0' { char::REPLACEMENT_CHARACTER } else { letter };
            let end = self.length + letter.len_utf8();
            letter.encode_utf8(self.bytes[..LONGEST].get_mut(self.length..end).ok_or(fmt::Error)?);
            self.length = end;
        }
        Ok(())
    }
}
