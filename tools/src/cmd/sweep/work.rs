//! A worker's part: claims trials and runs them.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::AGAIN;
use crate::cmd::{eval, quantize, train};
use crate::interrupt::{interrupted, watch};
use crate::ui::{Progress, Ui};
use elman_data::Split;
use elman_pipeline::evaluate::Figure;
use elman_pipeline::run::RunFolder;
use elman_pipeline::{Source, wanted_rate};
use elman_quant::model::ModelFile;
use elman_recipe::{Recipe, Usage};
use elman_sweep::{Claim, Cost, Kind, Next, Outcome, Plan, SweepFolder, Worker, standing};
use elman_train::{EpochMetrics, TrainError, Watch};
use elman_verify::cost;

/// A worker with what it has read.
pub(super) struct Work<'a> {
    worker: &'a Worker,
    folder: &'a SweepFolder,
    plan: &'a Plan,
    data: &'a Path,
    skip_bad: bool,
    /// The corpus, with the keys of the recipe that say how it is read.
    source: Option<(Recipe, Source)>,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        worker: &'a Worker,
        folder: &'a SweepFolder,
        plan: &'a Plan,
        data: &'a Path,
        skip_bad: bool,
    ) -> Self {
        Work { worker, folder, plan, data, skip_bad, source: None }
    }

    /// Runs jobs until none is left; with `wait`, also those whose workers are killed meanwhile.
    pub(super) fn all(&mut self, wait: bool, mut shown: Option<&mut Progress>) -> Result<()> {
        while !interrupted() {
            match self.worker.next(self.plan)? {
                Next::Finished => break,
                Next::Wait if !wait => break,
                Next::Wait => std::thread::sleep(AGAIN),
                Next::Run(claim) => {
                    let text = format!("{} (seed {})", self.setting(claim), self.plan.trials[claim.job.trial].seed);
                    let outcome = self.job(claim).with_context(|| {
                        format!("job {} in {}: {text}", claim.job, self.folder.trial(claim.job.trial).display())
                    })?;
                    // One that waits for the lock of its folder comes again.
                    let Some(outcome) = outcome else { continue };
                    self.worker.finish(claim, &outcome)?;
                    if let Some(shown) = &mut shown {
                        let score = outcome.integer.or(outcome.score);
                        let score = score.map_or_else(|| "failed".to_owned(), |s| format!("{s:.4}"));
                        shown.set(standing(self.plan, &self.folder.results()?).done as u64, format!("{score} {text}"));
                    }
                }
            }
        }
        Ok(())
    }

    fn setting(&self, claim: Claim) -> String {
        self.plan.setting_text(self.plan.trials[claim.job.trial].setting)
    }

    /// A claimed job. A trial that cannot be trained is a result; what would be otherwise next time, as a full disk, is an error.
    fn job(&mut self, claim: Claim) -> Result<Option<Outcome>> {
        let outcome = Outcome { trial: claim.job.trial, rung: claim.job.rung, ..Outcome::default() };
        match self.run(claim, outcome.clone()) {
            Err(e) if !interrupted() && is_the_trial_s(&e) => {
                Ok(Some(Outcome { failed: Some(format!("{e:#}")), ..outcome }))
            }
            other => other,
        }
    }

    fn run(&mut self, claim: Claim, outcome: Outcome) -> Result<Option<Outcome>> {
        let recipe = self.plan.recipe(claim.job.trial)?;
        let path = self.folder.trial(claim.job.trial);
        let until = self.plan.rungs.get(claim.job.rung).copied();
        let worker = self.worker;
        let source = self.source(&recipe)?;
        let found = RunFolder::open(&path).ok();
        if !found.as_ref().is_some_and(RunFolder::trained) {
            let resume = found.is_some();
            let folder = if resume { RunFolder::open_locked(&path) } else { RunFolder::create(&path, true) };
            let mut folder = match folder {
                Ok(folder) => folder,
                // Its worker is not dead: it will see that it was taken over.
                Err(e) if format!("{e:#}").contains("in use by another") => {
                    std::thread::sleep(AGAIN);
                    return Ok(None);
                }
                Err(e) => return Err(e),
            };
            if resume {
                worker.log(Kind::Resumed, Some(claim.job), "")?;
            }
            train::interruptible(&folder);
            let flags = train::TrainFlags { resume, until, ..train::TrainFlags::default() };
            let trained = train::train_until(source, &recipe, &mut folder, flags, Ui::SILENT);
            // What an interruption does holds the lock of the folder.
            watch(|| "interrupted".to_owned());
            trained.inspect_err(|_| folder.discard())?;
        }
        let folder = RunFolder::open_locked(&path)?;
        let outcome = scored(outcome, &folder.metrics()?, recipe.train.watch)?;
        if until.is_some() {
            return Ok(Some(outcome));
        }
        measured(outcome, &folder, &recipe, source).map(Some)
    }

    /// The corpus as a recipe reads it.
    fn source(&mut self, recipe: &Recipe) -> Result<&Source> {
        let default = Recipe::default();
        // What has nothing to do with reading; augmentation decides what is noted.
        let key = Recipe {
            name: default.name,
            network: default.network,
            train: default.train,
            quantize: default.quantize,
            skip_bad: self.skip_bad,
            ..recipe.clone()
        };
        if self.source.as_ref().is_none_or(|(other, _)| *other != key) {
            let source = Source::open(self.data, &key, wanted_rate(&key), &Ui::SILENT)?;
            self.source = Some((key, source));
        }
        let (_, source) = self.source.as_ref().context("the corpus was read")?;
        Ok(source)
    }
}

