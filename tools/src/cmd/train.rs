//! `elman train`: full BPTT on a corpus, into a run folder.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail, ensure};
use serde::Serialize;

use crate::ui::{Ui, bytes, percent, thousands};
use elman_data::records::Task;
use elman_data::{Augment, Split};
use elman_pipeline::RunInfo;
use elman_pipeline::Streams;
use elman_pipeline::evaluate::{self, Figure};
use elman_pipeline::run::RunFolder;
use elman_pipeline::{self as pipeline, Clips, Encoding, Example, Frames, Sequences, Source, readings};
use elman_recipe::Recipe;
use elman_recipe::Usage;
use elman_train::{Control, Dataset, EpochMetrics, Forecast, Memory, Outcome, Progress, TrainError, Trainer, forecast};

/// Trains a network with full back-propagation through time; writes a run folder.
#[derive(clap::Args, Debug, Default)]
#[command(after_help = "Example:\n  elman train recipes/fsdd.toml --data ~/data/fsdd --out runs/fsdd")]
pub struct Cmd {
    /// The recipe; without one, the run folder's when resuming, else every value has its default
    pub recipe: Option<PathBuf>,
    /// Folder of the corpus: recordings, or data as the recipe's `[data]` describes it
    #[arg(long, value_name = "DIR", required_unless_present = "print_recipe")]
    pub data: Option<PathBuf>,
    /// Run folder; by default runs/NAME
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
    /// Resumes an interrupted run
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Starts again where the run folder already contains a run
    #[arg(long)]
    pub force: bool,
    /// Changes a value of the recipe, as in --set train.epochs=20
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Seed of everything random
    #[arg(long)]
    pub seed: Option<u64>,
    /// Threads; the result does not depend on them
    #[arg(long)]
    pub threads: Option<usize>,
    /// Reads the data, estimates memory and time of the run, and ends
    #[arg(long, conflicts_with_all = ["resume", "force", "watch"])]
    pub dry_run: bool,
    /// Rewrites report.html after every epoch
    #[arg(long)]
    pub watch: bool,
    /// Shows the recipe with every value written out, and ends
    #[arg(long)]
    pub print_recipe: bool,
}

/// The result of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Trained {
    /// The run folder.
    pub run: PathBuf,
    /// Epochs done.
    pub epochs: usize,
    /// The best of them, from 1.
    pub best_epoch: usize,
    /// Figures on the validation split at the best epoch, the one that counts first.
    pub valid: Vec<Figure>,
    /// Figures on the test split; empty where the corpus has none.
    pub test: Vec<Figure>,
    /// Parameters.
    pub parameters: usize,
    /// Memory of the largest batch, and of the network with its optimizer.
    pub memory: Memory,
    /// Seconds it took, reading included.
    pub seconds: f64,
}

/// Most steps of an example that calibrates formats.
const MOST_CALIBRATION_STEPS: usize = 1000;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let mut recipe = match (&self.recipe, &self.out) {
            (Some(path), _) => Recipe::read(path, &self.set)?,
            (None, Some(out)) if self.resume => RunFolder::open(out)?.recipe()?.changed(&self.set)?,
            (None, _) => Recipe::default().changed(&self.set)?,
        };
        if let Some(seed) = self.seed {
            recipe.train.seed = seed;
        }
        if let Some(threads) = self.threads {
            recipe.train.threads = threads;
        }
        if self.print_recipe {
            let text = recipe.to_toml()?;
            ui.line(text.trim_end());
            return ui.result(&recipe);
        }
        let out = self.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&recipe.name));
        let Some(data) = self.data else { bail!(Usage("--data is missing".to_owned())) };
        if self.dry_run {
            let source = Source::open(&data, &recipe, pipeline::wanted_rate(&recipe), &ui)?;
            let forecast = dry_run(&source, &recipe)?;
            ui.line(format!(
                "{}: {}; an epoch over {} sequences takes about {:.1} s",
                recipe.name,
                memory_text(&forecast.memory),
                thousands(forecast.sequences as u64),
                forecast.epoch_seconds
            ));
            return ui.result(&forecast);
        }
        // Checked before the corpus is read, which can take a while.
        let folder = if self.resume { RunFolder::open(&out)? } else { RunFolder::create(&out, self.force)? };
        let source = Source::open(&data, &recipe, pipeline::wanted_rate(&recipe), &ui)?;
        // The handler can be set once a process; a second run in it keeps the first.
        let _ = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::SeqCst));
        let how = TrainFlags { resume: self.resume, watch: self.watch };
        let trained = train(&source, &recipe, &folder, how, ui)?;
        ui.line(format!(
            "{}: {}epoch {} of {}{}; {}, {:.0} s",
            out.display(),
            trained.valid.first().map_or(String::new(), |f| format!("validation {} {} at ", f.name, f.text())),
            trained.best_epoch,
            trained.epochs,
            trained.test.first().map_or(String::new(), |f| format!(", test {}", f.text())),
            memory_text(&trained.memory),
            trained.seconds,
        ));
        ui.line(format!("next: elman quantize {}", out.display()));
        ui.result(&trained)
    }
}

