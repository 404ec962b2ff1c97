//! What microphones give, as samples: an analogue one by a converter, a digital one by its bits.

/// Samples of a converter without sign, `bits` wide, around a bias that drifts slowly: brought to i16 around 0.
#[derive(Clone, Copy, Debug)]
pub struct Unbiased {
    /// The bias in Q16 of the converter's steps.
    bias: i64,
    bits: u8,
}

impl Unbiased {
    /// For a converter of 1 to 16 bits whose microphone rests in the middle.
    pub fn new(bits: u8) -> Self {
        let bits = bits.clamp(1, 16);
        Unbiased { bias: 1 << (15 + bits), bits }
    }

    /// The next sample. The bias follows with a time constant of 4096 samples.
    pub fn next(&mut self, raw: u16) -> i16 {
        let raw = i64::from(raw) << 16;
        self.bias += (raw - self.bias) >> 12;
        let centred = (raw - self.bias) >> self.bits;
        centred.clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i16
    }
}

/// The bits of a microphone with pulse density modulation as samples, 64 bits each: three running sums at the rate of the
/// bits, three differences at that of the samples (a CIC filter of order 3).
#[derive(Clone, Copy, Debug, Default)]
pub struct PulseDensity {
    sums: [i32; 3],
    before: [i32; 3],
}

impl PulseDensity {
    /// Bits of a sample.
    pub const BITS: usize = 64;

    /// The next sample, from four words of 16 bits, the highest bit of each first.
    pub fn next(&mut self, words: [u16; 4]) -> i16 {
        for word in words {
            for k in (0..16).rev() {
                let mut x = i32::from(word >> k & 1) * 2 - 1;
                for sum in &mut self.sums {
                    *sum = sum.wrapping_add(x);
                    x = *sum;
                }
            }
        }
        let mut y = self.sums[2];
        for before in &mut self.before {
            let difference = y.wrapping_sub(*before);
            *before = y;
            y = difference;
        }
        // The gain is 64^3 = 2^18: full scale becomes 2^15.
        (y >> 3).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
    }
}
