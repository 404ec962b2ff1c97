//! Spectrogram and probabilities around a miss or a false accept, for the report.

use anyhow::Result;
use elman::blob::Model;
use serde::{Deserialize, Serialize};

use super::Track;
use super::play::sample_of;
use crate::{Calibrated, listener_setup};

/// Scenes of each kind, at most.
const MOST: usize = 6;
/// What is shown before the moment and after it, in seconds.
const AROUND_S: [f64; 2] = [1.4, 0.8];
/// What the network reads before that, so that its states are those of the stream.
const RUN_IN_S: f64 = 4.0;

/// Spectrogram and probabilities around a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// What happened.
    pub title: String,
    /// Features, `[frames][bands]`, low bands first.
    pub bands: Vec<Vec<i16>>,
    /// Name and mean probability at each frame of the outputs that matter.
    pub tracks: Vec<(String, Vec<f64>)>,
    /// From frame to frame, in seconds.
    pub hop_s: f64,
}

/// Scenes of the first misses and false accepts of a point.
///
/// # Errors
/// Where the model has no front end, or is no stream.
pub fn scenes(model: &Model<'_>, tracks: &[Track], found: &Calibrated) -> Result<Vec<Scene>> {
    let rate = model.audio().map_or(16_000, |a| a.sample_rate);
    let seconds = |at: usize| at as f64 / f64::from(rate);
    let misses = found.misses.iter().take(MOST).map(|(track, word)| {
        let title = format!("missed: {} at {:.1} s of {}", word.label, seconds(word.end), tracks[*track].name);
        scene(model, &tracks[*track], word.end, &[&word.label], title)
    });
    let alarms = found.alarms.iter().take(MOST).map(|a| {
        let said = if a.said.is_empty() { "nothing" } else { &a.said };
        let title =
            format!("detected {} at {:.1} s of {}, spoken was {said}", a.told, seconds(a.at), tracks[a.track].name);
        scene(model, &tracks[a.track], a.at, &[&a.told, &a.said], title)
    });
    misses.chain(alarms).collect()
}

fn scene(model: &Model<'_>, track: &Track, at: usize, labels: &[&str], title: String) -> Result<Scene> {
    let (audio, labels_all, _) = listener_setup(model)?;
    let samples = |s: f64| (s * f64::from(audio.sample_rate)) as usize;
    let end = (at + samples(AROUND_S[1])).min(track.samples.len());
    let start = at.saturating_sub(samples(AROUND_S[0] + RUN_IN_S)).min(end);
    let shown = at.saturating_sub(samples(AROUND_S[0])).saturating_sub(start);
    let words = model.detect().map_or(0, elman::detect::Config::memory_words);
    let mut memory = vec![0; audio.memory_words() + model.memory_words() + words];
    let mut listener = elman::Listener::new(model, &mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
    let which: Vec<usize> = labels.iter().filter_map(|l| labels_all.iter().position(|k| k == l)).collect();
    let mut tracks: Vec<(String, Vec<f64>)> = which.iter().map(|k| (labels_all[*k].clone(), Vec::new())).collect();
    let (mut bands, mut step) = (Vec::new(), 0);
    listener.push_each(&track.samples[start..end], |result| {
        let event = elman::detect::Event { class: 0, step, score: elman::detect::Probability::ZERO };
        if sample_of(&event, &audio) >= shown {
            bands.push(result.features.to_vec());
            for ((_, values), k) in tracks.iter_mut().zip(&which) {
                values.push(result.detector.smoothed(*k as u16).to_num());
            }
        }
        step += 1;
    });
    let hop_s = f64::from(audio.hop) / f64::from(audio.sample_rate);
    Ok(Scene { title, bands, tracks, hop_s })
}
