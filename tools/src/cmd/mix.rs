//! `elman mix`: long recordings with label files, mixed from the clips of a corpus and its background.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use elman::audio;

use crate::ui::Ui;
use elman_data::{Corpus, Split};
use elman_listen::{Recording, StreamRecipe, Track};
use elman_pipeline::run::RunFolder;
use elman_pipeline::{FileRecording, Mixed, recordings};
use elman_pipeline::{Source, wanted_rate};
use elman_recipe::Recipe;
use elman_recipe::Usage;

/// Mixes clips into background: a wav an hour, each with a label file, as `elman calibrate --audio` reads them.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  elman mix --data ~/data/asc_kws --hours 1 --snr 10 --per-hour 300 --to hours/")]
pub struct Cmd {
    /// Where recordings come from
    #[command(flatten)]
    pub sources: Sources,
    /// Folder to write to
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
}

/// Where long recordings come from.
#[derive(clap::Args, Clone, Debug)]
pub struct Sources {
    /// Folder of long recordings, each with a label file NAME.txt: start, end, label a line, in seconds, separated by tabs
    #[arg(long, value_name = "DIR", conflicts_with = "data")]
    pub audio: Option<PathBuf>,
    /// Folder of a corpus, whose clips are mixed into its background
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Recipe with the table `[stream]`: which words, what is left out; by default the run folder's
    #[arg(long, value_name = "RECIPE")]
    pub recipe: Option<PathBuf>,
    /// Leaves out files that cannot be read, and says which
    #[arg(long)]
    pub skip_bad: bool,
    /// Split whose clips are mixed; by default valid, or test or train where the corpus has none
    #[arg(long, value_enum)]
    pub split: Option<MixedSplit>,
    /// Hours that are mixed
    #[arg(long, default_value_t = 1.0)]
    pub hours: f64,
    /// Clips an hour
    #[arg(long, default_value_t = 780.0)]
    pub per_hour: f64,
    /// Level of words above the background, in dB
    #[arg(long, default_value_t = 10.0, allow_hyphen_values = true)]
    pub snr: f32,
    /// Seed of everything random
    #[arg(long, default_value_t = 101)]
    pub seed: u64,
}

/// A split, as flags name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum MixedSplit {
    /// Clips that weights were fitted to
    Train,
    /// Clips that decided when to stop
    Valid,
    /// Clips that no decision depended on
    Test,
}

impl MixedSplit {
    fn split(self) -> Split {
        match self {
            MixedSplit::Train => Split::Train,
            MixedSplit::Valid => Split::Valid,
            MixedSplit::Test => Split::Test,
        }
    }
}

/// Long recordings, ready to be played or mixed.
#[derive(Debug)]
pub enum Material {
    /// Files with label files.
    Files(Vec<FileRecording>),
    /// Clips that are mixed.
    Mixed {
        /// The corpus; of the other splits it has no clips any more.
        corpus: Box<Corpus>,
        /// Which words, and what is left out.
        stream: Box<StreamRecipe>,
        /// How much of what.
        mixed: Mixed,
    },
}

impl Material {
    /// The recordings.
    ///
    /// # Errors
    /// Where the split has no clips.
    pub fn recordings(&self) -> Result<Vec<Box<dyn Recording + '_>>> {
        fn boxed<'a>(r: impl Recording + 'a) -> Box<dyn Recording + 'a> {
            Box::new(r)
        }
        Ok(match self {
            Material::Files(files) => files.iter().cloned().map(boxed).collect(),
            Material::Mixed { corpus, stream, mixed } => {
                mixed.recordings(stream, corpus)?.into_iter().map(boxed).collect()
            }
        })
    }
}

impl Sources {
    /// The recordings, at the rate of `audio`; `run` may be a run folder, whose recipe then says what is mixed.
    ///
    /// # Errors
    /// Where neither is named, what is mixed is nothing, or nothing can be read.
    pub fn open(&self, run: Option<&Path>, audio: &audio::Config, ui: Ui) -> Result<Material> {
        if let Some(dir) = &self.audio {
            return Ok(Material::Files(recordings(dir, audio, self.skip_bad, &ui)?));
        }
        for (flag, value) in [("--hours", self.hours), ("--per-hour", self.per_hour)] {
            ensure!(value > 0.0 && value.is_finite(), Usage(format!("{flag} {value}: it must be above 0")));
        }
        ensure!(self.snr.is_finite(), Usage(format!("--snr {}: it is a level in dB", self.snr)));
        let dir = self.data.as_ref().context(Usage("name recordings by --audio, or a corpus by --data".to_owned()))?;
        let mut recipe = match (&self.recipe, run.filter(|r| r.is_dir())) {
            (Some(path), _) => Recipe::read(path, &[])?,
            (None, Some(run)) => RunFolder::open(run)?.recipe()?,
            (None, None) => Recipe::default(),
        };
        recipe.skip_bad |= self.skip_bad;
        recipe.evaluate = true;
        let stream = recipe.stream.get_or_insert_with(StreamRecipe::default).clone();
        let Source::Sound(mut corpus) = Source::open(dir, &recipe, Some(audio.sample_rate), &ui)? else {
            anyhow::bail!("{} contains no sound", dir.display());
        };
        let has = |split: &Split| !corpus.split(*split).is_empty();
        let first = [Split::Valid, Split::Test, Split::Train].into_iter().find(has).unwrap_or(Split::Valid);
        let mixed = self.mixed(self.split.map_or(first, MixedSplit::split));
        corpus.keep(mixed.split);
        Ok(Material::Mixed { corpus: Box::new(corpus), stream: Box::new(stream), mixed })
    }

    /// What is mixed of a split.
    fn mixed(&self, split: Split) -> Mixed {
        Mixed { split, hours: self.hours, per_hour: self.per_hour, snr_db: self.snr, seed: self.seed }
    }
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        ensure!(
            self.sources.audio.is_none(),
            Usage("recordings of --audio are not mixed; name a corpus by --data".to_owned())
        );
        let recipe = self.sources.recipe.as_deref().map(|p| Recipe::read(p, &[])).transpose()?.unwrap_or_default();
        let rate = wanted_rate(&recipe).unwrap_or(16_000);
        let audio = audio::Config { sample_rate: rate, ..audio::Config::HZ_16000 };
        let material = self.sources.open(None, &audio, ui)?;
        let mut names = Vec::new();
        // One after another: an hour in memory, not all of them.
        for recording in material.recordings()? {
            let track = Track::of(&*recording)?;
            track.write(&self.to, rate)?;
            ui.line(format!(
                "{}/{}.wav: {:.2} h, {} words",
                self.to.display(),
                track.name,
                recording.transcript().hours(rate),
                track.words.len()
            ));
            names.push(track.name.clone());
        }
        ui.result(&names)
    }
}
