//! A network on a whole data set.

use rayon::prelude::*;

use super::dataset::Dataset;
use super::error::TrainError;
use super::integer::IntegerNetwork;
use super::shard::{SequenceSet, Shard};
use elman_nn::{Loss, Mode, Network, Score, structure};

/// Sequences evaluated at a time; not part of the result.
const SHARD: usize = 32;

/// Scores a network on a data set, without dropout or augmentation, on the current rayon threads. The sum is taken
/// in the order of the data.
pub fn evaluate(
    network: &Network<f32>,
    data: &dyn Dataset,
    loss: Loss,
    set: &'static str,
) -> Result<Score, TrainError> {
    evaluate_along(network, data, loss, set, None)
}

/// As [`evaluate`], with the answers of the network in integers that `network` was rounded with.
pub(crate) fn evaluate_along(
    network: &Network<f32>,
    data: &dyn Dataset,
    loss: Loss,
    set: &'static str,
    integer: Option<&dyn IntegerNetwork>,
) -> Result<Score, TrainError> {
    let indices: Vec<usize> = (0..data.len()).collect();
    let scores = indices
        .par_chunks(SHARD)
        .map_init(Shard::default, |shard, indices| {
            shard.evaluate(network, loss, SequenceSet { data, set, indices, epoch_seed: None }, integer)
        })
        .collect::<Vec<_>>();
    let mut sum = Score::default();
    for score in scores {
        sum.add(&score?);
    }
    Ok(sum)
}

/// The network's outputs for every sequence of a data set, `[steps, outputs]` each, one step only after a pool.
pub fn outputs(network: &Network<f32>, data: &dyn Dataset) -> Vec<Vec<f32>> {
    (0..data.len())
        .into_par_iter()
        .map(|index| structure::run(network, data.get(index, None).item(), Mode::Evaluate))
        .collect()
}
