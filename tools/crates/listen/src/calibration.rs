//! The operating point of a model on long recordings.

use anyhow::{Context, Result, ensure};
use elman::audio;
use elman::blob::Model;
use elman::detect::SilenceReset;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Alarm, CalibrationSet, Details, OperatingPoint, OperatingTarget, SMOOTH, Spoken, StreamScores, Track, calibrate,
    check_outputs, count_resets, curve, keywords, play, replay, score_events, sweep,
};

/// The result of a calibration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Calibrated {
    /// Hours of recordings.
    pub hours: f64,
    /// The trade-off: false accepts an hour, share of the words missed, one threshold for all words.
    pub curve: Vec<(f64, f64)>,
    /// The operating point.
    pub point: OperatingPoint,
    /// Silence resets: all, and those within a word.
    #[serde(default, alias = "rests")]
    pub silence_resets: [usize; 2],
    /// Misses at it.
    pub misses: Vec<(usize, Spoken)>,
    /// False accepts at it.
    pub alarms: Vec<Alarm>,
}

/// The front end of a model that listens, its labels, and which of them are words.
///
/// # Errors
/// Where it reads no sound, has no word, or has more outputs than a detector.
pub fn listener_setup(model: &Model<'_>) -> Result<(audio::Config, Vec<String>, Vec<bool>)> {
    let audio = *model
        .audio()
        .with_context(|| format!("the model {} reads no sound: it has no audio front end", model.name()))?;
    let labels: Vec<String> = model.descriptor().labels.lines().map(str::to_owned).collect();
    let keyword = keywords(&labels);
    ensure!(keyword.contains(&true), "the model {} has no word among its labels", model.name());
    check_outputs(&labels)?;
    Ok((audio, labels, keyword))
}

/// Every track through the integer chain, in parallel, by a listener with this silence reset.
///
/// # Errors
/// Where the model is no stream.
pub fn play_all(model: &Model<'_>, tracks: &[Track], silence_reset: SilenceReset) -> Result<Vec<StreamScores>> {
    tracks.par_iter().map(|t| play(model, &t.samples, 320, silence_reset)).collect()
}

/// Finds the operating point of a model on tracks, for a listener with this silence reset.
///
/// # Errors
/// Where the model has no front end, or is no stream.
pub fn find(
    model: &Model<'_>,
    tracks: &[Track],
    target: OperatingTarget,
    silence_reset: SilenceReset,
) -> Result<Calibrated> {
    let (audio, labels, keyword) = listener_setup(model)?;
    let played = play_all(model, tracks, silence_reset)?;
    let silence_resets = count_resets(tracks, &played, &audio);
    let point = CalibrationSet { tracks, played: &played, audio: &audio, labels: &labels, keyword: &keyword };
    let swept = sweep(&point, &SMOOTH);
    let curve = curve(&swept).iter().map(|f| (f.counts.per_hour(), f.counts.miss_rate())).collect();
    let best = calibrate(&point, &swept, target).context("no operating point was tried")?;
    let (mut misses, mut alarms) = (Vec::new(), Vec::new());
    for (k, (track, played)) in tracks.iter().zip(&played).enumerate() {
        let at = |e: &elman::detect::Event| e.step as usize * usize::from(audio.hop) + usize::from(audio.window);
        let details = Some(Details { track: k, misses: &mut misses, alarms: &mut alarms });
        score_events(track, audio.sample_rate, &replay(played, &best.config), at, &labels, &keyword, details);
    }
    Ok(Calibrated { hours: best.counts.hours, curve, point: best, silence_resets, misses, alarms })
}
