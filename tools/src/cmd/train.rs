//! `elman train`: full BPTT on a corpus, into a run folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use super::loss_unit::LossUnit;
use crate::interrupt::{interrupted, watch, watch_whole};
use crate::ranks;
use crate::ui::{Progress as Bar, Ui, bytes, percent, thousands};
use elman_data::records::Task;
use elman_data::{Augment, Split};
use elman_nn::Network;
use elman_pipeline::RunInfo;
use elman_pipeline::Streams;
use elman_pipeline::evaluate::{self, Figure};
use elman_pipeline::run::RunFolder;
use elman_pipeline::{self as pipeline, Clips, Encoding, Example, Frames, Sequences, Source, readings};
use elman_quant::aware::{AwareQuantizer, unsupported};
use elman_recipe::Recipe;
use elman_recipe::Usage;
use elman_train::{
    Control, Dataset, EpochMetrics, Memory, Outcome, Progress, QuantizationAware, Ranks, TrainError, Trainer, Watch,
};

/// Trains a network with full back-propagation through time; writes a run folder.
#[derive(clap::Args, Debug, Default)]
#[command(after_help = "Example:\n  elman train recipes/fsdd.toml --data ~/data/fsdd --out runs/fsdd")]
pub struct Cmd {
    /// The recipe; without one, the run folder's when resuming, else every value has its default
    pub recipe: Option<PathBuf>,
    /// Folder of the corpus: recordings, or data as the recipe's `[data]` describes it
    #[arg(long, value_name = "DIR", required_unless_present_any = ["print_recipe", "stop"])]
    pub data: Option<PathBuf>,
    /// Run folder; by default runs/NAME
    #[arg(long, value_name = "RUN")]
    pub out: Option<PathBuf>,
    /// Resumes an interrupted run
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Ends an interrupted run: its best network so far is the result
    #[arg(long, requires = "out", conflicts_with_all = ["resume", "force", "dry_run", "data"])]
    pub stop: bool,
    /// Begins with the network of this run: for other data, other settings, or `quantize.qat_epochs`
    #[arg(long, value_name = "RUN", conflicts_with_all = ["resume", "dry_run"])]
    pub from: Option<PathBuf>,
    /// Starts again where the run folder already contains a run, which stays until the first epoch is done
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
    /// Leaves out files that cannot be read, and says which
    #[arg(long)]
    pub skip_bad: bool,
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
pub(super) const MOST_CALIBRATION_STEPS: usize = 1000;

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        if let (true, Some(out)) = (self.stop, &self.out) {
            return stop(out, ui);
        }
        let mut recipe = match (&self.recipe, &self.out) {
            (Some(path), _) => Recipe::read(path, &self.set)?,
            (None, Some(out)) if self.resume => RunFolder::open(out)?.recipe()?.changed(&self.set)?,
            (None, _) => match &self.data {
                Some(data) => pipeline::default_recipe(data)?.changed(&self.set)?,
                None => Recipe::default().changed(&self.set)?,
            },
        };
        if let Some(seed) = self.seed {
            recipe.train.seed = seed;
        }
        if let Some(threads) = self.threads {
            recipe.train.threads = threads;
        }
        recipe.skip_bad |= self.skip_bad;
        if self.print_recipe {
            let text = recipe.to_toml()?;
            ui.line(text.trim_end());
            return ui.result(&recipe);
        }
        let out = self.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&recipe.name));
        let Some(data) = self.data else { bail!(Usage("--data is missing".to_owned())) };
        if self.dry_run {
            return super::dry_run::run(&data, &recipe, ui);
        }
        let ranks = ranks::begin()?;
        let first = ranks.rank() == 0;
        let scratch = if first { None } else { Some(tempfile::tempdir().context("no place for temporary files")?) };
        // Checked before the corpus is read, which can take a while.
        let mut folder = match &scratch {
            None if self.resume => RunFolder::open_locked(&out)?,
            None => RunFolder::create(&out, self.force)?,
            Some(scratch) => RunFolder::create(scratch.path(), true)?,
        };
        if self.resume {
            folder = shared(folder, &*ranks)?;
        }
        let ui = if first { ui } else { Ui::SILENT };
        let (from, ranks_of) = (self.from.as_deref(), Some(&ranks));
        let how = TrainFlags { resume: self.resume, watch: self.watch, from, until: None, ranks: ranks_of };
        interruptible(&folder);
        let rank = ranks.rank();
        if !first {
            // Its folder is a temporary one.
            watch_whole(move || format!("rank {rank}: interrupted"));
        }
        let source = Source::open(&data, &recipe, pipeline::wanted_rate(&recipe), &ui);
        let trained = source.and_then(|source| train_until(&source, &recipe, &mut folder, how, ui));
        let trained = trained.inspect_err(|_| folder.discard());
        let trained = if first { trained } else { trained.with_context(|| format!("rank {rank}")) }?;
        ranks.end();
        // Only rank 0 has a result.
        let Some(trained) = trained else { return Ok(()) };
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

