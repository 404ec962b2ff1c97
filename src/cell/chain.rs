//! Layers one after the other in one stretch of memory: each writes its output to the input of the next.

use super::{LayerView, split_mut};

/// One step of all `layers`. `memory` has their memories one after the other, and the last one's output after them;
/// the input of the first is in it already.
#[inline(never)]
pub(crate) fn step(layers: &[LayerView<'_>], memory: &mut [u32]) {
    let mut rest = memory;
    for layer in layers {
        let (own, next) = split_mut(rest, layer.memory_words());
        layer.step(own, split_mut(next, layer.out_words()).0);
        rest = next;
    }
}

/// Where in their memory layer `k` begins; the output, where there are `k` layers.
pub(crate) fn start(layers: &[LayerView<'_>], k: usize) -> usize {
    layers.iter().take(k).map(LayerView::memory_words).fold(0, usize::saturating_add)
}

/// [`step`] of layers `from..`, in the memory of all `layers`.
pub(crate) fn step_from(layers: &[LayerView<'_>], memory: &mut [u32], from: usize) {
    let (start, later) = (start(layers, from), layers.get(from..).unwrap_or_default());
    step(later, memory.get_mut(start..).unwrap_or_default());
}

/// Words of all layers' memories: the output is after them.
pub(crate) fn words(layers: &[LayerView<'_>]) -> usize {
    start(layers, layers.len())
}
