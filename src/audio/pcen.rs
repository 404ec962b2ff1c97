//! Per-channel energy normalisation (Wang et al. 2017): automatic gain control and
//! suppression of steady noise in one.
//!
//! M_t = M_(t-1) + (E_t - M_(t-1))·2^-k, and the feature is (E/M^α + δ)^r - δ^r. A steady level is divided away, what
//! rises above it remains; the root r takes the place of the logarithm.

use super::Error;
use super::mel::ENERGY_FRAC;
use crate::arith::log2::{exp2_line, log2_line, log2_wide};
use crate::kernel::word::mul_high;
use crate::record::record;

record! {
    /// Parameters of the normalisation.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub struct Pcen {
        /// k: the mean follows with a time constant of 2^k frames; 1 to 12.
        smoothing_log2: u8 ["smooth "],
        /// α in Q0.15, up to 1 (32768): how much of the mean is divided away.
        alpha: u16 ["strength "],
        /// δ in Q4.12, above 0.
        delta: u16 ["bias "],
        /// r in Q0.15, above 0 and up to 1 (32768).
        r: u16 ["root"],
    }
}

impl Pcen {
    /// For speech at 50 frames a second: k = 5 (0.6 s), α = 0.98, δ = 2, r = 1/2.
    pub const SPEECH: Pcen = Pcen { smoothing_log2: 5, alpha: 32_113, delta: 8192, r: 16_384 };

    /// Validates every parameter.
    pub(super) fn check(&self) -> Result<(), Error> {
        let good = (1..=12).contains(&self.smoothing_log2)
            && self.alpha <= 1 << 15
            && self.delta > 0
            && (1..=1 << 15).contains(&self.r);
        let Pcen { smoothing_log2, alpha, delta, r } = *self;
        if good { Ok(()) } else { Err(Error::Pcen { smoothing_log2, alpha, delta, r }) }
    }

    /// δ^r in Q.16, which all channels of all frames share.
    pub(super) fn offset(&self) -> i32 {
        self.rooted((self.delta as u32) << 4, 0)
    }

    /// The feature of a channel in Q6.9, from its energy in Q.8, at least 1 for the floor in it; `mean` is M in two words, 0
    /// before the first frame; `offset` is [`Pcen::offset`].
    pub(super) fn feature(&self, offset: i32, energy: u64, mean: &mut [u32; 2]) -> i16 {
        let before = (mean[1] as u64) << 32 | mean[0] as u64;
        let k = self.smoothing_log2 as u32 & 15;
        let now = match before {
            0 => energy,
            // Energies stay below 2^53.
            _ => before.wrapping_add(((energy.wrapping_sub(before) as i64) >> k) as u64),
        };
        *mean = [now as u32, (now >> 32) as u32];
        // Of 2^ENERGY_FRAC times E and M. What that is too much of the ratio has no fraction in Q.16: it is taken off last.
        let log = log2_wide(energy) as i32;
        let log_mean = log2_wide(now) as i32;
        let more = (ENERGY_FRAC << 16).wrapping_sub((self.alpha as u32).wrapping_mul(2 * ENERGY_FRAC)) as i32;
        let ratio = log.wrapping_sub(mul_high(log_mean << 2, (self.alpha as i32) << 15)).wrapping_sub(more);
        // A ratio above 2^15 has fewer fraction bits, so that it fits 32.
        let down = (ratio.wrapping_sub(14 << 16) >> 16).clamp(0, 31) as u32;
        let value = exp2_line(ratio.wrapping_sub((down << 16) as i32));
        let value = value.wrapping_add(((self.delta as u32) << 4) >> down);
        let feature = self.rooted(value, down).wrapping_sub(offset);
        (feature.wrapping_add(64) >> 7).clamp(i16::MIN as i32, i16::MAX as i32) as i16
    }

