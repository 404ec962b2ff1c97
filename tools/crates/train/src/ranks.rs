//! Processes that learn one network together, each with a part of every batch.
//!
//! Every rank has the whole network and its optimizer. The shards of a batch go to the ranks in turn; their gradients are added in the
//! order of the shards, as on one machine, so that the number of ranks does not change a bit. Each rank adds a slice of the parameters: it
//! receives that slice of all shards and sends the sum to all. Of S shards and P parameters on R ranks, a rank sends
//! 4 P (S / R + 1) (R - 1) / R bytes in a step.

use std::fmt::Debug;
use std::ops::Range;

use super::error::TrainError;

/// How ranks reach each other. All ranks call the same methods in the same order.
pub trait Ranks: Send + Sync + Debug {
    /// The place of this process among them, from 0.
    fn rank(&self) -> usize;

    /// How many there are, at least 1.
    fn count(&self) -> usize;

    /// What each rank gives, in their order.
    ///
    /// # Errors
    /// Where another rank is gone, in a sentence.
    fn gather(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>, String>;

    /// Sends `parts[k]` to rank k and returns what each rank sent to this one, of these lengths.
    ///
    /// # Errors
    /// Where another rank is gone, in a sentence.
    fn exchange(&self, parts: Vec<Vec<f32>>, lengths: &[usize]) -> Result<Vec<Vec<f32>>, String>;

    /// Says that this rank has ended well: all ranks say so, or none.
    fn end(&self) {}
}

/// One process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Ranks for Alone {
    fn rank(&self) -> usize {
        0
    }
    fn count(&self) -> usize {
        1
    }
    fn gather(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>, String> {
        Ok(vec![own])
    }
    fn exchange(&self, parts: Vec<Vec<f32>>, _: &[usize]) -> Result<Vec<Vec<f32>>, String> {
        Ok(parts)
    }
}

/// Whether a shard, or another piece of work with this number, is this rank's.
pub(crate) fn is_own(ranks: &dyn Ranks, number: usize) -> bool {
    number % ranks.count() == ranks.rank()
}

/// The parameters that a rank adds, of `n`.
fn slice(n: usize, rank: usize, count: usize) -> Range<usize> {
    n * rank / count..n * (rank + 1) / count
}

/// Adds the gradients of all shards, of which `own` has those of this rank in their order; `add` adds to the first vector, or with `true`
/// copies into it.
pub(crate) fn add_all(
    ranks: &dyn Ranks,
    shards: usize,
    own: &[&[f32]],
    total: &mut [f32],
    add: impl Fn(&mut [f32], &[f32], bool),
) -> Result<(), TrainError> {
    let (n, count) = (total.len(), ranks.count());
    let place = slice(n, ranks.rank(), count);
    let part = |k: usize| own.iter().flat_map(|gradient| &gradient[slice(n, k, count)]).copied().collect();
    let lengths: Vec<usize> = (0..count).map(|k| (k..shards).step_by(count).count() * place.len()).collect();
    let parts = ranks.exchange((0..count).map(part).collect(), &lengths).map_err(TrainError::Ranks)?;
    let sum = &mut total[place.clone()];
    for shard in 0..shards {
        add(&mut *sum, &parts[shard % count][shard / count * place.len()..][..place.len()], shard == 0);
    }
    let sums = vec![sum.to_vec(); count];
    let lengths: Vec<usize> = (0..count).map(|k| slice(n, k, count).len()).collect();
    let sums = ranks.exchange(sums, &lengths).map_err(TrainError::Ranks)?;
    for (k, sum) in sums.iter().enumerate() {
        total[slice(n, k, count)].copy_from_slice(sum);
    }
    Ok(())
}

/// Checks that all ranks have the same parameters: that none is gone, and that all machines compute the same.
pub(crate) fn agree(ranks: &dyn Ranks, values: &[f32]) -> Result<(), TrainError> {
    if ranks.count() == 1 {
        return Ok(());
    }
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let own = elman_data::files::checksum(&bytes).to_le_bytes().to_vec();
    let all = ranks.gather(own).map_err(TrainError::Ranks)?;
    match all.iter().position(|other| *other != all[0]) {
        None => Ok(()),
        Some(rank) => Err(TrainError::Ranks(format!(
            "rank {rank} has other parameters than rank 0 after the epoch: its machine computes otherwise, or a message was lost; take \
             machines of one kind"
        ))),
    }
}

/// Whether one of the ranks says so.
pub(crate) fn any(ranks: &dyn Ranks, own: bool) -> Result<bool, TrainError> {
    if ranks.count() == 1 {
        return Ok(own);
    }
    let all = ranks.gather(vec![u8::from(own)]).map_err(TrainError::Ranks)?;
    Ok(all.iter().flatten().any(|said| *said != 0))
}
