//! Spectrogram and probabilities around a miss or a false accept, for the report.

use std::ops::Range;

use anyhow::Result;
use elman::audio;
use elman::blob::Model;
use serde::{Deserialize, Serialize};

use super::play::sample_of;
use super::{Recording, Transcript};
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

/// A moment of a recording, and the labels that matter there.
struct Moment<'a> {
    track: usize,
    at: usize,
    labels: [&'a str; 2],
    title: String,
}

/// Scenes of the first misses and false accepts of a point.
///
/// # Errors
/// Where the model has no front end, or is no stream, or a recording cannot be read.
pub fn scenes(model: &Model<'_>, recordings: &[Box<dyn Recording + '_>], found: &Calibrated) -> Result<Vec<Scene>> {
    let (audio, ..) = listener_setup(model)?;
    let seconds = |at: usize| at as f64 / f64::from(audio.sample_rate);
    let name = |track: usize| recordings[track].transcript().name.as_str();
    let misses = found.misses.iter().take(MOST).map(|(track, word)| {
        let title = format!("missed: {} at {:.1} s of {}", word.label, seconds(word.end), name(*track));
        Moment { track: *track, at: word.end, labels: [&word.label, ""], title }
    });
    let alarms = found.alarms.iter().take(MOST).map(|a| {
        let said = if a.said.is_empty() { "nothing" } else { &a.said };
        let title = format!("detected {} at {:.1} s of {}, spoken was {said}", a.told, seconds(a.at), name(a.track));
        Moment { track: a.track, at: a.at, labels: [&a.told, &a.said], title }
    });
    let moments: Vec<Moment<'_>> = misses.chain(alarms).collect();
    let ranges: Vec<Range<usize>> =
        moments.iter().map(|m| around(m.at, recordings[m.track].transcript(), &audio)).collect();
    let mut samples = vec![Vec::new(); moments.len()];
    for (track, recording) in recordings.iter().enumerate() {
        let of: Vec<usize> = (0..moments.len()).filter(|k| moments[*k].track == track).collect();
        if of.is_empty() {
            continue;
        }
        let mut given = 0;
        recording.play(&mut |block| {
            for &k in &of {
                let part = |at: usize| at.clamp(given, given + block.len()) - given;
                samples[k].extend_from_slice(&block[part(ranges[k].start)..part(ranges[k].end)]);
            }
            given += block.len();
        })?;
    }
    moments
        .iter()
        .zip(&ranges)
        .zip(&samples)
        .map(|((m, range), samples)| scene(model, m, range.start, samples))
        .collect()
}

/// The samples around a moment, from where the network begins to read.
fn around(at: usize, transcript: &Transcript, audio: &audio::Config) -> Range<usize> {
    let samples = |s: f64| (s * f64::from(audio.sample_rate)) as usize;
    let end = (at + samples(AROUND_S[1])).min(transcript.samples);
    at.saturating_sub(samples(AROUND_S[0] + RUN_IN_S)).min(end)..end
}

fn scene(model: &Model<'_>, moment: &Moment<'_>, start: usize, samples: &[i16]) -> Result<Scene> {
    let (audio, labels_all, _) = listener_setup(model)?;
    let shown = (AROUND_S[0] * f64::from(audio.sample_rate)) as usize;
    let shown = moment.at.saturating_sub(shown).saturating_sub(start);
    let words = model.detect().map_or(0, elman::detect::Config::memory_words);
    let mut memory = vec![0; audio.memory_words() + model.memory_words() + words];
    let mut listener = elman::Listener::new(model, &mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
    let which: Vec<usize> = moment.labels.iter().filter_map(|l| labels_all.iter().position(|k| k == l)).collect();
    let mut tracks: Vec<(String, Vec<f64>)> = which.iter().map(|k| (labels_all[*k].clone(), Vec::new())).collect();
    let (mut bands, mut step) = (Vec::new(), 0);
    listener.push_each(samples, |result| {
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
    Ok(Scene { title: moment.title.clone(), bands, tracks, hop_s })
}
