//! Embedding: y_t = E_k, the row of a table for the symbol k.
//!
//! In integers E is i8 with one multiplier m_k a row: y = (e·m_k + 2^15) >> 16, an i16 in the layer's power-of-two
//! format. A symbol beyond the table reads row 0, the unknown symbol.

use crate::cell::{CellSpec, LayerOperation, LayerView, OutRange, StageKind, StageSpec, VariantSpec, WidthRule};
use crate::kernel::{RowBlock, word};

/// Multipliers are below: then no product leaves an i32, and no element an i16.
pub const MULTIPLIER_LIMIT: u32 = 1 << 24;

/// The layer's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 19,
    name: "embedding",
    variants: &[&VariantSpec {
        name: "embedding",
        stages: &[StageSpec { kind: StageKind::Table, gates: &[] }],
        out: OutRange::Calibrated,
        widths: WidthRule::Symbol,
        params: &["rows"],
        check: |_, _, [rows, ..]| (rows > 0).then_some(0),
        step,
        ..VariantSpec::BASE
    }],
};

/// Embedding of symbols.
pub const EMBEDDING: LayerOperation = SPEC.operation(0);

/// e·m at the precision of the output.
#[inline(always)]
fn element(e: i8, m: i32) -> i16 {
    ((e as i32).wrapping_mul(m).wrapping_add(1 << 15) >> 16) as i16
}

fn step(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32]) {
    let stage = layer.stage(0);
    let symbol = word::halves(memory).first().map_or(0, |x| *x as u16 as usize);
    let (row, m) = match stage.params.get(symbol) {
        Some(m) => (symbol, *m),
        None => (0, stage.params.first().copied().unwrap_or(0)),
    };
    let packing = layer.packing();
    let words = packing.weight_words(RowBlock::Table { units: layer.units() });
    let at = row.wrapping_mul(words);
    let row = stage.weights.get(at..at.wrapping_add(words)).unwrap_or_default();
    packing.table_row(row, word::halves_mut(out).iter_mut(), |y, e| *y = element(e, m as i32));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_round_half_up_and_stay_in_range() {
        let most = MULTIPLIER_LIMIT as i32 - 1;
        assert_eq!((element(127, most), element(-127, most)), (32512, -32512));
        assert_eq!((element(1, 1 << 15), element(-1, 1 << 15), element(1, (1 << 15) - 1)), (1, 0, 0));
        assert_eq!(element(-5, 1 << 16), -5);
    }
}
