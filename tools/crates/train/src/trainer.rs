//! The training loop.

use std::path::Path;
use std::sync::Arc;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use super::checkpoint::Checkpoint;
use super::config::{TrainConfig, Watch};
use super::dataset::Dataset;
use super::error::TrainError;
use super::evaluate::evaluate_along;
use super::integer::QuantizationAware;
use super::learner::{Learner, Memory, Request, Step};
use super::optimizer::Moments;
use super::ranks::{Ranks, agree, any};
use elman_nn::{Loss, Network, NetworkSpec, Score, StructureSpec};

/// The result of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// From 1.
    pub epoch: usize,
    /// Learning rate of its last step.
    pub rate: f64,
    /// Mean total loss of a training sequence, with dropout and augmentation, while the network was changing.
    pub train_loss: f64,
    /// The same a step: divided by the outputs that have a target; a symbol of an encoder-decoder, a node of a tree or graph.
    #[serde(default)]
    pub train_loss_per_step: f64,
    /// Share of right training outputs.
    pub train_accuracy: f64,
    /// Mean total loss of a validation sequence.
    pub valid_loss: f64,
    /// The same a step.
    #[serde(default)]
    pub valid_loss_per_step: f64,
    /// Share of right validation outputs.
    pub valid_accuracy: f64,
    /// Mean norm of the batches' gradients, before clipping.
    pub gradient_norm: f64,
    /// The validation data's own figure, where it has one and it decides: of streams, the share of the words missed at the
    /// allowed false accepts an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_metric: Option<f64>,
    /// Whether it is the best so far.
    pub best: bool,
}

/// Progress of a running training.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// A batch is done.
    Batch {
        /// From 1.
        epoch: usize,
        /// From 1.
        batch: usize,
        /// Batches in an epoch.
        batches: usize,
        /// Mean total loss of its sequences.
        loss: f64,
    },
    /// An epoch is done, and checkpointed.
    Epoch(&'a EpochMetrics),
}

/// Whether to continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Continue.
    Continue,
    /// Stop now. In the middle of an epoch, its updates so far are dropped: resuming repeats the epoch.
    Stop,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// No improvement for as many epochs as the configuration allows.
    EarlyStop,
    /// Stopped by the caller; it can be resumed.
    Stopped,
}

/// The best network so far.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Best {
    pub epoch: usize,
    pub values: Vec<f32>,
    /// Formats of the network in integers that was trained with.
    pub formats: Option<String>,
}

/// A network in training.
#[derive(Debug)]
pub struct Trainer {
    pub(super) learner: Learner,
    pub(super) best: Option<Best>,
    pub(super) history: Vec<EpochMetrics>,
    /// The part of the run that is aware of quantization.
    pub(super) quantization: Option<QuantizationAware>,
    /// Where that part is under way, how many epochs were done before it, and what a checkpoint kept of it.
    pub(super) aware_from: Option<usize>,
    pub(super) kept: Option<AwareState>,
}

/// What is kept of a training that is aware of quantization.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AwareState {
    /// Epochs that were done before it.
    pub from: usize,
    /// Of [`super::integer::IntegerNetwork::formats`].
    pub formats: String,
    /// Logarithms of the scales.
    pub scales: Vec<f32>,
    pub moments: Moments,
}

/// A seed for one purpose, from the run's.
fn derive(seed: u64, purpose: u64, a: u64, b: u64) -> u64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ purpose.rotate_left(56));
    random.set_stream(a);
    random.set_word_pos(u128::from(b) * 2);
    random.next_u64()
}

/// Purposes of [`derive()`].
const SHUFFLE: u64 = 1;
const AUGMENT: u64 = 2;
const DROPOUT: u64 = 3;

/// The order of `n` sequences in an epoch, from 0.
pub(super) fn order(n: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(derive(seed, SHUFFLE, epoch as u64, 0)));
    order
}

impl Trainer {
    /// A new run.
    pub fn new(spec: &NetworkSpec, config: &TrainConfig) -> Result<Self, TrainError> {
        config.check().map_err(|(key, wanted)| TrainError::Config { key, wanted })?;
        let network = Network::new(spec, config.seed)?;
        if !config.class_weights.is_empty() && config.class_weights.len() != spec.outputs() {
            let wanted = "as many numbers as there are classes".to_owned();
            return Err(TrainError::Config { key: "class_weights", wanted });
        }
        Ok(Self {
            learner: Learner::new(network, config),
            best: None,
            history: Vec::new(),
            quantization: None,
            aware_from: None,
            kept: None,
        })
    }

