//! Misses over false accepts, with the operating point as a handle: streams are played through the device's integers once, and any
//! point on them is computed from the probabilities that were kept.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use elman::audio;
use elman_listen::{
    Alarm, Calibrated, CalibrationSet, OperatingPoint, OperatingTarget, Recording, SILENCE_RESET_S, SMOOTH, Spoken,
    StreamScores, Transcript, at_played, calibrate, curve, listener_setup, play_all, poisson, share, silence_reset,
    sweep, transcripts,
};
use elman_pipeline::run::RunFolder;
use elman_quant::model::ModelFile;
use elman_quant::with_detector;
use serde::Serialize;

use crate::error::Fault;

mod plays;
mod streams;

pub use plays::Plays;
pub use streams::Material;
use streams::{Kept, Streams};

/// Hours of streams that are kept in temporary files: 115 MB each. Parts of others are mixed again.
const MOST_KEPT_HOURS: f64 = 8.0;
/// What a slice of a stream has at most, in seconds.
const MOST_SECONDS: f64 = 60.0;

/// A run's model on recordings.
#[derive(Debug)]
pub struct Played {
    /// The blob's number without its detector: another one must be played again.
    crc: u32,
    from: Streams,
    /// The samples of each track, where they are not too many.
    files: Vec<Mutex<File>>,
    tracks: Vec<Transcript>,
    scores: Vec<StreamScores>,
    audio: audio::Config,
    labels: Vec<String>,
    keyword: Vec<bool>,
    swept: Vec<OperatingPoint>,
}

/// A miss.
#[derive(Debug, Serialize)]
struct Miss {
    track: usize,
    label: String,
    start_s: f64,
    end_s: f64,
}

/// A false accept.
#[derive(Debug, Serialize)]
struct FalseAccept {
    track: usize,
    at_s: f64,
    told: String,
    said: String,
    score: f64,
}

/// A word's part of a point.
#[derive(Debug, Serialize)]
struct Word {
    label: String,
    threshold: f64,
    said: usize,
    detected: usize,
    false_accepts: usize,
}

/// An operating point with what it gives.
#[derive(Debug, Serialize)]
pub struct Point {
    max_false_accepts_per_hour: Option<f64>,
    false_accepts_per_hour: f64,
    interval: [f64; 2],
    missed: f64,
    missed_interval: Option<[f64; 2]>,
    hours: f64,
    said: usize,
    hits: usize,
    false_accepts: usize,
    confused: usize,
    at_unknown: usize,
    twice: usize,
    smooth: u8,
    refractory: u16,
    words: Vec<Word>,
    misses: Vec<Miss>,
    alarms: Vec<FalseAccept>,
}

/// A point of the curve.
#[derive(Debug, Serialize)]
struct OnCurve {
    false_accepts_per_hour: f64,
    interval: [f64; 2],
    missed: f64,
    missed_interval: Option<[f64; 2]>,
}

/// The curve, and the point that the blob has.
#[derive(Debug, Serialize)]
pub struct Tradeoff {
    hours: f64,
    said: usize,
    rate: u32,
    curve: Vec<OnCurve>,
    point: Option<Point>,
}

fn per_hour(n: usize, hours: f64) -> [f64; 2] {
    poisson(n).map(|n| if hours > 0.0 { n / hours } else { 0.0 })
}