/// The run folder of rank 0, copied to the others.
fn shared(folder: RunFolder, ranks: &dyn Ranks) -> Result<RunFolder> {
    if ranks.count() == 1 {
        return Ok(folder);
    }
    let own = if ranks.rank() == 0 { folder.files()? } else { Vec::new() };
    let files = ranks::share(ranks, own)?;
    if ranks.rank() == 0 {
        return Ok(folder);
    }
    let path = folder.path().to_owned();
    drop(folder);
    for (name, bytes) in files {
        elman_data::files::write_atomically(&path.join(name), &bytes)?;
    }
    RunFolder::open_locked(&path)
}

/// Ends an interrupted run on purpose.
fn stop(out: &Path, ui: Ui) -> Result<()> {
    let folder = RunFolder::open_locked(out)?;
    ensure!(!folder.trained(), Usage(format!("{} is finished; quantize it", out.display())));
    let (network, epoch) = (folder.network()?, folder.unfinished()?);
    if let Some(formats) = folder.formats()? {
        folder.write_formats(&serde_json::to_string(&formats)?)?;
    }
    folder.write_weights(&network)?;
    let at = epoch.map_or(String::new(), |e| format!(" with the network of epoch {} of {}", e.best, e.done));
    ui.line(format!("{}: ended{at}", out.display()));
    ui.line(format!("next: elman quantize {}", out.display()));
    ui.result(&epoch)
}

/// Flags of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrainFlags<'a> {
    /// Whether an interrupted run is resumed.
    pub resume: bool,
    /// Whether the report is written after every epoch.
    pub watch: bool,
    /// A run whose network a new run begins with.
    pub from: Option<&'a Path>,
    /// Epochs after which it pauses, to be resumed.
    pub until: Option<usize>,
    /// The processes that train together; `None` for this one alone.
    pub ranks: Option<&'a Arc<dyn Ranks>>,
}

pub(super) fn memory_text(memory: &Memory) -> String {
    format!(
        "{} parameters, {} with optimizer and gradients, {} of activations",
        thousands(memory.parameters as u64),
        bytes(memory.optimizer_bytes),
        bytes(memory.activation_bytes)
    )
}

/// Examples of all splits, and what the network has to know about them.
pub(super) struct Prepared {
    pub(super) about: RunInfo,
    pub(super) train: Vec<Example>,
    pub(super) valid: Vec<Example>,
    pub(super) test: Vec<Example>,
}

impl Prepared {
    pub(super) fn of(source: &Source, recipe: &Recipe) -> Result<Self> {
        Self::with(Encoding::of(source, recipe)?, source, recipe)
    }

