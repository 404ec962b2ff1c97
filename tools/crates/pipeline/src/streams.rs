//! Streams to train on: words at random in background noise, hard negatives again.

use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::Result;
use elman::audio;
use elman::detect::Probability;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::RunInfo;
use crate::slots::Slots;
use crate::{Answer, Example};
use elman_data::{Corpus, ExampleStructure, Split, features};
use elman_listen::{
    CalibrationSet, Mix, OperatingPoint, OperatingTarget, StreamRecipe, StreamScores, Track, Transcript, check_outputs,
    curve, keywords, sweep,
};
use elman_nn::{Mode, Network, Target, structure};
use elman_train::{Dataset, Sequence};

/// A stream as an example.
fn example(recipe: &StreamRecipe, track: &Track, labels: &[String], audio: &audio::Config) -> Result<Example> {
    let frames = features(&track.samples, audio).map_err(|e| anyhow::anyhow!("{}: {e}", track.name))?;
    let answer = Answer::Steps(recipe.targets(track, labels, audio));
    Ok(Example { name: track.name.clone(), frames, joints: ExampleStructure::None, answer })
}

/// Seconds of a piece of the validation stream: pieces run side by side.
const PIECE_S: f64 = 60.0;
/// Streams of train from which scales, formats and the fingerprint come.
const EXAMPLES: usize = 300;
/// Streams in which hard negatives are searched to see how long that takes.
const SEARCHED: usize = 32;

/// Streams of a split, fixed: of train some like those that are trained on, of the others the validation stream in pieces.
///
/// # Errors
/// Where the front end's parameters are invalid, or there are too many labels.
pub fn examples(
    recipe: &StreamRecipe,
    corpus: &Corpus,
    split: Split,
    labels: &[String],
    audio: &audio::Config,
) -> Result<Vec<Example>> {
    check_outputs(labels)?;
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
    let how = recipe.evaluation_mix(PIECE_S / 3600.0, mix.clips, mix.rate);
    let n = (recipe.valid_hours.max(0.02) * 3600.0 / PIECE_S).ceil() as u64;
    (0..n).into_par_iter().map(|k| mix.track(&how, 0x7A11_D000 + k)).collect()
}

/// Streams for the trainer.
#[derive(Debug)]
pub struct Streams<'a> {
    recipe: &'a StreamRecipe,
    mix: Mix<'a>,
    about: &'a RunInfo,
    audio: audio::Config,
    seed: u64,
    set: Set<'a>,
}

#[derive(Debug)]
enum Set<'a> {
    /// Streams of random clips, which change over the epochs.
    Train {
        slots: Mutex<Slots>,
        /// Features and target labels of the current streams, with their seeds.
        made: Vec<Mutex<Option<(u64, Made)>>>,
        /// Where the slots are kept from epoch to epoch.
        kept: Option<PathBuf>,
    },
    /// The validation stream: its pieces.
    Valid { tracks: Vec<Transcript>, examples: &'a [Example] },
}

/// The features of a stream.
#[derive(Clone, Debug)]
struct Made {
    frames: Vec<i16>,
    wanted: Vec<u32>,
}

impl<'a> Streams<'a> {
    /// Streams to train on, which change with the epochs. Their seeds are stored in the file `kept`, so that a resumed run has
    /// the same.
    pub fn train(
        recipe: &'a StreamRecipe,
        corpus: &'a Corpus,
        about: &'a RunInfo,
        audio: audio::Config,
        seed: u64,
        kept: Option<PathBuf>,
    ) -> Self {
        let mix = recipe.mix(corpus, Split::Train);
        let slots = Mutex::new(Slots::read(kept.as_deref()));
        let made = (0..recipe.count(mix.clips, mix.rate)).map(|_| Mutex::default()).collect();
        Streams { recipe, mix, about, audio, seed, set: Set::Train { slots, made, kept } }
    }