impl Played {
    /// Plays recordings through a run's blob; `progress` is given samples done and all of them.
    ///
    /// # Errors
    /// Where there is no blob, or no recording, or one cannot be read.
    pub fn new(project: &Path, run: &Path, how: &Material, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Played> {
        let file = ModelFile::read(run)?;
        let model = file.model()?;
        let (audio, labels, keyword) = listener_setup(&model)?;
        let from = Streams::open(project, run, &audio, how)?;
        // Before what refers to them, so that they outlive it.
        let files: Vec<Mutex<File>>;
        let mut recordings = from.recordings()?;
        let tracks = transcripts(&recordings);
        let hours: f64 = tracks.iter().map(|t| t.hours(audio.sample_rate)).sum();
        let kept = if hours <= MOST_KEPT_HOURS { tracks.len() } else { 0 };
        files = (0..kept).map(|_| tempfile::tempfile().map(Mutex::new)).collect::<std::io::Result<_>>()?;
        if kept > 0 {
            let all = recordings.into_iter().zip(&files);
            recordings =
                all.map(|(recording, file)| Box::new(Kept { recording, file }) as Box<dyn Recording>).collect();
        }
        let all: u64 = tracks.iter().map(|t| t.samples as u64).sum();
        let done = AtomicU64::new(0);
        let reset = model.detect().map_or_else(|| silence_reset(SILENCE_RESET_S, &audio, &labels), |d| d.silence_reset);
        let count = |n: usize| {
            let before = done.fetch_add(n as u64, Ordering::Relaxed);
            progress(before + n as u64, all);
        };
        let scores = play_all(&model, &recordings, reset, &count)?;
        drop(recordings);
        let mut played =
            Played { crc: weights_crc(&file)?, from, files, tracks, scores, audio, labels, keyword, swept: Vec::new() };
        played.swept = sweep(&played.set(), &SMOOTH);
        Ok(played)
    }

    fn set(&self) -> CalibrationSet<'_> {
        let Played { tracks, scores, audio, labels, keyword, .. } = self;
        CalibrationSet { tracks, played: scores, audio, labels, keyword }
    }

    /// The result of the best point with at most so many false accepts an hour.
    ///
    /// # Errors
    /// Where the rate is no number from 0.
    fn found(&self, most: f64) -> Result<Calibrated, Fault> {
        if !(most >= 0.0 && most.is_finite()) {
            return Err(Fault::bad("max_false_accepts_per_hour is a number from 0"));
        }
        let target = OperatingTarget { max_false_accepts_per_hour: most };
        let set = self.set();
        let best = calibrate(&set, &self.swept, target).context("no operating point was tried")?;
        let curve = curve(&self.swept).iter().map(|f| (f.counts.per_hour(), f.counts.miss_rate())).collect();
        Ok(at_played(&set, best, curve))
    }

    fn shown(&self, found: &Calibrated, most: Option<f64>) -> Point {
        let OperatingPoint { config, counts } = &found.point;
        let seconds = |at: usize| at as f64 / f64::from(self.audio.sample_rate);
        let word = |(k, label): (usize, &String)| {
            let (said, detected) = counts.words.get(k).copied().unwrap_or_default();
            let threshold = config.thresholds.get(k).map_or(0.0, |t| t.to_num());
            let false_accepts = counts.alarms.get(k).copied().unwrap_or_default();
            self.keyword[k].then(|| Word { label: label.clone(), threshold, said, detected, false_accepts })
        };
        let miss = |(track, Spoken { label, start, end }): &(usize, Spoken)| Miss {
            track: *track,
            label: label.clone(),
            start_s: seconds(*start),
            end_s: seconds(*end),
        };
        let alarm = |Alarm { track, at, told, said, score }: &Alarm| FalseAccept {
            track: *track,
            at_s: seconds(*at),
            told: told.clone(),
            said: said.clone(),
            score: *score,
        };
        Point {
            max_false_accepts_per_hour: most,
            false_accepts_per_hour: counts.per_hour(),
            interval: per_hour(counts.false_accepts, counts.hours),
            missed: counts.miss_rate(),
            missed_interval: share(counts.said - counts.hits, counts.said),
            hours: counts.hours,
            said: counts.said,
            hits: counts.hits,
            false_accepts: counts.false_accepts,
            confused: counts.confused,
            at_unknown: counts.at_unknown,
            twice: counts.twice,
            smooth: config.smooth,
            refractory: config.refractory,
            words: self.labels.iter().enumerate().filter_map(word).collect(),
            misses: found.misses.iter().map(miss).collect(),
            alarms: found.alarms.iter().map(alarm).collect(),
        }
    }

    /// The best point with at most so many false accepts an hour.
    ///
    /// # Errors
    /// Where the rate is no number from 0.
    pub fn point(&self, most: f64) -> Result<Point, Fault> {
        Ok(self.shown(&self.found(most)?, Some(most)))
    }

