//! Recordings: features by the device's front end, clips varied while training.

use std::path::Path;

use anyhow::{Result, ensure};
use elman::audio;
use rayon::prelude::*;

use super::{Answer, Example};
use crate::Reporter;
use crate::RunInfo;
use elman_data::cache::{Cache, Key};
use elman_data::{Augment, Clip, Corpus, Note, NoteKind, Options, Split, features};
use elman_listen::Noise;
use elman_nn::Target;
use elman_recipe::Recipe;
use elman_train::{Dataset, Sequence};

/// Opens a corpus and reports what was found and converted.
///
/// # Errors
/// What the reader found wrong: all files that cannot be read.
pub(super) fn open(dir: &Path, recipe: &Recipe, sample_rate: Option<u32>, reporter: &dyn Reporter) -> Result<Corpus> {
    let base = Options { sample_rate, skip_bad: recipe.skip_bad, evaluate: recipe.evaluate, ..Options::default() };
    let options = match &recipe.stream {
        Some(s) => {
            Options { words: s.words.clone(), leave_out: s.leave_out.clone(), valid_share: s.valid_share, ..base }
        }
        None => base,
    };
    let corpus = Corpus::open(dir, &options)?;
    reporter.note(&format!(
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
        reporter.note(&format!("note: {note}"));
    }
    if let Some(note) = without_noise(&corpus, recipe).filter(|_| !recipe.evaluate) {
        reporter.note(&format!("note: {note}"));
    }
    Ok(corpus)
}

/// A note where a recipe asks for background noise that the corpus does not have.
fn without_noise(corpus: &Corpus, recipe: &Recipe) -> Option<String> {
    let asks = match &recipe.stream {
        Some(stream) if stream.noises.contains(&Noise::Background) => {
            "noises of [stream] has \"background\"".to_owned()
        }
        None if recipe.augment.noise_share > 0.0 => format!("augment.noise_share = {}", recipe.augment.noise_share),
        _ => return None,
    };
    corpus.noise.is_empty().then(|| {
        format!(
            "{asks}, and {} has no recordings of background; white noise takes their place; put some into noise/ or \
             _background_noise_/",
            corpus.dir.display()
        )
    })
}

/// The sample rate that a recipe requires.
pub fn wanted_rate(recipe: &Recipe) -> Option<u32> {
    (recipe.features.sample_rate != 0).then_some(recipe.features.sample_rate)
}

/// Raw features and labels of clips, by the device's front end, or from the cache of an earlier run.
///
/// # Errors
/// Where the front end's parameters are invalid.
pub fn examples(clips: &[Clip], audio: &audio::Config) -> Result<Vec<Example>> {
    let make = || {
        let of = |c: &Clip| features(&c.samples.read(), audio).map_err(|e| anyhow::anyhow!("{}: {e}", c.name));
        clips.par_iter().map(of).collect()
    };
    let all = Cache::of_user().vectors(&key(clips, audio)?, make)?;
    let examples = clips.iter().zip(all).map(|(c, frames)| Example {
        name: c.name.clone(),
        frames,
        joints: elman_data::ExampleStructure::None,
        answer: Answer::Class(c.label as u32),
    });
    Ok(examples.collect())
}

/// What features depend on: the samples, the front end's parameters, and its code, represented by features of noise.
fn key(clips: &[Clip], audio: &audio::Config) -> Result<Key> {
    let bytes = |samples: &[i16]| samples.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    // Piece by piece: a copy of a long recording would take as much memory again.
    let digest = |c: &Clip| {
        let mut hash = sha1_smol::Sha1::new();
        c.samples.read().chunks(1 << 14).for_each(|piece| hash.update(&bytes(piece)));
        hash.digest().bytes()
    };
    let mut state = 1u32;
    let noise: Vec<i16> = (0..4 * audio.window)
        .map(|k| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state as i32 >> (16 + k % 13)) as i16
        })
        .collect();
    let mut key = Key::new("features");
    key.add(&postcard::to_stdvec(audio)?);
    key.add(&bytes(&features(&noise, audio)?));
    let digests: Vec<_> = clips.par_iter().map(digest).collect();
    digests.iter().for_each(|d| key.add(d));
    Ok(key)
}

/// Clips as sequences: varied while training, as they are otherwise.
#[derive(Debug)]
pub struct Clips<'a> {
    clips: &'a [Clip],
    examples: &'a [Example],
    background: &'a [Vec<i16>],
    audio: audio::Config,
    about: &'a RunInfo,
    augment: Augment,
}

impl<'a> Clips<'a> {
    /// `examples` are the raw features of `clips`.
    pub fn new(
        corpus: &'a Corpus,
        split: Split,
        examples: &'a [Example],
        audio: audio::Config,
        about: &'a RunInfo,
        augment: Augment,
    ) -> Self {
        Clips { clips: corpus.split(split), examples, background: &corpus.noise, audio, about, augment }
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
                let samples = self.augment.apply(&clip.samples.read(), self.background, seed);
                // The parameters were checked when the examples were made.
                self.about.network_frames(&features(&samples, &self.audio).unwrap_or_default())
            }
            _ => self.about.network_frames(&self.examples[index].frames),
        };
        Sequence::new(frames, Target::Class(clip.label as u32))
    }
}

/// The model's number of each label of a corpus, which may be in another order and need not have all of them.
///
/// # Errors
/// With those that the model does not have.
pub fn known_labels(corpus: &[String], dir: &Path, labels: &[String]) -> Result<Vec<usize>> {
    let unknown: Vec<&str> = corpus.iter().filter(|l| !labels.contains(l)).map(String::as_str).collect();
    ensure!(
        unknown.is_empty(),
        "{} has the labels {}, the model {}: take out or rename {}",
        dir.display(),
        corpus.join(" "),
        labels.join(" "),
        unknown.join(" ")
    );
    Ok(corpus.iter().filter_map(|l| labels.iter().position(|k| k == l)).collect())
}

/// Reads a sound for a model: mono samples at the front end's rate, with what was converted.
///
/// # Errors
/// Where the file is no sound.
pub fn read_clip(path: &Path, audio: &audio::Config) -> Result<(Vec<i16>, Vec<Note>)> {
    let mut samples = Vec::new();
    let notes = play_clip(path, audio, &mut |piece| samples.extend_from_slice(piece))?;
    Ok((samples, notes))
}

/// Gives the samples that [`read_clip`] reads to `sink` piece by piece, however long they are, with what was converted.
///
/// # Errors
/// Where the file is no sound; `sink` may have been given samples.
pub fn play_clip(path: &Path, audio: &audio::Config, sink: &mut dyn FnMut(&[i16])) -> Result<Vec<Note>> {
    let to = audio.sample_rate;
    let info = elman_data::stream_file(path, to, sink)?;
    let mut kinds = info.notes;
    if info.rate != to {
        kinds.push(NoteKind::Resampled { from: info.rate, to });
    }
    let name = path.display().to_string();
    Ok(kinds.into_iter().map(|kind| Note { kind, clips: 1, first: name.clone() }).collect())
}
