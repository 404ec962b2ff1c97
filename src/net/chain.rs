//! Layers one behind the other in one stretch of memory: each writes its output to the input of the next.

use crate::cell::{View, split_mut};
use crate::kernel::layout::vector_words;

/// One step of layers `from..to`. `memory` has the memories of all `layers` one behind the other, and the last one's
/// output behind them; the input of the first lies in it already.
#[inline(always)]
pub(super) fn run(layers: &[View<'_>], memory: &mut [u32], from: usize, to: usize) {
    let mut rest = memory;
    for (k, layer) in layers.iter().enumerate().take(to) {
        let (own, next) = split_mut(rest, layer.memory_words());
        if k >= from {
            let out = next.get_mut(..vector_words(layer.units())).unwrap_or_default();
            layer.step(own, out);
        }
        rest = next;
    }
}

/// Where in their memory layer `k` begins; the output, where there are `k` layers.
pub(super) fn start(layers: &[View<'_>], k: usize) -> usize {
    layers.iter().take(k).map(View::memory_words).fold(0, usize::saturating_add)
}

/// One step of all layers.
pub(super) fn step(layers: &[View<'_>], memory: &mut [u32]) {
    run(layers, memory, 0, layers.len());
}

/// Words of all layers' memories: the output lies behind them.
pub(super) fn words(layers: &[View<'_>]) -> usize {
    start(layers, layers.len())
}
