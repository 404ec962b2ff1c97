//! Text in symbols: look-up by bisection, no heap, no index next to the blob.
//!
//! ```
//! use elman::text::{Text, TextUnit};
//!
//! let text = Text { unit: TextUnit::Words, symbols: "bird\ncat\ndog" };
//! let symbols: Vec<u16> = text.read("dog eats  bird".as_bytes())?.collect();
//! assert_eq!(symbols, [3, 0, 1]); // 0 is the unknown symbol
//! assert_eq!(text.symbol(3), Some("dog"));
//! assert!(text.read(&[0xFF]).is_err());
//! # Ok::<(), elman::text::Error>(())
//! ```

use crate::record::{choice, record};

choice! {
    /// What a symbol of a text is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub enum TextUnit {
        /// A character, i.e. a Unicode scalar value.
        Characters,
        /// A word: what is between white space.
        Words,
    }
}

record! {
    /// The symbols of a model that reads text. Symbol 0 is the unknown one, which is not listed; a symbol is given to the
    /// model as a frame of one element, its index.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Text<'b> {
        /// What a symbol is.
        unit: TextUnit,
        /// Symbols 1, 2, ... in ascending order, each once: characters side by side, words one a line.
        symbols: &'b str,
    }
}

/// Why a text cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not UTF-8.
    Utf8 {
        /// Bytes before the first wrong one.
        at: usize,
    },
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Error::Utf8 { at } = self;
        write!(f, "the text is not UTF-8 from byte {at} on: convert it to UTF-8")
    }
}

impl core::error::Error for Error {}

impl<'b> Text<'b> {
    /// Number of symbols, the unknown one included.
    pub fn len(&self) -> usize {
        let starts = self.symbols.bytes().filter(|b| self.begins(*b)).count();
        let first = matches!(self.unit, TextUnit::Words) && !self.symbols.is_empty();
        starts.saturating_add(first as usize).saturating_add(1)
    }

