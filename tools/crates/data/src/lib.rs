//! Data on disk: recordings as mono samples, corpora in their own layouts, features, augmentation; text, series and
//! windows as records.
//!
//! [`Corpus::open`] looks at a folder, finds out how the corpus of sound in it is laid out, and loads it: one file per
//! layout stands in `layout/`. [`Records::open`] does the same for all else, one file per format in `records/`,
//! and makes examples, one file per task in `generate/`.
#![forbid(unsafe_code)]

mod augment;
pub mod cache;
mod corpus;
mod error;
mod features;
pub mod files;
mod generate;
mod joints;
mod layout;
mod lines;
mod note;
mod numbers;
pub mod records;
mod sniff;
mod sound;
mod source;
mod split;
mod survey;
mod table;
mod vocabulary;

pub use augment::Augment;
pub use corpus::{Clip, Corpus, Options, Split};
pub use error::Error;
pub use features::features;
pub use generate::Generate;
pub use joints::{Joints, Rows as GraphRows};
pub use layout::Layout;
pub use note::{Note, NoteKind};
pub use numbers::Numbers;
pub use records::{Answer, Format, Input, Record, RecordOptions, Records, Rows, Task, Unit};
use sound::ending;
pub use sound::{Sound, is_sound, read_sound, resample, wav_bytes};
pub use survey::{SplitSurvey, Survey};
pub use vocabulary::{Vocabulary, VocabularyOptions};

#[cfg(test)]
mod tests;
