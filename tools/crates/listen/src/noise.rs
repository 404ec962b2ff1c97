//! Noise that needs no recording.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Kinds of noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Noise {
    /// The corpus' own background; white where it has none.
    Background,
    /// All frequencies alike.
    White,
    /// 3 dB less an octave.
    Pink,
    /// 6 dB less an octave.
    Brown,
    /// Pink noise that swells and falls several times a second, as talk far away does.
    Babble,
}

/// `n` samples of synthetic noise, of no level in particular. [`Noise::Background`] gives white noise.
pub fn shaped(kind: Noise, n: usize, rate: u32, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut white = || rng.random_range(-1.0..1.0f32);
    match kind {
        Noise::Background | Noise::White => (0..n).map(|_| white()).collect(),
        Noise::Brown => {
            let mut y = 0.0;
            (0..n)
                .map(|_| {
                    y = 0.995 * y + white();
                    y
                })
                .collect()
        }
        Noise::Pink => pink(n, &mut white),
        Noise::Babble => {
            let carrier = pink(n, &mut white);
            // Sums of slow sines of random phase as the envelope.
            let rates: Vec<(f32, f32)> = (1..=6)
                .map(|k| ((k as f32 + 0.3 * white()) * std::f32::consts::TAU / rate as f32, 10.0 * white()))
                .collect();
            let envelope = |i: usize| {
                let sum: f32 = rates.iter().map(|(w, phase)| (w * i as f32 + phase).sin()).sum();
                (0.6 * sum).exp().min(6.0)
            };
            carrier.iter().enumerate().map(|(i, x)| x * envelope(i)).collect()
        }
    }
}

/// White noise through three one-pole filters, an octave and a half apart: 3 dB an octave within half a decibel.
fn pink(n: usize, white: &mut impl FnMut() -> f32) -> Vec<f32> {
    let mut states = [0.0f32; 3];
    (0..n)
        .map(|_| {
            let w = white();
            for (s, (pole, gain)) in states.iter_mut().zip([(0.99765, 0.0990), (0.96300, 0.2965), (0.57000, 1.0527)]) {
                *s = pole * *s + gain * w;
            }
            states.iter().sum::<f32>() + 0.1848 * w
        })
        .collect()
}
