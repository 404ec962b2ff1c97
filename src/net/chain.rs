//! A chain of layers at one step, in memory that holds their own one behind the other.

use crate::cell::{View, split_mut};
use crate::kernel::layout::vector_words;

/// Words of the layers' memories: what the chain gives lies behind them.
pub(super) fn words(layers: &[View<'_>]) -> usize {
    layers.iter().fold(0, |words, layer| words.saturating_add(layer.memory_words()))
}

/// One step: x lies at the front of `memory`; what the last layer gives is written behind all of them.
pub(super) fn run(layers: &[View<'_>], memory: &mut [u32]) {
    let mut rest = memory;
    for layer in layers {
        let (own, next) = split_mut(rest, layer.memory_words());
        layer.step(own, next.get_mut(..vector_words(layer.units())).unwrap_or_default());
        rest = next;
    }
}
