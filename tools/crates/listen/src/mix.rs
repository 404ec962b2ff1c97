//! Long recordings mixed from clips and background.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::bed::Bed;
use super::noise::Noise;
use super::{Recording, Transcript, extent, labels};
use elman_data::Clip;

/// The label of words that are not to be detected.
pub const UNKNOWN: &str = "unknown";
/// The label of steps in which nothing is said.
pub const SILENCE: &str = "silence";

/// A word in a track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    /// Which.
    pub label: String,
    /// First sample.
    pub start: usize,
    /// One past the last sample.
    pub end: usize,
}

/// A recording and the words in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Track {
    /// Where it came from.
    pub name: String,
    /// Mono samples.
    pub samples: Vec<i16>,
    /// The words, in order.
    pub words: Vec<Spoken>,
}

impl Track {
    /// A recording in memory.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn of(recording: &dyn Recording) -> anyhow::Result<Track> {
        let Transcript { name, samples: length, words } = recording.transcript().clone();
        let mut samples = Vec::with_capacity(length);
        recording.play(&mut |block| samples.extend_from_slice(block))?;
        Ok(Track { name, samples, words })
    }

    /// What is said in it.
    pub fn transcript(&self) -> Transcript {
        Transcript { name: self.name.clone(), samples: self.samples.len(), words: self.words.clone() }
    }

    /// Writes the track as DIR/NAME.wav and its label file DIR/NAME.txt.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, dir: &std::path::Path, rate: u32) -> anyhow::Result<()> {
        std::fs::create_dir_all(dir)?;
        let wav = elman_data::wav_bytes(&self.samples, rate);
        elman_data::files::write_atomically(&dir.join(format!("{}.wav", self.name)), &wav)?;
        labels::write_labels(&dir.join(format!("{}.txt", self.name)), &self.words, rate)
    }
}

/// How a track is mixed.
#[derive(Clone, Debug, PartialEq)]
pub struct MixOptions {
    /// Its length.
    pub seconds: f64,
    /// Shortest and longest gap between two clips, in seconds; uniform between.
    pub gap_s: (f32, f32),
    /// Lowest and highest level of a word above the background, in dB; one draw a track.
    pub snr_db: (f32, f32),
    /// Level of words, dB below full scale, lowest and highest; one draw a track.
    pub level_db: (f32, f32),
    /// Levels of single words vary by ± this, in dB.
    pub jitter_db: f32,
    /// Speed of a clip, and with it its pitch, varies by ± this share.
    pub speed: f32,
    /// The balance of low and high tones of a clip varies by ± this, in dB, as microphones and rooms do.
    pub tilt_db: f32,
    /// Kinds of noise to choose from; one a track.
    pub noises: Vec<Noise>,
    /// Share of the words that are cut in their first half or reversed, and then are unknown.
    pub fragments: f32,
    /// Share of the tracks without any word.
    pub wordless: f32,
    /// Share of the clips that are cut to the word itself and a little around it.
    pub trimmed: f32,
}

impl MixOptions {
    /// For validation: clips as they are, in the corpus' own background, `per_hour` of them at `snr_db`.
    pub fn evaluation(hours: f64, per_hour: f64, snr_db: f32, clip_s: f64) -> Self {
        let gap = (3600.0 / per_hour - clip_s).max(0.2) as f32;
        MixOptions {
            seconds: 3600.0 * hours,
            gap_s: (0.1 * gap, 1.9 * gap),
            snr_db: (snr_db, snr_db),
            level_db: (-26.0, -26.0),
            jitter_db: 0.0,
            speed: 0.0,
            tilt_db: 0.0,
            noises: vec![Noise::Background],
            fragments: 0.0,
            wordless: 0.0,
            trimmed: 0.0,
        }
    }
}