/// Whether an error is the setting's, and comes again whoever runs it.
fn is_the_trial_s(e: &anyhow::Error) -> bool {
    let diverged = |e: &(dyn std::error::Error + 'static)| {
        matches!(e.downcast_ref(), Some(TrainError::Diverged { .. } | TrainError::Spec(_) | TrainError::Config { .. }))
    };
    e.downcast_ref::<Usage>().is_some() || e.chain().any(diverged)
}

/// By what a run is compared: of its best epoch, what the recipe watches; smaller is better.
fn scored(outcome: Outcome, history: &[EpochMetrics], watch: Watch) -> Result<Outcome> {
    let best = history.iter().rposition(|e| e.best).context("the run has no epoch")?;
    let e = &history[best];
    let score = match watch {
        Watch::Accuracy => 1.0 - e.valid_accuracy,
        Watch::ValidationMetric => e.validation_metric.unwrap_or(f64::INFINITY),
        Watch::Loss => e.valid_loss,
        // There may be no validation data.
        Watch::Last if e.valid_loss > 0.0 => e.valid_loss,
        Watch::Last => e.train_loss,
    };
    ensure!(score.is_finite(), "the figure that the recipe watches is {score}");
    Ok(Outcome { epochs: history.len(), best_epoch: best + 1, score: Some(score), ..outcome })
}

/// Quantizes, evaluates, and adds what the model takes.
fn measured(outcome: Outcome, folder: &RunFolder, recipe: &Recipe, source: &Source) -> Result<Outcome> {
    if !folder.results()?.contains_key("quantize") || !folder.model_path().exists() {
        quantize::run(folder, 0)?;
    }
    let file = ModelFile::read(folder.path())?;
    let evaluated = |split| -> Result<Option<[Option<Figure>; 2]>> {
        if source.count(split) == 0 {
            return Ok(None);
        }
        let e = eval::evaluate(folder.path(), &file, recipe, source, split)?;
        let first = |figures: Option<&[Figure]>| figures.and_then(|f| f.first().cloned());
        Ok(Some([first(e.float.as_deref()), first(Some(&e.integer))]))
    };
    let value = |figure: &Option<Figure>| figure.as_ref().map(|f| f.value).filter(|v| v.is_finite());
    let test = evaluated(Split::Test)?;
    // Without validation data, the last epoch was taken, and the test split shows what it is.
    let valid = evaluated(Split::Valid)?.or_else(|| test.clone());
    let [float, integer] = valid.context("the corpus has neither validation nor test examples; add a valid part")?;
    let cost = cost::of(&file.model()?);
    let weights = elman_data::files::checksum(&elman_data::files::read(&folder.path().join("weights.safetensors"))?);
    Ok(Outcome {
        figure: integer.as_ref().map_or(String::new(), |f| f.name.clone()),
        share: integer.as_ref().is_some_and(|f| f.share),
        float: value(&float),
        integer: value(&integer),
        test: test.and_then(|[_, integer]| value(&integer)),
        cost: Some(Cost {
            flash_bytes: cost.blob_bytes,
            ram_bytes: cost.ram_bytes,
            instructions: cost.estimates.iter().find(|e| e.core == "m4").map_or(0, |e| e.instructions),
        }),
        weights: Some(weights),
        ..outcome
    })
}
