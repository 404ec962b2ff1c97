//! The table `[stream]` of a recipe.

use anyhow::{Result, ensure};
use elman::audio;
use serde::{Deserialize, Serialize};

use super::{Mix, MixOptions, Noise, SILENCE, Track, UNKNOWN, Variation};
use elman_data::{Clip, Corpus, NO_CLASS, Split};

/// The part of a recipe that makes streams of clips: the table `[stream]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamRecipe {
    /// Words to detect; all other labels become `unknown`. Empty: every label but `unknown`.
    pub words: Vec<String>,
    /// Labels whose clips are not used at all.
    pub leave_out: Vec<String>,
    /// Share of the clips held back to validate, where the corpus has no such split.
    pub valid_share: f64,
    /// Length of a stream to train on.
    pub seconds: f64,
    /// Streams in an epoch; 0 takes as many as use every clip about once.
    pub streams: usize,
    /// Shortest and longest gap between clips, in seconds.
    pub gap_s: (f32, f32),
    /// Lowest and highest level of a word above the background, in dB.
    pub snr_db: (f32, f32),
    /// Lowest and highest level of words below full scale, in dB.
    pub level_db: (f32, f32),
    /// Levels within a stream vary by ± this, in dB.
    pub jitter_db: f32,
    /// Speed and pitch vary by ± this share.
    pub speed: f32,
    /// Balance of low and high tones varies by ± this, in dB.
    pub tilt_db: f32,
    /// Kinds of background; one that is named twice is drawn twice as often.
    pub noises: Vec<Noise>,
    /// Share of the words that are cut short or reversed, and then unknown.
    pub fragments: f32,
    /// Share of the streams without words.
    pub wordless: f32,
    /// Share of the clips cut to the word.
    pub trimmed: f32,
    /// The word is the target from so long before its end, in ms; its earlier steps have no target.
    pub lead_ms: f32,
    /// The word is the target until so long after its end, in ms.
    pub hold_ms: f32,
    /// Epochs for which a stream is kept, varied again in each, before another replaces it.
    pub reuse: usize,
    /// How the features of a stream are varied.
    pub vary: Variation,
    /// Every so many epochs, search for hard negatives: streams with false accepts; 0 never.
    #[serde(alias = "mine_every")]
    pub hard_negatives_every: usize,
    /// Streams that are searched for false accepts.
    #[serde(alias = "mine_streams")]
    pub hard_negatives_streams: usize,
    /// Mean probability, over a tenth of a second, from which a wrong word is a false accept to learn from.
    #[serde(alias = "mine_threshold")]
    pub hard_negatives_threshold: f32,
    /// Largest share of an epoch's streams that are hard negatives.
    #[serde(alias = "mined_share")]
    pub hard_negatives_share: f64,
    /// Length of the validation stream, in hours; 0 validates on streams like those to train on.
    pub valid_hours: f64,
    /// Clips an hour in it.
    pub valid_per_hour: f64,
    /// Level of its words above the background, in dB.
    pub valid_snr_db: f32,
    /// False accepts an hour at which misses are counted there.
    pub false_accepts_per_hour: f64,
    /// Share of each background recording, at its end, that is not trained on; 0 trains on the same background as
    /// validation.
    pub held_background: f64,
}

impl Default for StreamRecipe {
    fn default() -> Self {
        StreamRecipe {
            words: Vec::new(),
            leave_out: Vec::new(),
            valid_share: 0.2,
            seconds: 5.0,
            streams: 0,
            gap_s: (0.1, 2.0),
            snr_db: (0.0, 30.0),
            level_db: (-40.0, -14.0),
            jitter_db: 3.0,
            speed: 0.12,
            tilt_db: 6.0,
            noises: [[Noise::Background; 4], [Noise::White, Noise::Pink, Noise::Brown, Noise::Babble]].concat(),
            fragments: 0.15,
            wordless: 0.05,
            trimmed: 0.5,
            lead_ms: 60.0,
            hold_ms: 240.0,
            reuse: 1,
            vary: Variation::default(),
            hard_negatives_every: 10,
            hard_negatives_streams: 600,
            hard_negatives_threshold: 0.5,
            hard_negatives_share: 0.3,
            valid_hours: 0.25,
            valid_per_hour: 780.0,
            valid_snr_db: 10.0,
            false_accepts_per_hour: 1.0,
            held_background: 0.0,
        }
    }
}

/// Labels that are words to detect.
pub fn keywords(labels: &[String]) -> Vec<bool> {
    labels.iter().map(|l| l != UNKNOWN && l != SILENCE).collect()
}