    /// A run as its checkpoint left it. The number of threads is the caller's: it does not change the result.
    pub fn resume(path: &Path) -> Result<Self, TrainError> {
        let checkpoint = Checkpoint::read(path)?;
        let mut trainer = Self::new(&checkpoint.spec, &checkpoint.config)?;
        if checkpoint.values.len() != trainer.learner.network.values().len() {
            let reason = "its vectors do not fit its network".into();
            return Err(TrainError::Checkpoint { path: path.to_owned(), reason });
        }
        trainer.learner.network.update(|v| v.copy_from_slice(&checkpoint.values));
        trainer.learner.moments = checkpoint.moments;
        (trainer.best, trainer.history) = (checkpoint.best, checkpoint.history);
        (trainer.aware_from, trainer.kept) = (checkpoint.aware.as_ref().map(|a| a.from), checkpoint.aware);
        Ok(trainer)
    }

    /// Writes the checkpoint of a run that begins with `network`, of which no epoch is done.
    ///
    /// # Errors
    /// Where the configuration is wrong, or the file cannot be written.
    pub fn write_beginning(network: &Network<f32>, config: &TrainConfig, path: &Path) -> Result<(), TrainError> {
        let mut trainer = Self::new(network.spec(), config)?;
        trainer.learner.network.update(|v| v.copy_from_slice(network.values()));
        trainer.checkpoint().write(path)
    }

    /// The configuration.
    pub fn config(&self) -> &TrainConfig {
        &self.learner.config
    }

    /// The run begins with these parameters.
    ///
    /// # Errors
    /// Where the network has other tensors, in a sentence that goes on after a name.
    pub fn with_network(mut self, network: &Network<f32>) -> Result<Self, String> {
        let own = &mut self.learner.network;
        let of = |network: &Network<f32>| -> Vec<String> {
            network.tensors().iter().map(|t| format!("{} {:?}", t.name, t.shape)).collect()
        };
        let (ours, theirs) = (of(own), of(network));
        if ours != theirs {
            let differ = ours.iter().zip(&theirs).find(|(a, b)| a != b);
            let (a, b) = differ.map_or(("other layers", "these"), |(a, b)| (a.as_str(), b.as_str()));
            return Err(format!("the recipe's network has {a}, that of the run {b}"));
        }
        own.update(|values| values.copy_from_slice(network.values()));
        Ok(self)
    }

    /// After the epochs of the configuration, or when they stop early, training goes on along the network in integers.
    #[must_use]
    pub fn with_quantization(self, quantization: Option<QuantizationAware>) -> Self {
        Self { quantization, ..self }
    }

    /// The answers of a larger network over the same frames are learned as well (distillation): logits of as many classes.
    ///
    /// # Errors
    /// Where the teacher answers otherwise than the network: at other steps, or of other classes.
    pub fn with_teacher(mut self, teacher: Option<Network<f32>>) -> Result<Self, TrainError> {
        let Some(teacher) = teacher else { return Ok(self) };
        let (own, other) = (self.learner.network.spec(), teacher.spec());
        let of = |s: &NetworkSpec| (s.structure == StructureSpec::Sequence, s.inputs, s.outputs(), s.per_step());
        if of(own) != of(other) || !of(own).0 || self.learner.config.loss != Loss::CrossEntropy {
            let wanted = format!(
                "the run of a classifier of sequences with {} inputs and {} classes, {}",
                own.inputs,
                own.outputs(),
                if own.per_step() { "one at every step" } else { "one of the whole sequence" }
            );
            return Err(TrainError::Config { key: "teacher", wanted });
        }
        self.learner.teacher = Some(Arc::new(teacher));
        Ok(self)
    }

    /// Changes the number of threads, 0 for all cores.
    pub fn set_threads(&mut self, threads: usize) {
        self.learner.config.threads = threads;
    }

    /// Changes whether gates are computed again; that does not change the result either.
    pub fn set_recompute(&mut self, on: bool) {
        self.learner.config.recompute = on;
        self.learner.network.set_recompute(on);
    }

    /// Learns together with other processes, which have the same network, configuration and data.
    pub fn set_ranks(&mut self, ranks: Arc<dyn Ranks>) {
        self.learner.ranks = ranks;
    }

    /// The network as it is now.
    pub fn network(&self) -> &Network<f32> {
        &self.learner.network
    }

