//! One step of learning: gradient of a batch, clipping, optimizer.

use std::sync::Arc;

use rayon::prelude::*;
use serde::Serialize;

use super::config::TrainConfig;
use super::dataset::Dataset;
use super::error::TrainError;
use super::integer::{Aware, IntegerNetwork};
use super::optimizer::Moments;
use super::ranks::{Alone, Ranks, add_all, is_own};
use super::shard::{Loaded, SequenceSet, Shard};
use elman_nn::budget::{Part, timed};
use elman_nn::float::{Float, Kernel, Lanes};
use elman_nn::{Classes, Mode, Network, NetworkSpec, Pass, Score, SoftLabels};

/// A network with everything that a training step needs. Runs on the current rayon threads; their number does not change
/// the result.
#[derive(Debug)]
pub struct Learner {
    pub(super) config: TrainConfig,
    pub(super) network: Network<f32>,
    pub(super) moments: Moments,
    /// Once training is aware of quantization.
    pub(super) aware: Option<Aware>,
    /// A larger network whose answers are learned as well.
    pub(super) teacher: Option<Arc<Network<f32>>>,
    /// The processes that learn this network.
    pub(super) ranks: Arc<dyn Ranks>,
    /// Whether this one wants to stop, which all see at the next step.
    pub(super) wants_stop: bool,
    /// 1 for parameters subject to weight decay, 0 for others.
    decays: Vec<f32>,
    shards: Vec<Shard>,
    /// The batch that is loaded during a training step on another.
    next: Vec<Loaded>,
    loaded: usize,
    /// Sequences of the batch, on all ranks.
    sequences: usize,
    total: Vec<f32>,
    /// Teacher forcing: share of the steps at which a decoder reads the target symbol.
    pub(super) teacher_forcing: f64,
}

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Of the batch.
    pub score: Score,
    /// Norm of the gradient of the batch's mean loss, before clipping.
    pub norm: f64,
    /// Whether one of the ranks wants to stop.
    pub stop: bool,
}

impl Learner {
    /// Before the first step.
    pub fn new(mut network: Network<f32>, config: &TrainConfig) -> Self {
        network.set_recompute(config.recompute);
        let n = network.values().len();
        let mut decays = vec![0.0; n];
        for tensor in network.tensors().iter().filter(|t| t.shape.len() > 1) {
            decays[tensor.range.clone()].fill(1.0);
        }
        let (config, moments, total) = (config.clone(), Moments::new(n), vec![0.0; n]);
        Self {
            config,
            network,
            moments,
            aware: None,
            teacher: None,
            ranks: Arc::new(Alone),
            wants_stop: false,
            decays,
            shards: Vec::new(),
            next: Vec::new(),
            loaded: 0,
            sequences: 0,
            total,
            teacher_forcing: 1.0,
        }
    }

    /// The network.
    pub fn network(&self) -> &Network<f32> {
        &self.network
    }

    /// Rounds the network, once training is aware of quantization.
    pub(super) fn follow(&mut self) -> Result<(), TrainError> {
        let Some(aware) = &mut self.aware else { return Ok(()) };
        aware.follow(&self.network).map_err(TrainError::Quantization)
    }

    /// The network that runs and is evaluated: once training is aware of quantization, the one that was rounded last, and the integers
    /// along which it runs.
    pub(super) fn current(&self) -> (&Network<f32>, Option<&dyn IntegerNetwork>) {
        match &self.aware {
            Some(aware) => (&aware.rounded, Some(&*aware.network)),
            None => (&self.network, None),
        }
    }

    /// Loads these training sequences as the batch; with `epoch_seed` they may be augmented.
    ///
    /// # Errors
    /// [`TrainError::Sequence`] for one that does not fit.
    pub fn load(&mut self, data: &dyn Dataset, indices: &[usize], epoch_seed: Option<u64>) -> Result<(), TrainError> {
        let request = Request { data, indices, epoch_seed };
        load(&mut self.next, self.network.spec(), &self.config, (self.teacher.as_deref(), &*self.ranks), request)?;
        self.take(request);
        Ok(())
    }

    /// The loaded sequences become the batch.
    fn take(&mut self, request: Request<'_>) {
        self.loaded = request.indices.len().div_ceil(self.config.shard);
        self.sequences = request.indices.len();
        if self.shards.len() < self.loaded {
            self.shards.resize_with(self.loaded, Shard::default);
        }
        self.shards.iter_mut().zip(&mut self.next).take(self.loaded).for_each(|(shard, next)| shard.swap(next));
    }

