//! A model that listens, and sound for it.

use elman::audio::{self, FEATURE_FRAC};
use elman::blob::Readout;
use elman::detect;

use super::{Drive, IntegerModel, Numbers, layer};

/// A GRU of `units` units behind the front end `audio` and a dense layer of `outputs` outputs, of which all but the first
/// are words. Thresholds are low, so that sound without meaning has events too; the first output is silence, and 15 steps of it
/// are a rest.
///
/// # Panics
/// Where there are more outputs than a detector takes.
pub fn listener(audio: audio::Config, units: usize, outputs: usize, seed: u64) -> IntegerModel {
    let likely = (elman::detect::ONE as usize * 3 / (2 * outputs.max(1))) as u16;
    let thresholds: Vec<u16> = (0..outputs).map(|k| if k == 0 { 0 } else { likely }).collect();
    let thresholds = detect::Config::new(&thresholds).expect("as many outputs as a detector takes").thresholds;
    let channels = audio.features();
    IntegerModel {
        name: format!("listens with {units} units"),
        labels: (0..outputs).map(|k| format!("word {k}")).collect(),
        readout: Readout::EveryStep,
        fingerprint: seed,
        audio: Some(audio),
        detect: Some(detect::Config {
            smooth: 5,
            refractory: 12,
            release: likely / 2,
            rest: detect::Rest { output: 0, steps: 15 },
            thresholds,
        }),
        layers: vec![
            layer("gru", channels, units, FEATURE_FRAC as u8, Drive::Ordinary, seed),
            layer("dense", units, outputs, 15, Drive::Ordinary, seed ^ 1),
        ],
        ..IntegerModel::default()
    }
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