/// Clips and background, ready to be mixed.
#[derive(Clone, Debug)]
pub struct Mix<'a> {
    /// The clips.
    pub clips: &'a [Clip],
    /// The labels that clips name by index.
    pub labels: &'a [String],
    /// Recordings of background.
    pub background: Vec<&'a [i16]>,
    /// Samples per second.
    pub rate: u32,
}

impl<'a> Mix<'a> {
    /// A track; the same seed gives the same samples. Every clip is used once before one is used again.
    pub fn track(&self, how: &MixOptions, seed: u64) -> Track {
        let plan = Plan::new(self, how, seed);
        let mut mixed = Vec::with_capacity(plan.samples);
        plan.bed.each(plan.samples, |block| mixed.extend_from_slice(block));
        let gain = gain_to(plan.level / plan.snr, mixed.iter().map(power).sum(), plan.samples);
        mixed.iter_mut().for_each(|x| *x *= gain);
        let mut track = Track { name: name(seed), ..Track::default() };
        for Placed { at, gain, word } in plan.words {
            for (m, x) in mixed[at..].iter_mut().zip(&word.samples) {
                *m += gain * x;
            }
            track.words.push(word.spoken(at));
        }
        track.samples = mixed.into_iter().map(|x| x.round() as i16).collect();
        track
    }

    /// The same track as a recording that is mixed while it is played.
    pub fn recording(&self, how: &MixOptions, seed: u64) -> MixedRecording<'a> {
        let plan = Plan::new(self, how, seed);
        let mut sum = 0.0;
        plan.bed.each(plan.samples, |block| sum = block.iter().map(power).fold(sum, |sum, p| sum + p));
        let gain = gain_to(plan.level / plan.snr, sum, plan.samples);
        let words = plan.words.clone().map(|Placed { at, word, .. }| word.spoken(at)).collect();
        let transcript = Transcript { name: name(seed), samples: plan.samples, words };
        MixedRecording { plan, gain, transcript }
    }

    /// A clip as it goes into the track.
    fn word(&self, clip: &Clip, how: &MixOptions, rng: &mut ChaCha8Rng) -> Word {
        let recorded = clip.samples.read();
        let mut samples: Vec<f32> = recorded.iter().map(|x| f32::from(*x)).collect();
        let mut part = extent(&recorded, self.rate);
        let mut label = self.labels.get(clip.label).cloned().unwrap_or_else(|| UNKNOWN.to_owned());
        let active = &samples[part.clone()];
        let level = rms(active);
        if rng.random_range(0.0..1.0f32) < how.fragments {
            label = UNKNOWN.to_owned();
            if rng.random_range(0..2) == 0 {
                samples.reverse();
                part = samples.len() - part.end..samples.len() - part.start;
            } else {
                let keep = rng.random_range(0.25..0.5f32);
                part.end = part.start + ((part.len() as f32 * keep) as usize).max(1);
                samples.truncate(part.end);
            }
        }
        if rng.random_range(0.0..1.0f32) < how.trimmed {
            let around = self.rate as usize / 20;
            let from = part.start.saturating_sub(rng.random_range(0..=around));
            let to = (part.end + rng.random_range(0..=around)).min(samples.len());
            samples = samples[from..to].to_vec();
            part = part.start - from..part.end - from;
        }
        if how.tilt_db > 0.0 {
            tilt(&mut samples, how.tilt_db * rng.random_range(-1.0..=1.0f32), self.rate);
        }
        if how.speed > 0.0 {
            let speed = 1.0 + how.speed * rng.random_range(-1.0..=1.0f32);
            samples = faster(&samples, speed);
            let scaled = |k: usize| ((k as f32 / speed) as usize).min(samples.len());
            part = scaled(part.start)..scaled(part.end);
        }
        fade(&mut samples, self.rate as usize / 100);
        Word { samples, extent: part, level, label }
    }
}

/// A track before it is mixed: all that is drawn at random, or where to go on drawing.
#[derive(Clone, Debug)]
struct Plan<'a> {
    samples: usize,
    level: f32,
    snr: f32,
    bed: Bed<'a>,
    words: Words<'a>,
}

