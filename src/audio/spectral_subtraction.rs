//! Spectral subtraction (Boll 1979, Berouti et al. 1979) of steady noise, band by band: the estimate of a noise that stays
//! is subtracted from the energy.
//!
//! ```text
//! E_t < N_(t-1): N_t = N_(t-1) - ⌊(N_(t-1) - E_t)·2^-fall⌋ - 1
//! E_t > N_(t-1): N_t = N_(t-1) + ⌊min(E_t - N_(t-1), N_(t-1))·2^-rise⌋ + 1
//! E'_t = max(E_t - β·N_t, s·E_t)
//! ```
//! E holds the floor, so that N is never 0 after the first frame, whose energy it is. N falls fast and rises at most by
//! a share of itself a frame: a word is over before N has followed it. Of each band the share s always stays, so that
//! the subtraction leaves no holes (musical noise).

use super::Error;
use crate::record::record;

record! {
    /// Parameters of the subtraction.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub struct SpectralSubtraction {
        /// The estimate falls with a time constant of 2^fall frames; 1 to 12.
        fall_log2: u8 ["fall "],
        /// It rises by at most the 2^rise-th part of itself a frame; 1 to 12.
        rise_log2: u8 ["rise "],
        /// β in Q4.12, above 0: how many times the estimate is subtracted.
        oversubtraction: u16 ["strength "],
        /// s in Q0.15, up to 1 (32768): the share of a band that stays at least.
        floor: u16 ["share"],
    }
}

impl SpectralSubtraction {
    /// For speech at 50 frames a second: falls within 0.16 s, rises by at most 3.4 dB a second, β = 1.5, s = 1/16 (-12 dB).
    pub const SPEECH: SpectralSubtraction =
        SpectralSubtraction { fall_log2: 3, rise_log2: 6, oversubtraction: 6144, floor: 2048 };

    /// Validates every parameter.
    pub(super) fn check(&self) -> Result<(), Error> {
        let SpectralSubtraction { fall_log2, rise_log2, oversubtraction, floor } = *self;
        let good =
            (1..=12).contains(&fall_log2) && (1..=12).contains(&rise_log2) && oversubtraction > 0 && floor <= 1 << 15;
        if good { Ok(()) } else { Err(Error::SpectralSubtraction { fall_log2, rise_log2, oversubtraction, floor }) }
    }

    /// What is left of a band's energy in Q.8, the floor in it; `noise` is N in two words, 0 before the first frame.
    pub(super) fn left(&self, energy: u64, noise: &mut [u32; 2]) -> u64 {
        let before = (noise[1] as u64) << 32 | noise[0] as u64;
        let (fall, rise) = (self.fall_log2 as u32 & 15, self.rise_log2 as u32 & 15);
        let (below, above) = (before.wrapping_sub(energy), energy.wrapping_sub(before));
        let now = match before {
            0 => energy,
            _ if energy < before => before.wrapping_sub((below >> fall).wrapping_add(1)),
            _ if energy > before => before.wrapping_add((above.min(before) >> rise).wrapping_add(1)),
            _ => before,
        };
        *noise = [now as u32, (now >> 32) as u32];
        let subtracted = times(now, self.oversubtraction, 12);
        energy.saturating_sub(subtracted).max(times(energy, self.floor, 15))
    }
}