    /// The validation stream, whose pieces `examples` are.
    pub fn valid(
        recipe: &'a StreamRecipe,
        corpus: &'a Corpus,
        about: &'a RunInfo,
        audio: audio::Config,
        examples: &'a [Example],
    ) -> Self {
        let tracks = pieces(recipe, corpus, Split::Valid).iter().map(Track::transcript).collect();
        let mix = recipe.mix(corpus, Split::Valid);
        Streams { recipe, mix, about, audio, seed: 0, set: Set::Valid { tracks, examples } }
    }

    fn labels(&self) -> &[String] {
        &self.about.encoding.labels
    }

    fn track(&self, seed: u64) -> Track {
        self.mix.track(&self.recipe.training(), seed)
    }

    fn make(&self, track: &Track) -> Made {
        // The front end's parameters were checked when the examples were made.
        let frames = features(&track.samples, &self.audio).unwrap_or_default();
        let wanted = self.recipe.targets(track, self.labels(), &self.audio);
        Made { frames, wanted }
    }

    fn sequence(&self, made: Made) -> Sequence {
        Sequence::new(self.about.network_frames(&made.frames), Target::Steps(made.wanted))
    }

    /// The logits of a float network for a track.
    fn played(&self, network: &Network<f32>, sequence: &Sequence) -> StreamScores {
        StreamScores::of_floats(&structure::run(network, sequence.item(), Mode::Evaluate), self.labels().len())
    }

    /// Seeds of streams in which the network detects a wrong word, of `n` streams.
    fn hard_negatives(&self, network: &Network<f32>, epoch: usize, n: usize) -> Vec<u64> {
        let keyword = keywords(self.labels());
        let threshold =
            Probability::from_bits((self.recipe.hard_negatives_threshold.clamp(0.01, 0.99) * 32_768.0) as u16);
        let first = self.seed ^ ((epoch as u64) << 32);
        (0..n as u64)
            .into_par_iter()
            .filter_map(|k| {
                let seed = first.wrapping_add(k.wrapping_mul(0xD1B5_4A32_D192_ED03));
                let track = self.track(seed);
                let played = [self.played(network, &self.sequence(self.make(&track)))];
                let tracks = [track.transcript()];
                let (labels, audio) = (self.labels(), &self.audio);
                let point = CalibrationSet { tracks: &tracks, played: &played, audio, labels, keyword: &keyword };
                let thresholds = keyword.iter().map(|k| if *k { threshold } else { Probability::ZERO }).collect();
                let rest = elman::detect::SilenceReset::NEVER;
                let config = elman::detect::Config {
                    smooth: 5,
                    refractory: 25,
                    release: Probability::ZERO,
                    silence_reset: rest,
                    thresholds,
                };
                (point.counts(&config).false_accepts > 0).then_some(seed)
            })
            .collect()
    }
}

