//! From a corpus on disk to sequences that train and judge a network.

use std::hash::Hasher;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use elman::audio;
use rayon::prelude::*;

use crate::data::{Augment, Clip, Corpus, Note, NoteKind, Options, Split, features};
use crate::evaluate::Example;
use crate::nn::{Network, Target};
use crate::quant::IntegerLayer;
use crate::quant::scaling::{Moments, scaled};
use crate::recipe::Recipe;
use crate::run::About;
use crate::train::{Dataset, Sequence};
use crate::ui::Ui;

/// Opens a corpus and says what was found and converted.
///
/// # Errors
/// What the reader found wrong.
pub fn open_corpus(dir: &Path, sample_rate: Option<u32>, ui: Ui) -> Result<Corpus> {
    let options = Options { sample_rate, ..Options::default() };
    let corpus = Corpus::open(dir, &options)?;
    ui.note(format!(
        "{}: {} labels, {} clips to train on, {} to validate{}, {} to test, {} Hz",
        dir.display(),
        corpus.labels.len(),
        corpus.train.len(),
        corpus.valid.len(),
        if corpus.valid_is_carved { " (carved out of train)" } else { "" },
        corpus.test.len(),
        corpus.sample_rate
    ));
    for note in &corpus.notes {
        ui.note(format!("note: {note}"));
    }
    Ok(corpus)
}

/// The rate that a recipe asks for.
pub fn wanted_rate(recipe: &Recipe) -> Option<u32> {
    (recipe.features.sample_rate != 0).then_some(recipe.features.sample_rate)
}

/// Raw features and labels of clips, by the device's front end.
///
/// # Errors
/// Where the front end refuses its parameters.
pub fn examples(clips: &[Clip], audio: &audio::Config) -> Result<Vec<Example>> {
    clips
        .par_iter()
        .map(|c| {
            let features = features(&c.samples, audio).map_err(|e| anyhow::anyhow!("{}: {e}", c.name))?;
            Ok(Example { features, label: c.label })
        })
        .collect()
}

/// What surrounds a network trained on this corpus by this recipe: computed from the training clips.
///
/// # Errors
/// Where there is nothing to train on or the front end refuses its parameters.
pub fn about(corpus: &Corpus, recipe: &Recipe, train: &[Example], audio: audio::Config) -> Result<About> {
    ensure!(!train.is_empty(), "{} has no clips to train on", corpus.dir.display());
    let mut moments = Moments::default();
    train.iter().for_each(|e| moments.add(&e.features, audio.channels as usize));
    let scale = moments.layer(audio::FEATURE_FRAC as u8);
    Ok(About {
        labels: corpus.labels.clone(),
        audio,
        scale_shift: scale.long_frac,
        scale: scale.scale,
        fingerprint: fingerprint(corpus, recipe)?,
    })
}

/// Hash of the recipe (but for the number of threads), the corpus' samples and labels: the run's identity.
fn fingerprint(corpus: &Corpus, recipe: &Recipe) -> Result<u64> {
    let mut recipe = recipe.clone();
    recipe.train.threads = 0;
    let mut hash = Fnv(0xCBF2_9CE4_8422_2325);
    hash.write(recipe.to_toml()?.as_bytes());
    for clip in corpus.train.iter().chain(&corpus.valid) {
        hash.write(clip.name.as_bytes());
        hash.write(corpus.labels[clip.label].as_bytes());
        clip.samples.iter().for_each(|s| hash.write(&s.to_le_bytes()));
    }
    Ok(hash.finish())
}

/// FNV-1a: a fixed hash, unlike the standard library's.
struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = (self.0 ^ *b as u64).wrapping_mul(0x0100_0000_01B3);
        }
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

/// Clips as sequences: varied while training, as they are otherwise.
#[derive(Debug)]
pub struct Clips<'a> {
    clips: &'a [Clip],
    examples: &'a [Example],
    background: &'a [Vec<i16>],
    audio: audio::Config,
    scale: &'a IntegerLayer,
    augment: Augment,
}

impl<'a> Clips<'a> {
    /// `examples` are the raw features of `clips`.
    pub fn new(
        corpus: &'a Corpus,
        split: Split,
        examples: &'a [Example],
        audio: audio::Config,
        scale: &'a IntegerLayer,
        augment: Augment,
    ) -> Self {
        Clips { clips: corpus.split(split), examples, background: &corpus.noise, audio, scale, augment }
    }
}

impl Dataset for Clips<'_> {
    fn len(&self) -> usize {
        self.clips.len()
    }

    fn get(&self, index: usize, epoch_seed: Option<u64>) -> Sequence {
        let clip = &self.clips[index];
        let frames = match epoch_seed {
            Some(seed) if self.augment != Augment::default() => {
                let seed = seed ^ (index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let samples = self.augment.apply(&clip.samples, self.background, seed);
                // The parameters were judged when the examples were made.
                scaled(self.scale, &features(&samples, &self.audio).unwrap_or_default())
            }
            _ => scaled(self.scale, &self.examples[index].features),
        };
        Sequence { frames, target: Target::Class(clip.label as u32) }
    }
}

/// What the float network hears in each clip.
pub fn float_answers(network: &Network<f32>, scale: &IntegerLayer, examples: &[Example]) -> Vec<usize> {
    examples
        .par_iter()
        .map(|e| {
            let output = network.run(&scaled(scale, &e.features));
            let last = &output[output.len() - network.spec().outputs()..];
            crate::nn::argmax(last)
        })
        .collect()
}

/// Labels of a corpus must be the model's, in the same order.
///
/// # Errors
/// With both lists where they differ.
pub fn same_labels(corpus: &Corpus, labels: &[String]) -> Result<()> {
    ensure!(
        corpus.labels == labels,
        "{} has the labels {}, the model {}; evaluate on data with the model's labels",
        corpus.dir.display(),
        corpus.labels.join(" "),
        labels.join(" ")
    );
    Ok(())
}

/// The clips of the split that judges: the one named, else test, else valid.
///
/// # Errors
/// Where the named split is empty.
pub fn judging(corpus: &Corpus, named: Option<Split>) -> Result<Split> {
    let split = named.unwrap_or(if corpus.test.is_empty() { Split::Valid } else { Split::Test });
    ensure!(!corpus.split(split).is_empty(), "{} has no clips in its {split} split", corpus.dir.display());
    Ok(split)
}

/// Some of `examples`, evenly spread.
pub fn spread(examples: &[Example], n: usize) -> Vec<Vec<i16>> {
    let n = n.clamp(1, examples.len().max(1));
    (0..n).filter_map(|k| examples.get(k * examples.len() / n)).map(|e| e.features.clone()).collect()
}

/// Reads a sound for a model: mono samples at the front end's rate, with what was converted.
///
/// # Errors
/// Where the file is no sound.
pub fn read_clip(path: &Path, audio: &audio::Config) -> Result<(Vec<i16>, Vec<Note>)> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
    let sound = crate::data::read_sound(&name, bytes)?;
    let (from, to) = (sound.rate, audio.sample_rate);
    let mut kinds = sound.notes;
    let samples = if from == to {
        sound.samples
    } else {
        kinds.push(NoteKind::Resampled { from, to });
        crate::data::resample(&sound.samples, from, to)
    };
    let notes = kinds.into_iter().map(|kind| Note { kind, clips: 1, first: name.clone() }).collect();
    Ok((samples, notes))
}