    /// Whether there is none but the unknown symbol.
    pub fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }

    /// Symbol `k`; `None` for the unknown one, 0, and beyond the last.
    pub fn symbol(&self, k: u16) -> Option<&'b str> {
        let before = usize::from(k.checked_sub(1)?);
        let begins = |(_, b): &(usize, u8)| self.begins(*b);
        let nth = |n: usize| self.symbols.bytes().enumerate().filter(begins).nth(n).map(|(at, _)| at);
        let start = match self.unit {
            TextUnit::Characters => nth(before)?,
            // What begins a word is the line break in front of it.
            TextUnit::Words => before.checked_sub(1).map_or(Some(0), |n| nth(n)?.checked_add(1))?,
        };
        let length = self.at(start).len();
        self.symbols.get(start..start.checked_add(length)?).filter(|s| !s.is_empty())
    }

    /// The index of a character or word; 0, the unknown symbol, where it is not listed.
    pub fn index(&self, symbol: &str) -> u16 {
        let all = self.symbols.as_bytes();
        let (mut low, mut high) = (0, all.len());
        // Symbols begin at `low` and at or after `high`; what is looked for begins in between.
        while low < high {
            let at = self.start(low, low.saturating_add(high.saturating_sub(low) / 2));
            let found = self.at(at);
            match found.cmp(symbol.as_bytes()) {
                core::cmp::Ordering::Equal => return self.number(at),
                core::cmp::Ordering::Greater => high = at,
                core::cmp::Ordering::Less => {
                    let step = found.len().saturating_add(matches!(self.unit, TextUnit::Words) as usize);
                    low = at.saturating_add(step.max(1));
                }
            }
        }
        0
    }

    /// The symbols of a text: every character, or every word between white space.
    ///
    /// # Errors
    /// [`Error::Utf8`] where the bytes are not UTF-8.
    pub fn read<'t>(&self, text: &'t [u8]) -> Result<impl Iterator<Item = u16> + use<'b, 't>, Error> {
        let text = core::str::from_utf8(text).map_err(|e| Error::Utf8 { at: e.valid_up_to() })?;
        let vocabulary = *self;
        let (words, characters) = match self.unit {
            TextUnit::Words => (text, ""),
            TextUnit::Characters => ("", text),
        };
        let words = words.split_whitespace().map(move |w| vocabulary.index(w));
        let mut bytes = [0; 4];
        Ok(words.chain(characters.chars().map(move |c| vocabulary.index(c.encode_utf8(&mut bytes)))))
    }

    /// Whether a byte begins a symbol (ends the one before, for words).
    pub(crate) fn begins(&self, byte: u8) -> bool {
        match self.unit {
            TextUnit::Words => byte == b'\n',
            TextUnit::Characters => byte & 0xC0 != 0x80,
        }
    }

    /// Where the symbol begins that has byte `at`; not before `low`.
    fn start(&self, low: usize, at: usize) -> usize {
        let before = self.symbols.as_bytes().get(low..at).unwrap_or_default();
        match self.unit {
            TextUnit::Words => {
                before.iter().rposition(|b| *b == b'\n').map_or(low, |n| low.wrapping_add(n).wrapping_add(1))
            }
            TextUnit::Characters => {
                let mut at = at;
                while at > low && self.symbols.as_bytes().get(at).is_some_and(|b| !self.begins(*b)) {
                    at = at.wrapping_sub(1);
                }
                at
            }
        }
    }

    /// The symbol that begins at byte `at`.
    fn at(&self, at: usize) -> &'b [u8] {
        let rest = self.symbols.as_bytes().get(at..).unwrap_or_default();
        let end = rest.iter().skip(1).position(|b| self.begins(*b)).map_or(rest.len(), |n| n.wrapping_add(1));
        rest.get(..end).unwrap_or_default()
    }

    /// The number of the symbol that begins at byte `at`.
    fn number(&self, at: usize) -> u16 {
        let before = self.symbols.as_bytes().get(..at).unwrap_or_default();
        before.iter().filter(|b| self.begins(**b)).count().saturating_add(1) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::{String, ToString};
    use std::vec;
    use std::vec::Vec;

    /// Every symbol is found at its index, and nothing else is, for vocabularies of all small sizes.
    #[test]
    fn bisection_finds_each_and_nothing_else() {
        let characters = "!Aaézß中文𝄞";
        let mut all: Vec<char> = characters.chars().collect();
        all.sort();
        let words = ["a", "aa", "ab", "b", "bird", "dé", "z", "中", "中文"];
        for n in 0..=all.len() {
            let listed: String = all[..n].iter().collect();
            let text = Text { unit: TextUnit::Characters, symbols: &listed };
            assert_eq!(text.len(), n + 1);
            for (k, c) in all.iter().enumerate() {
                assert_eq!(text.index(&c.to_string()), if k < n { k as u16 + 1 } else { 0 }, "{c} of {n}");
                assert_eq!(text.symbol(k as u16 + 1), (k < n).then_some(c.to_string()).as_deref());
            }
            let listed = words[..n.min(words.len())].join("\n");
            let text = Text { unit: TextUnit::Words, symbols: &listed };
            assert_eq!(text.len(), n.min(words.len()) + 1);
            for (k, w) in words.iter().enumerate() {
                assert_eq!(text.index(w), if k < n { k as u16 + 1 } else { 0 }, "{w} of {n}");
                assert_eq!(text.symbol(k as u16 + 1), (k < n).then_some(*w));
            }
        }
        let text = Text { unit: TextUnit::Words, symbols: "b\nd" };
        assert_eq!(["a", "c", "e", "", "b\nd"].map(|w| text.index(w)), [0; 5]);
        assert_eq!((text.symbol(0), text.symbol(3)), (None, None));
    }

    #[test]
    fn texts_are_read_by_unit_and_must_be_utf8() {
        let characters = Text { unit: TextUnit::Characters, symbols: "ab中" };
        assert_eq!(characters.read("中 a".as_bytes()).unwrap().collect::<Vec<_>>(), vec![3, 0, 1]);
        let words = Text { unit: TextUnit::Words, symbols: "ab\n中" };
        assert_eq!(words.read("  中\tab\u{3000}a\n".as_bytes()).unwrap().collect::<Vec<_>>(), vec![2, 1, 0]);
        assert_eq!(words.read(&[b'a', b' ', 0xE4, 0xB8]).err(), Some(Error::Utf8 { at: 2 }));
    }
}