/// Checks that a detector can have these outputs.
///
/// # Errors
/// Where there are more, with the way out.
pub fn check_outputs(labels: &[String]) -> Result<()> {
    let (n, most) = (labels.len(), elman::detect::MAX_OUTPUTS);
    ensure!(
        n <= most,
        "{n} labels are more than the {most} of a detector; name those to detect in `words` of [stream]"
    );
    Ok(())
}

impl StreamRecipe {
    /// The labels of the outputs: the corpus', and [`UNKNOWN`] and [`SILENCE`] where they are not among them.
    pub fn labels(&self, corpus: &[String]) -> Vec<String> {
        let mut labels = corpus.to_vec();
        for extra in [UNKNOWN, SILENCE] {
            if !labels.iter().any(|l| l == extra) {
                labels.push(extra.to_owned());
            }
        }
        labels
    }

    /// Clips of a split, with the part of the background that belongs to it.
    pub fn mix<'a>(&self, corpus: &'a Corpus, split: Split) -> Mix<'a> {
        let part = |noise: &'a Vec<i16>| -> &'a [i16] {
            let cut = (noise.len() as f64 * (1.0 - self.held_background.clamp(0.0, 1.0))) as usize;
            let (train, held) = noise.split_at(cut);
            if split == Split::Train || held.is_empty() { train } else { held }
        };
        let background = corpus.noise.iter().map(part).collect();
        Mix { clips: corpus.split(split), labels: &corpus.labels, background, rate: corpus.sample_rate }
    }

    /// How streams to train on are mixed.
    pub fn training(&self) -> MixOptions {
        MixOptions {
            seconds: self.seconds,
            gap_s: self.gap_s,
            snr_db: self.snr_db,
            level_db: self.level_db,
            jitter_db: self.jitter_db,
            speed: self.speed,
            tilt_db: self.tilt_db,
            noises: self.noises.clone(),
            fragments: self.fragments,
            wordless: self.wordless,
            trimmed: self.trimmed,
        }
    }

    /// How the validation stream is mixed, and every stream for evaluation.
    pub fn evaluation_mix(&self, hours: f64, clips: &[Clip], rate: u32) -> MixOptions {
        let samples: usize = clips.iter().map(|c| c.samples.len()).sum();
        let mean = samples as f64 / clips.len().max(1) as f64 / f64::from(rate.max(1));
        MixOptions::evaluation(hours, self.valid_per_hour, self.valid_snr_db, mean)
    }

    /// The target at each step of a track.
    pub fn targets(&self, track: &Track, labels: &[String], audio: &audio::Config) -> Vec<u32> {
        let index = |l: &str| labels.iter().position(|k| k == l);
        let silence = index(SILENCE).unwrap_or(0) as u32;
        let mut wanted = vec![silence; audio.frames(track.samples.len())];
        let samples = |ms: f32| (f64::from(ms) * f64::from(audio.sample_rate) / 1000.0) as usize;
        let (lead, hold, after) = (samples(self.lead_ms), samples(self.hold_ms), samples(60.0));
        // Steps whose frame ends within a range of samples.
        let steps = |from: usize, to: usize| {
            let step = |at: usize| at.saturating_sub(usize::from(audio.window)).div_ceil(usize::from(audio.hop).max(1));
            step(from)..step(to).max(step(from))
        };
        let mut fill = |from: usize, to: usize, with: u32| {
            let range = steps(from, to);
            let end = range.end.min(wanted.len());
            if let Some(w) = wanted.get_mut(range.start.min(end)..end) {
                w.fill(with);
            }
        };
        for word in &track.words {
            fill(word.start, word.end + hold + after, NO_CLASS);
        }
        for word in &track.words {
            let label = index(&word.label).or(index(UNKNOWN)).unwrap_or(0) as u32;
            fill(word.end.saturating_sub(lead).max(word.start), word.end + hold, label);
        }
        wanted
    }

    /// Streams in an epoch.
    pub fn count(&self, clips: &[Clip], rate: u32) -> usize {
        if self.streams > 0 {
            return self.streams;
        }
        let samples: usize = clips.iter().map(|c| c.samples.len()).sum();
        let mean = samples as f64 / clips.len().max(1) as f64 / f64::from(rate.max(1));
        let each = mean + f64::from(self.gap_s.0 + self.gap_s.1) / 2.0;
        (clips.len() as f64 * each / self.seconds.max(0.1)).ceil().max(1.0) as usize
    }
}
