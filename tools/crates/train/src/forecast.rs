//! Memory and time of a run, before it starts: some batches are learnt as the run will learn them.

use std::path::Path;
use std::time::Instant;

use cpu_time::ProcessTime;
use rayon::prelude::*;
use serde::Serialize;

use super::config::{TrainConfig, Watch};
use super::dataset::{Dataset, Sequence};
use super::error::TrainError;
use super::evaluate::evaluate;
use super::learner::{Learner, Memory, Request};
use super::trainer::{Best, Trainer, order};
use elman_data::ExampleStructure;
use elman_nn::{NetworkSpec, Target};

/// Seconds that measuring one part of an epoch takes, about.
const MEASURE_S: f64 = 1.5;
/// Epochs whose batches are looked at for the largest.
const EPOCHS: usize = 100;
/// Sequences of all those epochs that are looked at, at most.
const PLACES: usize = 20_000_000;

/// Time of a piece of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spent {
    /// Seconds.
    pub seconds: f64,
    /// Seconds of processor time, of all threads together.
    pub processor_seconds: f64,
}

impl Spent {
    /// The result of `work` with the time that it took.
    pub fn of<T>(work: impl FnOnce() -> T) -> (Self, T) {
        let (start, processor) = (Instant::now(), ProcessTime::now());
        let result = work();
        let processor_seconds = processor.elapsed().as_secs_f64();
        (Spent { seconds: start.elapsed().as_secs_f64(), processor_seconds }, result)
    }

    /// `n` times as much.
    pub fn times(self, n: f64) -> Self {
        Spent { seconds: self.seconds * n, processor_seconds: self.processor_seconds * n }
    }

    /// Both one after the other.
    pub fn and(self, other: Self) -> Self {
        Spent {
            seconds: self.seconds + other.seconds,
            processor_seconds: self.processor_seconds + other.processor_seconds,
        }
    }

    /// What is left of it without `other`.
    fn without(self, other: Self) -> Self {
        Spent {
            seconds: (self.seconds - other.seconds).max(0.0),
            processor_seconds: (self.processor_seconds - other.processor_seconds).max(0.0),
        }
    }
}

/// Memory and time of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// Memory that no batch can exceed, unless varying the data makes a sequence longer.
    pub memory: Memory,
    /// Sequences to train on.
    pub sequences: usize,
    /// Values of the longest one, over all its steps.
    pub longest: usize,
    /// Estimated time of an epoch, with making its examples, validation and checkpoint.
    pub epoch: Spent,
    /// Of that, running the network over the validation data once.
    pub validation: Spent,
}

/// What a sequence needs memory for: values of its frames; targets and edges.
fn extent(sequence: &Sequence) -> [usize; 2] {
    let targets = match &sequence.target {
        Target::Class(_) => 0,
        Target::Steps(classes) => classes.len(),
        Target::Values(values) => values.len(),
    };
    let joints = match &sequence.joints {
        ExampleStructure::None => 0,
        ExampleStructure::Tree(nodes) => nodes.len(),
        ExampleStructure::Graph(rows) => rows.neighbours.len(),
    };
    [sequence.frames.len(), targets + joints]
}

/// Batches in which every shard holds what needs the most memory of all that this shard gets during the run.
fn largest_batches(extents: &[[usize; 2]], config: &TrainConfig) -> Vec<Vec<usize>> {
    let epochs = config.epochs.min(EPOCHS).min(PLACES / extents.len().max(1)).max(1);
    let full = config.batch.min(extents.len());
    let shards = full.div_ceil(config.shard);
    // By frames or by the rest; as wide as the widest, or all together.
    let mut most = vec![vec![(0, Vec::new()); shards]; 4];
    for epoch in 0..epochs {
        for batch in order(extents.len(), config.seed, epoch).chunks(config.batch) {
            for (s, shard) in batch.chunks(config.shard).enumerate() {
                let whole = (full - s * config.shard).min(config.shard);
                if shard.len() < whole {
                    continue;
                }
                for (kind, most) in most.iter_mut().enumerate() {
                    let sizes = shard.iter().map(|&k| extents[k][kind % 2]);
                    let size = if kind < 2 { sizes.max().unwrap_or(0) } else { sizes.sum() };
                    if size > most[s].0 || most[s].1.is_empty() {
                        most[s] = (size, shard.to_vec());
                    }
                }
            }
        }
    }
    let mut batches: Vec<Vec<usize>> =
        most.into_iter().map(|shards| shards.into_iter().flat_map(|(_, shard)| shard).collect()).collect();
    batches.sort();
    batches.dedup();
    batches
}

/// Some of a data set.
struct Subset<'a> {
    data: &'a dyn Dataset,
    indices: Vec<usize>,
}

impl Dataset for Subset<'_> {
    fn len(&self) -> usize {
        self.indices.len()
    }
    fn get(&self, index: usize, epoch_seed: Option<u64>) -> Sequence {
        self.data.get(self.indices[index], epoch_seed)
    }
}

