//! What a clip must be like to count.

use std::fmt;

use elman_listen::extent;

/// Why a clip does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Its loudest 30 ms are below -50 dB of full scale.
    Quiet,
    /// More than a thousandth of its samples are at full scale.
    Clipped,
    /// No voice stands out of it, or for less than a tenth of a second.
    NoVoice,
    /// The voice takes longer than a word of so many phonemes can.
    TooLong,
    /// The same samples are in another clip.
    Twice,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Quiet => "too quiet",
            Fault::Clipped => "clipped",
            Fault::NoVoice => "without a voice",
            Fault::TooLong => "longer than the word",
            Fault::Twice => "the same as another",
        })
    }
}

/// Level below which nothing is spoken, as a share of full scale: -50 dB.
const QUIET: f64 = 0.003_2;
/// Share of samples at full scale from which a clip is distorted.
const CLIPPED: f64 = 1e-3;
/// Least length of a voice in seconds.
const SHORT_S: f64 = 0.1;
/// Longest a phoneme takes on average, in seconds, and what a word may take beyond that.
const PHONEME_S: f64 = 0.22;
const MORE_S: f64 = 0.6;

/// Checks a clip of a text with so many phonemes.
///
/// # Errors
/// What is wrong with it.
pub fn check(samples: &[i16], rate: u32, phonemes: usize) -> Result<(), Fault> {
    let part = (rate as usize * 3 / 100).max(1);
    let level = |s: &[i16]| (s.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / s.len() as f64).sqrt() / 32_768.0;
    let levels: Vec<f64> = samples.chunks(part).map(level).collect();
    let loudest = levels.iter().copied().fold(0.0, f64::max);
    if loudest < QUIET {
        return Err(Fault::Quiet);
    }
    let full = samples.iter().filter(|x| x.unsigned_abs() >= 32_766).count();
    if full as f64 > CLIPPED * samples.len() as f64 {
        return Err(Fault::Clipped);
    }
    // Energy as voice activity: a voice is 20 dB below its loudest part or louder.
    let voiced = levels.iter().filter(|l| **l > loudest / 10.0).count();
    let seconds = |samples: usize| samples as f64 / f64::from(rate.max(1));
    // A hum is voiced from end to end, and so is noise.
    let even = levels.iter().copied().fold(f64::INFINITY, f64::min) > loudest / 2.0;
    if seconds(voiced * part) < SHORT_S || (even && levels.len() > 10) {
        return Err(Fault::NoVoice);
    }
    if seconds(extent(samples, rate).len()) > PHONEME_S * phonemes as f64 + MORE_S {
        return Err(Fault::TooLong);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone that swells and falls, between pauses.
    fn spoken(level: f64, ms: usize) -> Vec<i16> {
        let n = 16 * ms;
        let tone = |i: usize| {
            let swell = (std::f64::consts::PI * i as f64 / n as f64).sin();
            (level * 32_767.0 * swell * (i as f64 * 0.13).sin()) as i16
        };
        let pause = || std::iter::repeat_n(0i16, 3200);
        pause().chain((0..n).map(tone)).chain(pause()).collect()
    }

    #[test]
    fn a_word_counts() {
        assert_eq!(check(&spoken(0.5, 500), 16_000, 5), Ok(()));
    }

    #[test]
    fn each_fault_is_found() {
        assert_eq!(check(&[], 16_000, 5), Err(Fault::Quiet));
        assert_eq!(check(&[0; 16_000], 16_000, 5), Err(Fault::Quiet));
        assert_eq!(check(&spoken(0.001, 500), 16_000, 5), Err(Fault::Quiet));
        assert_eq!(check(&spoken(0.5, 40), 16_000, 5), Err(Fault::NoVoice));
        assert_eq!(check(&spoken(0.5, 3000), 16_000, 5), Err(Fault::TooLong));
        let loud: Vec<i16> = spoken(0.9, 500).iter().map(|x| x.saturating_mul(4)).collect();
        assert_eq!(check(&loud, 16_000, 5), Err(Fault::Clipped));
        let hum: Vec<i16> = (0..16_000).map(|i| ((i as f64 * 0.05).sin() * 8000.0) as i16).collect();
        assert_eq!(check(&hum, 16_000, 5), Err(Fault::NoVoice));
    }
}
