//! Scaling at a model's border: readings of sensors to the elements of a frame, and outputs to readings.
//!
//! A *reading* is an i32 with `raw_frac` fraction bits: the number v is round(v·2^raw_frac). Where a sensor gives whole
//! numbers, `raw_frac` is 0 and a reading is the sensor's register. Each channel has numbers of its own:
//!
//! ```text
//! x   = ⌊((raw - offset)·2^shift·m + 2^31) / 2^32⌋     reading to element, saturated at 16 bits
//! raw = offset + ⌊(y·m + 2^15) / 2^16⌋                 output to reading, saturated at 32 bits
//! ```
//! Both round half up and are exact for every reading and output: they saturate once, at the end.
//!
//! ```
//! use elman::scaling::Channel;
//!
//! // A pressure in Pa near 101,325, deviation 50: 8192 steps a deviation.
//! let pascal = Channel { raw_frac: 0, offset: 101_325, shift: 20, multiplier: 671_089 };
//! assert_eq!(pascal.quantize(101_325), (0, false));
//! assert_eq!(pascal.quantize(101_375), (8192, false));
//! assert_eq!(pascal.quantize(0), (i16::MIN, true)); // saturated
//! ```

use crate::arith::saturate;
use crate::kernel::word::mul_high;

/// Words of a channel in a blob.
pub(crate) const WORDS: usize = 3;
/// Least multiplier of an input: with it, what saturates on the way is beyond an i16 at the end.
pub const MIN_MULTIPLIER: i32 = 1 << 17;
/// Largest shift of an input.
pub const MAX_SHIFT: u8 = 31;
/// Fraction bits of readings are from minus this to this.
pub const MAX_RAW_FRAC: i8 = 100;

/// The numbers of one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(any(test, feature = "serde"), derive(serde::Serialize, serde::Deserialize))]
pub struct Channel {
    /// Fraction bits of a reading: it stands for raw / 2^raw_frac.
    pub raw_frac: i8,
    /// The reading that becomes 0, or that an output of 0 stands for.
    pub offset: i32,
    /// m: of an input from [`MIN_MULTIPLIER`] on, or 0 for a channel that never moved in training and is always 0; of an output
    /// not negative.
    pub multiplier: i32,
    /// Of an input at most [`MAX_SHIFT`], of an output and where the multiplier is 0 it is 0.
    pub shift: u8,
}

impl Channel {
    /// A reading as an element, and whether it saturated.
    #[inline]
    pub fn quantize(&self, raw: i32) -> (i16, bool) {
        let difference = shift_left(raw.saturating_sub(self.offset), self.shift);
        let element = mul_high(difference, self.multiplier);
        let saturated = saturate(element);
        (saturated, i32::from(saturated) != element)
    }

    /// An output as a reading.
    #[inline]
    pub fn restore(&self, output: i16) -> i32 {
        self.offset.saturating_add(mul_high(i32::from(output) << 16, self.multiplier))
    }

    /// The reading of a whole number, saturated: value·2^raw_frac, rounded half up where `raw_frac` is negative. For sensors
    /// that give whole numbers in the unit that the model was trained on.
    pub fn whole(&self, value: i32) -> i32 {
        match self.raw_frac {
            up @ 0.. => shift_left(value, up.min(31) as u8),
            // Half up: the last bit shifted out is carried.
            down @ -31..=-1 => {
                let below = value >> (down.unsigned_abs().wrapping_sub(1) & 31);
                (below >> 1).wrapping_add(below & 1)
            }
            _ => 0,
        }
    }

    /// Its words in a blob: offset, multiplier, shift in the lowest byte and `raw_frac` in the one above it.
    pub const fn to_words(&self) -> [u32; WORDS] {
        let formats = self.shift as u32 | (self.raw_frac as u8 as u32) << 8;
        [self.offset as u32, self.multiplier as u32, formats]
    }

    /// [`Channel::to_words`] reversed; what no channel has is left out.
    pub(crate) const fn of_words(words: &[u32; WORDS]) -> Self {
        let [offset, multiplier, formats] = *words;
        Channel {
            raw_frac: (formats >> 8) as i8,
            offset: offset as i32,
            multiplier: multiplier as i32,
            shift: formats as u8,
        }
    }

    /// Whether its numbers are in their ranges.
    pub(crate) const fn is_valid(&self, output: bool) -> bool {
        let (least, most) = match (output, self.multiplier) {
            (true, _) | (_, 0) => (0, 0),
            _ => (MIN_MULTIPLIER, MAX_SHIFT),
        };
        self.multiplier >= least
            && self.shift <= most
            && self.raw_frac >= -MAX_RAW_FRAC
            && self.raw_frac <= MAX_RAW_FRAC
    }
}

