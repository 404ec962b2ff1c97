//! Streams to train on: words at random in background, hard ones again.

use std::sync::Mutex;

use anyhow::Result;
use elman::audio;
use elman::detect::ONE;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Mix, MixOptions, Noise, Played, Point, SILENCE, Track, UNKNOWN, Wish, curve, sweep};
use crate::data::{Clip, Corpus, Joints, Split, features};
use crate::nn::{Mode, NO_CLASS, Network, Target, structure};
use crate::pipeline::{Answer, Example};
use crate::run::About;
use crate::train::{Dataset, Sequence};

/// The part of a recipe that makes streams of clips: the table `[stream]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamRecipe {
    /// Words to be told; all other labels become `unknown`. Empty: every label but `unknown`.
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
    /// Share of the words that are cut short or turned round, and then unknown.
    pub fragments: f32,
    /// Share of the streams without words.
    pub wordless: f32,
    /// Share of the clips cut to the word.
    pub trimmed: f32,
    /// From so long before the end of a word, in ms, it is wanted; earlier steps of it want nothing.
    pub lead_ms: f32,
    /// Until so long behind its end it is wanted.
    pub hold_ms: f32,
    /// Every so many epochs streams with false accepts are looked for; 0 never.
    pub mine_every: usize,
    /// Streams that are looked through for false accepts.
    pub mine_streams: usize,
    /// Mean probability, over a tenth of a second, from which a wrong word is a false accept to learn from.
    pub mine_threshold: f32,
    /// Most share of an epoch's streams that are such.
    pub mined_share: f64,
    /// Length of the validation stream, in hours; 0 judges by streams as those to train on.
    pub valid_hours: f64,
    /// Clips an hour in it.
    pub valid_per_hour: f64,
    /// Level of its words above the background, in dB.
    pub valid_snr_db: f32,
    /// False accepts an hour at which misses are counted there.
    pub false_accepts_per_hour: f64,
    /// Share of each background recording, at its end, that is kept from training; 0 trains on the very background that
    /// judges.
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
            mine_every: 10,
            mine_streams: 600,
            mine_threshold: 0.5,
            mined_share: 0.3,
            valid_hours: 0.25,
            valid_per_hour: 780.0,
            valid_snr_db: 10.0,
            false_accepts_per_hour: 1.0,
            held_background: 0.0,
        }
    }
}

/// Labels that are words to be told.
pub fn keywords(labels: &[String]) -> Vec<bool> {
    labels.iter().map(|l| l != UNKNOWN && l != SILENCE).collect()
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

    /// How the validation stream is mixed, and every stream that judges.
    pub fn judging(&self, hours: f64, clips: &[Clip], rate: u32) -> MixOptions {
        let samples: usize = clips.iter().map(|c| c.samples.len()).sum();
        let mean = samples as f64 / clips.len().max(1) as f64 / f64::from(rate.max(1));
        MixOptions::judging(hours, self.valid_per_hour, self.valid_snr_db, mean)
    }

    /// What is wanted at each step of a track.
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
    fn count(&self, clips: &[Clip], rate: u32) -> usize {
        if self.streams > 0 {
            return self.streams;
        }
        let samples: usize = clips.iter().map(|c| c.samples.len()).sum();
        let mean = samples as f64 / clips.len().max(1) as f64 / f64::from(rate.max(1));
        let each = mean + f64::from(self.gap_s.0 + self.gap_s.1) / 2.0;
        (clips.len() as f64 * each / self.seconds.max(0.1)).ceil().max(1.0) as usize
    }
}

/// A stream as an example.
fn example(recipe: &StreamRecipe, track: &Track, labels: &[String], audio: &audio::Config) -> Result<Example> {
    let frames = features(&track.samples, audio).map_err(|e| anyhow::anyhow!("{}: {e}", track.name))?;
    let answer = Answer::Steps(recipe.targets(track, labels, audio));
    Ok(Example { name: track.name.clone(), frames, joints: Joints::None, answer })
}

/// Seconds of a piece of the validation stream: pieces run side by side.
const PIECE_S: f64 = 60.0;
/// Streams of train from which scales, formats and the fingerprint come.
const EXAMPLES: usize = 300;

