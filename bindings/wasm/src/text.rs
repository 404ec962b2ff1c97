//! The sentence of an error.

use core::fmt::{self, Display, Write};

/// A sentence of at most 512 bytes; what is longer ends there.
#[repr(C)]
pub(crate) struct Text {
    bytes: [u8; 512],
    length: usize,
}

impl Text {
    pub(crate) const fn new() -> Self {
        Text { bytes: [0; 512], length: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }

    pub(crate) fn write(&mut self, what: &dyn Display) {
        // What does not fit is left out.
        let _ = write!(self, "{what}");
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            let rest = self.bytes.get_mut(self.length..).unwrap_or_default();
            let Some(place) = rest.get_mut(..c.len_utf8()) else { return Err(fmt::Error) };
            c.encode_utf8(place);
            self.length += c.len_utf8();
        }
        Ok(())
    }
}
