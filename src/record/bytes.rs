//! Reads postcard, and nothing that postcard would write otherwise.

use crate::arith::Probability;

/// A position in bytes that may be anything. After a mistake only zeros are read, so that one check at the end of a record
/// is enough.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'b> {
    rest: &'b [u8],
    /// Bytes that were left at the first mistake; [`VALID`] without one.
    left: usize,
}

/// No mistake yet.
const VALID: usize = usize::MAX;

impl<'b> Bytes<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Bytes { rest: bytes, left: VALID }
    }

    /// Whether there was no mistake.
    #[inline(always)]
    pub(crate) fn is_valid(&self) -> bool {
        self.left == VALID
    }

    /// Bytes that are left, or were left at the first mistake.
    pub(crate) fn left(&self) -> usize {
        if self.is_valid() { self.rest.len() } else { self.left }
    }

    /// A mistake: only zeros are read from here on.
    #[inline(never)]
    pub(crate) fn stop(&mut self) {
        self.left = self.left();
        self.rest = &[];
    }

    /// A byte as it is.
    #[inline(never)]
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.rest.split_first() else {
            self.stop();
            return 0;
        };
        self.rest = rest;
        *byte
    }

    /// A number below `kinds`, at most 128: a variant, or a flag.
    #[inline(never)]
    pub(crate) fn choice(&mut self, kinds: u8) -> u8 {
        let choice = self.byte();
        if choice < kinds {
            return choice;
        }
        self.stop();
        0
    }

    #[inline(never)]
    pub(crate) fn flag(&mut self) -> bool {
        self.choice(2) == 1
    }

    /// A varint of at most `bits`: seven bits a byte, the lowest first, in its shortest form.
    #[inline(never)]
    pub(crate) fn number(&mut self, bits: u32) -> u64 {
        let (mut value, mut shift) = (0u64, 0u32);
        loop {
            let byte = self.byte();
            let low = byte & 0x7f;
            let too_large = low >> bits.saturating_sub(shift).min(7) != 0;
            if too_large || (byte == 0 && shift > 0) {
                self.stop();
                return 0;
            }
            value |= (low as u64) << (shift & 63);
            if byte < 0x80 {
                return value;
            }
            // It ends with the bytes at the latest, after which are zeros.
            shift = shift.wrapping_add(7);
        }
    }

    #[inline(never)]
    pub(crate) fn short(&mut self) -> u16 {
        self.number(16) as u16
    }

    #[inline(never)]
    pub(crate) fn text(&mut self) -> &'b str {
        let length = self.number(32) as usize;
        if let Some((text, rest)) = self.rest.split_at_checked(length)
            && let Ok(text) = core::str::from_utf8(text)
        {
            self.rest = rest;
            return text;
        }
        self.stop();
        ""
    }
}

/// What reads a `T`: the type itself, or a rule of its own.
pub(crate) trait Read<'b, T> {
    /// Reads it.
    fn read(bytes: &mut Bytes<'b>) -> T;

    /// Draws one.
    #[cfg(test)]
    fn random(random: &mut super::random::Random) -> T;

    /// Its bytes, as docs/format.md says.
    #[cfg(test)]
    fn layout() -> std::string::String;
}

/// Implements [`Read`] of a plain type.
macro_rules! plain {
    ($ty:ty, $read:expr, $random:ident, $layout:literal) => {
        impl<'b> Read<'b, $ty> for $ty {
            #[inline(always)]
            fn read(bytes: &mut Bytes<'b>) -> $ty {
                let read: fn(&mut Bytes<'b>) -> $ty = $read;
                read(bytes)
            }

            #[cfg(test)]
            fn random(random: &mut super::random::Random) -> $ty {
                random.$random()
            }

            #[cfg(test)]
            fn layout() -> std::string::String {
                $layout.into()
            }
        }
    };
}

plain!(u8, Bytes::byte, byte, "u8");
plain!(bool, Bytes::flag, flag, "bool");
plain!(u16, Bytes::short, short, "u16");
plain!(u32, |bytes| bytes.number(32) as u32, word, "u32");
plain!(u64, |bytes| bytes.number(64), wide, "u64");
plain!(&'b str, Bytes::text, text, "string");

plain!(Probability, |bytes| Probability::from_bits(bytes.short()), probability, "u16, in 2^-15");

impl<'b> Read<'b, [u16; 4]> for [u16; 4] {
    #[inline(always)]
    fn read(bytes: &mut Bytes<'b>) -> [u16; 4] {
        [bytes.short(), bytes.short(), bytes.short(), bytes.short()]
    }

    #[cfg(test)]
    fn random(random: &mut super::random::Random) -> [u16; 4] {
        core::array::from_fn(|_| random.short())
    }

    #[cfg(test)]
    fn layout() -> std::string::String {
        "4 × u16".into()
    }
}

impl<'b, T: Read<'b, T>> Read<'b, Option<T>> for Option<T> {
    #[inline(always)]
    fn read(bytes: &mut Bytes<'b>) -> Option<T> {
        bytes.flag().then(|| T::read(bytes))
    }

    #[cfg(test)]
    fn random(random: &mut super::random::Random) -> Option<T> {
        random.flag().then(|| T::random(random))
    }

    #[cfg(test)]
    fn layout() -> std::string::String {
        std::format!("option of {}", T::layout())
    }
}

impl<'b, T: Read<'b, T>, const N: usize> Read<'b, heapless::Vec<T, N>> for heapless::Vec<T, N> {
    fn read(bytes: &mut Bytes<'b>) -> heapless::Vec<T, N> {
        let mut list = heapless::Vec::new();
        for _ in 0..bytes.number(32) {
            if !bytes.is_valid() || list.push(T::read(bytes)).is_err() {
                bytes.stop();
                break;
            }
        }
        list
    }

    #[cfg(test)]
    fn random(random: &mut super::random::Random) -> heapless::Vec<T, N> {
        (0..random.below(N as u64 + 1)).map(|_| T::random(random)).collect()
    }

    #[cfg(test)]
    fn layout() -> std::string::String {
        std::format!("at most {N} of {}", T::layout())
    }
}

/// Reads lines without carriage returns, the last one without its end.
pub(crate) struct Lines;

impl<'b> Read<'b, &'b str> for Lines {
    #[inline(always)]
    fn read(bytes: &mut Bytes<'b>) -> &'b str {
        let lines = bytes.text();
        if !are_lines(lines) {
            bytes.stop();
        }
        lines
    }

    #[cfg(test)]
    fn random(random: &mut super::random::Random) -> &'b str {
        random.text()
    }

    #[cfg(test)]
    fn layout() -> std::string::String {
        "string of lines".into()
    }
}

/// Whether a text is one of [`Lines`]. `contains` would bring a search that is made for speed.
pub(crate) fn are_lines(text: &str) -> bool {
    text.bytes().all(|b| b != b'\r') && text.as_bytes().last() != Some(&b'\n')
}
