//! A stride over time: y_j = x_(s j), every s-th frame from the first on.
//!
//! The layers after it take a step for each y, and in the frames between keep all their states and outputs, so that
//! they cost a step in s frames: a stack whose upper layers have a slower clock, or with a delay line before it and a dense
//! layer after it a convolution over time with a stride. In integers nothing is computed, so the format is the input's. The layer
//! carries one word: how many frames it will not pass on before the next one that it does.

use crate::cell::{CarriedState, CellSpec, LayerOperation, LayerView, OutRange, VariantSpec, WidthRule, split_mut};
use crate::kernel::copy;

/// The layer's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 23,
    name: "stride",
    variants: &[&VariantSpec {
        name: "stride",
        carried: CarriedState::Line,
        out: OutRange::Input,
        widths: WidthRule::Same,
        params: &["by"],
        check: |_, _, [by, ..]| (by > 0).then_some(1),
        step,
        run: Some(run),
        ..VariantSpec::BASE
    }],
};

/// A stride over time.
pub const STRIDE: LayerOperation = SPEC.operation(0);

fn step(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32]) {
    let (x, left) = split_mut(memory, layer.vector_words());
    let Some(left) = left.first_mut() else { return };
    *left = match *left {
        0 => {
            copy(out, x);
            (layer.stride() as u32).wrapping_sub(1)
        }
        left => left.wrapping_sub(1),
    };
}

/// Whether the step that left this memory passed its frame on.
fn passed(layer: &LayerView<'_>, memory: &[u32]) -> bool {
    let left = memory.get(layer.vector_words()).copied().unwrap_or_default();
    left.wrapping_add(1) as usize == layer.stride()
}

/// One step of all `layers` up to the first stride that does not pass its frame on. `memory` has their memories one after the other,
/// and the last one's output after them; the input of the first is in it already.
#[inline(never)]
fn run(layers: &[LayerView<'_>], memory: &mut [u32]) {
    let mut rest = memory;
    for layer in layers {
        let (own, next) = split_mut(rest, layer.memory_words());
        layer.step(own, split_mut(next, layer.out_words()).0);
        if layer.spec.run.is_some() && !passed(layer, own) {
            return;
        }
        rest = next;
    }
}
