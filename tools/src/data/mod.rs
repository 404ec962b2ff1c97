//! Data on disk: recordings as mono samples, corpora in their own layouts, features, augmentation.
//!
//! [`Corpus::open`] looks at a folder, finds out how the corpus in it is laid out, and loads it.
//! One file per layout stands in `layout/`, one file per step beside it.

mod augment;
mod corpus;
mod error;
mod features;
mod layout;
mod note;
mod sound;
mod source;
mod split;

pub use augment::Augment;
pub use corpus::{Clip, Corpus, Options, Split};
pub use error::Error;
pub use features::features;
pub use layout::Layout;
pub use note::{Note, NoteKind};
pub use sound::{Sound, read_sound, resample};

#[cfg(test)]
mod tests;
