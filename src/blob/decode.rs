//! The descriptor out of its bytes: what postcard writes, and nothing that it would write otherwise.
//!
//! The bytes are postcard's and the writer is derived; the reader is written out. A derived one would take five times the code
//! and would have to write everything again to see that the bytes are canonical: here each number must have its shortest form,
//! which comes to the same. What is read behind a mistake is zeros, so that only the end asks whether there was one.

use super::{AttentionScore, Descriptor, Direction, LayerDescriptor, LoadError, Readout, Structure, Text, TextUnit};
use crate::arith::Probability;
use crate::{audio, detect};

/// A position in bytes that may be anything.
struct Bytes<'b> {
    rest: &'b [u8],
    /// Bytes that were left at the first mistake; [`VALID`] without one.
    left: usize,
}

/// No mistake yet.
const VALID: usize = usize::MAX;

impl<'b> Bytes<'b> {
    /// A mistake: only zeros are read from here on.
    #[inline(never)]
    fn stop(&mut self) {
        if self.left == VALID {
            self.left = self.rest.len();
        }
        self.rest = &[];
    }

    /// A byte as it is.
    #[inline(never)]
    fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.rest.split_first() else {
            self.stop();
            return 0;
        };
        self.rest = rest;
        *byte
    }

    /// A number below `kinds`, at most 128: a variant, or a flag.
    #[inline(never)]
    fn choice(&mut self, kinds: u8) -> u8 {
        let choice = self.byte();
        if choice < kinds {
            return choice;
        }
        self.stop();
        0
    }

    #[inline(never)]
    fn flag(&mut self) -> bool {
        self.choice(2) == 1
    }

    /// A varint of at most `bits`: seven bits a byte, the lowest first, in its shortest form.
    #[inline(never)]
    fn number(&mut self, bits: u32) -> u64 {
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
    fn short(&mut self) -> u16 {
        self.number(16) as u16
    }

    #[inline(never)]
    fn text(&mut self) -> &'b str {
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

    /// Lines without carriage returns, the last one without its end.
    fn labels(&mut self) -> &'b str {
        let labels = self.text();
        // `contains` would bring a search that is made for speed.
        if labels.bytes().any(|b| b == b'\r') || labels.as_bytes().last() == Some(&b'\n') {
            self.stop();
        }
        labels
    }

    /// Elements after their number.
    fn list<T, const N: usize>(&mut self, mut element: impl FnMut(&mut Self) -> T) -> heapless::Vec<T, N> {
        let mut list = heapless::Vec::new();
        for _ in 0..self.number(32) {
            if self.left != VALID || list.push(element(self)).is_err() {
                self.stop();
                break;
            }
        }
        list
    }

    #[inline(never)]
    fn audio(&mut self) -> audio::Config {
        audio::Config {
            sample_rate: self.number(32) as u32,
            window: self.short(),
            hop: self.short(),
            fft_log2: self.byte(),
            channels: self.byte(),
            low_hz: self.short(),
            high_hz: self.short(),
            pre_emphasis: self.short(),
            remove_dc: self.flag(),
            floor_log2: self.byte(),
            spectral_subtraction: self.flag().then(|| audio::SpectralSubtraction {
                fall_log2: self.byte(),
                rise_log2: self.byte(),
                oversubtraction: self.short(),
                floor: self.short(),
            }),
            pcen: self.flag().then(|| audio::Pcen {
                smoothing_log2: self.byte(),
                alpha: self.short(),
                delta: self.short(),
                r: self.short(),
            }),
            cepstrum: self.byte(),
        }
    }

    #[inline(never)]
    fn detector(&mut self) -> detect::Config {
        detect::Config {
            smooth: self.byte(),
            refractory: self.short(),
            release: self.probability(),
            silence_reset: detect::SilenceReset { class: self.byte(), steps: self.short() },
            thresholds: self.list(Self::probability),
        }
    }

    fn probability(&mut self) -> Probability {
        Probability::from_bits(self.short())
    }

    fn vocabulary(&mut self) -> Text<'b> {
        let unit = if self.flag() { TextUnit::Words } else { TextUnit::Characters };
        Text { unit, symbols: self.text() }
    }

    fn structure(&mut self) -> Structure {
        match self.choice(4) {
            1 => Structure::Seq2seq {
                score: match self.choice(4) {
                    1 => AttentionScore::Dot,
                    2 => AttentionScore::Scaled,
                    3 => AttentionScore::Additive,
                    _ => AttentionScore::None,
                },
                max_outputs: self.short(),
                beams: self.byte(),
            },
            2 => Structure::Tree { roots: self.byte(), max_nodes: self.short(), slots: self.short() },
            3 => Structure::Graph {
                rounds: self.byte(),
                max_nodes: self.short(),
                max_edges: self.short(),
                max_degree: self.short(),
            },
            _ => Structure::Sequence,
        }
    }

    #[inline(never)]
    fn layer(&mut self) -> LayerDescriptor {
        LayerDescriptor {
            tag: self.byte(),
            variant: self.byte(),
            inputs: self.short(),
            units: self.short(),
            in_frac: self.byte(),
            out_frac: self.byte(),
            carried_frac: self.byte(),
            direction: if self.flag() { Direction::Backward } else { Direction::Forward },
            params: [self.short(), self.short(), self.short(), self.short()],
        }
    }

    #[inline(never)]
    fn descriptor(&mut self) -> Descriptor<'b> {
        Descriptor {
            name: self.text(),
            labels: self.labels(),
            readout: if self.flag() { Readout::EveryStep } else { Readout::Last },
            fingerprint: self.number(64),
            audio: self.flag().then(|| self.audio()),
            detect: self.flag().then(|| self.detector()),
            text: self.flag().then(|| self.vocabulary()),
            max_steps: self.short(),
            feedback: self.short(),
            increments: self.flag(),
            structure: self.structure(),
            chains: self.list(Self::byte),
            layers: self.list(Self::layer),
        }
    }
}

