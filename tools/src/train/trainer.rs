//! The training loop.

use std::path::Path;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::checkpoint::Checkpoint;
use super::config::{TrainConfig, Watch};
use super::dataset::Dataset;
use super::error::TrainError;
use super::evaluate::evaluate;
use super::optimizer::Moments;
use super::shard::{Part, Shard};
use crate::nn::float::{Float, Kernel, Lanes};
use crate::nn::{Mode, Network, NetworkSpec, Pass, Score};

/// What an epoch came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// From 1.
    pub epoch: usize,
    /// Learning rate of its last step.
    pub rate: f64,
    /// Mean total loss of a training sequence, with dropout and augmentation, while the network was changing.
    pub train_loss: f64,
    /// Share of right training outputs.
    pub train_accuracy: f64,
    /// Mean total loss of a validation sequence.
    pub valid_loss: f64,
    /// Share of right validation outputs.
    pub valid_accuracy: f64,
    /// Mean norm of the batches' gradients, before clipping.
    pub gradient_norm: f64,
    /// Whether it is the best so far.
    pub best: bool,
}

/// What a running training tells.
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

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// On.
    Continue,
    /// Stop now. In the middle of an epoch, what it learnt so far is dropped: resuming repeats the epoch.
    Stop,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All epochs are done.
    Finished,
    /// No improvement for as long as the configuration waits.
    EarlyStop,
    /// It was told to stop, and can be resumed.
    Stopped,
}

/// The best network so far.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Best {
    pub epoch: usize,
    pub values: Vec<f32>,
}

/// A network in training.
#[derive(Debug)]
pub struct Trainer {
    config: TrainConfig,
    network: Network<f32>,
    moments: Moments,
    best: Option<Best>,
    history: Vec<EpochMetrics>,
    decays: Vec<f32>,
    shards: Vec<Shard>,
    total: Vec<f32>,
}

/// A seed for one purpose, from the run's.
fn derive(seed: u64, purpose: u64, a: u64, b: u64) -> u64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ purpose.rotate_left(56));
    random.set_stream(a);
    random.set_word_pos(u128::from(b) * 2);
    random.next_u64()
}

/// Purposes of [`derive`].
const SHUFFLE: u64 = 1;
const AUGMENT: u64 = 2;
const DROPOUT: u64 = 3;

impl Trainer {
    /// A run that has not begun.
    pub fn new(spec: &NetworkSpec, config: &TrainConfig) -> Result<Self, TrainError> {
        config.check().map_err(|(key, wanted)| TrainError::Config { key, wanted })?;
        let network = Network::new(spec, config.seed)?;
        let n = network.values().len();
        let mut decays = vec![0.0; n];
        for tensor in network.tensors().iter().filter(|t| t.shape.len() > 1) {
            decays[tensor.range.clone()].fill(1.0);
        }
        let config = config.clone();
        let (moments, best, history) = (Moments::new(n), None, Vec::new());
        Ok(Self { config, network, moments, best, history, decays, shards: Vec::new(), total: vec![0.0; n] })
    }

    /// A run as its checkpoint left it. The number of threads is the caller's: it does not change the result.
    pub fn resume(path: &Path) -> Result<Self, TrainError> {
        let checkpoint = Checkpoint::read(path)?;
        let mut trainer = Self::new(&checkpoint.spec, &checkpoint.config)?;
        if checkpoint.values.len() != trainer.network.values().len() {
            let reason = "its vectors do not fit its network".into();
            return Err(TrainError::Checkpoint { path: path.to_owned(), reason });
        }
        trainer.network.update(|v| v.copy_from_slice(&checkpoint.values));
        (trainer.moments, trainer.best, trainer.history) = (checkpoint.moments, checkpoint.best, checkpoint.history);
        Ok(trainer)
    }

    /// How it trains.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// Changes the number of threads, 0 for all cores.
    pub fn set_threads(&mut self, threads: usize) {
        self.config.threads = threads;
    }

    /// The network as it is now.
    pub fn network(&self) -> &Network<f32> {
        &self.network
    }

    /// The epochs done.
    pub fn history(&self) -> &[EpochMetrics] {
        &self.history
    }

    /// The best epoch, from 1.
    pub fn best_epoch(&self) -> Option<usize> {
        self.best.as_ref().map(|best| best.epoch)
    }

