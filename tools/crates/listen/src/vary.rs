//! Features of a stream, varied: other voices, other microphones, masked parts.

use elman::audio;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

/// One decibel of power in a feature, which is log2 in Q6.9.
const DECIBEL: f32 = 512.0 * 0.332_192_8;
/// Points between which the balance of tones is a straight line.
const KNOTS: usize = 5;

/// How features are varied. Cheaper than samples: it is done again each time a stream is trained on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Variation {
    /// All frequencies are multiplied by 1 ± this, as longer and shorter vocal tracts do (vocal tract length perturbation).
    pub warp: f32,
    /// Each of five points over the range of tones is raised or lowered by up to this, in dB.
    pub balance_db: f32,
    /// Masked ranges of channels.
    pub masks: usize,
    /// Most channels in such a range.
    pub mask_channels: usize,
    /// Masked ranges of time, per second.
    pub gaps: f32,
    /// Longest such range, in steps.
    pub gap_steps: usize,
}

impl Variation {
    /// Varies `[steps, channels]` log-mel features. Others (of a cosine transform or PCEN) have only gaps and masks.
    pub fn apply(&self, frames: &mut [i16], audio: &audio::Config, rng: &mut impl Rng) {
        let width = audio.features();
        if *self == Variation::default() || width == 0 {
            return;
        }
        let log_mel = audio.cepstrum == 0 && audio.pcen.is_none();
        if log_mel && self.warp > 0.0 {
            let places = warped(audio, 1.0 + self.warp * rng.random_range(-1.0..=1.0f32));
            let mut old = vec![0; width];
            for frame in frames.chunks_exact_mut(width) {
                old.copy_from_slice(frame);
                for (x, (low, share)) in frame.iter_mut().zip(&places) {
                    let (a, b) = (f32::from(old[*low]), f32::from(old[(low + 1).min(width - 1)]));
                    *x = (a + share * (b - a)) as i16;
                }
            }
        }
        if log_mel && self.balance_db > 0.0 {
            let knots: [f32; KNOTS] =
                std::array::from_fn(|_| self.balance_db * DECIBEL * rng.random_range(-1.0..=1.0f32));
            let offset = |c: usize| {
                let along = c as f32 / width as f32 * (KNOTS - 1) as f32;
                let k = (along as usize).min(KNOTS - 2);
                (knots[k] + (along - k as f32) * (knots[k + 1] - knots[k])) as i16
            };
            let offsets: Vec<i16> = (0..width).map(offset).collect();
            for frame in frames.chunks_exact_mut(width) {
                frame.iter_mut().zip(&offsets).for_each(|(x, o)| *x = x.saturating_add(*o));
            }
        }
        let steps = frames.len() / width;
        if steps == 0 || (self.masks == 0 && self.gaps <= 0.0) {
            return;
        }
        // What is masked has its mean.
        let mut means = vec![0i64; width];
        for frame in frames.chunks_exact(width) {
            means.iter_mut().zip(frame).for_each(|(m, x)| *m += i64::from(*x));
        }
        let means: Vec<i16> = means.iter().map(|m| (m / steps as i64) as i16).collect();
        for _ in 0..self.masks {
            let n = rng.random_range(0..=self.mask_channels.min(width));
            let from = rng.random_range(0..=width - n);
            for frame in frames.chunks_exact_mut(width) {
                frame[from..from + n].copy_from_slice(&means[from..from + n]);
            }
        }
        let seconds = steps as f32 * f32::from(audio.hop) / audio.sample_rate as f32;
        for _ in 0..(self.gaps * seconds).round() as usize {
            let n = rng.random_range(0..=self.gap_steps.min(steps));
            let from = rng.random_range(0..=steps - n);
            for frame in frames[from * width..(from + n) * width].chunks_exact_mut(width) {
                frame.copy_from_slice(&means);
            }
        }
    }
}

/// For each channel, where its value comes from when all frequencies are multiplied by `by`: a channel and the share of the next.
fn warped(audio: &audio::Config, by: f32) -> Vec<(usize, f32)> {
    let mel = |hz: f32| (hz + 700.0).ln();
    let high = if audio.high_hz == 0 { audio.sample_rate as f32 / 2.0 } else { f32::from(audio.high_hz) };
    let low = mel(f32::from(audio.low_hz));
    let apart = (mel(high) - low) / (f32::from(audio.channels) + 1.0);
    let last = f32::from(audio.channels.saturating_sub(1));
    (0..audio.channels)
        .map(|c| {
            let hz = (low + apart * (f32::from(c) + 1.0)).exp() - 700.0;
            let from = ((mel(hz * by) - low) / apart - 1.0).clamp(0.0, last);
            (from as usize, from.fract())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    const AUDIO: audio::Config = audio::Config::HZ_16000;

    fn ramp() -> Vec<i16> {
        (0..50).flat_map(|_| (0..32).map(|c| 100 * c)).collect()
    }

    #[test]
    fn nothing_asked_nothing_done() {
        let mut frames = ramp();
        Variation::default().apply(&mut frames, &AUDIO, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(frames, ramp());
    }

    #[test]
    fn frequencies_move_together() {
        assert!(
            warped(&AUDIO, 1.0)
                .iter()
                .enumerate()
                .all(|(c, (low, share))| { (*low as f32 + share - c as f32).abs() < 1e-3 })
        );
        // A tone of 1 kHz is at 1.1 kHz where all is read from a tenth higher up.
        let places = warped(&AUDIO, 1.1);
        assert!(places.iter().enumerate().all(|(c, (low, share))| *low as f32 + share >= c as f32));
        assert_eq!(places.last(), Some(&(31, 0.0)));
        let mut frames = ramp();
        Variation { warp: 0.2, ..Variation::default() }.apply(&mut frames, &AUDIO, &mut ChaCha8Rng::seed_from_u64(2));
        assert!(frames != ramp() && frames[..32].is_sorted() && frames[..32] == frames[32..64]);
    }

    #[test]
    fn masks_and_gaps_hold_the_mean() {
        let how = Variation { masks: 1, mask_channels: 8, gaps: 2.0, gap_steps: 5, ..Variation::default() };
        let mut frames: Vec<i16> = (0..50 * 32).map(|k| if k / 32 % 2 == 0 { 1000 } else { -1000 }).collect();
        how.apply(&mut frames, &AUDIO, &mut ChaCha8Rng::seed_from_u64(5));
        let silent = frames.iter().filter(|x| **x == 0).count();
        assert!(silent > 0 && frames.iter().all(|x| [0, 1000, -1000].contains(x)), "{silent}");
        let balance = Variation { balance_db: 6.0, ..Variation::default() };
        let mut frames = ramp();
        balance.apply(&mut frames, &AUDIO, &mut ChaCha8Rng::seed_from_u64(6));
        let most = frames.iter().zip(ramp()).map(|(a, b)| (a - b).unsigned_abs()).max();
        assert!(most.is_some_and(|m| (1..=1021).contains(&m)), "{most:?}");
    }
}