    /// Memory of the largest batch so far, and of everything else.
    pub fn memory(&self) -> Memory {
        let parameters = self.network.values().len();
        Memory {
            parameters,
            // Values, their two moments and the decays, the sum of gradients, and each shard's.
            optimizer_bytes: (5 + (0..self.shards.len()).filter(|i| is_own(&*self.ranks, *i)).count())
                * parameters
                * size_of::<f32>(),
            activation_bytes: self.shards.iter().map(Shard::bytes).sum(),
        }
    }

    /// One step on the batch, as [`Learner::learn`], while the next batch is loaded, which then is the batch.
    ///
    /// # Errors
    /// As [`Learner::load`]; the step is done even so.
    pub fn learn_and_load(
        &mut self,
        rate: f64,
        seed: u64,
        next: Request<'_>,
    ) -> (Result<Step, TrainError>, Result<(), TrainError>) {
        let mut loading = std::mem::take(&mut self.next);
        let config = self.config.clone();
        let spec = self.network.spec().clone();
        let teacher = self.teacher.clone();
        let ranks = Arc::clone(&self.ranks);
        let load = || load(&mut loading, &spec, &config, (teacher.as_deref(), &*ranks), next);
        let (step, result) = rayon::join(|| self.learn(rate, seed), load);
        self.next = loading;
        if result.is_ok() {
            self.take(next);
        }
        (step, result)
    }

    /// One step on the batch at this learning rate, dropout drawn from `seed`. Where loss or norm is not finite,
    /// nothing is changed.
    ///
    /// # Errors
    /// [`TrainError::Ranks`] where another rank is gone; of one process none.
    pub fn learn(&mut self, rate: f64, seed: u64) -> Result<Step, TrainError> {
        let forced = self.teacher_forcing;
        if self.follow().is_err() {
            // A parameter is not finite, which is what the loss would be.
            return Ok(Step { score: Score { loss: f64::NAN, ..Score::default() }, norm: f64::NAN, stop: false });
        }
        let (network, loss) = (&self.network, self.config.loss);
        let (network, integer) = match &self.aware {
            Some(aware) => (&aware.rounded, Some(&*aware.network)),
            None => (network, None),
        };
        let soft = SoftLabels { logits: &[], weight: self.config.teacher_weight, temperature: self.config.temperature };
        let classes = Classes {
            weights: &self.config.class_weights,
            smoothing: self.config.label_smoothing,
            teacher: self.teacher.as_ref().map(|_| soft),
        };
        let shards = &mut self.shards[..self.loaded];
        let scale = 1.0 / self.sequences as f64;
        let mode = |i: usize| match integer {
            Some(_) => Mode::Evaluate,
            None => Mode::Train(seed.wrapping_add(i as u64)),
        };
        let train = |(i, shard): (usize, &mut Shard)| {
            shard.train(
                network,
                // The device has no dropout.
                Pass { loss, scale, mode: mode(i), classes, teacher_forcing: forced },
                integer,
            );
        };
        let own = |(i, _): &(usize, &mut Shard)| is_own(&*self.ranks, *i);
        if let [shard] = shards {
            if is_own(&*self.ranks, 0) {
                train((0, shard));
            }
        } else {
            shards.par_iter_mut().with_max_len(1).enumerate().filter(own).for_each(train);
        }
        let (score, stop) = self.add_up()?;
        if let Some(aware) = &mut self.aware {
            aware.backward(&self.network, &mut self.total);
        }
        let norm = timed(Part::Optimizer, || f32::dispatch(Norm(&self.total)));
        if score.loss.is_finite() && norm.is_finite() {
            let clip = self.config.clip;
            let scale = if clip > 0.0 && norm > clip { clip / norm } else { 1.0 };
            let (moments, config, total, decays) = (&mut self.moments, &self.config, &self.total, &self.decays);
            let mut step = |values: &mut [f32]| moments.step(config, rate, scale, values, total, decays);
            self.network.update(|values| timed(Part::Optimizer, || step(values)));
            if let Some(aware) = &mut self.aware {
                aware.step(config, rate);
            }
        }
        Ok(Step { score, norm, stop })
    }

    /// Adds score and gradient of all shards, in their order; also whether a rank wants to stop.
    fn add_up(&mut self) -> Result<(Score, bool), TrainError> {
        let (ranks, shards) = (&*self.ranks, &self.shards[..self.loaded]);
        let add = |to: &mut [f32], from: &[f32], fresh: bool| {
            timed(Part::Optimizer, || f32::dispatch(AddTo { to, from, fresh }));
        };
        let mut score = Score::default();
        if ranks.count() == 1 {
            for (i, shard) in shards.iter().enumerate() {
                score.add(&shard.score);
                add(&mut self.total, &shard.gradient, i == 0);
            }
            return Ok((score, self.wants_stop));
        }
        let own = || shards.iter().enumerate().filter(|(i, _)| is_own(ranks, *i)).map(|(_, shard)| shard);
        let scores: Vec<Score> = own().map(|shard| shard.score).collect();
        let (all, stop) = gather_scores(ranks, &scores, self.wants_stop)?;
        for i in 0..shards.len() {
            score.add(&all[i % ranks.count()][i / ranks.count()]);
        }
        let gradients: Vec<&[f32]> = own().map(|shard| &shard.gradient[..]).collect();
        add_all(ranks, shards.len(), &gradients, &mut self.total, add)?;
        Ok((score, stop))
    }
}