/// v·2^n, saturated; n up to 31. `saturating_mul` would need a product of 64 bits.
#[inline(always)]
fn shift_left(v: i32, n: u8) -> i32 {
    let n = u32::from(n) & 31;
    let shifted = v << n;
    match shifted >> n == v {
        true => shifted,
        false if v < 0 => i32::MIN,
        false => i32::MAX,
    }
}

/// The words of a blob as channels.
fn channels(words: &[u32]) -> impl Iterator<Item = Channel> + '_ {
    words.as_chunks::<WORDS>().0.iter().map(Channel::of_words)
}

/// Readings to frames: one [`Channel`] for each element. [`Model::input_scaling`](crate::Model::input_scaling) gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputScaling<'b> {
    words: &'b [u32],
}

impl<'b> InputScaling<'b> {
    pub(crate) fn new(words: &'b [u32]) -> Self {
        InputScaling { words }
    }

    /// The channels, in the order of a frame's elements.
    pub fn channels(&self) -> impl Iterator<Item = Channel> + use<'b> {
        channels(self.words)
    }

    /// Readings of 32 bits as a frame; how many saturated. In closed loop `raw` and `frame` end before the elements that are
    /// fed back. `raw` and `frame` are of the same length, which a debug assertion checks; without it only as many as the
    /// shorter has are computed.
    pub fn quantize_i32(&self, raw: &[i32], frame: &mut [i16]) -> usize {
        self.each(raw, frame, |channel, raw| channel.quantize(*raw))
    }

    /// [`InputScaling::quantize_i32`] of readings of 16 bits.
    pub fn quantize_i16(&self, raw: &[i16], frame: &mut [i16]) -> usize {
        self.each(raw, frame, |channel, raw| channel.quantize(i32::from(*raw)))
    }

    /// Each reading as an element; how many do not fit.
    #[inline(always)]
    pub(crate) fn each<T>(&self, raw: &[T], frame: &mut [i16], map: impl Fn(&Channel, &T) -> (i16, bool)) -> usize {
        debug_assert_eq!(raw.len(), frame.len(), "readings and frame are of one length");
        let mut count = 0usize;
        for ((channel, raw), x) in self.channels().zip(raw).zip(frame) {
            let (element, saturated) = map(&channel, raw);
            *x = element;
            count = count.wrapping_add(saturated.into());
        }
        count
    }
}

/// Outputs to readings: one [`Channel`] for each output. [`Model::output_scaling`](crate::Model::output_scaling) gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputScaling<'b> {
    words: &'b [u32],
}

impl<'b> OutputScaling<'b> {
    pub(crate) fn new(words: &'b [u32]) -> Self {
        OutputScaling { words }
    }