    /// (v·2^`up`)^r, v and the result in Q.16; what does not fit a feature is 2^14.
    #[inline(always)]
    fn rooted(&self, v: u32, up: u32) -> i32 {
        rooted((self.r as i32) << 15, v, up)
    }
}

/// (v·2^`up`)^r as [`Pcen::rooted`], r in Q2.30.
#[inline(never)]
fn rooted(r: i32, v: u32, up: u32) -> i32 {
    let zeros = v.leading_zeros() & 31;
    let log = log2_line(up.wrapping_add(31 - 16).wrapping_sub(zeros), v << zeros) as i32;
    exp2_line(mul_high(log << 2, r).min(14 << 16)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(pcen: &Pcen, energy: f64, mean: f64) -> f64 {
        let (a, d, r) = (pcen.alpha as f64 / 32768.0, pcen.delta as f64 / 4096.0, pcen.r as f64 / 32768.0);
        (energy / mean.powf(a) + d).powf(r) - d.powf(r)
    }

    #[test]
    fn follows_the_formula() {
        let pcen = Pcen::SPEECH;
        let (mut mean, mut exact) = ([0; 2], 0.0);
        let (mut squares, mut sum, mut count) = (0f64, 0.0, 0.0);
        let mut seed = 1u32;
        for t in 0..3000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let energy = 1u64 << (10 + (seed >> 27)) | (seed as u64 >> 20);
            let e = energy as f64 / 256.0;
            exact = if t == 0 { e } else { exact + (e - exact) / 32.0 };
            let ours = pcen.feature(pcen.offset(), energy, &mut mean) as f64 / 512.0;
            let wanted = float(&pcen, e.max(1.0), exact.max(1.0)).min(63.998);
            assert!((ours - wanted).abs() < 0.0015 + 0.0002 * wanted.abs(), "{t}: {ours} {wanted}");
            if wanted < 63.0 {
                squares += ((ours - wanted) / (1.0 + wanted)).powi(2);
                sum += (ours - wanted) * 512.0;
                count += 1.0;
            }
        }
        let (rms, bias) = ((squares / count).sqrt(), sum / count);
        std::println!("rms error {:.3} % of 1 + v, mean {bias:.3} steps", rms * 100.0);
        assert!(rms < 0.0008 && bias.abs() < 0.05, "{rms} {bias}");
    }

    #[test]
    fn a_steady_level_is_the_same_at_any_loudness_and_a_rise_stands_out() {
        let pcen = Pcen { alpha: 1 << 15, ..Pcen::SPEECH };
        let mut last = None;
        for shift in [14u32, 24, 34, 44] {
            let mut mean = [0; 2];
            let steady = (0..400).map(|_| pcen.feature(pcen.offset(), 1 << shift, &mut mean)).last().unwrap();
            let risen = pcen.feature(pcen.offset(), 64 << shift, &mut mean);
            assert!(risen > 4 * steady, "{shift}: {steady} {risen}");
            assert_eq!(*last.get_or_insert(steady), steady, "{shift}");
        }
    }

    #[test]
    fn extremes_are_defined() {
        for pcen in [
            Pcen { smoothing_log2: 1, alpha: 0, delta: 1, r: 1 << 15 },
            Pcen { smoothing_log2: 12, alpha: 1 << 15, delta: u16::MAX, r: 1 },
        ] {
            assert_eq!(pcen.check(), Ok(()));
            let mut mean = [0; 2];
            for energy in [0, 1, 256, u64::MAX >> 8, 0, u64::MAX >> 1] {
                pcen.feature(pcen.offset(), energy, &mut mean);
            }
        }
        assert!(Pcen { r: 0, ..Pcen::SPEECH }.check().is_err());
        assert!(Pcen { delta: 0, ..Pcen::SPEECH }.check().is_err());
        assert!(Pcen { smoothing_log2: 13, ..Pcen::SPEECH }.check().is_err());
        assert!(Pcen { alpha: 32_769, ..Pcen::SPEECH }.check().is_err());
    }
}