/// Flags of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrainFlags {
    /// Whether an interrupted run is resumed.
    pub resume: bool,
    /// Whether the report is written after every epoch.
    pub watch: bool,
}

fn memory_text(memory: &Memory) -> String {
    format!(
        "{} parameters, {} with optimizer and gradients, {} of activations",
        thousands(memory.parameters as u64),
        bytes(memory.optimizer_bytes),
        bytes(memory.activation_bytes)
    )
}

/// Examples of all splits, and what the network has to know about them.
struct Prepared {
    about: RunInfo,
    train: Vec<Example>,
    valid: Vec<Example>,
    test: Vec<Example>,
}

impl Prepared {
    fn of(source: &Source, recipe: &Recipe) -> Result<Self> {
        let encoding = Encoding::of(source, recipe)?;
        encoding.suits(recipe)?;
        encoding.knows(recipe)?;
        let train = encoding.examples(source, Split::Train)?;
        let valid = encoding.examples(source, Split::Valid)?;
        let test = encoding.examples(source, Split::Test)?;
        let about = RunInfo::of(encoding, recipe, &train, &[&valid, &test])?;
        Ok(Self { about, train, valid, test })
    }

    /// The training set, varied as the recipe says, and the validation set, as it is. `kept` is the file with the seeds of
    /// the hard negatives.
    fn sets<'a>(&'a self, source: &'a Source, recipe: &'a Recipe, kept: Option<PathBuf>) -> [Box<dyn Dataset + 'a>; 2] {
        let about = &self.about;
        if let (Source::Sound(corpus), Frames::Audio(audio), Some(stream)) =
            (source, &about.encoding.frames, &about.encoding.stream)
        {
            return [
                Box::new(Streams::train(stream, corpus, about, *audio, recipe.train.seed, kept)),
                Box::new(Streams::valid(stream, corpus, about, *audio, &self.valid)),
            ];
        }
        match (source, &about.encoding.frames) {
            (Source::Sound(corpus), Frames::Audio(audio)) => {
                let augment = recipe.augment.at(corpus.sample_rate);
                [
                    Box::new(Clips::new(corpus, Split::Train, &self.train, *audio, about, augment)),
                    Box::new(Clips::new(corpus, Split::Valid, &self.valid, *audio, about, Augment::default())),
                ]
            }
            _ => [
                Box::new(Sequences::new(&self.train, about, &recipe.sequences, true)),
                Box::new(Sequences::new(&self.valid, about, &recipe.sequences, false)),
            ],
        }
    }
}

/// Memory and time of a run.
///
/// # Errors
/// As [`train`], as far as they can be known in advance.
pub fn dry_run(source: &Source, recipe: &Recipe) -> Result<Forecast> {
    let prepared = Prepared::of(source, recipe)?;
    let [train, _] = prepared.sets(source, recipe, None);
    forecast(&prepared.about.network(recipe), &recipe.train, train.as_ref()).map_err(wrong_recipe)
}

/// An error whose cause is the recipe is one of usage.
fn wrong_recipe(e: TrainError) -> anyhow::Error {
    if matches!(e, TrainError::Config { .. } | TrainError::Spec(_)) {
        anyhow::Error::new(Usage(format!("the recipe: {e}")))
    } else {
        e.into()
    }
}

