//! The operating point of a model on long recordings.

use anyhow::{Context, Result, ensure};
use elman::audio;
use elman::blob::Model;
use elman::detect::{self, SilenceReset};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::play::sample_of;
use crate::{
    Alarm, CalibrationSet, Details, OperatingPoint, OperatingTarget, Recording, SMOOTH, Spoken, StreamScores,
    calibrate, check_outputs, count_resets, curve, keywords, play, replay, score_events, sweep, transcripts,
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

/// Every recording through the integer chain, in parallel, by a listener with this silence reset; `progress` is given the
/// samples as they are played.
///
/// # Errors
/// Where the model is no stream, or a recording cannot be read.
pub fn play_all(
    model: &Model<'_>,
    recordings: &[Box<dyn Recording + '_>],
    silence_reset: SilenceReset,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<StreamScores>> {
    recordings.par_iter().map(|r| play(model, &**r, silence_reset, progress)).collect()
}

/// Finds the operating point of a model on recordings, for a listener with this silence reset.
///
/// # Errors
/// Where the model has no front end, or is no stream, or a recording cannot be read.
pub fn find(
    model: &Model<'_>,
    recordings: &[Box<dyn Recording + '_>],
    target: OperatingTarget,
    silence_reset: SilenceReset,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Calibrated> {
    let (audio, labels, keyword) = listener_setup(model)?;
    let tracks = transcripts(recordings);
    let played = play_all(model, recordings, silence_reset, progress)?;
    let set = CalibrationSet { tracks: &tracks, played: &played, audio: &audio, labels: &labels, keyword: &keyword };
    let swept = sweep(&set, &SMOOTH);
    let curve = curve(&swept).iter().map(|f| (f.counts.per_hour(), f.counts.miss_rate())).collect();
    let best = calibrate(&set, &swept, target).context("no operating point was tried")?;
    Ok(at_played(&set, best, curve))
}

/// The result of a model's own operating point, or another fixed one, on recordings; nothing is searched.
///
/// # Errors
/// Where the model has no front end, or is no stream, or a recording cannot be read.
pub fn at_point(
    model: &Model<'_>,
    recordings: &[Box<dyn Recording + '_>],
    config: &detect::Config,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Calibrated> {
    let (audio, labels, keyword) = listener_setup(model)?;
    let tracks = transcripts(recordings);
    let played = play_all(model, recordings, config.silence_reset, progress)?;
    let set = CalibrationSet { tracks: &tracks, played: &played, audio: &audio, labels: &labels, keyword: &keyword };
    let point = OperatingPoint { counts: set.counts(config), config: config.clone() };
    Ok(at_played(&set, point, Vec::new()))
}

/// A point with its misses and false accepts one by one, on what was played.
pub fn at_played(set: &CalibrationSet<'_>, point: OperatingPoint, curve: Vec<(f64, f64)>) -> Calibrated {
    let (mut misses, mut alarms) = (Vec::new(), Vec::new());
    for (k, (track, played)) in set.tracks.iter().zip(set.played).enumerate() {
        let details = Some(Details { track: k, misses: &mut misses, alarms: &mut alarms });
        let (events, at) = (replay(played, &point.config), |e: &detect::Event| sample_of(e, set.audio));
        score_events(track, set.audio.sample_rate, &events, at, set.labels, set.keyword, details);
    }
    let silence_resets = count_resets(set.tracks, set.played, set.audio);
    Calibrated { hours: point.counts.hours, curve, point, silence_resets, misses, alarms }
}