/// Takes steps on the largest batches and on the first of an epoch, evaluates some of the validation data, and writes a
/// checkpoint to `scratch`, where it is given.
///
/// # Errors
/// As [`Trainer::new`](super::Trainer::new) and [`Learner::load`]; [`TrainError::NoData`] for an empty data set.
pub fn forecast(
    spec: &NetworkSpec,
    config: &TrainConfig,
    data: &dyn Dataset,
    valid: &dyn Dataset,
    scratch: Option<&Path>,
) -> Result<Forecast, TrainError> {
    if data.is_empty() {
        return Err(TrainError::NoData("training"));
    }
    let mut trainer = Trainer::new(spec, config)?;
    // The best network, and what an epoch that diverges goes back to.
    let best = Best { epoch: 1, values: trainer.network().values().to_vec(), formats: None };
    let before = (best.clone(), trainer.learner.moments.clone());
    trainer.best = Some(best);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(config.threads).build()?;
    pool.install(|| {
        data.before_epoch(trainer.network(), 0);
        let (_, extents) = Spent::of(|| {
            (0..data.len())
                .into_par_iter()
                .map(|i| data.extent(i).unwrap_or_else(|| extent(&data.get(i, None))))
                .collect()
        });
        let extents: Vec<[usize; 2]> = extents;
        let learner = &mut trainer.learner;
        let training = epoch(learner, config, data, &extents)?;
        for batch in largest_batches(&extents, config) {
            learner.load(data, &batch, Some(config.seed))?;
            let next = Request { data, indices: &batch, epoch_seed: Some(config.seed) };
            let (step, loaded) = learner.learn_and_load(config.rate, 0, next);
            step.and(loaded)?;
        }
        let memory = learner.memory();
        let searching = Spent::of(|| data.search_share(trainer.network()));
        let searching = searching.0.times(searching.1);
        let validation = validation(&trainer, valid)?;
        let figure = match config.watch {
            Watch::ValidationMetric => Spent::of(|| valid.validation_metric(trainer.network())).0,
            _ => Spent::default(),
        };
        let checkpoint = match scratch {
            Some(path) => {
                let (spent, written) = Spent::of(|| trainer.checkpoint().write(path));
                // The metrics are a file too.
                written.map(|()| spent.times(2.0))?
            }
            None => Spent::default(),
        };
        drop(before);
        Ok(Forecast {
            memory,
            sequences: extents.len(),
            longest: extents.iter().map(|[values, _]| *values).max().unwrap_or(0),
            epoch: training.and(searching).and(validation).and(figure).and(checkpoint),
            validation,
        })
    })
}

/// Time of learning an epoch, by its first batches.
fn epoch(
    learner: &mut Learner,
    config: &TrainConfig,
    data: &dyn Dataset,
    extents: &[[usize; 2]],
) -> Result<Spent, TrainError> {
    let order = order(extents.len(), config.seed, 0);
    let batches: Vec<&[usize]> = order.chunks(config.batch).collect();
    let size = |batch: &[usize]| batch.iter().map(|&k| extents[k].iter().sum::<usize>()).sum::<usize>().max(1);
    let mut pass = |most: usize, seed: u64| -> Result<(Spent, usize, usize), TrainError> {
        let (start, mut done, mut taken) = (Instant::now(), 0, 0);
        let (spent, result) = Spent::of(|| -> Result<(), TrainError> {
            let mut batches = batches.iter().take(most).peekable();
            if let Some(first) = batches.peek() {
                learner.load(data, first, Some(seed))?;
            }
            while let Some(batch) = batches.next() {
                (done, taken) = (done + size(batch), taken + 1);
                let late = start.elapsed().as_secs_f64() > MEASURE_S;
                match batches.peek().filter(|_| !late) {
                    Some(next) => {
                        let next = Request { data, indices: next, epoch_seed: Some(seed) };
                        let (step, loaded) = learner.learn_and_load(config.rate, seed, next);
                        step.and(loaded)?;
                    }
                    None => {
                        learner.learn(config.rate, seed)?;
                        break;
                    }
                }
            }
            Ok(())
        });
        result.map(|()| (spent, done, taken))
    };
    let (mut first, mut done, taken) = pass(batches.len(), 0)?;
    // Where examples are kept for some epochs, others of them are made than are learnt.
    let made = data.renewed();
    if made < 1.0 {
        let second = pass(taken, 1)?.0;
        first = second.and(first.without(second).times(made));
    } else {
        // A short epoch is measured several times.
        for seed in 1..20 {
            if first.seconds > MEASURE_S / 3.0 {
                break;
            }
            let again = pass(taken, seed)?;
            (first, done) = (first.and(again.0), done + again.1);
        }
    }
    Ok(first.times(order.chunks(config.batch).map(size).sum::<usize>() as f64 / done.max(1) as f64))
}

/// Time of an evaluation of the validation data, by some of them, the longest included.
fn validation(trainer: &Trainer, valid: &dyn Dataset) -> Result<Spent, TrainError> {
    let (network, loss) = (trainer.network(), trainer.config().loss);
    let mut share = 64.min(valid.len());
    loop {
        let every = valid.len().div_ceil(share.max(1)).max(1);
        let some = Subset { data: valid, indices: (0..valid.len()).step_by(every).collect() };
        let (spent, score) = Spent::of(|| evaluate(network, &some, loss, "validation"));
        score?;
        let all = spent.times(valid.len() as f64 / some.len().max(1) as f64);
        if every == 1 || spent.seconds > MEASURE_S / 4.0 {
            return Ok(all);
        }
        share = (share as f64 * (MEASURE_S / 2.0 / spent.seconds.max(1e-6)).clamp(2.0, 1e6)) as usize;
        share = share.min(valid.len());
    }
}
