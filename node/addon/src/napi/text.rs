//! A text for C, on the stack: what does not fit is left out. No formatter has a part in it, which would be a quarter of the
//! addon.

use core::ffi::c_char;

/// An address of 107 characters with what is wrong with it, and to spare.
const LONGEST: usize = 511;

/// Text that ends in a NUL byte and holds no other.
pub(crate) struct Text {
    bytes: [u8; LONGEST + 1],
    length: usize,
}

impl Text {
    /// Parts, one after another.
    pub(crate) fn of(parts: &[&str]) -> Self {
        let mut this = Self { bytes: [0; LONGEST + 1], length: 0 };
        for byte in parts.iter().flat_map(|part| part.bytes()) {
            if let Some(free) = this.bytes[..LONGEST].get_mut(this.length) {
                *free = if byte == 0 { b'?' } else { byte };
                this.length += 1;
            }
        }
        this
    }

    /// Where it starts.
    pub(super) fn as_ptr(&self) -> *const c_char {
        self.bytes.as_ptr().cast()
    }
}
