//! One-hot: y_t is 1 at the symbol's index and 0 elsewhere.
//!
//! In integers 1 is 16384 in Q1.14. A symbol beyond the output sets element 0, the unknown symbol's.

use crate::cell::{CellSpec, LayerOperation, LayerView, OutRange, VariantSpec, WidthRule};
use crate::kernel::word;

/// 1 in the layer's format.
pub const ONE: i16 = 1 << 14;

/// The layer's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 20,
    name: "one-hot",
    variants: &[&VariantSpec {
        name: "one-hot",
        out: OutRange::OneHot,
        widths: WidthRule::Symbol,
        step,
        ..VariantSpec::BASE
    }],
};

/// One-hot vectors of symbols.
pub const ONE_HOT: LayerOperation = SPEC.operation(0);

fn step(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32]) {
    let symbol = word::halves(memory).first().map_or(0, |x| *x as u16 as usize);
    let symbol = if symbol < layer.units() { symbol } else { 0 };
    let y = word::halves_mut(out);
    y.fill(0);
    if let Some(y) = y.get_mut(symbol) {
        *y = ONE;
    }
}
