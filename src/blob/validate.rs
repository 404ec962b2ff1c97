//! Every parameter and weight of a layer, in every format and layout.

use super::LoadError;
use crate::cell::{Geometry, LayerView};
use crate::kernel::weights::accumulator_overflows;
use crate::kernel::{Packing, RowBlock};
use crate::layer::embedding;

/// Validates a layer.
///
/// # Errors
/// The first number that is wrong.
pub(super) fn layer(number: u8, view: &LayerView<'_>) -> Result<(), LoadError> {
    let packing = view.packing();
    for (stage, numbers) in view.spec.stages().iter().zip(&view.stages) {
        let Some(Geometry { block, params: per_block, weights: words, .. }) = view.geometry(*stage) else { continue };
        let blocks = numbers.params.chunks_exact(per_block.max(1)).zip(numbers.weights.chunks_exact(words.max(1)));
        for (k, (params, weights)) in (0u16..).zip(blocks) {
            let at = Place { layer: number, block: k };
            match block {
                RowBlock::Table { .. } => at.table_row(packing, block, params, weights)?,
                _ => at.row_block(packing, block, params, weights)?,
            }
        }
    }
    Ok(())
}

/// Where in the blob a number is.
#[derive(Clone, Copy)]
struct Place {
    layer: u8,
    block: u16,
}

impl Place {
    fn invalid(self) -> LoadError {
        LoadError::InvalidWeight { layer: self.layer, block: self.block }
    }

    fn table_row(self, packing: Packing, block: RowBlock, params: &[u32], weights: &[u32]) -> Result<(), LoadError> {
        if !packing.is_packed(block, weights) {
            return Err(self.invalid());
        }
        if params.iter().any(|m| *m >= embedding::MULTIPLIER_LIMIT) {
            return Err(LoadError::Multiplier { layer: self.layer, block: self.block });
        }
        Ok(())
    }

    fn row_block(self, packing: Packing, block: RowBlock, params: &[u32], weights: &[u32]) -> Result<(), LoadError> {
        let biases = packing.biases(block, params).ok_or(self.invalid())?;
        if !packing.is_packed(block, weights) {
            return Err(self.invalid());
        }
        // Where a row is so short that no weights could overflow it, they need not be added up.
        let most = packing.format.max() as u32 * packing.format.unit() as u32;
        let widest = (block.width() as u32).saturating_mul(most);
        if biases.iter().any(|bias| accumulator_overflows(widest, *bias)) {
            for (sum, bias) in packing.magnitudes(block, weights).into_iter().zip(biases) {
                if accumulator_overflows(sum, bias) {
                    let Place { layer, block } = self;
                    return Err(LoadError::AccumulatorOverflow { layer, block, weights: sum, bias });
                }
            }
        }
        if params.iter().rev().take(4).any(|m| (*m as i32) < 0) {
            return Err(LoadError::Multiplier { layer: self.layer, block: self.block });
        }
        Ok(())
    }
}
