//! Data on disk: recordings as mono samples, corpora in their own layouts, features, augmentation; text, series and
//! windows as records.
//!
//! [`Corpus::open`] looks at a folder, recognises the layout of the corpus of sound in it, and loads it: one file per
//! layout is in `layout/`. [`Records::open`] does the same for everything else, one file per format in `records/`,
//! and makes examples, one file per task in `generate/`.
#![forbid(unsafe_code)]

mod augment;
pub mod cache;
mod corpus;
mod error;
mod features;
pub mod files;
mod generate;
mod layout;
mod lines;
mod note;
mod numbers;
pub mod records;
mod samples;
mod sniff;
mod sound;
mod source;
mod split;
mod structure;
mod survey;
mod table;
mod vocabulary;

pub use augment::Augment;
pub use corpus::{Clip, Corpus, Options, Split};
pub use elman_resample::resample;
pub use error::Error;
pub use features::features;
pub use generate::Generate;
pub use layout::Layout;
pub use note::{Note, NoteKind};
pub use numbers::Numbers;
pub use records::{Answer, Format, Input, Record, RecordOptions, Records, Rows, Task, Unit};
pub use samples::Samples;
use sound::ending;
pub use sound::{Sound, SoundInfo, is_sound, read_sound, stream_file, wav_bytes};
pub use structure::{ExampleStructure, GraphRows};
pub use survey::{SplitSurvey, Survey};
pub use vocabulary::{Vocabulary, VocabularyOptions};

/// The class of a step that asks for nothing: no loss, not counted.
pub const NO_CLASS: u32 = u32::MAX;

#[cfg(test)]
mod tests;