/// The scores of every rank, and whether one wants to stop.
pub(super) fn gather_scores(
    ranks: &dyn Ranks,
    own: &[Score],
    stop: bool,
) -> Result<(Vec<Vec<Score>>, bool), TrainError> {
    let mut bytes = vec![u8::from(stop)];
    for s in own {
        let fields = [s.loss.to_bits(), s.correct, s.outputs, s.sequences];
        bytes.extend(fields.iter().flat_map(|x| x.to_le_bytes()));
    }
    let all = ranks.gather(bytes).map_err(TrainError::Ranks)?;
    let stop = all.iter().any(|bytes| bytes.first() == Some(&1));
    let scores = |bytes: &Vec<u8>| {
        let words = bytes.get(1..).unwrap_or_default().as_chunks::<8>().0.iter().map(|w| u64::from_le_bytes(*w));
        let words: Vec<u64> = words.collect();
        let score = |[loss, correct, outputs, sequences]: &[u64; 4]| Score {
            loss: f64::from_bits(*loss),
            correct: *correct,
            outputs: *outputs,
            sequences: *sequences,
        };
        words.as_chunks::<4>().0.iter().map(score).collect()
    };
    Ok((all.iter().map(scores).collect(), stop))
}

/// Which sequences make a batch.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a data set need not be printable")]
pub struct Request<'a> {
    /// The data.
    pub data: &'a dyn Dataset,
    /// Which of its sequences.
    pub indices: &'a [usize],
    /// Seed of the epoch, where they may be augmented.
    pub epoch_seed: Option<u64>,
}

/// The memory that training uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Parameters.
    pub parameters: usize,
    /// Bytes of the parameters, their moments in the optimizer, and their gradients.
    pub optimizer_bytes: usize,
    /// Bytes of the activations of all steps and their gradients, of all shards of a batch.
    pub activation_bytes: usize,
}

/// Loads a batch, a shard on a thread.
fn load(
    to: &mut Vec<Loaded>,
    spec: &NetworkSpec,
    config: &TrainConfig,
    (teacher, ranks): (Option<&Network<f32>>, &dyn Ranks),
    Request { data, indices, epoch_seed }: Request<'_>,
) -> Result<(), TrainError> {
    let chunks: Vec<&[usize]> = indices.chunks(config.shard).collect();
    if to.len() < chunks.len() {
        to.resize_with(chunks.len(), Loaded::default);
    }
    let results: Vec<Result<(), TrainError>> = to
        .par_iter_mut()
        .with_max_len(1)
        .zip(chunks)
        .enumerate()
        .filter(|(i, _)| is_own(ranks, *i))
        .map(|(_, (loaded, indices))| {
            loaded.load(spec, config.loss, SequenceSet { data, set: "training", indices, epoch_seed })?;
            loaded.teach(teacher);
            Ok(())
        })
        .collect();
    results.into_iter().collect()
}

/// to += from, or to = from.
struct AddTo<'a> {
    to: &'a mut [f32],
    from: &'a [f32],
    fresh: bool,
}

impl Kernel<f32> for AddTo<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<Elem = f32>>(self, l: L) {
        if self.fresh {
            return self.to.copy_from_slice(self.from);
        }
        for (a, b) in self.to.chunks_mut(L::LANES).zip(self.from.chunks(L::LANES)) {
            l.store(a, l.add(l.load(a), l.load(b)));
        }
    }
}

/// Euclidean norm: sixteen partial sums, so that it vectorises and does not depend on the vector's width.
struct Norm<'a>(&'a [f32]);

impl Kernel<f32> for Norm<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<L: Lanes<Elem = f32>>(self, _: L) -> f64 {
        let mut sums = [0.0; 16];
        let (whole, rest) = self.0.as_chunks::<16>();
        for chunk in whole {
            for (sum, x) in sums.iter_mut().zip(chunk) {
                *sum += f64::from(*x) * f64::from(*x);
            }
        }
        for (sum, x) in sums.iter_mut().zip(rest) {
            *sum += f64::from(*x) * f64::from(*x);
        }
        sums.iter().sum::<f64>().sqrt()
    }
}