    /// The network of the best epoch; before the first, the initial one.
    pub fn into_best(mut self) -> Network<f32> {
        if let Some(best) = &self.best {
            self.network.update(|v| v.copy_from_slice(&best.values));
        }
        self.network
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
            if data.is_empty() {
                return Err(TrainError::NoData(set));
            }
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.config.threads).build()?;
        pool.install(|| {
            while self.history.len() < self.config.epochs {
                if self.out_of_patience() {
                    return Ok(Outcome::EarlyStop);
                }
                let before = (self.network.values().to_vec(), self.moments.clone());
                match self.epoch(train, valid, &mut on_progress) {
                    Ok(true) => {}
                    // What a broken epoch left must not pass for the last good one's network.
                    other => {
                        self.network.update(|v| v.copy_from_slice(&before.0));
                        self.moments = before.1;
                        return other.map(|_| Outcome::Stopped);
                    }
                }
                if let Some(path) = checkpoint {
                    self.checkpoint().write(path)?;
                }
                let metrics = self.history[self.history.len() - 1];
                if on_progress(Progress::Epoch(&metrics)) == Control::Stop && self.history.len() < self.config.epochs {
                    return Ok(Outcome::Stopped);
                }
            }
            Ok(if self.out_of_patience() { Outcome::EarlyStop } else { Outcome::Finished })
        })
    }

    fn out_of_patience(&self) -> bool {
        let since = self.history.len() - self.best_epoch().unwrap_or(0);
        self.config.patience > 0 && since >= self.config.patience && !self.history.is_empty()
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            spec: self.network.spec().clone(),
            config: self.config.clone(),
            values: self.network.values().to_vec(),
            moments: self.moments.clone(),
            best: self.best.clone(),
            history: self.history.clone(),
        }
    }

    /// One epoch; false if it was told to stop.
    fn epoch(
        &mut self,
        train: &dyn Dataset,
        valid: &dyn Dataset,
        on_progress: &mut dyn FnMut(Progress<'_>) -> Control,
    ) -> Result<bool, TrainError> {
        let number = self.history.len();
        let seed = self.config.seed;
        let mut order: Vec<usize> = (0..train.len()).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(derive(seed, SHUFFLE, number as u64, 0)));
        let epoch_seed = Some(derive(seed, AUGMENT, number as u64, 0));
        let batches = order.len().div_ceil(self.config.batch);
        let (mut sum, mut norms, mut rate) = (Score::default(), 0.0, 0.0);
        for (b, indices) in order.chunks(self.config.batch).enumerate() {
            let part = Part { data: train, set: "training", indices, epoch_seed };
            let (score, norm) = self.gradient(part, derive(seed, DROPOUT, number as u64, b as u64))?;
            let loss = score.loss / indices.len() as f64;
            for (what, value) in [("loss", loss), ("gradient norm", norm)] {
                if !value.is_finite() {
                    return Err(TrainError::Diverged { epoch: number + 1, batch: b + 1, what, value });
                }
            }
            rate = self.config.rate_at(self.moments.steps, batches as u64);
            let clip = self.config.clip;
            let scale = if clip > 0.0 && norm > clip { clip / norm } else { 1.0 };
            let (moments, config, total, decays) = (&mut self.moments, &self.config, &self.total, &self.decays);
            self.network.update(|values| moments.step(config, rate, scale, values, total, decays));
            sum.add(&score);
            norms += norm;
            if on_progress(Progress::Batch { epoch: number + 1, batch: b + 1, batches, loss }) == Control::Stop {
                return Ok(false);
            }
        }
        let score = evaluate(&self.network, valid, self.config.loss, "validation")?;
        if !score.loss.is_finite() {
            let (epoch, what) = (number + 1, "validation loss");
            return Err(TrainError::Diverged { epoch, batch: batches, what, value: score.loss });
        }
        let accuracy = |s: &Score| s.correct as f64 / s.outputs.max(1) as f64;
        let metrics = EpochMetrics {
            epoch: number + 1,
            rate,
            train_loss: sum.loss / sum.sequences as f64,
            train_accuracy: accuracy(&sum),
            valid_loss: score.loss / score.sequences as f64,
            valid_accuracy: accuracy(&score),
            gradient_norm: norms / batches as f64,
            best: false,
        };
        let best = self.best_epoch().is_none_or(|best| self.better(&metrics, &self.history[best - 1]));
        self.history.push(EpochMetrics { best, ..metrics });
        if best {
            self.best = Some(Best { epoch: number + 1, values: self.network.values().to_vec() });
        }
        Ok(true)
    }

    fn better(&self, new: &EpochMetrics, old: &EpochMetrics) -> bool {
        let loss = new.valid_loss < old.valid_loss;
        match self.config.watch {
            Watch::Loss => loss,
            Watch::Accuracy if new.valid_accuracy == old.valid_accuracy => loss,
            Watch::Accuracy => new.valid_accuracy > old.valid_accuracy,
        }
    }

    /// Gradient of a batch's mean loss, into `total`; its score and the gradient's norm.
    fn gradient(&mut self, part: Part<'_>, dropout: u64) -> Result<(Score, f64), TrainError> {
        let (network, loss) = (&self.network, self.config.loss);
        let scale = 1.0 / part.indices.len() as f64;
        let chunks: Vec<&[usize]> = part.indices.chunks(self.config.shard).collect();
        if self.shards.len() < chunks.len() {
            self.shards.resize_with(chunks.len(), Shard::default);
        }
        let shards = &mut self.shards[..chunks.len()];
        let results: Vec<Result<(), TrainError>> = shards
            .par_iter_mut()
            .with_max_len(1)
            .zip(&chunks)
            .enumerate()
            .map(|(i, (shard, indices))| {
                let pass = Pass { loss, scale, mode: Mode::Train(dropout.wrapping_add(i as u64)) };
                shard.train(network, Part { indices, ..part }, pass)
            })
            .collect();
        results.into_iter().collect::<Result<(), _>>()?;
        let mut score = Score::default();
        self.total.fill(0.0);
        for shard in shards {
            score.add(&shard.score);
            f32::dispatch(AddTo(&mut self.total, &shard.gradient));
        }
        let norm = self.total.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>().sqrt();
        Ok((score, norm))
    }
}

/// a += b
struct AddTo<'a>(&'a mut [f32], &'a [f32]);

impl Kernel<f32> for AddTo<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Elem = f32>>(self, l: L) {
        for (a, b) in self.0.chunks_mut(L::LANES).zip(self.1.chunks(L::LANES)) {
            l.store(a, l.add(l.load(a), l.load(b)));
        }
    }
}