    /// Puts that point into the run's blob and results, as `elman calibrate` does.
    ///
    /// # Errors
    /// Where the run is in use, or its blob is another than the one that was played.
    pub fn apply(&self, run: &Path, most: f64) -> Result<Point, Fault> {
        let found = self.found(most)?;
        let folder = RunFolder::open_locked(run)?;
        let file = ModelFile::read(run)?;
        self.fresh(&file)?;
        let blob = with_detector(&file.bytes(), Some(found.point.config.clone()))?;
        elman_data::files::write_atomically(file.path(), &blob)?;
        folder.add_result("calibrate", &found)?;
        Ok(self.shown(&found, Some(most)))
    }

    /// Weights decide what was played; the point that the blob has does not.
    fn fresh(&self, file: &ModelFile) -> Result<(), Fault> {
        let same = weights_crc(file)? == self.crc;
        same.then_some(()).ok_or_else(|| {
            Fault::conflict("stale", "the run was quantized again since its streams were played; play them again")
        })
    }

    /// The curve, and the point that the blob has.
    ///
    /// # Errors
    /// Where the blob cannot be read.
    pub fn curve(&self, run: &Path) -> Result<Tradeoff, Fault> {
        let file = ModelFile::read(run)?;
        let model = file.model()?;
        let set = self.set();
        let on = |p: &OperatingPoint| OnCurve {
            false_accepts_per_hour: p.counts.per_hour(),
            interval: per_hour(p.counts.false_accepts, p.counts.hours),
            missed: p.counts.miss_rate(),
            missed_interval: share(p.counts.said - p.counts.hits, p.counts.said),
        };
        let point = model.detect().map(|config| {
            let point = OperatingPoint { counts: set.counts(config), config: config.clone() };
            self.shown(&at_played(&set, point, Vec::new()), None)
        });
        let curve: Vec<OnCurve> = curve(&self.swept).iter().map(on).collect();
        let rate = self.audio.sample_rate;
        let hours = self.tracks.iter().map(|t| t.hours(rate)).sum();
        let said = self.swept.first().map_or(0, |p| p.counts.said);
        Ok(Tradeoff { hours, said, rate, curve, point })
    }

    /// Samples of a recording from one moment to another, after those that bring a listener's states to where they were.
    ///
    /// # Errors
    /// Where there is no such part, or it is too long.
    pub fn slice(&self, track: usize, from_s: f64, to_s: f64, run_in_s: f64) -> Result<(Vec<i16>, usize), Fault> {
        let rate = f64::from(self.audio.sample_rate);
        let good = from_s.is_finite() && to_s.is_finite() && to_s > from_s && to_s - from_s <= MOST_SECONDS;
        let (Some(transcript), true) = (self.tracks.get(track), good) else {
            return Err(Fault::bad(format!(
                "there is no such part: it is of one of the tracks, and at most {MOST_SECONDS} s"
            )));
        };
        let sample = |s: f64| ((s.max(0.0) * rate) as usize).min(transcript.samples);
        let (start, from, to) = (sample(from_s - run_in_s), sample(from_s), sample(to_s));
        if let Some(file) = self.files.get(track) {
            let mut bytes = vec![0; 2 * (to - start)];
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(2 * start as u64))?;
            file.read_exact(&mut bytes)?;
            let samples = bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
            return filled(samples, from - start);
        }
        let (mut samples, mut given) = (Vec::new(), 0);
        let recordings = self.from.recordings()?;
        recordings[track].play(&mut |block| {
            let part = |at: usize| at.clamp(given, given + block.len()) - given;
            samples.extend_from_slice(&block[part(start)..part(to)]);
            given += block.len();
        })?;
        filled(samples, from - start)
    }

    /// The front end.
    pub fn audio(&self) -> &audio::Config {
        &self.audio
    }
}

/// Samples, where there are any.
fn filled(samples: Vec<i16>, from: usize) -> Result<(Vec<i16>, usize), Fault> {
    match samples.len() > from {
        true => Ok((samples, from)),
        false => Err(Fault::bad("there is nothing in that part of the track")),
    }
}

/// A blob's number without its detector: what was played with it holds as long as this does.
fn weights_crc(file: &ModelFile) -> Result<u32> {
    let plain = with_detector(&file.bytes(), None)?;
    Ok(ModelFile::from_bytes(file.path(), &plain)?.model()?.crc())
}