    /// With an encoding that does not follow from the data: of an imported network.
    pub(super) fn with(encoding: Encoding, source: &Source, recipe: &Recipe) -> Result<Self> {
        encoding.suits(recipe)?;
        encoding.knows(recipe)?;
        encoding.predicts(recipe)?;
        let train = encoding.examples(source, Split::Train)?;
        let valid = encoding.examples(source, Split::Valid)?;
        let test = encoding.examples(source, Split::Test)?;
        encoding.teaches(recipe, &train)?;
        encoding.attends(recipe, &train)?;
        for (split, examples) in [(Split::Valid, &valid), (Split::Test, &test)] {
            encoding.evaluates(recipe, examples, split)?;
        }
        let about = RunInfo::of(encoding, recipe, &train, &[&valid, &test])?;
        Ok(Self { about, train, valid, test })
    }

    /// The training set, varied as the recipe says, and the validation set, as it is. `kept` is the file with the seeds of
    /// the hard negatives.
    pub(super) fn sets<'a>(
        &'a self,
        source: &'a Source,
        recipe: &'a Recipe,
        kept: Option<PathBuf>,
    ) -> [Box<dyn Dataset + 'a>; 2] {
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

/// An error whose cause is the recipe is one of usage.
pub(super) fn wrong_recipe(e: TrainError) -> anyhow::Error {
    if matches!(e, TrainError::Config { .. } | TrainError::Spec(_)) {
        anyhow::Error::new(Usage(format!("the recipe: {e}")))
    } else {
        e.into()
    }
}

/// Without validation examples no figure can be watched.
fn can_validate(recipe: &Recipe, valid: &[Example]) -> Result<()> {
    let Some(data) = recipe.data.as_ref().filter(|_| valid.is_empty() && recipe.train.watch != Watch::Last) else {
        return Ok(());
    };
    bail!(Usage(format!(
        "there are no examples to validate on, and data.valid_share is {:?}; raise it, add a valid part, or set train.watch = \"last\"",
        data.valid_share
    )))
}

/// What became of the values of each channel.
fn show_channels(encoding: &Encoding, source: &Source, ui: Ui) {
    let of = |split| readings::report(encoding, source, split);
    readings::summary(&of(Split::Train)).into_iter().for_each(|line| ui.note(line));
    for split in [Split::Valid, Split::Test] {
        of(split).iter().filter_map(|r| r.clamped_text(&split.to_string())).for_each(|note| ui.note(note));
    }
}

/// Trains on a source into a run folder. An earlier run in it is there until the first epoch is done.
///
/// # Errors
/// An error of training; an interruption, with how to resume.
pub fn train(source: &Source, recipe: &Recipe, folder: &mut RunFolder, how: TrainFlags<'_>, ui: Ui) -> Result<Trained> {
    let trained = train_until(source, recipe, folder, TrainFlags { until: None, ..how }, ui)?;
    trained.context("training paused without being asked to")
}

/// As [`train()`]; `None` where it pauses after the epochs that `how` names.
///
/// # Errors
/// As [`train()`].
pub fn train_until(
    source: &Source,
    recipe: &Recipe,
    folder: &mut RunFolder,
    how: TrainFlags<'_>,
    ui: Ui,
) -> Result<Option<Trained>> {
    let start = std::time::Instant::now();
    let imported = how.resume.then(|| folder.about()).transpose()?.filter(|about| about.imported);
    let prepared = match imported {
        Some(about) => Prepared::with(about.encoding, source, recipe)?,
        None => Prepared::of(source, recipe)?,
    };
    let Prepared { about, train: train_examples, valid: valid_examples, test: test_examples } = &prepared;
    let first_rank = how.ranks.is_none_or(|ranks| ranks.rank() == 0);
    if let Some(ranks) = how.ranks {
        ranks::agree(&**ranks, recipe, about.fingerprint)?;
    }
    ensure!(
        recipe.train.epochs + recipe.quantize.qat_epochs > 0,
        Usage("train.epochs and quantize.qat_epochs are both 0; one of them must train".into())
    );
    can_validate(recipe, valid_examples)?;
    show_channels(&about.encoding, source, ui);
    let trainer = begin(folder, recipe, about, how, ui)?;
    let reached = |done: usize| how.until.is_some_and(|until| done >= until);
    if reached(trainer.history().len()) {
        return Ok(None);
    }
    runs_on_a_device(&prepared, recipe)?;
    let inputs = about.encoding.inputs();
    let clips = recipe.quantize.calibration_clips;
    let calibration = pipeline::spread(train_examples, clips, inputs, MOST_CALIBRATION_STEPS);
    folder.write_calibration(&calibration)?;
    let mut trainer = trainer;
    if let Some(ranks) = how.ranks {
        trainer.set_ranks(Arc::clone(ranks));
    }
    let mut trainer = trainer.with_quantization(quantization(recipe, about, &calibration));
    trainer = trainer.with_teacher(teacher(recipe, about)?).map_err(wrong_recipe)?;

    let mut progress = EpochProgress {
        bar: ui.progress("epoch", (recipe.train.epochs + recipe.quantize.qat_epochs) as u64),
        steps: train_examples.iter().map(|e| e.steps(inputs) as u64).sum(),
        validates: !valid_examples.is_empty(),
        series: about.encoding.task == Task::Series,
        unit: LossUnit::of(trainer.network().spec()),
        watches: recipe.train.watch != Watch::Last,
        last: std::time::Instant::now(),
    };
    trainer.history().iter().for_each(|_| progress.bar.step(""));
    let outcome = loop {
        let [train_set, valid_set] = prepared.sets(source, recipe, Some(folder.hard_negatives_path()));
        let mut history: Vec<EpochMetrics> = trainer.history().to_vec();
        // An epoch is shown once its checkpoint stands.
        let (mut failed, mut first, to) = (None, false, &*folder);
        let checkpoint = to.checkpoint_path();
        let checkpoint = first_rank.then_some(checkpoint.as_path());
        let outcome = trainer.run(train_set.as_ref(), valid_set.as_ref(), checkpoint, |p| {
            if let Progress::Epoch(epoch) = p {
                history.push(*epoch);
                failed = failed.take().or(to.write_metrics(&history).err());
                if how.watch && failed.is_none() {
                    failed = super::report::write(to).err();
                }
                progress.epoch(epoch);
                first = to.is_new();
            }
            let stop = first || failed.is_some() || interrupted() || reached(history.len());
            if stop { Control::Stop } else { Control::Continue }
        });
        drop((train_set, valid_set));
        if first {
            folder.publish()?;
            interruptible(folder);
        }
        if let Some(error) = failed {
            return Err(error.context(format!("the checkpoint is kept; resume with {}", resume_hint(folder))));
        }
        // After the first epoch, files have another place.
        let ends = interrupted() || reached(history.len()) || !matches!(outcome, Ok(Outcome::Stopped));
        if !first || ends {
            break outcome;
        }
    };
    progress.bar.finish();
    match outcome {
        Ok(Outcome::Stopped) if folder.is_new() => {
            bail!(NOTHING_WRITTEN)
        }
        Ok(Outcome::Stopped) if reached(trainer.history().len()) && !interrupted() => return Ok(None),
        Ok(Outcome::Stopped) => bail!("interrupted; resume with {}", resume_hint(folder)),
        Err(e) => {
            let kept = match folder.is_new() {
                true => String::new(),
                // What trained well before something went wrong is of use.
                false => format!("; `elman quantize {}` takes the best network so far", folder.path().display()),
            };
            return Err(anyhow::Error::from(e).context(format!("training into {}{kept}", folder.path().display())));
        }
        Ok(Outcome::Finished | Outcome::EarlyStop) => {}
    }
    if !first_rank {
        return Ok(None);
    }
    let memory = trainer.memory();
    let (epochs, best_epoch) = (trainer.history().len(), trainer.best_epoch().unwrap_or(0));
    if let Some(formats) = trainer.formats() {
        folder.write_formats(formats)?;
    }
    let network = trainer.into_best();
    folder.write_weights(&network)?;
    let trained = folder.path().to_owned();
    watch(move || format!("interrupted; the network is trained: go on with `elman quantize {}`", trained.display()));
    let how = evaluate::EvalFlags::of(recipe);
    let evaluated = |examples: &[Example]| {
        let parts = evaluate::float(&network, about, examples, how);
        evaluate::figures(&about.encoding, examples, &parts, how)
    };
    let valid = if valid_examples.is_empty() { Vec::new() } else { evaluated(valid_examples) };
    let test = if test_examples.is_empty() { Vec::new() } else { evaluated(test_examples) };
    Ok(Some(Trained {
        run: folder.path().to_owned(),
        epochs,
        best_epoch,
        valid,
        test,
        parameters: network.values().len(),
        memory,
        seconds: start.elapsed().as_secs_f64(),
    }))
}

/// The part of a run along the device's integers, where the recipe has one.
pub(super) fn quantization(recipe: &Recipe, about: &RunInfo, calibration: &[Example]) -> Option<QuantizationAware> {
    let quantizer = || AwareQuantizer {
        around: about.surroundings(recipe),
        calibration: calibration.iter().map(|e| about.sequence(e)).collect(),
        folded: about.folded().to_vec(),
    };
    (recipe.quantize.qat_epochs > 0).then(|| QuantizationAware {
        epochs: recipe.quantize.qat_epochs,
        rate: recipe.quantize.qat_rate,
        quantizer: Box::new(quantizer()),
    })
}

/// The network whose answers are learned as well, where the recipe names one.
fn teacher(recipe: &Recipe, about: &RunInfo) -> Result<Option<Network<f32>>> {
    let path = &recipe.train.teacher;
    if path.is_empty() {
        return Ok(None);
    }
    let folder = RunFolder::open(Path::new(path)).with_context(|| format!("train.teacher = \"{path}\""))?;
    let its = folder.about()?;
    let same = its.encoding.frames == about.encoding.frames && its.scale == about.scale;
    let labels = its.encoding.labels == about.encoding.labels;
    ensure!(
        same && labels,
        Usage(format!(
            "train.teacher: the network of {path} {}; train it on the same data with the same {}",
            if same { "has other labels" } else { "reads other frames" },
            if same { "labels" } else { "[audio] and [data]" }
        ))
    );
    Ok(Some(folder.network()?))
}

/// A network that a device could not run is a mistake of the recipe, and is not trained.
pub(super) fn runs_on_a_device(prepared: &Prepared, recipe: &Recipe) -> Result<()> {
    let network =
        Network::new(&prepared.about.network(recipe), recipe.train.seed).map_err(|e| wrong_recipe(e.into()))?;
    let example = pipeline::spread(&prepared.train, 1, prepared.about.encoding.inputs(), MOST_CALIBRATION_STEPS);
    if let (1.., Some(reason)) = (recipe.quantize.qat_epochs, unsupported(network.spec())) {
        bail!(Usage(format!("quantize.qat_epochs: {reason}; set it to 0")));
    }
    super::quantize::rehearse(&network, recipe, &prepared.about, &example)
        .map_err(|e| Usage(format!("the recipe describes a network that no device runs: {e:#}")).into())
}

/// The trainer of a new run, or of one that is resumed.
fn begin(folder: &RunFolder, recipe: &Recipe, about: &RunInfo, how: TrainFlags<'_>, ui: Ui) -> Result<Trainer> {
    if !how.resume {
        let spec = about.network(recipe);
        let mut trainer = Trainer::new(&spec, &recipe.train).map_err(wrong_recipe)?;
        if let Some(from) = how.from {
            let network = beginning(from, about, ui)?;
            trainer = trainer
                .with_network(&elman_nn::low_rank(&network, &spec).unwrap_or(network))
                .map_err(|wanted| Usage(format!("--from {}: {wanted}; take the recipe of that run", from.display())))?;
        }
        folder.write_beginning(recipe, about)?;
        return Ok(trainer);
    }
    same_recipe(folder, recipe)?;
    if !folder.checkpoint_path().exists() {
        same_data(folder, about.fingerprint)?;
        return Ok(Trainer::new(&about.network(recipe), &recipe.train)?);
    }
    let mut trainer = Trainer::resume(&folder.checkpoint_path())?;
    let mut config = trainer.config().clone();
    (config.threads, config.recompute) = (recipe.train.threads, recipe.train.recompute);
    ensure!(
        config == recipe.train,
        Usage(format!(
            "{}/recipe.toml was changed: [train] is not what the run started with; change it back, or start again with --force",
            folder.path().display()
        ))
    );
    same_data(folder, about.fingerprint)?;
    trainer.set_threads(recipe.train.threads);
    trainer.set_recompute(recipe.train.recompute);
    // A process that was killed between the two files has not written the last epoch.
    folder.write_metrics(trainer.history())?;
    ui.note(format!("resuming after epoch {}", trainer.history().len()));
    Ok(trainer)
}

/// The network of another run.
fn beginning(from: &Path, about: &RunInfo, ui: Ui) -> Result<Network<f32>> {
    let other = RunFolder::open(from).with_context(|| format!("--from {}", from.display()))?;
    let its = other.about()?;
    if its.scale != about.scale || its.encoding.frames != about.encoding.frames {
        ui.note(format!("the network of {} was trained on frames of another scale or front end", from.display()));
    }
    other.network()
}

/// What is shown of each epoch.
struct EpochProgress {
    bar: Bar,
    /// Steps of the training set.
    steps: u64,
    /// Without a validation split there is nothing to validate on.
    validates: bool,
    series: bool,
    /// What a loss is of.
    unit: LossUnit,
    /// Whether a figure chooses the best epoch.
    watches: bool,
    last: std::time::Instant,
}

impl EpochProgress {
    fn epoch(&mut self, epoch: &EpochMetrics) {
        let seconds = std::mem::replace(&mut self.last, std::time::Instant::now()).elapsed().as_secs_f64();
        let [train_loss, valid_loss] = self.unit.losses(epoch);
        let valid = match (self.validates, self.series) {
            (false, _) => String::new(),
            (true, true) => format!(", validation {valid_loss:.4}"),
            (true, false) => format!(", validation {valid_loss:.4} {}", percent(epoch.valid_accuracy)),
        };
        let valid = epoch.validation_metric.map_or(valid.clone(), |m| format!("{valid}, missed {}", percent(m)));
        self.bar.step(format!(
            "loss a {} {train_loss:.4}{valid}{}, {} steps/s",
            self.unit.name(),
            if epoch.best && self.watches { " *" } else { "" },
            thousands((self.steps as f64 / seconds) as u64)
        ));
    }
}

const NOTHING_WRITTEN: &str = "interrupted before the first epoch was done; nothing was written";

/// An interruption ends training after a batch, or in the middle of a long one, which loses no more: the checkpoint is that
/// of the last epoch.
pub(super) fn interruptible(folder: &RunFolder) {
    let folder = folder.clone();
    watch(move || {
        folder.discard();
        match folder.is_new() {
            true => NOTHING_WRITTEN.to_owned(),
            false => format!("interrupted; resume with {}", resume_hint(&folder)),
        }
    });
}

fn resume_hint(folder: &RunFolder) -> String {
    format!("`elman train --resume --out {} --data DIR`", folder.path().display())
}

/// A run is resumed only with the recipe that it started with.
fn same_recipe(folder: &RunFolder, recipe: &Recipe) -> Result<()> {
    let mut began = folder.recipe()?;
    (began.train.threads, began.train.recompute) = (recipe.train.threads, recipe.train.recompute);
    began.skip_bad = recipe.skip_bad;
    ensure!(
        began == *recipe,
        Usage(format!(
            "the recipe differs from the one that {} started with ({}/recipe.toml); resume with that one or start \
             again with --force",
            folder.path().display(),
            folder.path().display()
        ))
    );
    Ok(())
}

/// And only with its data.
fn same_data(folder: &RunFolder, fingerprint: u64) -> Result<()> {
    let path = folder.path().display();
    ensure!(
        folder.about()?.fingerprint == fingerprint,
        Usage(format!("the data differ from those that {path} started with, or {path}/recipe.toml was changed since"))
    );
    Ok(())
}