impl Dataset for Streams<'_> {
    fn len(&self) -> usize {
        match &self.set {
            Set::Train { made, .. } => made.len(),
            Set::Valid { examples, .. } => examples.len(),
        }
    }

    fn get(&self, index: usize, epoch_seed: Option<u64>) -> Sequence {
        match &self.set {
            Set::Valid { examples, .. } => self.about.sequence(&examples[index]),
            Set::Train { slots, made, .. } => {
                let seed = unpoisoned(slots).seed(index);
                let stays = self.recipe.reuse > 1;
                let found = unpoisoned(&made[index]).as_ref().filter(|(s, _)| *s == seed).map(|(_, m)| m.clone());
                let mut stream = found.unwrap_or_else(|| {
                    let fresh = self.make(&self.track(seed));
                    if stays {
                        *unpoisoned(&made[index]) = Some((seed, fresh.clone()));
                    }
                    fresh
                });
                if let Some(epoch_seed) = epoch_seed {
                    let mixed = epoch_seed ^ (index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                    let mut rng = ChaCha8Rng::seed_from_u64(mixed);
                    self.recipe.vary.apply(&mut stream.frames, &self.audio, &mut rng);
                }
                self.sequence(stream)
            }
        }
    }

    /// Searches for streams in which the network detects a wrong word, and chooses the epoch's streams.
    fn before_epoch(&self, network: &Network<f32>, epoch: usize) {
        let Set::Train { slots, made, kept } = &self.set else { return };
        let recipe = self.recipe;
        let due = unpoisoned(slots).search_due(epoch, recipe.hard_negatives_every);
        let found = if due { self.hard_negatives(network, epoch, recipe.hard_negatives_streams) } else { Vec::new() };
        let mut slots = unpoisoned(slots);
        if due {
            slots.add_hard_negatives(epoch, found, recipe.hard_negatives_streams);
        }
        slots.turn(epoch, made.len(), recipe.reuse, recipe.hard_negatives_share, self.seed);
        slots.write(kept.as_ref());
    }

    fn renewed(&self) -> f64 {
        1.0 / self.recipe.reuse.max(1) as f64
    }

    fn search_share(&self, network: &Network<f32>) -> f64 {
        let (n, every) = (self.recipe.hard_negatives_streams, self.recipe.hard_negatives_every);
        if every == 0 || n == 0 || matches!(self.set, Set::Valid { .. }) {
            return 0.0;
        }
        let some = n.min(SEARCHED);
        self.hard_negatives(network, 0, some);
        n as f64 / some as f64 / every as f64
    }

    fn kept_later(&self) -> usize {
        let Set::Train { made, .. } = &self.set else { return 0 };
        let missing = made.iter().filter(|made| unpoisoned(made).is_none()).count();
        let [values, steps] = self.extent(0).unwrap_or_default();
        if self.recipe.reuse > 1 { missing * (values * size_of::<i16>() + steps * size_of::<u32>()) } else { 0 }
    }

    /// All streams that are trained on have the same length.
    fn extent(&self, _: usize) -> Option<[usize; 2]> {
        let Set::Train { made, .. } = &self.set else { return None };
        let samples = (self.recipe.training().seconds * f64::from(self.mix.rate)) as usize;
        let (window, hop) = (usize::from(self.audio.window), usize::from(self.audio.hop).max(1));
        let steps = if made.is_empty() || samples < window { 0 } else { (samples - window) / hop + 1 };
        Some([steps * self.about.encoding.inputs(), steps])
    }

    /// Share of the keywords that are missed at the recipe's false accepts an hour.
    fn validation_metric(&self, network: &Network<f32>) -> Option<f64> {
        let Set::Valid { tracks, examples } = &self.set else { return None };
        // Of no word there is no share that is missed.
        let keyword = keywords(self.labels());
        let is_keyword = |label: &String| self.labels().iter().zip(&keyword).any(|(l, k)| *k && l == label);
        if !tracks.iter().flat_map(|t| &t.words).any(|w| is_keyword(&w.label)) {
            return None;
        }
        let played: Vec<StreamScores> =
            examples.par_iter().map(|e| self.played(network, &self.about.sequence(e))).collect();
        let (labels, audio) = (self.labels(), &self.audio);
        let point = CalibrationSet { tracks, played: &played, audio, labels, keyword: &keyword };
        let target = OperatingTarget { max_false_accepts_per_hour: self.recipe.false_accepts_per_hour };
        Some(misses_at(&curve(&sweep(&point, &[6, 13])), target))
    }
}

/// What a lock guards, also where another thread panicked with it: every change is whole.
fn unpoisoned<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Misses at the most false accepts of a target: 1 where every point has more.
fn misses_at(curve: &[OperatingPoint], target: OperatingTarget) -> f64 {
    curve
        .iter()
        .filter(|f| f.counts.per_hour() <= target.max_false_accepts_per_hour)
        .map(|f| f.counts.miss_rate())
        .fold(1.0, f64::min)
}