/// ⌊v·factor / 2^frac⌋ for v below 2^59, which energies are; more counts as so much.
fn times(v: u64, factor: u16, frac: u32) -> u64 {
    let v = v.min((1 << 59) - 1);
    let (high, low) = (v >> frac, v & ((1 << frac) - 1));
    high.wrapping_mul(factor as u64).wrapping_add(low.wrapping_mul(factor as u64) >> frac)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Energies over many orders of magnitude, with stretches that stay.
    fn energies(count: usize) -> Vec<u64> {
        let (mut seed, mut level) = (7u32, 20);
        (0..count)
            .map(|t| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if t % 40 == 0 {
                    level = 8 + seed % 45;
                }
                (1u64 << level) + (seed as u64 & ((1 << level) - 1))
            })
            .collect()
    }

    /// The formula in numbers that cannot overflow, step for step.
    fn scalar(s: &SpectralSubtraction, energy: i128, noise: &mut i128) -> i128 {
        let (fall, rise) = (1i128 << s.fall_log2, 1i128 << s.rise_log2);
        if *noise == 0 {
            *noise = energy;
        } else if energy < *noise {
            *noise -= (*noise - energy).div_euclid(fall) + 1;
        } else if energy > *noise {
            *noise += (energy - *noise).min(*noise).div_euclid(rise) + 1;
        }
        let subtracted = (*noise * i128::from(s.oversubtraction)).div_euclid(1 << 12);
        (energy - subtracted).max((energy * i128::from(s.floor)).div_euclid(1 << 15))
    }

    #[test]
    fn follows_the_formula_bit_for_bit() {
        let base = SpectralSubtraction::SPEECH;
        for s in [
            base,
            SpectralSubtraction { fall_log2: 1, rise_log2: 12, oversubtraction: u16::MAX, floor: 0 },
            SpectralSubtraction { fall_log2: 12, rise_log2: 1, oversubtraction: 1, floor: 1 << 15 },
            SpectralSubtraction { floor: 1, ..base },
        ] {
            assert_eq!(s.check(), Ok(()));
            let (mut noise, mut exact) = ([0; 2], 0);
            for (t, energy) in energies(20_000).into_iter().enumerate() {
                let left = s.left(energy, &mut noise);
                assert_eq!(i128::from(left), scalar(&s, energy.into(), &mut exact), "{s:?}, step {t}");
                assert_eq!(i128::from(noise[0]) | i128::from(noise[1]) << 32, exact);
                assert!(exact > 0 && left <= energy);
            }
        }
    }

    #[test]
    fn what_stays_is_taken_away_and_what_rises_above_it_remains() {
        let s = SpectralSubtraction::SPEECH;
        for shift in [10u32, 24, 40] {
            let mut noise = [0; 2];
            let steady = (0..500).map(|_| s.left(1 << shift, &mut noise)).last().unwrap();
            assert_eq!(steady, (1 << shift) >> 4, "12 dB down");
            // A word 20 dB above it, 0.6 s long: less than 6 dB are lost at its end.
            let word = (0..30).map(|_| s.left(100 << shift, &mut noise)).last().unwrap();
            assert!(word > (97 << shift) && word < 100 << shift, "{word}");
            // Noise that stays louder is noise after some seconds, and quieter at once.
            let louder = (0..400).map(|_| s.left(100 << shift, &mut noise)).last().unwrap();
            assert_eq!(louder, (100 << shift) >> 4);
            for _ in 0..60 {
                s.left(1 << shift, &mut noise);
            }
            assert!(s.left(8 << shift, &mut noise) > 6 << shift);
        }
    }

    #[test]
    fn extremes_are_defined_and_wrong_parameters_are_refused() {
        let s = SpectralSubtraction { fall_log2: 1, rise_log2: 1, oversubtraction: u16::MAX, floor: 1 << 15 };
        let mut noise = [0; 2];
        for energy in [0, 1, u64::MAX, 0, u64::MAX, u64::MAX >> 1, 256, 0] {
            s.left(energy, &mut noise);
        }
        let base = SpectralSubtraction::SPEECH;
        for bad in [
            SpectralSubtraction { fall_log2: 0, ..base },
            SpectralSubtraction { fall_log2: 13, ..base },
            SpectralSubtraction { rise_log2: 0, ..base },
            SpectralSubtraction { rise_log2: 13, ..base },
            SpectralSubtraction { oversubtraction: 0, ..base },
            SpectralSubtraction { floor: 32_769, ..base },
        ] {
            let SpectralSubtraction { fall_log2, rise_log2, oversubtraction, floor } = bad;
            assert_eq!(bad.check(), Err(Error::SpectralSubtraction { fall_log2, rise_log2, oversubtraction, floor }));
        }
    }
}
