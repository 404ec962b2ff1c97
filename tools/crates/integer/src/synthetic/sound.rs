//! A model that listens, and sound for it.

use anyhow::Result;
use elman::audio::{self, FEATURE_FRAC};
use elman::blob::Readout;
use elman::detect::{self, Probability, SilenceReset};
use elman::{Blob, Listener, Model};

use super::super::words_of;
use super::{Drive, IntegerModel, Numbers, layer};

/// A detector with low thresholds, so that sound without meaning has events too: all outputs but the first are words; the
/// first is silence, and 15 steps of it reset the listener.
///
/// # Panics
/// Where there are more outputs than a detector takes.
pub fn detector(outputs: usize) -> detect::Config {
    let likely = likely(outputs);
    let thresholds: Vec<Probability> = (0..outputs).map(|k| if k == 0 { Probability::ZERO } else { likely }).collect();
    let rest = SilenceReset { class: 0, steps: 15 };
    let config = detect::Config::new(&thresholds).expect("as many outputs as a detector takes");
    detect::Config { smooth: 5, refractory: 12, release: likely / 2, silence_reset: rest, ..config }
}

/// The threshold of a word: half as likely again as by chance.
fn likely(outputs: usize) -> Probability {
    Probability::from_bits((3 * (1usize << 15) / (2 * outputs.max(1))) as u16)
}

/// A GRU of `units` units after the front end `audio`, a dense layer of `outputs` outputs, and a [`detector`].
///
/// # Panics
/// Where there are more outputs than a detector takes.
pub fn listener(audio: audio::Config, units: usize, outputs: usize, seed: u64) -> IntegerModel {
    let channels = audio.features();
    IntegerModel {
        name: format!("listens with {units} units"),
        labels: (0..outputs).map(|k| format!("word {k}")).collect(),
        readout: Readout::EveryStep,
        fingerprint: seed,
        audio: Some(audio),
        detect: Some(detector(outputs)),
        layers: vec![
            layer("gru", channels, units, FEATURE_FRAC as u8, Drive::Ordinary, seed),
            layer("dense", units, outputs, 15, Drive::Ordinary, seed ^ 1),
        ],
        ..IntegerModel::default()
    }
}

/// A [`listener`] that resets in digital silence: the output that leads there is silence, the others are words.
///
/// # Errors
/// Where the model would not load.
pub fn resting(audio: audio::Config, units: usize, outputs: usize, seed: u64) -> Result<IntegerModel> {
    let mut model = listener(audio, units, outputs, seed);
    let words = words_of(&model.to_blob()?)?;
    let loaded = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
    let mut memory = vec![0; Blob::new(&words).listener_words()];
    let mut listener = Listener::new(&loaded, &mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
    let mut scores = Vec::new();
    listener.push_each(&vec![0; 2 * audio.sample_rate as usize], |result| scores = result.logits.to_vec());
    let silence = (0..outputs).max_by_key(|k| scores.get(*k)).unwrap_or(0);
    if let Some(config) = &mut model.detect {
        config.silence_reset.class = silence as u8;
        config
            .thresholds
            .iter_mut()
            .enumerate()
            .for_each(|(k, t)| *t = if k == silence { Probability::ZERO } else { likely(outputs) });
    }
    Ok(model)
}

/// So many samples of what microphones give and what they should not: noise, silence, full-scale square waves, DC, clicks,
/// a tone, in stretches of a fifth of a second at 16 kHz.
pub fn samples(n: usize, seed: u64) -> Vec<i16> {
    let mut numbers = Numbers(seed ^ 0x50DA);
    (0..n)
        .map(|i| match (i / 3200) % 8 {
            0 | 3 => numbers.between(-8000, 8000) as i16,
            1 => 0,
            2 => [i16::MIN, i16::MAX][i / 40 % 2],
            4 => i16::MAX,
            5 => i16::MIN,
            6 => [0, i16::MIN][usize::from(i % 500 == 0)],
            _ => ((i as f64 * 0.2).sin() * 20_000.0) as i16,
        })
        .collect()
}