impl<'a> Plan<'a> {
    fn new(mix: &Mix<'a>, how: &MixOptions, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let samples = (how.seconds * f64::from(mix.rate)) as usize;
        let level = 32_768.0 * decibels(between(&mut rng, how.level_db));
        let snr = decibels(between(&mut rng, how.snr_db));
        let kind = how.noises.get(rng.random_range(0..how.noises.len().max(1))).copied().unwrap_or(Noise::White);
        let bed = Bed::new(kind, &mix.background, samples, mix.rate, &mut rng);
        let wordless = rng.random_range(0.0..1.0f32) < how.wordless || mix.clips.is_empty();
        let at = (between(&mut rng, how.gap_s) * mix.rate as f32) as usize;
        let (mix, how) = (mix.clone(), how.clone());
        let words = Words { mix, how, rng, order: Vec::new(), at, level, left: if wordless { 0 } else { samples } };
        Plan { samples, level, snr, bed, words }
    }
}

/// The words of a track, one after another.
#[derive(Clone, Debug)]
struct Words<'a> {
    mix: Mix<'a>,
    how: MixOptions,
    rng: ChaCha8Rng,
    /// Clips that were not used yet.
    order: Vec<usize>,
    /// Where the next word starts.
    at: usize,
    level: f32,
    /// The track's length; 0 after the last word.
    left: usize,
}

/// A word, where it starts, and the factor of its samples.
struct Placed {
    at: usize,
    gain: f32,
    word: Word,
}

impl Iterator for Words<'_> {
    type Item = Placed;

    fn next(&mut self) -> Option<Placed> {
        if self.left == 0 {
            return None;
        }
        if self.order.is_empty() {
            self.order = (0..self.mix.clips.len()).collect();
            self.order.shuffle(&mut self.rng);
        }
        let clip = &self.mix.clips[self.order.pop()?];
        let word = self.mix.word(clip, &self.how, &mut self.rng);
        let at = self.at;
        if at + word.samples.len() > self.left {
            self.left = 0;
            return None;
        }
        let jitter = self.how.jitter_db * self.rng.random_range(-1.0..=1.0f32);
        let gain = self.level * decibels(jitter) / word.level.max(1.0);
        let gap = (between(&mut self.rng, self.how.gap_s) * self.mix.rate as f32) as usize;
        // An empty clip without a gap must not stand still.
        self.at += (word.samples.len() + gap).max(1);
        Some(Placed { at, gain, word })
    }
}

/// A track that is mixed while it is played.
#[derive(Clone, Debug)]
pub struct MixedRecording<'a> {
    plan: Plan<'a>,
    /// The factor of the background.
    gain: f32,
    transcript: Transcript,
}

impl Recording for MixedRecording<'_> {
    fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    fn play(&self, sink: &mut dyn FnMut(&[i16])) -> anyhow::Result<()> {
        let mut words = self.plan.words.clone();
        let mut current = words.next();
        let mut given = 0;
        self.plan.bed.each(self.plan.samples, |block| {
            let mut mixed: Vec<f32> = block.iter().map(|x| x * self.gain).collect();
            let end = given + mixed.len();
            while let Some(Placed { at, gain, word }) = &current {
                let stop = at + word.samples.len();
                for k in given.max(*at)..stop.min(end) {
                    mixed[k - given] += gain * word.samples[k - at];
                }
                if stop > end {
                    break;
                }
                current = words.next();
            }
            given = end;
            sink(&mixed.iter().map(|x| x.round() as i16).collect::<Vec<i16>>());
        });
        Ok(())
    }
}

struct Word {
    samples: Vec<f32>,
    extent: std::ops::Range<usize>,
    level: f32,
    label: String,
}

impl Word {
    fn spoken(self, at: usize) -> Spoken {
        Spoken { label: self.label, start: at + self.extent.start, end: at + self.extent.end }
    }
}