/// Streams of a split, fixed: of train some as they are trained on, of the others the validation stream in pieces.
///
/// # Errors
/// Where the front end refuses its parameters.
pub fn examples(
    recipe: &StreamRecipe,
    corpus: &Corpus,
    split: Split,
    labels: &[String],
    audio: &audio::Config,
) -> Result<Vec<Example>> {
    let tracks: Vec<Track> = match split {
        Split::Train => {
            let (mix, how) = (recipe.mix(corpus, split), recipe.training());
            let n = recipe.count(mix.clips, mix.rate).min(EXAMPLES) as u64;
            (0..n).into_par_iter().map(|k| mix.track(&how, k)).collect()
        }
        _ => pieces(recipe, corpus, split),
    };
    tracks.par_iter().map(|t| example(recipe, t, labels, audio)).collect()
}

/// The validation stream, in pieces.
fn pieces(recipe: &StreamRecipe, corpus: &Corpus, split: Split) -> Vec<Track> {
    let mix = recipe.mix(corpus, split);
    if mix.clips.is_empty() {
        return Vec::new();
    }
    let how = recipe.judging(PIECE_S / 3600.0, mix.clips, mix.rate);
    let n = (recipe.valid_hours.max(0.02) * 3600.0 / PIECE_S).ceil() as u64;
    (0..n).into_par_iter().map(|k| mix.track(&how, 0x7A11_D000 + k)).collect()
}

/// Streams that the trainer takes.
#[derive(Debug)]
pub struct Streams<'a> {
    recipe: &'a StreamRecipe,
    mix: Mix<'a>,
    about: &'a About,
    audio: audio::Config,
    seed: u64,
    /// Of the validation stream, its pieces.
    tracks: Vec<Track>,
    fixed: &'a [Example],
    /// Seeds of streams with false accepts.
    hard: Mutex<Vec<u64>>,
    /// Where they are kept from epoch to epoch.
    kept: Option<std::path::PathBuf>,
    /// Whether streams are made anew.
    fresh: bool,
}

impl<'a> Streams<'a> {
    /// Streams to train on, other ones in each epoch. Seeds of hard ones are kept in the file `kept`, so that a run that is
    /// resumed has them.
    pub fn train(
        recipe: &'a StreamRecipe,
        corpus: &'a Corpus,
        about: &'a About,
        audio: audio::Config,
        seed: u64,
        kept: Option<std::path::PathBuf>,
    ) -> Self {
        let text = kept.as_ref().and_then(|path| std::fs::read(path).ok());
        let hard = text.and_then(|t| serde_json::from_slice(&t).ok()).unwrap_or_default();
        let mix = recipe.mix(corpus, Split::Train);
        let hard = Mutex::new(hard);
        Streams { recipe, mix, about, audio, seed, tracks: Vec::new(), fixed: &[], hard, kept, fresh: true }
    }

    /// The validation stream, whose pieces `examples` are.
    pub fn valid(
        recipe: &'a StreamRecipe,
        corpus: &'a Corpus,
        about: &'a About,
        audio: audio::Config,
        examples: &'a [Example],
    ) -> Self {
        let tracks = pieces(recipe, corpus, Split::Valid);
        let mix = recipe.mix(corpus, Split::Valid);
        Streams {
            recipe,
            mix,
            about,
            audio,
            seed: 0,
            tracks,
            fixed: examples,
            hard: Mutex::default(),
            kept: None,
            fresh: false,
        }
    }

    fn labels(&self) -> &[String] {
        &self.about.encoding.labels
    }

    fn track(&self, seed: u64) -> Track {
        self.mix.track(&self.recipe.training(), seed)
    }

    fn sequence(&self, track: &Track) -> Sequence {
        // The front end's parameters were judged when the examples were made.
        let frames = features(&track.samples, &self.audio).unwrap_or_default();
        let wanted = self.recipe.targets(track, self.labels(), &self.audio);
        Sequence::new(self.about.network_frames(&frames), Target::Steps(wanted))
    }

