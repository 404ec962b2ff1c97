//! Recordings that can be played as often as needed, and are never kept as samples.

use anyhow::Result;

use super::Spoken;

/// What is said in a recording, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// Name of the recording.
    pub name: String,
    /// Its length in samples.
    pub samples: usize,
    /// The words, in order.
    pub words: Vec<Spoken>,
}

impl Transcript {
    /// The recording's length in hours.
    pub fn hours(&self, rate: u32) -> f64 {
        self.samples as f64 / f64::from(rate.max(1)) / 3600.0
    }
}

/// A recording whose samples are read or mixed while it is played.
pub trait Recording: Sync {
    /// What is said in it.
    fn transcript(&self) -> &Transcript;

    /// Gives all samples to `sink`, block by block; the same ones each time.
    ///
    /// # Errors
    /// Where they cannot be read.
    fn play(&self, sink: &mut dyn FnMut(&[i16])) -> Result<()>;
}

/// The transcripts of recordings.
pub fn transcripts(recordings: &[Box<dyn Recording + '_>]) -> Vec<Transcript> {
    recordings.iter().map(|r| r.transcript().clone()).collect()
}