    /// The channels, in the order of the outputs.
    pub fn channels(&self) -> impl Iterator<Item = Channel> + use<'b> {
        channels(self.words)
    }

    /// Outputs as readings of 32 bits. The lengths are as in [`InputScaling::quantize_i32`].
    pub fn restore_i32(&self, outputs: &[i16], raw: &mut [i32]) {
        debug_assert_eq!(outputs.len(), raw.len(), "outputs and readings are of one length");
        for ((channel, y), raw) in self.channels().zip(outputs).zip(raw) {
            *raw = channel.restore(*y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    struct Random(u64);

    impl Random {
        fn word(&mut self) -> i32 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 32) as i32
        }

        /// Small, large, and the ends.
        fn reading(&mut self) -> i32 {
            match self.word() & 7 {
                0 => i32::MIN,
                1 => i32::MAX,
                2 => self.word() & 1,
                3 => i32::MIN + (self.word() & 0xff),
                _ => self.word() >> (self.word() & 31),
            }
        }

        fn channel(&mut self) -> Channel {
            let multiplier = (self.word() & i32::MAX) >> (self.word() & 15);
            Channel {
                raw_frac: 0,
                offset: self.reading(),
                multiplier: multiplier.max(MIN_MULTIPLIER),
                shift: (self.word() & 31) as u8,
            }
        }
    }

    /// The equation in integers without bounds.
    fn exact(channel: &Channel, raw: i32) -> (i16, bool) {
        let difference = i128::from(raw) - i128::from(channel.offset);
        let y = (((difference << channel.shift) * i128::from(channel.multiplier)) + (1 << 31)) >> 32;
        let saturated = y.clamp(i16::MIN.into(), i16::MAX.into());
        (saturated as i16, saturated != y)
    }

    #[test]
    fn every_reading_is_the_equation() {
        let mut random = Random(1);
        for k in 0..2_000_000 {
            let (mut channel, raw) = (random.channel(), random.reading());
            match k % 4 {
                0 => channel.offset = raw.saturating_add(random.word() >> 20),
                1 => channel.multiplier = MIN_MULTIPLIER,
                _ => {}
            }
            assert_eq!(channel.quantize(raw), exact(&channel, raw), "{channel:?} {raw}");
        }
        for offset in [i32::MIN, -1, 0, 1, i32::MAX] {
            for multiplier in [MIN_MULTIPLIER, MIN_MULTIPLIER + 1, i32::MAX] {
                for shift in [0, 1, 16, 30, MAX_SHIFT] {
                    let channel = Channel { raw_frac: 0, offset, multiplier, shift };
                    for raw in [i32::MIN, i32::MIN + 1, -1, 0, 1, i32::MAX - 1, i32::MAX, offset] {
                        assert_eq!(channel.quantize(raw), exact(&channel, raw), "{channel:?} {raw}");
                    }
                }
            }
        }
    }

    /// Against real numbers, where an f64 has them exactly.
    #[test]
    fn an_element_is_the_nearest_one() {
        let mut random = Random(2);
        for _ in 0..500_000 {
            let (mut channel, raw) = (random.channel(), random.reading() >> 4);
            channel.offset >>= 4;
            channel.multiplier >>= 8;
            channel.multiplier = channel.multiplier.max(MIN_MULTIPLIER);
            let factor = f64::from(channel.multiplier) * 2f64.powi(i32::from(channel.shift) - 32);
            let x = (f64::from(raw) - f64::from(channel.offset)) * factor;
            let (element, saturated) = channel.quantize(raw);
            match saturated {
                true => assert!(!(-32768.5..32767.5).contains(&x), "{channel:?} {raw} {x}"),
                false => assert!((f64::from(element) - x).abs() <= 0.5, "{channel:?} {raw} {x}"),
            }
        }
    }

    #[test]
    fn an_output_is_a_reading() {
        let mut random = Random(3);
        for _ in 0..500_000 {
            let channel = Channel { multiplier: random.word() & i32::MAX, shift: 0, ..random.channel() };
            let y = random.reading() as i16;
            let exact = i64::from(channel.offset) + ((i64::from(y) * i64::from(channel.multiplier) + (1 << 15)) >> 16);
            assert_eq!(i64::from(channel.restore(y)), exact.clamp(i32::MIN.into(), i32::MAX.into()), "{channel:?} {y}");
        }
    }

    #[test]
    fn frames_are_channel_by_channel() {
        let channels = [
            Channel { raw_frac: 3, offset: -7, multiplier: MIN_MULTIPLIER, shift: 15 },
            Channel { raw_frac: -2, offset: 1000, multiplier: 3 * MIN_MULTIPLIER, shift: 20 },
        ];
        let words: Vec<u32> = channels.iter().flat_map(Channel::to_words).collect();
        let scaling = InputScaling::new(&words);
        assert_eq!(scaling.channels().collect::<Vec<_>>(), channels);
        let mut frame = [0; 2];
        assert_eq!(scaling.quantize_i32(&[-7, 1000], &mut frame), 0);
        assert_eq!(frame, [0, 0]);
        assert_eq!(scaling.quantize_i16(&[0, -30_000], &mut frame), 1);
        assert_eq!(frame, [7, i16::MIN]);
        let mut short = [5];
        assert_eq!(scaling.quantize_i32(&[-8], &mut short), 0);
        assert_eq!(short, [-1]);
        let mut raw = [0; 2];
        OutputScaling::new(&words).restore_i32(&[1, -1], &mut raw);
        assert_eq!(raw, [-5, 994]);
    }

    #[test]
    fn whole_numbers_are_shifted() {
        let whole = |raw_frac, value| Channel { raw_frac, ..Channel::default() }.whole(value);
        assert_eq!([whole(0, -7), whole(4, -7), whole(-1, -7), whole(-1, 7)], [-7, -112, -3, 4]);
        assert_eq!([whole(20, 5000), whole(100, -2), whole(31, 0)], [i32::MAX, i32::MIN, 0]);
        assert_eq!([whole(-31, i32::MAX), whole(-32, i32::MAX), whole(-100, i32::MIN)], [1, 0, 0]);
    }

    #[test]
    fn numbers_have_ranges() {
        let good = Channel { raw_frac: 100, offset: i32::MIN, multiplier: MIN_MULTIPLIER, shift: 31 };
        assert!(good.is_valid(false) && !good.is_valid(true));
        let still = Channel { shift: 0, multiplier: 0, ..good };
        assert!(still.is_valid(true) && still.is_valid(false));
        for raw in [i32::MIN, -1, 0, i32::MAX] {
            assert_eq!(still.quantize(raw), (0, false));
        }
        for bad in [
            Channel { raw_frac: 101, ..good },
            Channel { raw_frac: -101, ..good },
            Channel { shift: 32, ..good },
            Channel { multiplier: MIN_MULTIPLIER - 1, ..good },
            Channel { multiplier: -1, ..good },
            Channel { multiplier: 0, ..good },
        ] {
            assert!(!bad.is_valid(false) && !bad.is_valid(true), "{bad:?}");
        }
    }
}