    /// What a float network says of a track.
    fn played(&self, network: &Network<f32>, sequence: &Sequence) -> Played {
        Played::of_floats(&structure::run(network, sequence.item(), Mode::Evaluate), self.labels().len())
    }
}

impl Dataset for Streams<'_> {
    fn len(&self) -> usize {
        if self.fresh { self.recipe.count(self.mix.clips, self.mix.rate) } else { self.fixed.len() }
    }

    fn get(&self, index: usize, epoch_seed: Option<u64>) -> Sequence {
        if let Some(example) = self.fixed.get(index) {
            return self.about.sequence(example);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(
            epoch_seed.unwrap_or(self.seed) ^ (index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15),
        );
        let fresh = rng.random::<u64>();
        let hard = self.hard.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // As many as there are, but never more than their share.
        let share = self.recipe.mined_share.min(2.0 * hard.len() as f64 / self.len().max(1) as f64);
        let seed = if !hard.is_empty() && rng.random_range(0.0..1.0) < share {
            hard[rng.random_range(0..hard.len())]
        } else {
            fresh
        };
        drop(hard);
        self.sequence(&self.track(seed))
    }

    /// Looks for streams in which the network tells a wrong word.
    fn before_epoch(&self, network: &Network<f32>, epoch: usize) {
        let every = self.recipe.mine_every;
        if !self.fresh || every == 0 || epoch == 0 || !epoch.is_multiple_of(every) {
            return;
        }
        let keyword = super::keywords(self.labels());
        let threshold = (self.recipe.mine_threshold.clamp(0.01, 0.99) * f32::from(ONE)) as u16;
        let first = self.seed ^ ((epoch as u64) << 32);
        let found: Vec<u64> = (0..self.recipe.mine_streams as u64)
            .into_par_iter()
            .filter_map(|k| {
                let seed = first.wrapping_add(k.wrapping_mul(0xD1B5_4A32_D192_ED03));
                let track = self.track(seed);
                let played = [self.played(network, &self.sequence(&track))];
                let tracks = [track];
                let (labels, audio) = (self.labels(), &self.audio);
                let point = Point { tracks: &tracks, played: &played, audio, labels, keyword: &keyword };
                let thresholds = keyword.iter().map(|k| if *k { threshold } else { 0 }).collect();
                let rest = elman::detect::Rest::NEVER;
                let config = elman::detect::Config { smooth: 5, refractory: 25, release: 0, rest, thresholds };
                (point.tally(&config).false_accepts > 0).then_some(seed)
            })
            .collect();
        let mut hard = self.hard.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        hard.extend(found);
        // The latest ones are what the network gets wrong now.
        let surplus = hard.len().saturating_sub(self.recipe.mine_streams);
        hard.drain(..surplus);
        if let (Some(path), Ok(text)) = (&self.kept, serde_json::to_vec(&*hard)) {
            // Where it cannot be written, a resumed run has fewer hard streams, and no other harm is done.
            let _ = crate::files::write_atomically(path, &text);
        }
    }

    /// Share of the keywords that are missed at the recipe's false accepts an hour.
    fn merit(&self, network: &Network<f32>) -> Option<f64> {
        if self.tracks.is_empty() {
            return None;
        }
        let played: Vec<Played> =
            self.fixed.par_iter().map(|e| self.played(network, &self.about.sequence(e))).collect();
        let keyword = super::keywords(self.labels());
        let (labels, audio) = (self.labels(), &self.audio);
        let point = Point { tracks: &self.tracks, played: &played, audio, labels, keyword: &keyword };
        let wish = Wish { max_false_accepts_per_hour: self.recipe.false_accepts_per_hour };
        Some(misses_at(&curve(&sweep(&point, &[6, 13])), wish))
    }
}

/// Misses at the most false accepts of a wish: 1 where every point has more.
fn misses_at(curve: &[super::Found], wish: Wish) -> f64 {
    curve
        .iter()
        .filter(|f| f.tally.per_hour() <= wish.max_false_accepts_per_hour)
        .map(|f| f.tally.miss_rate())
        .fold(1.0, f64::min)
}