fn name(seed: u64) -> String {
    format!("mix-{seed}")
}

fn between(rng: &mut ChaCha8Rng, (low, high): (f32, f32)) -> f32 {
    low + (high - low) * rng.random_range(0.0..=1.0f32)
}

fn decibels(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

fn rms(x: &[f32]) -> f32 {
    (x.iter().map(|x| x * x).sum::<f32>() / x.len().max(1) as f32).sqrt()
}

/// In double precision: an hour has more samples than a float can add up.
fn power(x: &f32) -> f64 {
    f64::from(*x).powi(2)
}

/// The factor that brings samples of this sum of squares to a level.
fn gain_to(level: f32, sum: f64, samples: usize) -> f32 {
    level / ((sum / samples.max(1) as f64).sqrt() as f32).max(1e-6)
}

/// Raises the tones below about 1 kHz by `db` / 2 and lowers those above by as much.
fn tilt(samples: &mut [f32], db: f32, rate: u32) {
    let (low, high) = (decibels(db / 2.0), decibels(-db / 2.0));
    let share = 1.0 - (-std::f32::consts::TAU * 1000.0 / rate as f32).exp();
    let mut below = 0.0;
    for x in samples {
        below += share * (*x - below);
        *x = low * below + high * (*x - below);
    }
}

/// Played `speed` times as fast: a straight line between neighbouring samples.
fn faster(samples: &[f32], speed: f32) -> Vec<f32> {
    let n = (samples.len() as f32 / speed) as usize;
    (0..n)
        .map_while(|i| {
            let at = i as f32 * speed;
            let (k, share) = (at as usize, at.fract());
            let next = samples.get(k + 1).or(samples.get(k))?;
            Some(samples[k] * (1.0 - share) + next * share)
        })
        .collect()
}

/// Rises over the first and falls over the last samples, so that a clip begins without a click.
fn fade(samples: &mut [f32], over: usize) {
    let over = over.min(samples.len() / 2);
    let n = samples.len();
    for k in 0..over {
        let share = (k as f32 + 0.5) / over as f32;
        samples[k] *= share;
        samples[n - 1 - k] *= share;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(label: usize) -> Clip {
        let tone =
            |i: usize| if (4000..10_000).contains(&i) { (i as f64 * 0.2).sin() * 9000.0 } else { (i % 3) as f64 };
        let samples: Vec<i16> = (0..16_000).map(|i| tone(i) as i16).collect();
        Clip { length: samples.len(), samples: samples.into(), label, speaker: None, name: String::new() }
    }

    fn mix<'a>(clips: &'a [Clip], labels: &'a [String], background: &'a [i16]) -> Mix<'a> {
        Mix { clips, labels, background: vec![background], rate: 16_000 }
    }

    #[test]
    fn recordings_of_any_length_make_a_whole_track() {
        let (labels, empty) = (["no".to_owned()], Clip { samples: Vec::new().into(), length: 0, ..clip(0) });
        let how = MixOptions { gap_s: (0.0, 0.0), ..MixOptions::evaluation(0.001, 900.0, 10.0, 1.0) };
        for n in [1, 2, 100, 800, 801] {
            let noise: Vec<i16> = (0..n).map(|i| (i % 7) * 100 + 1).collect();
            let track = mix(std::slice::from_ref(&empty), &labels, &noise).track(&how, 1);
            assert_eq!(track.samples.len(), (how.seconds * 16_000.0) as usize, "{n} samples");
            assert!(track.samples.iter().any(|x| *x != 0), "{n} samples");
        }
    }

    #[test]
    fn words_lie_where_the_labels_say_at_the_ratio_asked_for() {
        let (clips, labels) = ([clip(0), clip(1)], ["no".to_owned(), "yes".to_owned()]);
        let noise: Vec<i16> = (0..40_000u32).map(|i| ((i.wrapping_mul(2_654_435_761) >> 20) as i16) - 2048).collect();
        let how = MixOptions::evaluation(0.02, 900.0, 10.0, 1.0);
        let track = mix(&clips, &labels, &noise).track(&how, 5);
        assert_eq!(track.samples.len(), 72 * 16_000);
        assert!((14..=22).contains(&track.words.len()), "{}", track.words.len());
        let quiet: Vec<f32> = track.samples[..track.words[0].start - 5000].iter().map(|x| f32::from(*x)).collect();
        for word in &track.words {
            let loud: Vec<f32> = track.samples[word.start..word.end].iter().map(|x| f32::from(*x)).collect();
            let ratio = 20.0 * (rms(&loud) / rms(&quiet)).log10();
            // The word and the noise under it.
            assert!((ratio - 10.4).abs() < 1.0, "{ratio}");
        }
        assert!(track.words.windows(2).all(|w| w[0].end < w[1].start));
        let count = |l: &str| track.words.iter().filter(|w| w.label == l).count();
        assert!(count("no").abs_diff(count("yes")) <= 1);
        let again = mix(&clips, &labels, &noise);
        assert_eq!(again.track(&how, 5), track);
        assert_ne!(again.track(&how, 6).samples, track.samples);
    }

    #[test]
    fn a_recording_is_the_track_and_keeps_no_samples() {
        let (clips, labels) = ([clip(0), clip(1)], ["no".to_owned(), "yes".to_owned()]);
        let noise: Vec<i16> = (0..40_000u32).map(|i| ((i.wrapping_mul(2_654_435_761) >> 20) as i16) - 2048).collect();
        let kinds = [Noise::Background, Noise::White, Noise::Pink];
        for (noise, kind) in [&noise[..], &noise[..900], &noise[..70], &[]].iter().flat_map(|n| kinds.map(|k| (n, k))) {
            let how = MixOptions {
                noises: vec![kind],
                speed: 0.2,
                fragments: 0.3,
                jitter_db: 6.0,
                ..MixOptions::evaluation(0.01, 1200.0, 5.0, 1.0)
            };
            let mix = mix(&clips, &labels, noise);
            let (track, recording) = (mix.track(&how, 9), mix.recording(&how, 9));
            for _ in 0..2 {
                let mut samples = Vec::new();
                recording.play(&mut |block| samples.extend_from_slice(block)).unwrap();
                assert!(samples == track.samples, "{kind:?}, {} samples of background", noise.len());
            }
            let Transcript { name, samples, words } = recording.transcript();
            assert_eq!((name, *samples, words), (&track.name, track.samples.len(), &track.words));
            assert!(words.len() > 3);
        }
    }

    #[test]
    fn every_kind_of_noise_and_every_change_gives_a_track() {
        let (clips, labels) = ([clip(0)], ["yes".to_owned()]);
        for noise in [Noise::Background, Noise::White, Noise::Pink, Noise::Brown, Noise::Babble] {
            let how = MixOptions {
                noises: vec![noise],
                speed: 0.2,
                tilt_db: 6.0,
                fragments: 0.5,
                trimmed: 0.5,
                jitter_db: 6.0,
                ..MixOptions::evaluation(0.01, 1200.0, 5.0, 1.0)
            };
            let track = mix(&clips, &labels, &[]).track(&how, 1);
            assert_eq!(track.samples.len(), 36 * 16_000);
            assert!(track.words.iter().any(|w| w.label == UNKNOWN) && track.words.iter().any(|w| w.label == "yes"));
            assert!(track.words.iter().all(|w| w.start < w.end && w.end <= track.samples.len()));
        }
        let silent = MixOptions { wordless: 1.0, ..MixOptions::evaluation(0.01, 1200.0, 5.0, 1.0) };
        assert!(mix(&clips, &labels, &[]).track(&silent, 1).words.is_empty());
    }
}
