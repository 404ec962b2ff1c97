//! Long recordings mixed from clips and background.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::noise::{Noise, shaped};
use super::{extent, labels};
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
    /// Its length in hours.
    pub fn hours(&self, rate: u32) -> f64 {
        self.samples.len() as f64 / f64::from(rate.max(1)) / 3600.0
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

impl Mix<'_> {
    /// A track; the same seed gives the same samples. Every clip is used once before one is used again.
    pub fn track(&self, how: &MixOptions, seed: u64) -> Track {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let n = (how.seconds * f64::from(self.rate)) as usize;
        let between =
            |rng: &mut ChaCha8Rng, (low, high): (f32, f32)| low + (high - low) * rng.random_range(0.0..=1.0f32);
        let level = 32_768.0 * decibels(between(&mut rng, how.level_db));
        let snr = decibels(between(&mut rng, how.snr_db));
        let mut mixed = self.bed(how, n, &mut rng);
        scale_to(&mut mixed, level / snr);
        let mut track = Track { name: format!("mix-{seed}"), ..Track::default() };
        let wordless = rng.random_range(0.0..1.0f32) < how.wordless;
        let mut order: Vec<usize> = Vec::new();
        let mut at = (between(&mut rng, how.gap_s) * self.rate as f32) as usize;
        while !wordless && !self.clips.is_empty() {
            if order.is_empty() {
                order = (0..self.clips.len()).collect();
                order.shuffle(&mut rng);
            }
            let Some(clip) = order.pop().map(|k| &self.clips[k]) else { break };
            let word = self.word(clip, how, &mut rng);
            if at + word.samples.len() > n {
                break;
            }
            let gain = level * decibels(how.jitter_db * rng.random_range(-1.0..=1.0f32)) / word.level.max(1.0);
            for (m, x) in mixed[at..].iter_mut().zip(&word.samples) {
                *m += gain * x;
            }
            track.words.push(Spoken { label: word.label, start: at + word.extent.start, end: at + word.extent.end });
            let gap = (between(&mut rng, how.gap_s) * self.rate as f32) as usize;
            // An empty clip without a gap must not stand still.
            at += (word.samples.len() + gap).max(1);
        }
        track.samples = mixed.iter().map(|x| x.round() as i16).collect();
        track
    }

    /// Noise of a kind that is drawn.
    fn bed(&self, how: &MixOptions, n: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
        let kind = how.noises.get(rng.random_range(0..how.noises.len().max(1))).copied().unwrap_or(Noise::White);
        let recordings: Vec<&&[i16]> = self.background.iter().filter(|b| !b.is_empty()).collect();
        if kind != Noise::Background || recordings.is_empty() {
            return shaped(kind, n, self.rate, rng);
        }
        // Stretches of recordings, each from a random place, with a short fade where they meet.
        let fade = (self.rate / 20) as usize;
        let mut bed: Vec<f32> = Vec::with_capacity(n + fade);
        while bed.len() < n + fade {
            let recording = recordings[rng.random_range(0..recordings.len())];
            let start = rng.random_range(0..recording.len());
            let piece = &recording[start..];
            let overlap = fade.min(bed.len()).min(piece.len());
            // Each piece makes the bed longer, however short it is.
            let overlap = if overlap == piece.len() { overlap / 2 } else { overlap };
            let from = bed.len() - overlap;
            for (k, x) in piece.iter().enumerate() {
                let x = f32::from(*x);
                if k < overlap {
                    let share = (k as f32 + 0.5) / overlap as f32;
                    // Powers add up to the same, as the pieces are not alike.
                    bed[from + k] = bed[from + k] * (1.0 - share).sqrt() + x * share.sqrt();
                } else {
                    bed.push(x);
                }
            }
        }
        bed.truncate(n);
        bed
    }

    /// A clip as it goes into the track.
    fn word(&self, clip: &Clip, how: &MixOptions, rng: &mut ChaCha8Rng) -> Word {
        let mut samples: Vec<f32> = clip.samples.iter().map(|x| f32::from(*x)).collect();
        let mut part = extent(&clip.samples, self.rate);
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

struct Word {
    samples: Vec<f32>,
    extent: std::ops::Range<usize>,
    level: f32,
    label: String,
}

fn decibels(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

fn rms(x: &[f32]) -> f32 {
    (x.iter().map(|x| x * x).sum::<f32>() / x.len().max(1) as f32).sqrt()
}

fn scale_to(x: &mut [f32], level: f32) {
    // In double precision: an hour has more samples than a float can add up.
    let power = x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / x.len().max(1) as f64;
    let gain = level / (power.sqrt() as f32).max(1e-6);
    x.iter_mut().for_each(|x| *x *= gain);
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
        Clip { samples: (0..16_000).map(|i| tone(i) as i16).collect(), label, speaker: None, name: String::new() }
    }

    fn mix<'a>(clips: &'a [Clip], labels: &'a [String], background: &'a [i16]) -> Mix<'a> {
        Mix { clips, labels, background: vec![background], rate: 16_000 }
    }

    #[test]
    fn recordings_of_any_length_make_a_whole_track() {
        let (labels, empty) = (["no".to_owned()], Clip { samples: Vec::new(), ..clip(0) });
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