/// Trains on a source into a run folder.
///
/// # Errors
/// An error of training; an interruption, with how to resume.
pub fn train(source: &Source, recipe: &Recipe, folder: &RunFolder, how: TrainFlags, ui: Ui) -> Result<Trained> {
    let start = std::time::Instant::now();
    let prepared = Prepared::of(source, recipe)?;
    let Prepared { about, train: train_examples, valid: valid_examples, test: test_examples } = &prepared;
    readings::summary(&readings::report(&about.encoding, source, Split::Train)).into_iter().for_each(|l| ui.note(l));
    for split in [Split::Valid, Split::Test] {
        readings::report(&about.encoding, source, split)
            .iter()
            .filter_map(|r| r.clamped_text(&split.to_string()))
            .for_each(|l| ui.note(l));
    }
    let mut trainer = if how.resume {
        same_run(folder, recipe, about.fingerprint)?;
        if folder.checkpoint_path().exists() {
            let mut trainer = Trainer::resume(&folder.checkpoint_path())?;
            trainer.set_threads(recipe.train.threads);
            ui.note(format!("resuming after epoch {}", trainer.history().len()));
            trainer
        } else {
            Trainer::new(&about.network(recipe), &recipe.train)?
        }
    } else {
        let trainer = Trainer::new(&about.network(recipe), &recipe.train).map_err(wrong_recipe)?;
        folder.write_beginning(recipe, about)?;
        trainer
    };
    let inputs = about.encoding.inputs();
    let clips = recipe.quantize.calibration_clips;
    let calibration = pipeline::spread(train_examples, clips, inputs, MOST_CALIBRATION_STEPS);
    folder.write_calibration(&calibration)?;

    let [train_set, valid_set] = prepared.sets(source, recipe, Some(folder.hard_negatives_path()));
    let steps: u64 = train_examples.iter().map(|e| e.steps(inputs) as u64).sum();
    let mut progress = ui.progress("epoch", recipe.train.epochs as u64);
    let mut history: Vec<EpochMetrics> = trainer.history().to_vec();
    history.iter().for_each(|_| progress.step(""));
    let mut failed = None;
    let mut last = std::time::Instant::now();
    let series = about.encoding.task == Task::Series;
    let outcome = trainer.run(train_set.as_ref(), valid_set.as_ref(), Some(&folder.checkpoint_path()), |p| {
        if let Progress::Epoch(epoch) = p {
            history.push(*epoch);
            failed = failed.take().or(folder.write_metrics(&history).err());
            if how.watch && failed.is_none() {
                failed = super::report::write(folder).err();
            }
            let seconds = std::mem::replace(&mut last, std::time::Instant::now()).elapsed().as_secs_f64();
            // Without a validation split there is nothing to validate on.
            let valid = match valid_examples.is_empty() {
                true => String::new(),
                false if series => format!(", validation {:.4}", epoch.valid_loss),
                false => format!(", validation {:.4} {}", epoch.valid_loss, percent(epoch.valid_accuracy)),
            };
            let valid = epoch.validation_metric.map_or(valid.clone(), |m| format!("{valid}, missed {}", percent(m)));
            progress.step(format!(
                "loss {:.4}{valid}{}, {} steps/s",
                epoch.train_loss,
                if epoch.best { " *" } else { "" },
                thousands((steps as f64 / seconds) as u64)
            ));
        }
        let stop = failed.is_some() || INTERRUPTED.load(Ordering::SeqCst);
        if stop { Control::Stop } else { Control::Continue }
    });
    progress.finish();
    if let Some(error) = failed {
        return Err(error.context(format!("the checkpoint is kept; resume with {}", resume_hint(folder))));
    }
    match outcome {
        Ok(Outcome::Stopped) => bail!("interrupted; resume with {}", resume_hint(folder)),
        Err(e) => {
            let kept = if folder.checkpoint_path().exists() { " (the last checkpoint is kept)" } else { "" };
            return Err(anyhow::Error::from(e).context(format!("training into {}{kept}", folder.path().display())));
        }
        Ok(Outcome::Finished | Outcome::EarlyStop) => {}
    }
    let memory = trainer.memory();
    let (epochs, best_epoch) = (trainer.history().len(), trainer.best_epoch().unwrap_or(0));
    let network = trainer.into_best();
    folder.write_weights(&network)?;
    let how = evaluate::EvalFlags::of(recipe);
    let evaluated = |examples: &[Example]| {
        let parts = evaluate::float(&network, about, examples, how);
        evaluate::figures(&about.encoding, examples, &parts, how)
    };
    let valid = if valid_examples.is_empty() { Vec::new() } else { evaluated(valid_examples) };
    let test = if test_examples.is_empty() { Vec::new() } else { evaluated(test_examples) };
    Ok(Trained {
        run: folder.path().to_owned(),
        epochs,
        best_epoch,
        valid,
        test,
        parameters: network.values().len(),
        memory,
        seconds: start.elapsed().as_secs_f64(),
    })
}

fn resume_hint(folder: &RunFolder) -> String {
    format!("`elman train --resume --out {} --data DIR`", folder.path().display())
}

/// A run is resumed only with the recipe and the data that it started with.
fn same_run(folder: &RunFolder, recipe: &Recipe, fingerprint: u64) -> Result<()> {
    let mut began = folder.recipe()?;
    began.train.threads = recipe.train.threads;
    ensure!(
        began == *recipe,
        Usage(format!(
            "the recipe differs from the one that {} started with ({}/recipe.toml); resume with that one or start \
             again with --force",
            folder.path().display(),
            folder.path().display()
        ))
    );
    ensure!(
        folder.about()?.fingerprint == fingerprint,
        Usage(format!("the data differ from those that {} started with", folder.path().display()))
    );
    Ok(())
}
