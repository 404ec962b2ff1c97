//! From a corpus on disk to sequences that train and judge a network.
//!
//! A [`Source`] is what was read. An [`Encoding`], fixed once per training run, makes [`Example`]s of it: frames of
//! integers, as the device takes them, and answers. [`Sequences`] and [`Clips`] hand them to the trainer.

mod encoding;
mod example;
mod extent;
mod sequences;
mod sound;

pub use encoding::{Encoding, Frames};
pub use example::{Answer, Example, spread, spread_frames};
pub use extent::structure;
pub use sequences::Sequences;
pub use sound::{Clips, examples, read_clip, same_labels, wanted_rate};

use std::hash::Hasher;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::data::records::Records;
use crate::data::{Corpus, Split};
use crate::recipe::Recipe;
use crate::ui::Ui;

/// What was read from a folder.
#[derive(Clone, Debug)]
pub enum Source {
    /// Recordings.
    Sound(Corpus),
    /// Text, series, windows.
    Records(Records),
}

impl Source {
    /// Opens a folder as a recipe says (sound at `rate`, where that is given), and says what was found.
    ///
    /// # Errors
    /// What the reader found wrong.
    pub fn open(dir: &Path, recipe: &Recipe, rate: Option<u32>, ui: Ui) -> Result<Self> {
        let Some(options) = &recipe.data else {
            return Ok(Source::Sound(sound::open(dir, recipe.stream.as_ref(), rate, ui)?));
        };
        let records = Records::open(dir, options)?;
        ui.note(format!(
            "{}: {}, {} examples to train on, {} to validate{}, {} to test",
            dir.display(),
            records.format,
            records.train.len(),
            records.valid.len(),
            if records.valid_is_carved { " (carved out of train)" } else { "" },
            records.test.len()
        ));
        for note in &records.notes {
            ui.note(format!("note: {note}"));
        }
        Ok(Source::Records(records))
    }

    /// Where it came from.
    pub fn dir(&self) -> &Path {
        match self {
            Source::Sound(corpus) => &corpus.dir,
            Source::Records(records) => &records.dir,
        }
    }

    /// Examples in a split.
    pub fn count(&self, split: Split) -> usize {
        match self {
            Source::Sound(corpus) => corpus.split(split).len(),
            Source::Records(records) => records.split(split).len(),
        }
    }

    /// The split that judges: the one named, else test, else valid.
    ///
    /// # Errors
    /// Where the named split is empty.
    pub fn judging(&self, named: Option<Split>) -> Result<Split> {
        let split = named.unwrap_or(if self.count(Split::Test) == 0 { Split::Valid } else { Split::Test });
        ensure!(self.count(split) > 0, "{} has no examples in its {split} split", self.dir().display());
        Ok(split)
    }
}

/// Hash of the recipe (but for the number of threads), labels and examples: the run's identity.
///
/// # Errors
/// Where the recipe cannot be written out.
pub fn fingerprint<'e>(
    recipe: &Recipe,
    encoding: &Encoding,
    examples: impl Iterator<Item = &'e Example>,
) -> Result<u64> {
    let mut recipe = recipe.clone();
    recipe.train.threads = 0;
    let mut hash = Fnv(0xCBF2_9CE4_8422_2325);
    hash.write(recipe.to_toml()?.as_bytes());
    hash.write(&serde_json::to_vec(encoding)?);
    for example in examples {
        hash.write(example.name.as_bytes());
        example.frames.iter().for_each(|s| hash.write(&s.to_le_bytes()));
        match &example.answer {
            Answer::Class(class) => hash.write(&class.to_le_bytes()),
            Answer::Steps(steps) | Answer::Symbols(steps) => steps.iter().for_each(|s| hash.write(&s.to_le_bytes())),
            Answer::Values(values) | Answer::Last(values) => values.iter().for_each(|v| hash.write(&v.to_le_bytes())),
            Answer::Next => {}
        }
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
