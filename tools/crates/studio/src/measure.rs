//! Lengths and levels of recordings, and the gates that a recording of a word must pass.

use elman_data::{Error, Sound, read_sound};
use elman_speech::{Fault as Faulty, gate};
use serde::{Deserialize, Serialize};

use crate::error::Fault;

/// Length and levels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Milliseconds.
    pub ms: u32,
    /// Level of the loudest 30 ms, in dB of full scale.
    pub level: f32,
    /// Greatest magnitude, in dB of full scale.
    pub peak: f32,
}

/// Lowest level that is shown: a sample of 16 bits has no less.
const FLOOR_DB: f32 = -96.3;
/// Phonemes of the longest phrase that is recorded: five seconds.
const PHONEMES: usize = 20;
/// Shortest recording, in ms.
const SHORT_MS: u32 = 150;

fn db(share: f64) -> f32 {
    ((20.0 * share.log10()) as f32).max(FLOOR_DB)
}

/// Measures samples.
pub fn measure(samples: &[i16], rate: u32) -> Measured {
    let part = (rate as usize * 3 / 100).max(1);
    let power = |s: &[i16]| s.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / s.len() as f64;
    let loudest = samples.chunks(part).map(power).fold(0.0, f64::max).sqrt() / 32_768.0;
    let peak = samples.iter().map(|x| x.unsigned_abs()).max().unwrap_or(0);
    let ms = (samples.len() as u64 * 1000 / u64::from(rate.max(1))).min(u32::MAX.into()) as u32;
    Measured { ms, level: db(loudest), peak: db(f64::from(peak) / 32_768.0) }
}

/// Decodes a recording.
///
/// # Errors
/// Where it is none, or damaged.
pub fn decode(name: &str, bytes: Vec<u8>) -> Result<Sound, Fault> {
    let unreadable = |e: Error| Fault::gate("unreadable", format!("{e}"));
    let sound = read_sound(name, bytes).map_err(unreadable)?;
    match sound.samples.is_empty() {
        true => Err(Fault::gate("unreadable", format!("{name} has no samples; record it again"))),
        false => Ok(sound),
    }
}

/// What a recording of a word must be like.
///
/// # Errors
/// What is wrong with it, and what to do.
pub fn check(sound: &Sound) -> Result<Measured, Fault> {
    let Sound { samples, rate, .. } = sound;
    let measured = measure(samples, *rate);
    let Measured { ms, level, peak } = measured;
    if ms < SHORT_MS {
        return Err(Fault::gate("short", format!("it has {ms} ms, and a word at least {SHORT_MS}; record it again")));
    }
    let text = |what: &str, way: &str| format!("{what} (loudest part {level:.0} dB, peak {peak:.1} dB); {way}");
    gate::check(samples, *rate, PHONEMES).map(|()| measured).map_err(|fault| match fault {
        Faulty::Quiet if level <= FLOOR_DB + 6.0 => Fault::gate(
            "silence",
            text("it is silent", "check that the microphone is on and is the one that was chosen"),
        ),
        Faulty::Quiet => {
            Fault::gate("quiet", text("it is too quiet", "go closer to the microphone, or raise its level"))
        }
        Faulty::Clipped => Fault::gate(
            "clipped",
            text("it is clipped", "lower the microphone's level, or go further away, and take it again"),
        ),
        Faulty::NoVoice => Fault::gate(
            "silence",
            text("no voice stands out of it", "say the word a moment after the recording begins, in a quieter place"),
        ),
        Faulty::TooLong => Fault::gate(
            "long",
            format!(
                "what is said takes {:.1} s, longer than a word or phrase; cut it into words",
                f64::from(ms) / 1000.0
            ),
        ),
        Faulty::Twice => Fault::gate("twice", "the same samples are in another clip; record it again"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone that swells and falls, between pauses.
    fn word(amplitude: f64, ms: usize) -> Sound {
        let n = 16 * ms;
        let tone = |i: usize| {
            (amplitude * (std::f64::consts::PI * i as f64 / n as f64).sin() * (i as f64 * 0.13).sin()) as i16
        };
        let pause = || std::iter::repeat_n(0i16, 3200);
        Sound { samples: pause().chain((0..n).map(tone)).chain(pause()).collect(), rate: 16_000, notes: Vec::new() }
    }

    #[test]
    fn a_word_passes_and_each_fault_has_its_code() {
        let measured = check(&word(16_384.0, 500)).unwrap();
        assert_eq!(measured.ms, 900);
        assert!((measured.peak + 6.0).abs() < 0.2 && (measured.level + 9.0).abs() < 0.5, "{measured:?}");
        let code = |sound: &Sound| check(sound).unwrap_err().reason();
        assert_eq!(code(&word(20.0, 500)), "quiet");
        assert_eq!(code(&word(0.0, 500)), "silence");
        assert_eq!(code(&word(120_000.0, 500)), "clipped");
        assert_eq!(code(&word(16_384.0, 40)), "silence");
        assert_eq!(code(&word(16_384.0, 8_000)), "long");
        assert_eq!(code(&Sound { samples: vec![1000; 800], rate: 16_000, notes: Vec::new() }), "short");
        assert_eq!(decode("x.wav", b"no sound".to_vec()).unwrap_err().reason(), "unreadable");
    }
}
