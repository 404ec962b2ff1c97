//! What is played: streams that are mixed from clips, or recordings of the user's.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, ensure};
use elman::audio;
use elman_data::{Corpus, Split};
use elman_listen::{Recording, StreamRecipe, Transcript};
use elman_pipeline::run::RunFolder;
use elman_pipeline::{FileRecording, Mixed, Reporter, Source, recordings};
use serde::Deserialize;

/// What is played.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Material {
    /// Hours that are mixed.
    pub hours: f64,
    /// Clips an hour.
    pub per_hour: f64,
    /// Level of the words above the background, in dB.
    pub snr: f32,
    /// train, valid or test; by default valid, or test or train where there is none.
    pub split: Option<String>,
    /// Seed of everything random.
    pub seed: u64,
    /// Whether the project's own recordings are played instead.
    pub recordings: bool,
}

impl Default for Material {
    fn default() -> Self {
        Material { hours: 1.0, per_hour: 300.0, snr: 10.0, split: None, seed: 101, recordings: false }
    }
}

/// Longest that is mixed, in hours.
const MOST_HOURS: f64 = 100.0;
/// Where recordings come from.
#[derive(Debug)]
pub(super) enum Streams {
    Files(Vec<FileRecording>),
    Mixed { corpus: Box<Corpus>, stream: Box<StreamRecipe>, mixed: Mixed },
}

/// A recording whose samples are kept in a file while it is played: a part of it is found at once then.
pub(super) struct Kept<'a> {
    pub(super) recording: Box<dyn Recording + 'a>,
    pub(super) file: &'a Mutex<File>,
}

impl Recording for Kept<'_> {
    fn transcript(&self) -> &Transcript {
        self.recording.transcript()
    }

    fn play(&self, sink: &mut dyn FnMut(&[i16])) -> Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut to, mut wrong) = (BufWriter::new(&mut *file), None);
        self.recording.play(&mut |block| {
            let bytes: Vec<u8> = block.iter().flat_map(|x| x.to_le_bytes()).collect();
            wrong = wrong.take().or(to.write_all(&bytes).err());
            sink(block);
        })?;
        let wrong = wrong.or(to.flush().err());
        wrong.map_or(Ok(()), |e| Err(anyhow::Error::from(e).context("the stream cannot be kept in a temporary file")))
    }
}

struct Silent;

impl Reporter for Silent {
    fn note(&self, _remark: &str) {}
}

impl Streams {
    pub(super) fn open(project: &Path, run: &Path, audio: &audio::Config, how: &Material) -> Result<Streams> {
        if how.recordings {
            return Ok(Streams::Files(recordings(&project.join("recordings"), audio, false, &Silent)?));
        }
        let good = |x: f64, most: f64| x > 0.0 && x <= most;
        ensure!(good(how.hours, MOST_HOURS), "hours is {}; it is above 0 and at most {MOST_HOURS}", how.hours);
        ensure!(good(how.per_hour, 3600.0), "per_hour is {}; it is above 0 and at most 3600", how.per_hour);
        ensure!(how.snr.is_finite(), "snr is no number; it is a level in dB");
        let mut recipe = RunFolder::open(run)?.recipe()?;
        recipe.evaluate = true;
        let stream = Box::new(recipe.stream.get_or_insert_with(StreamRecipe::default).clone());
        let source = Source::open(&project.join("clips"), &recipe, Some(audio.sample_rate), &Silent)?;
        let Source::Sound(mut corpus) = source else { anyhow::bail!("the folder clips contains no sound") };
        let split = match how.split.as_deref() {
            Some("train") => Split::Train,
            Some("test") => Split::Test,
            Some("valid") => Split::Valid,
            Some(other) => anyhow::bail!("the split {other:?} is none: there are train, valid and test"),
            None => {
                [Split::Valid, Split::Test].into_iter().find(|s| !corpus.split(*s).is_empty()).unwrap_or(Split::Train)
            }
        };
        corpus.keep(split);
        let mixed = Mixed { split, hours: how.hours, per_hour: how.per_hour, snr_db: how.snr, seed: how.seed };
        Ok(Streams::Mixed { corpus: Box::new(corpus), stream, mixed })
    }

    pub(super) fn recordings(&self) -> Result<Vec<Box<dyn Recording + '_>>> {
        fn boxed<'a>(r: impl Recording + 'a) -> Box<dyn Recording + 'a> {
            Box::new(r)
        }
        Ok(match self {
            Streams::Files(files) => files.iter().cloned().map(boxed).collect(),
            Streams::Mixed { corpus, stream, mixed } => {
                mixed.recordings(stream, corpus)?.into_iter().map(boxed).collect()
            }
        })
    }
}
