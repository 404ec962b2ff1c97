//! What was read from a folder, whatever its kind.

use std::path::Path;

use anyhow::{Result, ensure};
use elman_data::records::{RecordOptions, Records};
use elman_data::{Corpus, Split};

use crate::Reporter;
use crate::sound;
use elman_recipe::Recipe;

/// What was read from a folder.
#[derive(Clone, Debug)]
pub enum Source {
    /// Recordings.
    Sound(Corpus),
    /// Text, series, windows.
    Records(Records),
}

impl Source {
    /// Opens a folder as a recipe says (sound at `rate`, where that is given), and reports what was found.
    ///
    /// # Errors
    /// The first error of the reader.
    pub fn open(dir: &Path, recipe: &Recipe, rate: Option<u32>, reporter: &dyn Reporter) -> Result<Self> {
        let Some(options) = &recipe.data else {
            return Ok(Source::Sound(sound::open(dir, recipe, rate, reporter)?));
        };
        let (skip_bad, evaluate, context) = (recipe.skip_bad, recipe.evaluate, recipe.sequences.skip);
        let options = RecordOptions { skip_bad, evaluate, context, ..options.clone() };
        let records = Records::open(dir, &options)?;
        reporter.note(&format!(
            "{}: {}, {} examples to train on, {} to validate{}, {} to test",
            dir.display(),
            records.format,
            records.train.len(),
            records.valid.len(),
            if records.valid_is_carved { " (carved out of train)" } else { "" },
            records.test.len()
        ));
        for note in &records.notes {
            reporter.note(&format!("note: {note}"));
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

    /// Whether its examples are train alone, and some of them were set apart to validate.
    pub fn is_train_alone(&self) -> bool {
        let carved = match self {
            Source::Sound(corpus) => corpus.valid_is_carved,
            Source::Records(records) => records.valid_is_carved,
        };
        (carved || self.count(Split::Valid) == 0) && self.count(Split::Test) == 0
    }

    /// Puts what was set apart to validate back into train.
    pub fn join_valid(&mut self) {
        match self {
            Source::Sound(corpus) => corpus.train.append(&mut corpus.valid),
            Source::Records(records) => records.train.append(&mut records.valid),
        }
    }

    /// The split to evaluate on: the one named, else test, else valid.
    ///
    /// # Errors
    /// Where the named split is empty.
    pub fn evaluation_split(&self, named: Option<Split>) -> Result<Split> {
        let split = named.unwrap_or(if self.count(Split::Test) == 0 { Split::Valid } else { Split::Test });
        ensure!(self.count(split) > 0, "{} has no examples in its {split} split", self.dir().display());
        Ok(split)
    }
}
