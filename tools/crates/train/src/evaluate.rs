//! A network on a whole data set.

use rayon::prelude::*;

use super::dataset::Dataset;
use super::error::TrainError;
use super::integer::IntegerNetwork;
use super::learner::gather_scores;
use super::ranks::{Alone, Ranks, is_own};
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
    evaluate_along(network, data, loss, set, (None, &Alone))
}

/// As [`evaluate`], with the answers of the network in integers that `network` was rounded with, on all ranks together.
pub(crate) fn evaluate_along(
    network: &Network<f32>,
    data: &dyn Dataset,
    loss: Loss,
    set: &'static str,
    (integer, ranks): (Option<&dyn IntegerNetwork>, &dyn Ranks),
) -> Result<Score, TrainError> {
    let indices: Vec<usize> = (0..data.len()).collect();
    let own: Vec<&[usize]> =
        indices.chunks(SHARD).enumerate().filter(|(i, _)| is_own(ranks, *i)).map(|(_, chunk)| chunk).collect();
    let scores = own
        .par_iter()
        .map_init(Shard::default, |shard, indices| {
            shard.evaluate(network, loss, SequenceSet { data, set, indices, epoch_seed: None }, integer)
        })
        .collect::<Vec<_>>();
    let scores = scores.into_iter().collect::<Result<Vec<Score>, TrainError>>()?;
    let all = if ranks.count() == 1 { vec![scores] } else { gather_scores(ranks, &scores, false)?.0 };
    let mut sum = Score::default();
    for i in 0..indices.len().div_ceil(SHARD) {
        sum.add(&all[i % ranks.count()][i / ranks.count()]);
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
