//! What the device makes of a recording: its features, and the answers of a model step by step, by the device's own code.

use std::path::Path;

use anyhow::Context;
use elman::arith::Probability;
use elman::audio;
use elman::blob::Model;
use elman::{Listener, detect};
use elman_data::{Sound, resample};
use elman_quant::model::ModelFile;
use elman_recipe::Features;
use serde::Serialize;

use crate::error::Fault;

/// Columns of a waveform.
const COLUMNS: usize = 512;
/// Longest recording that is shown, in seconds.
const MOST_SECONDS: usize = 120;

/// A waveform, column by column.
#[derive(Debug, Serialize)]
pub struct Wave {
    min: Vec<i16>,
    max: Vec<i16>,
}

/// Features of a recording.
#[derive(Debug, Serialize)]
pub struct Spectrogram {
    rate: u32,
    seconds: f64,
    hop_s: f64,
    window_s: f64,
    bands: usize,
    frames: usize,
    /// Frames, each of so many bands, in Q6.9.
    features: Vec<i16>,
    low_hz: u16,
    high_hz: u16,
    what: &'static str,
    wave: Wave,
}

/// Something that a detector reports.
#[derive(Debug, Serialize)]
pub struct Reported {
    step: u32,
    seconds: f64,
    class: u16,
    label: String,
    score: f64,
}

/// What a model answers, step by step.
#[derive(Debug, Serialize)]
pub struct Track {
    labels: Vec<String>,
    hop_s: f64,
    window_s: f64,
    frames: usize,
    outputs: usize,
    frac: u8,
    probabilities: Vec<u16>,
    means: Vec<u16>,
    events: Vec<Reported>,
    /// None where the model has no operating point.
    thresholds: Option<Vec<u16>>,
    /// Features, as in a spectrogram.
    bands: usize,
    features: Vec<i16>,
}

fn wave(samples: &[i16]) -> Wave {
    let column = |k: usize| {
        let part = &samples[k * samples.len() / COLUMNS..((k + 1) * samples.len() / COLUMNS).max(1).min(samples.len())];
        (part.iter().min().copied().unwrap_or(0), part.iter().max().copied().unwrap_or(0))
    };
    let (min, max) = (0..COLUMNS).map(column).unzip();
    Wave { min, max }
}

/// The front end of a run, or without one that of the recipe's defaults.
///
/// # Errors
/// Where the run's model reads no sound.
pub fn front_end(run: Option<&Path>, rate: u32) -> Result<audio::Config, Fault> {
    let Some(run) = run else {
        return Ok(Features::default().config(if rate < 16_000 { 8_000 } else { 16_000 })?);
    };
    if run.join(elman_quant::model::MODEL).exists() {
        let file = ModelFile::read(run)?;
        let audio = file.model()?.audio().copied();
        return audio
            .ok_or_else(|| Fault::bad("the run's model reads no sound; choose a run that was trained on clips"));
    }
    let recipe = elman_pipeline::run::RunFolder::open(run)?.recipe()?;
    let rate = if recipe.features.sample_rate > 0 { recipe.features.sample_rate } else { 16_000 };
    Ok(recipe.features.config(rate)?)
}

/// The samples of a recording at a rate.
///
/// # Errors
/// Where it is too long to be shown.
fn at(sound: Sound, rate: u32) -> Result<Vec<i16>, Fault> {
    let seconds = sound.samples.len() / sound.rate.max(1) as usize;
    if seconds > MOST_SECONDS {
        let text = format!("it has {seconds} s, and at most {MOST_SECONDS} are shown; cut it into pieces");
        return Err(Fault::gate("long", text));
    }
    Ok(if sound.rate == rate { sound.samples } else { resample(&sound.samples, sound.rate, rate) })
}

/// Features and waveform.
///
/// # Errors
/// Where the recording is too long, or the front end invalid.
pub fn spectrogram(sound: Sound, audio: &audio::Config) -> Result<Spectrogram, Fault> {
    let samples = at(sound, audio.sample_rate)?;
    let features = elman_data::features(&samples, audio).map_err(|e| Fault::bad(format!("{e}")))?;
    let rate = f64::from(audio.sample_rate);
    let what = match (audio.cepstrum, audio.pcen) {
        (1.., _) => "cepstrum",
        (_, Some(_)) => "pcen",
        _ => "log mel",
    };
    Ok(Spectrogram {
        rate: audio.sample_rate,
        seconds: samples.len() as f64 / rate,
        hop_s: f64::from(audio.hop) / rate,
        window_s: f64::from(audio.window) / rate,
        bands: audio.features(),
        frames: features.len() / audio.features().max(1),
        features,
        low_hz: audio.low_hz,
        high_hz: audio.high_hz,
        what,
        wave: wave(&samples),
    })
}

/// The answers of a run's model to a recording.
///
/// # Errors
/// Where there is no model, or it is no listener's.
pub fn track(run: &Path, sound: Sound) -> Result<Track, Fault> {
    let file = ModelFile::read(run)?;
    let model = file.model()?;
    let audio = model.audio().context("the run's model reads no sound; choose a run that was trained on clips")?;
    let samples = at(sound, audio.sample_rate)?;
    played(&model, audio, &samples, 0)
}

/// What a listener at its start answers to samples; the first steps, up to a sample, are left out.
///
/// # Errors
/// Where the model is no listener's.
pub fn played(model: &Model<'_>, audio: &audio::Config, samples: &[i16], from: usize) -> Result<Track, Fault> {
    let outputs = model.outputs();
    let wrong = |e: &dyn std::fmt::Display| Fault::bad(format!("the model cannot be followed step by step: {e}"));
    // Without an operating point no event counts, and the answers are the same.
    let silent = detect::Config::new(&vec![Probability::ONE; outputs]).map_err(|e| wrong(&e))?;
    let config = model.detect().unwrap_or(&silent);
    let mut memory = vec![0; audio.memory_words() + model.memory_words() + config.memory_words()];
    let mut listener = Listener::with_detector(model, config, &mut memory).map_err(|e| wrong(&e))?;
    let label = |k: u16| model.label(k).unwrap_or("?").to_owned();
    let rate = f64::from(audio.sample_rate);
    let first = (from.saturating_sub(audio.window.into())).div_ceil(usize::from(audio.hop).max(1)) as u32;
    let [hop_s, window_s] = [audio.hop, audio.window].map(|n| f64::from(n) / rate);
    let mut track = Track {
        labels: (0..outputs as u16).map(label).collect(),
        hop_s,
        window_s,
        frames: 0,
        outputs,
        frac: 15,
        probabilities: Vec::new(),
        means: Vec::new(),
        events: Vec::new(),
        thresholds: model.detect().map(|detect| detect.thresholds.iter().map(|t| t.to_bits()).collect()),
        bands: audio.features(),
        features: Vec::new(),
    };
    let mut step = 0u32;
    listener.push_each(samples, |frame| {
        if step >= first {
            track.frames += 1;
            track.probabilities.extend(frame.detector.probabilities().iter().map(|p| p.to_bits()));
            track.means.extend((0..outputs as u16).map(|k| frame.detector.smoothed(k).to_bits()));
            track.features.extend_from_slice(frame.features);
            track.events.extend(frame.event.filter(|_| model.detect().is_some()).map(|event| Reported {
                step: event.step - first,
                seconds: f64::from(event.step - first) * hop_s + window_s,
                class: event.class,
                label: label(event.class),
                score: event.score.to_num(),
            }));
        }
        step += 1;
    });
    Ok(track)
}
