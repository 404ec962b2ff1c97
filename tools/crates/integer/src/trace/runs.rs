//! Records to runs of chains.

use std::collections::BTreeMap;

use elman::Model;
use elman::blob::Direction;

use super::record::Record;
use super::{ChainRun, LayerStep, chain_of};

/// A step of a layer, with its input where `first`.
fn layer_step(layer: usize, record: Record, first: bool) -> LayerStep {
    let Record { x, h, carried, .. } = record;
    LayerStep { layer, x: first.then_some(x), h, carried }
}

/// Runs in the order of the records, each numbered among those of its chain.
pub(super) fn in_order(model: &Model<'_>, records: Vec<(usize, Record)>) -> Vec<ChainRun> {
    let mut runs: Vec<ChainRun> = Vec::new();
    let mut counts = BTreeMap::new();
    for (layer, record) in records {
        let (chain, first) = chain_of(model, layer);
        if first || runs.is_empty() {
            let count = counts.entry(chain).or_insert(0);
            runs.push(ChainRun { chain, at: *count, layers: Vec::new() });
            *count += 1;
        }
        if let Some(run) = runs.last_mut() {
            run.layers.push(layer_step(layer, record, first));
        }
    }
    runs
}

/// Runs of layers that each took all `steps` before the next: a run for each step, in the order of time.
pub(super) fn by_step(model: &Model<'_>, records: Vec<(usize, Record)>, steps: usize) -> Vec<ChainRun> {
    let mut runs: Vec<Option<ChainRun>> = vec![None; steps];
    let mut counts = BTreeMap::new();
    for (layer, record) in records {
        let count = counts.entry(layer).or_insert(0usize);
        let at = match model.layers()[layer].direction() {
            Direction::Forward => *count,
            Direction::Backward => steps - 1 - *count,
        };
        *count += 1;
        let (chain, first) = chain_of(model, layer);
        let run = runs[at].get_or_insert_with(|| ChainRun { chain, at, layers: Vec::new() });
        run.layers.push(layer_step(layer, record, first));
    }
    runs.into_iter().flatten().collect()
}