/// Words that should be a descriptor of `length` bytes and zeros after it.
pub(super) struct Encoded<'b> {
    bytes: Bytes<'b>,
    length: usize,
}

impl<'b> Encoded<'b> {
    pub(super) fn new(words: &'b [u32], length: usize) -> Self {
        let (rest, padding) = crate::kernel::word::bytes(words).split_at_checked(length).unwrap_or((&[], &[1]));
        let left = if padding.iter().all(|b| *b == 0) { VALID } else { 0 };
        Encoded { bytes: Bytes { rest, left }, length }
    }

    /// The descriptor, which is valid only after [`Encoded::end`]: so that it need not be moved.
    pub(super) fn descriptor(&mut self) -> Descriptor<'b> {
        self.bytes.descriptor()
    }

    /// Checks that there was no mistake, and that nothing is left.
    pub(super) fn end(&self) -> Result<(), LoadError> {
        let Bytes { rest, left } = &self.bytes;
        match *left {
            VALID if rest.is_empty() => Ok(()),
            VALID => Err(self.stopped_with(rest.len())),
            left => Err(self.stopped_with(left)),
        }
    }

    fn stopped_with(&self, left: usize) -> LoadError {
        LoadError::Descriptor { offset: self.length.saturating_sub(left) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// A generator of numbers that are small, large and in between.
    struct Random(u64);

    impl Random {
        fn below(&mut self, n: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % n
        }
        fn wide(&mut self) -> u64 {
            let bits = self.below(64);
            let high = self.below(1 << 31) << 33 | self.below(1 << 31);
            [0, 127, 128, u64::MAX, high >> bits, high][self.below(6) as usize]
        }
        fn short(&mut self) -> u16 {
            self.wide() as u16
        }
        fn byte(&mut self) -> u8 {
            self.wide() as u8
        }
        fn some<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
            (self.below(2) == 1).then(|| make(self))
        }

        fn descriptor(&mut self) -> Descriptor<'static> {
            let texts = ["", "a", "yes\nno", "\u{e9}\u{4e2d}\u{1d11e}", "a name that is longer than others"];
            let pcen = |r: &mut Self| audio::Pcen {
                smoothing_log2: r.byte(),
                alpha: r.short(),
                delta: r.short(),
                r: r.short(),
            };
            let layer = |r: &mut Self| LayerDescriptor {
                tag: r.byte(),
                variant: r.byte(),
                inputs: r.short(),
                units: r.short(),
                in_frac: r.byte(),
                out_frac: r.byte(),
                carried_frac: r.byte(),
                direction: [Direction::Forward, Direction::Backward][r.below(2) as usize],
                params: [r.short(), r.short(), r.short(), r.short()],
            };
            Descriptor {
                name: texts[self.below(5) as usize],
                labels: texts[self.below(5) as usize],
                readout: [Readout::Last, Readout::EveryStep][self.below(2) as usize],
                fingerprint: self.wide(),
                audio: self.some(|r| audio::Config {
                    sample_rate: r.wide() as u32,
                    window: r.short(),
                    hop: r.short(),
                    fft_log2: r.byte(),
                    channels: r.byte(),
                    low_hz: r.short(),
                    high_hz: r.short(),
                    pre_emphasis: r.short(),
                    remove_dc: r.below(2) == 1,
                    floor_log2: r.byte(),
                    spectral_subtraction: r.some(|r| audio::SpectralSubtraction {
                        fall_log2: r.byte(),
                        rise_log2: r.byte(),
                        oversubtraction: r.short(),
                        floor: r.short(),
                    }),
                    pcen: r.some(pcen),
                    cepstrum: r.byte(),
                }),
                detect: self.some(|r| detect::Config {
                    smooth: r.byte(),
                    refractory: r.short(),
                    release: Probability::from_bits(r.short()),
                    silence_reset: detect::SilenceReset { class: r.byte(), steps: r.short() },
                    thresholds: (0..r.below(33)).map(|_| Probability::from_bits(r.short())).collect(),
                }),
                text: self.some(|r| Text {
                    unit: [TextUnit::Characters, TextUnit::Words][r.below(2) as usize],
                    symbols: texts[r.below(5) as usize],
                }),
                max_steps: self.short(),
                feedback: self.short(),
                increments: self.below(2) == 1,
                structure: match self.below(4) {
                    0 => Structure::Sequence,
                    1 => Structure::Seq2seq {
                        score: [
                            AttentionScore::None,
                            AttentionScore::Dot,
                            AttentionScore::Scaled,
                            AttentionScore::Additive,
                        ][self.below(4) as usize],
                        max_outputs: self.short(),
                        beams: self.byte(),
                    },
                    2 => Structure::Tree { roots: self.byte(), max_nodes: self.short(), slots: self.short() },
                    _ => Structure::Graph {
                        rounds: self.byte(),
                        max_nodes: self.short(),
                        max_edges: self.short(),
                        max_degree: self.short(),
                    },
                },
                chains: (0..self.below(17)).map(|_| self.byte()).collect(),
                layers: (0..self.below(17)).map(|_| layer(self)).collect(),
            }
        }
    }

    fn decode(words: &[u32], bytes: usize) -> Result<Descriptor<'_>, LoadError> {
        let mut encoded = Encoded::new(words, bytes);
        let descriptor = encoded.descriptor();
        encoded.end().map(|()| descriptor)
    }

    fn written(descriptor: &Descriptor<'_>) -> Vec<u8> {
        postcard::to_slice(descriptor, &mut [0; 1024]).unwrap().to_vec()
    }

    fn read(bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
        let mut padded = bytes.to_vec();
        padded.resize(bytes.len().next_multiple_of(4), 0);
        let words: Vec<u32> = padded.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
        decode(&words, bytes.len()).map(|d| written(&d))
    }

    /// What a derived reader and writer make of bytes: the definition.
    fn canonical(bytes: &[u8]) -> bool {
        postcard::take_from_bytes::<Descriptor<'_>>(bytes).is_ok_and(|(d, rest)| {
            let plain = !d.labels.contains('\r') && !d.labels.ends_with('\n');
            rest.is_empty() && plain && written(&d) == bytes
        })
    }

    #[test]
    fn reads_what_is_written() {
        let mut random = Random(1);
        for _ in 0..2000 {
            let descriptor = random.descriptor();
            let bytes = written(&descriptor);
            let words: Vec<u32> =
                bytes.chunks(4).map(|b| b.iter().rev().fold(0, |w, b| w << 8 | u32::from(*b))).collect();
            assert_eq!(decode(&words, bytes.len()), Ok(descriptor));
        }
    }

    /// Bytes that are changed, lost, added and drawn by chance: taken exactly where they are canonical.
    #[test]
    fn refuses_what_would_be_written_otherwise() {
        let mut random = Random(2);
        let (mut accepted, mut rejected) = (0, 0);
        for round in 0..100_000 {
            let mut bytes = written(&random.descriptor());
            for _ in 0..=random.below(2) {
                let at = random.below(bytes.len() as u64) as usize;
                match round % 5 {
                    0 => bytes[at] = [0, 1, 2, 3, 4, 0x80, 0xff][random.below(7) as usize],
                    1 => bytes[at] ^= 1 << random.below(8),
                    2 => bytes.insert(at, [0, 0x80, 0x81, random.below(256) as u8][random.below(4) as usize]),
                    3 => bytes.truncate(at.max(1)),
                    // A number in a longer form, where it is one.
                    _ => {
                        bytes[at] |= 0x80;
                        bytes.insert(at + 1, random.below(2) as u8);
                    }
                }
            }
            let wanted = canonical(&bytes);
            let found = read(&bytes);
            if wanted {
                assert_eq!(found, Ok(bytes));
                accepted += 1;
            } else {
                assert!(rejects(&found, bytes.len()), "{found:?} {bytes:x?}");
                rejected += 1;
            }
        }
        assert!(accepted > 10_000 && rejected > 10_000, "{accepted} accepted, {rejected} rejected");
    }

    /// An error whose offset lies in the bytes.
    fn rejects<T>(found: &Result<T, LoadError>, bytes: usize) -> bool {
        matches!(found, Err(LoadError::Descriptor { offset }) if *offset <= bytes)
    }

    #[test]
    fn nothing_may_follow() {
        let descriptor = Random(3).descriptor();
        let mut bytes = written(&descriptor);
        let declared = bytes.len();
        bytes.resize(bytes.len().next_multiple_of(4) + 4, 0);
        let length = bytes.len();
        let mut words: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
        assert_eq!(decode(&words, declared), Ok(descriptor));
        assert_eq!(decode(&words, declared + 1), Err(LoadError::Descriptor { offset: declared }));
        assert_eq!(decode(&words, length + 1), Err(LoadError::Descriptor { offset: length + 1 }));
        *words.last_mut().unwrap() = 1 << 31;
        assert_eq!(decode(&words, declared), Err(LoadError::Descriptor { offset: declared }));
        assert_eq!(decode(&[u32::MAX; 9], 36), Err(LoadError::Descriptor { offset: 5 }));
    }

    #[test]
    fn the_offset_is_where_decoding_stopped() {
        let descriptor = Descriptor { name: "abc", ..Random(3).descriptor() };
        let bytes = written(&descriptor);
        // In the name, which then is no UTF-8, or whose length is beyond the end.
        for (at, value, offset) in [(1, 0xff, 1), (0, 0xff, 2)] {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            let found = read(&bytes);
            assert_eq!(found, Err(LoadError::Descriptor { offset }), "{at} {value}");
        }
    }
}
