//! Scaling of raw features: y_k = (x_k - offset_k)·m_k, which gives each channel mean 0 and variance 1.
//!
//! In integers a word a channel holds offset (low half, i16 in the input's format) and multiplier (high half,
//! i16): y = ((x - offset)·m + 2^(s-1)) >> s, saturating, where s is the layer's `carried_frac`.

use crate::arith::{round_shift, saturate};
use crate::cell::{CellSpec, LayerOperation, LayerView, OutRange, StageKind, StageSpec, VariantSpec, WidthRule};
use crate::kernel::word;

/// The layer's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 18,
    name: "scale",
    variants: &[&VariantSpec {
        name: "scale",
        stages: &[StageSpec { kind: StageKind::Pointwise, gates: &[] }],
        out: OutRange::Calibrated,
        widths: WidthRule::Same,
        step,
        ..VariantSpec::BASE
    }],
};

/// Scaling of raw features.
pub const SCALE: LayerOperation = SPEC.operation(0);

fn step(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32]) {
    let shift = layer.formats().carried_frac as u32;
    let (x, y) = (word::halves(memory), word::halves_mut(out));
    for ((p, x), y) in layer.stage(0).params.iter().zip(x).zip(y) {
        let (offset, m) = (*p as i16 as i32, (*p as i32) >> 16);
        let v = round_shift((*x as i32 - offset).wrapping_mul(m), shift);
        *y = saturate(v);
    }
}
