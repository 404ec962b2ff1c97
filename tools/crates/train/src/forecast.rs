//! Memory and time of a run, before it starts.

use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use super::config::TrainConfig;
use super::dataset::Dataset;
use super::error::TrainError;
use super::learner::{Learner, Memory};
use elman_nn::{Network, NetworkSpec};

/// Memory and time of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// Memory that no batch can exceed, unless varying the data makes a sequence longer.
    pub memory: Memory,
    /// Sequences to train on.
    pub sequences: usize,
    /// Values of the longest one, over all its steps.
    pub longest: usize,
    /// Estimated seconds of an epoch, validation not counted.
    pub epoch_seconds: f64,
}

/// Takes one step on a batch in which every shard holds the longest sequences, with a network that is dropped.
///
/// # Errors
/// As [`Trainer::new`](super::Trainer::new) and [`Learner::load`]; [`TrainError::NoData`] for an empty data set.
pub fn forecast(spec: &NetworkSpec, config: &TrainConfig, data: &dyn Dataset) -> Result<Forecast, TrainError> {
    config.check().map_err(|(key, wanted)| TrainError::Config { key, wanted })?;
    if data.is_empty() {
        return Err(TrainError::NoData("training"));
    }
    let network = Network::new(spec, config.seed)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(config.threads).build()?;
    pool.install(|| {
        let sizes: Vec<usize> = (0..data.len()).into_par_iter().map(|i| data.get(i, None).frames.len()).collect();
        let mut order: Vec<usize> = (0..data.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(sizes[i]));
        let batch = config.batch.min(order.len());
        let longest = &order[..config.shard.min(batch)];
        let indices: Vec<usize> = longest.iter().copied().cycle().take(batch).collect();
        let mut learner = Learner::new(network, config);
        learner.load(data, &indices, Some(config.seed))?;
        learner.learn(config.rate, 0);
        // The first step allocates; the second is like all others.
        learner.load(data, &indices, Some(config.seed))?;
        let start = Instant::now();
        learner.learn(config.rate, 0);
        let taken = start.elapsed().as_secs_f64();
        let of_step: usize = indices.iter().map(|&i| sizes[i]).sum();
        let share = sizes.iter().sum::<usize>() as f64 / of_step.max(1) as f64;
        Ok(Forecast {
            memory: learner.memory(),
            sequences: sizes.len(),
            longest: sizes[order[0]],
            epoch_seconds: taken * share,
        })
    })
}
