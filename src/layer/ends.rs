//! Both ends of a sequence: y_t = [a_t; b_1] of x_t = [a_t; b_t], its first half at the step and its second half at the first step.
//!
//! After a layer of both directions, `[h_forward; h_backward]`, the last output has the last state of each: the forward one
//! stands at the last step, the backward one at the first. It is `h_n` of PyTorch and what a `Bidirectional` of Keras gives
//! without `return_sequences`. In integers nothing is computed, so the format is the input's. The layer carries one
//! word, whether there was a step, and the b of the first. Of an odd number of elements a has one more.

use crate::cell::{CarriedState, CellSpec, LayerOperation, LayerView, OutRange, VariantSpec, WidthRule, split_mut};
use crate::kernel::layout::vector_words;
use crate::kernel::{copy, word};

/// The layer's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 24,
    name: "ends",
    variants: &[&VariantSpec {
        name: "ends",
        carried: CarriedState::Line,
        out: OutRange::Input,
        widths: WidthRule::Same,
        check: |_, units, _| Some(vector_words(units / 2) + 1),
        step,
        ..VariantSpec::BASE
    }],
};

/// Both ends of a sequence.
pub const ENDS: LayerOperation = SPEC.operation(0);

fn step(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32]) {
    let (x, carried) = split_mut(memory, layer.vector_words());
    let Some((begun, first)) = carried.split_first_mut() else { return };
    copy(out, x);
    let second = word::halves_mut(out).get_mut(layer.units().div_ceil(2)..layer.units()).unwrap_or_default();
    // All ones from the second step on: the same instructions in every step.
    let kept = 0i16.wrapping_sub(*begun as i16);
    *begun = 1;
    for (x, first) in second.iter_mut().zip(word::halves_mut(first)) {
        *first = *first & kept | *x & !kept;
        *x = *first;
    }
}
