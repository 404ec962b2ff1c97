//! From a corpus on disk to sequences that train and evaluate a network.
//!
//! A [`Source`] is what was read. An [`Encoding`], fixed once per training run, makes [`Example`]s of it: frames of
//! integers, as the device reads them, and targets. [`Sequences`] and [`Clips`] give them to the trainer.
#![forbid(unsafe_code)]

mod default_recipe;
pub mod embedding;
mod encoding;
pub mod evaluate;
mod evidence;
mod example;
mod extent;
mod fingerprint;
pub mod readings;
mod recordings;
mod reporter;
pub mod run;
mod run_info;
mod sequences;
mod slots;
mod sound;
mod source;
pub mod streams;

pub use default_recipe::default_recipe;
pub use encoding::{Encoding, Frames};
pub use example::{Answer, Example, spread, spread_frames};
pub use extent::structure;
pub use fingerprint::fingerprint;
pub use recordings::{FileRecording, Mixed, recordings};
pub use reporter::Reporter;
pub use run_info::RunInfo;
pub use sequences::Sequences;
pub use sound::{Clips, examples, known_labels, play_clip, read_clip, wanted_rate};
pub use source::Source;
pub use streams::Streams;
