//! The operating point of a model on long recordings.

use anyhow::{Context, Result, ensure};
use elman::audio;
use elman::blob::Model;
use elman::detect::SilenceReset;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Alarm, Details, Found, Played, Point, SMOOTH, Spoken, Track, Wish, calibrate, check_outputs, curve, judge,
    keywords, play, replay, rests, sweep,
};

/// A point as people read it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Calibrated {
    /// Hours of recordings.
    pub hours: f64,
    /// The trade-off: false accepts an hour, share of the words missed, one threshold for all words.
    pub curve: Vec<(f64, f64)>,
    /// The point.
    pub point: Found,
    /// Times the listener started anew: all, and those within a word.
    #[serde(default)]
    pub rests: [usize; 2],
    /// Misses at it.
    pub misses: Vec<(usize, Spoken)>,
    /// False accepts at it.
    pub alarms: Vec<Alarm>,
}

/// The front end of a model that listens, its labels, and which of them are words.
///
/// # Errors
/// Where it takes no sound, has no word, or more outputs than a detector.
pub fn ears(model: &Model<'_>) -> Result<(audio::Config, Vec<String>, Vec<bool>)> {
    let audio = *model.audio().with_context(|| format!("the model {} takes no sound", model.name()))?;
    let labels: Vec<String> = model.descriptor().labels.lines().map(str::to_owned).collect();
    let keyword = keywords(&labels);
    ensure!(keyword.contains(&true), "the model {} has no word among its labels", model.name());
    check_outputs(&labels)?;
    Ok((audio, labels, keyword))
}

/// Every track through the integer chain, side by side, by a listener that starts anew after `rest`.
///
/// # Errors
/// Where the model is no stream.
pub fn play_all(model: &Model<'_>, tracks: &[Track], rest: SilenceReset) -> Result<Vec<Played>> {
    tracks.par_iter().map(|t| play(model, &t.samples, 320, rest)).collect()
}

/// Finds the operating point of a model on tracks, for a listener that starts anew after `rest`.
///
/// # Errors
/// Where the model cannot listen.
pub fn find(model: &Model<'_>, tracks: &[Track], wish: Wish, rest: SilenceReset) -> Result<Calibrated> {
    let (audio, labels, keyword) = ears(model)?;
    let played = play_all(model, tracks, rest)?;
    let rests = rests(tracks, &played, &audio);
    let point = Point { tracks, played: &played, audio: &audio, labels: &labels, keyword: &keyword };
    let swept = sweep(&point, &SMOOTH);
    let curve = curve(&swept).iter().map(|f| (f.tally.per_hour(), f.tally.miss_rate())).collect();
    let best = calibrate(&point, &swept, wish).context("nothing was swept")?;
    let (mut misses, mut alarms) = (Vec::new(), Vec::new());
    for (k, (track, played)) in tracks.iter().zip(&played).enumerate() {
        let at = |e: &elman::detect::Event| e.step as usize * usize::from(audio.hop) + usize::from(audio.window);
        let details = Some(Details { track: k, misses: &mut misses, alarms: &mut alarms });
        judge(track, audio.sample_rate, &replay(played, &best.config), at, &labels, &keyword, details);
    }
    Ok(Calibrated { hours: best.tally.hours, curve, point: best, rests, misses, alarms })
}
