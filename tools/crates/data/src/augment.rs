//! Augmentation of samples: gain, shift in time, noise.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How clips are varied while a network is trained. All zero (the default) leaves them as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augment {
    /// Gain, uniform in ± this, in dB.
    pub gain_db: f32,
    /// Shift in time, uniform in ± this, in samples; what leaves the clip is lost, zeros enter.
    pub shift: usize,
    /// Share of the clips that get noise added: 0 to 1.
    pub noise_share: f32,
    /// Lowest and highest ratio of the clip's power to that of the noise, in dB; uniform between.
    pub noise_snr_db: (f32, f32),
}

impl Augment {
    /// A varied copy of `samples`, of the same length.
    ///
    /// Noise is a stretch of one of `background`, or white where that is empty. The same `seed` gives the same
    /// samples.
    pub fn apply(&self, samples: &[i16], background: &[Vec<i16>], seed: u64) -> Vec<i16> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let gain = decibels(self.gain_db * rng.random_range(-1.0..=1.0f32));
        let shift = rng.random_range(-(self.shift as i64)..=self.shift as i64);
        let mut mixed: Vec<f32> = (0..samples.len() as i64)
            .map(|i| usize::try_from(i - shift).ok().and_then(|i| samples.get(i)).map_or(0.0, |&x| x as f32 * gain))
            .collect();
        if rng.random_range(0.0..1.0f32) < self.noise_share {
            let (low, high) = self.noise_snr_db;
            let snr = decibels(low + (high - low) * rng.random_range(0.0..=1.0f32));
            let noise = stretch(mixed.len(), background, &mut rng);
            // At least one step of the converter, so that noise is added to silence too.
            let level = rms(&mixed).max(1.0) / (rms(&noise).max(1e-3) * snr);
            mixed.iter_mut().zip(&noise).for_each(|(x, n)| *x += n * level);
        }
        mixed.iter().map(|x| x.round() as i16).collect()
    }
}

fn decibels(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

fn rms(x: &[f32]) -> f32 {
    (x.iter().map(|x| x * x).sum::<f32>() / x.len().max(1) as f32).sqrt()
}

/// `length` samples of background, from a random place and repeated where it is short, or white noise.
fn stretch(length: usize, background: &[Vec<i16>], rng: &mut ChaCha8Rng) -> Vec<f32> {
    let long: Vec<&Vec<i16>> = background.iter().filter(|b| !b.is_empty()).collect();
    if long.is_empty() {
        return (0..length).map(|_| rng.random_range(-1.0..1.0f32)).collect();
    }
    let noise = long[rng.random_range(0..long.len())];
    let start = rng.random_range(0..noise.len());
    noise.iter().cycle().skip(start).take(length).map(|&x| x as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip() -> Vec<i16> {
        (0..1000).map(|i| ((i as f32 * 0.3).sin() * 8000.0) as i16).collect()
    }

    #[test]
    fn nothing_by_default_and_seeded() {
        assert_eq!(Augment::default().apply(&clip(), &[], 5), clip());
        let all = Augment { gain_db: 6.0, shift: 100, noise_share: 1.0, noise_snr_db: (0.0, 20.0) };
        assert_eq!(all.apply(&clip(), &[], 5), all.apply(&clip(), &[], 5));
        assert_ne!(all.apply(&clip(), &[], 5), all.apply(&clip(), &[], 6));
        assert!(all.apply(&[], &[], 1).is_empty());
    }

    #[test]
    fn shift_moves_and_fills_with_zeros() {
        let shift = Augment { shift: 50, ..Augment::default() };
        let (mut left, mut right) = (0, 0);
        for seed in 0..200 {
            let moved = shift.apply(&clip(), &[], seed);
            let by = (-50..=50i64).find(|by| {
                (0..1000).all(|i| {
                    let from = i - by;
                    moved[i as usize] == if (0..1000).contains(&from) { clip()[from as usize] } else { 0 }
                })
            });
            let by = by.expect("a shift within the range");
            left += (by < -25) as u32;
            right += (by > 25) as u32;
        }
        assert!(left > 20 && right > 20, "{left} {right}");
    }

    #[test]
    fn noise_has_the_ratio_asked_for() {
        for background in [vec![], vec![(0..77).map(|i| (i * 37 % 100) as i16 - 50).collect::<Vec<i16>>()]] {
            let noisy = Augment { noise_share: 1.0, noise_snr_db: (10.0, 10.0), ..Augment::default() };
            let noise: Vec<f32> =
                noisy.apply(&clip(), &background, 3).iter().zip(clip()).map(|(&a, b)| a as f32 - b as f32).collect();
            let clean: Vec<f32> = clip().iter().map(|&x| x as f32).collect();
            let snr = 20.0 * (rms(&clean) / rms(&noise)).log10();
            assert!((snr - 10.0).abs() < 0.1, "{snr}");
        }
    }

    #[test]
    fn gain_stays_in_range_and_saturates() {
        let gain = Augment { gain_db: 6.0, ..Augment::default() };
        for seed in 0..100 {
            let peak = *gain.apply(&clip(), &[], seed).iter().max().unwrap();
            assert!((3900..=16_000).contains(&peak), "{peak}");
        }
        let loud = Augment { gain_db: 60.0, ..Augment::default() };
        let peaks: Vec<i16> = (0..20).map(|s| *loud.apply(&clip(), &[], s).iter().max().unwrap()).collect();
        assert!(peaks.contains(&i16::MAX));
    }
}