    /// The memory that it uses, with the largest batch so far.
    pub fn memory(&self) -> Memory {
        self.learner.memory()
    }

    /// The epochs done.
    pub fn history(&self) -> &[EpochMetrics] {
        &self.history
    }

    /// The best epoch, from 1.
    pub fn best_epoch(&self) -> Option<usize> {
        self.best.as_ref().map(|best| best.epoch)
    }

    /// The network of the best epoch; before the first, the initial one. Of a training that is aware of quantization, the float network
    /// of what the device's weights stand for.
    pub fn into_best(mut self) -> Network<f32> {
        if let Some(best) = &self.best {
            self.learner.network.update(|v| v.copy_from_slice(&best.values));
        }
        self.learner.network
    }

    /// Formats and scales of the best epoch's network in integers.
    pub fn formats(&self) -> Option<&str> {
        self.best.as_ref()?.formats.as_deref()
    }

    /// Trains to the end. After every epoch, writes the checkpoint, where a path is given, then reports.
    ///
    /// # Errors
    /// Data that does not fit, divergence, a checkpoint that cannot be written. The checkpoint of the last good
    /// epoch stays, and with it the best network.
    pub fn run(
        &mut self,
        train: &dyn Dataset,
        valid: &dyn Dataset,
        checkpoint: Option<&Path>,
        mut on_progress: impl FnMut(Progress<'_>) -> Control + Send,
    ) -> Result<Outcome, TrainError> {
        for (set, data) in [("training", train), ("validation", valid)] {
            // Where the last epoch is used, no validation data are needed.
            let needed = set == "training" || self.learner.config.watch != Watch::Last;
            if data.is_empty() && needed {
                return Err(TrainError::NoData(set));
            }
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.learner.config.threads).build()?;
        self.learner.wants_stop = false;
        pool.install(|| {
            loop {
                if self.aware_from.is_none() && self.float_is_done() && self.quantization.is_some() {
                    self.begin_aware();
                }
                if self.is_done() {
                    break;
                }
                self.take_up_aware()?;
                let before = (self.learner.network.values().to_vec(), self.learner.moments.clone(), self.aware_state());
                match self.epoch(train, valid, &mut on_progress) {
                    Ok(true) => {}
                    // The network of a diverged epoch must not replace that of the last good one.
                    other => {
                        self.learner.network.update(|v| v.copy_from_slice(&before.0));
                        self.learner.moments = before.1;
                        self.restore_aware(before.2);
                        return other.map(|_| Outcome::Stopped);
                    }
                }
                agree(&*self.learner.ranks, self.learner.network.values())?;
                if let Some(path) = checkpoint {
                    self.checkpoint().write(path)?;
                }
                let metrics = self.history[self.history.len() - 1];
                let ends = self.is_done() && (self.quantization.is_none() || self.aware_from.is_some());
                let stop = on_progress(Progress::Epoch(&metrics)) == Control::Stop;
                if any(&*self.learner.ranks, stop)? && !ends {
                    return Ok(Outcome::Stopped);
                }
            }
            Ok(if self.aware_from.is_none() && self.out_of_patience() { Outcome::EarlyStop } else { Outcome::Finished })
        })
    }

    /// Whether the epochs of the configuration are done, or nothing improved for long.
    fn float_is_done(&self) -> bool {
        self.history.len() >= self.learner.config.epochs || self.out_of_patience()
    }

    /// Whether no epoch is left.
    fn is_done(&self) -> bool {
        match (self.aware_from, &self.quantization) {
            (Some(from), Some(quantization)) => self.history.len() >= from + quantization.epochs,
            _ => self.float_is_done(),
        }
    }

    fn out_of_patience(&self) -> bool {
        let since = self.history.len() - self.best_epoch().unwrap_or(0);
        self.learner.config.patience > 0 && since >= self.learner.config.patience && !self.history.is_empty()
    }

    pub(super) fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            spec: self.learner.network.spec().clone(),
            config: self.learner.config.clone(),
            values: self.learner.network.values().to_vec(),
            moments: self.learner.moments.clone(),
            best: self.best.clone(),
            history: self.history.clone(),
            aware: self.aware_state(),
        }
    }

    /// One epoch; false if the caller stopped it.
    fn epoch(
        &mut self,
        train: &dyn Dataset,
        valid: &dyn Dataset,
        on_progress: &mut dyn FnMut(Progress<'_>) -> Control,
    ) -> Result<bool, TrainError> {
        let number = self.history.len();
        let seed = self.learner.config.seed;
        if let Some(aware) = &mut self.learner.aware {
            aware.widen(&self.learner.network).map_err(TrainError::Quantization)?;
        }
        train.before_epoch(&self.learner.network, number);
        self.learner.teacher_forcing = self.learner.config.teacher_forcing_at(number);
        let order = order(train.len(), seed, number);
        let epoch_seed = Some(derive(seed, AUGMENT, number as u64, 0));
        let batches = order.len().div_ceil(self.learner.config.batch);
        let schedule = self.schedule();
        let (mut sum, mut norms, mut rate) = (Score::default(), 0.0, 0.0);
        let mut chunks = order.chunks(self.learner.config.batch).enumerate().peekable();
        if let Some((_, indices)) = chunks.peek() {
            self.learner.load(train, indices, epoch_seed)?;
        }
        while let Some((b, indices)) = chunks.next() {
            rate = schedule.rate_at(self.learner.moments.steps, batches as u64);
            let dropout = derive(seed, DROPOUT, number as u64, b as u64);
            // The next batch is made during this training step: neither waits for the other.
            let (step, loaded) = match chunks.peek() {
                Some((_, indices)) => {
                    let request = Request { data: train, indices, epoch_seed };
                    self.learner.learn_and_load(rate, dropout, request)
                }
                None => (self.learner.learn(rate, dropout), Ok(())),
            };
            let Step { score, norm, stop } = step?;
            let loss = score.loss / indices.len() as f64;
            for (what, value) in [("loss", loss), ("gradient norm", norm)] {
                if !value.is_finite() {
                    return Err(TrainError::Diverged { epoch: number + 1, batch: b + 1, what, value });
                }
            }
            sum.add(&score);
            norms += norm;
            loaded?;
            let wanted =
                on_progress(Progress::Batch { epoch: number + 1, batch: b + 1, batches, loss }) == Control::Stop;
            // Ranks see it at the next step, and stop after the same one.
            self.learner.wants_stop = wanted;
            if stop || (wanted && self.learner.ranks.count() == 1) {
                return Ok(false);
            }
        }
        self.learner.follow()?;
        let (network, integer) = self.learner.current();
        let along = (integer, &*self.learner.ranks);
        let score = evaluate_along(network, valid, self.learner.config.loss, "validation", along)?;
        if !score.loss.is_finite() {
            let (epoch, what) = (number + 1, "validation loss");
            return Err(TrainError::Diverged { epoch, batch: batches, what, value: score.loss });
        }
        let accuracy = |s: &Score| s.correct as f64 / s.outputs.max(1) as f64;
        let per_step = |s: &Score| s.loss / s.outputs.max(1) as f64;
        let metrics = EpochMetrics {
            epoch: number + 1,
            rate,
            train_loss: sum.loss / sum.sequences as f64,
            train_loss_per_step: per_step(&sum),
            train_accuracy: accuracy(&sum),
            valid_loss: score.loss / score.sequences.max(1) as f64,
            valid_loss_per_step: per_step(&score),
            valid_accuracy: accuracy(&score),
            gradient_norm: norms / batches as f64,
            validation_metric: if self.learner.config.watch == Watch::ValidationMetric {
                valid.validation_metric(network)
            } else {
                None
            },
            best: false,
        };
        let best = self.best_epoch().is_none_or(|best| self.better(&metrics, &self.history[best - 1]));
        self.history.push(EpochMetrics { best, ..metrics });
        if best {
            let formats = self.learner.aware.as_ref().map(|aware| aware.network.formats());
            self.best = Some(Best { epoch: number + 1, values: self.learner.current().0.values().to_vec(), formats });
        }
        Ok(true)
    }

    fn better(&self, new: &EpochMetrics, old: &EpochMetrics) -> bool {
        let loss = new.valid_loss < old.valid_loss;
        match self.learner.config.watch {
            Watch::Last => true,
            Watch::Loss => loss,
            Watch::ValidationMetric if new.validation_metric == old.validation_metric => loss,
            Watch::ValidationMetric => {
                new.validation_metric.unwrap_or(f64::INFINITY) < old.validation_metric.unwrap_or(f64::INFINITY)
            }
            Watch::Accuracy if new.valid_accuracy == old.valid_accuracy => loss,
            Watch::Accuracy => new.valid_accuracy > old.valid_accuracy,
        }
    }
}
