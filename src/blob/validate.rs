//! Every parameter and weight of a layer, in every layout.

use super::LoadError;
use crate::cell::{LayerView, StageKind};
use crate::kernel::Layout;
use crate::kernel::layout::{OFFSET, padded, unpack_bias, unpack_pair};
use crate::kernel::word::bytes;
use crate::layer::embedding;

/// Validates a layer.
///
/// # Errors
/// The first number that is wrong.
pub(super) fn layer(number: u8, view: &LayerView<'_>) -> Result<(), LoadError> {
    let layout = view.layout();
    for (stage, numbers) in view.spec.stages().iter().zip(&view.stages) {
        let (per_block, words) = match stage.kind {
            StageKind::Pointwise => continue,
            StageKind::Table => (1, padded(view.units()) / 4),
            StageKind::Rows => (layout.rows_params(), view.vector_words() * 2),
            StageKind::Split => (layout.split_params(), view.vector_words() / 2 * 3),
        };
        let blocks = numbers.params.chunks_exact(per_block.max(1)).zip(numbers.weights.chunks_exact(words.max(1)));
        for (block, (params, weights)) in (0u16..).zip(blocks) {
            let at = Place { layer: number, block };
            match stage.kind {
                StageKind::Table => at.table_row(params, weights)?,
                _ => at.row_block(&Packing { layout, split: stage.kind == StageKind::Split, view }, params, weights)?,
            }
        }
    }
    Ok(())
}

/// How the weights of a row block are packed.
struct Packing<'v, 'b> {
    layout: Layout,
    split: bool,
    view: &'v LayerView<'b>,
}

impl Packing<'_, '_> {
    /// After how many words of pairs of rows a word of bytes follows; none does in a block of whole rows.
    fn pairs(&self) -> usize {
        if self.split { 2 } else { usize::MAX }
    }

    /// Whether every weight is in -127..=127 and packed as it must be.
    fn packed(&self, weights: &[u32]) -> bool {
        match (self.layout, self.split) {
            (Layout::Pairs, false) => weights.iter().all(|w| pairs_are_packed(*w)),
            (Layout::Pairs, true) => (weights.as_chunks::<3>().0.iter())
                .all(|[a, b, w]| pairs_are_packed(*a) && pairs_are_packed(*b) && no_byte_is(*w, 0x8080_8080)),
            (Layout::Rows, _) => weights.iter().all(|w| no_byte_is(*w, 0x8080_8080)),
            (Layout::Columns, _) => weights.iter().all(|w| no_byte_is(*w, 0)),
        }
    }

    /// Σ |w| of each row.
    fn sums(&self, weights: &[u32]) -> [u32; 4] {
        let mut sums = [0u32; 4];
        let mut add = |row: usize, w: i32| {
            if let Some(sum) = sums.get_mut(row) {
                *sum = sum.saturating_add(w.unsigned_abs());
            }
        };
        let (x, all) = (self.view.input_words() / 2, self.view.vector_words() / 2);
        let blocks = |words: usize| weights.chunks_exact(words);
        match (self.layout, self.split) {
            (Layout::Pairs, split) => {
                let (mut left, mut block) = (self.pairs(), 0);
                for (k, word) in weights.iter().enumerate() {
                    // Bytes: of their own weights alone. Lanes: of two rows.
                    if left == 0 {
                        left = self.pairs();
                        let row = if block < x { 2 } else { 3 };
                        block += 1;
                        word.to_le_bytes().iter().for_each(|w| add(row, *w as i8 as i32));
                        continue;
                    }
                    left = left.wrapping_sub(1);
                    let row = if split { 0 } else { 2 * (k & 1) };
                    for lane in [*word as u16, (*word >> 16) as u16] {
                        let (lo, hi) = unpack_pair(lane).unwrap_or_default();
                        add(row, lo as i32);
                        add(row + 1, hi as i32);
                    }
                }
            }
            (Layout::Rows, split) => {
                let ends = if split { [all, 2 * all, 2 * all + x] } else { [all, 2 * all, 3 * all] };
                for (k, word) in weights.iter().enumerate() {
                    let row = ends.iter().filter(|end| k >= **end).count();
                    word.to_le_bytes().iter().for_each(|w| add(row, *w as i8 as i32));
                }
            }
            (Layout::Columns, false) => {
                bytes(weights).iter().enumerate().for_each(|(k, w)| add(k & 3, *w as i32 - OFFSET));
            }
            (Layout::Columns, true) => {
                for (k, block) in blocks(3).enumerate() {
                    for column in bytes(block).as_chunks::<3>().0 {
                        let last = if k < x { 2 } else { 3 };
                        [0, 1, last].into_iter().zip(column).for_each(|(row, w)| add(row, *w as i32 - OFFSET));
                    }
                }
            }
        }
        sums
    }
}

/// Whether both lanes of a word hold two weights in -127..=127, both lanes at once: neither the low byte nor the high one,
/// with what a negative low byte took from it, is 80.
#[inline(always)]
fn pairs_are_packed(word: u32) -> bool {
    let low = word & 0x00ff_00ff;
    let high = (word >> 8 & 0x00ff_00ff).wrapping_add(word >> 7 & 0x0001_0001) & 0x00ff_00ff;
    // Bit 15 of a lane is set exactly where it is not 0.
    let differs = |lanes: u32| (lanes ^ 0x0080_0080).wrapping_add(0x7fff_7fff);
    differs(low) & differs(high) & 0x8000_8000 == 0x8000_8000
}

/// Whether no byte of a word is that of `pattern`.
#[inline(always)]
fn no_byte_is(word: u32, pattern: u32) -> bool {
    let x = word ^ pattern;
    x.wrapping_sub(0x0101_0101) & !x & 0x8080_8080 == 0
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

    fn table_row(self, params: &[u32], weights: &[u32]) -> Result<(), LoadError> {
        if !weights.iter().all(|w| no_byte_is(*w, 0x8080_8080)) {
            return Err(self.invalid());
        }
        if params.iter().any(|m| *m >= embedding::MULTIPLIER_LIMIT) {
            return Err(LoadError::Multiplier { layer: self.layer, block: self.block });
        }
        Ok(())
    }

    fn row_block(self, packing: &Packing<'_, '_>, params: &[u32], weights: &[u32]) -> Result<(), LoadError> {
        let biases = self.biases(packing, params)?;
        if !packing.packed(weights) {
            return Err(self.invalid());
        }
        // Where a row is so short that no weights could overflow it, they need not be added up.
        let widest = (packing.view.vector_words() as u32).saturating_mul(2 * 127);
        if biases.iter().any(|bias| overflows(widest, *bias)) {
            for (sum, bias) in packing.sums(weights).into_iter().zip(biases) {
                if overflows(sum, bias) {
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

    fn biases(self, packing: &Packing<'_, '_>, params: &[u32]) -> Result<[i32; 4], LoadError> {
        let pair = |words: [u32; 3]| unpack_bias(words).ok_or(self.invalid());
        match (packing.layout, packing.split, params) {
            (Layout::Pairs, false, &[a, b, c, d, e, f, ..]) => {
                let ((b0, b1), (b2, b3)) = (pair([a, b, c])?, pair([d, e, f])?);
                Ok([b0, b1, b2, b3])
            }
            (Layout::Pairs, true, &[a, b, c, d, e, ..]) => {
                let (b0, b1) = pair([a, b, c])?;
                Ok([b0, b1, d as i32, e as i32])
            }
            (_, _, &[a, b, c, d, ..]) => Ok([a, b, c, d].map(|b| b as i32)),
            _ => Err(self.invalid()),
        }
    }
}

/// Whether a row with Σ|w| = `weights` could leave an i32.
#[inline(always)]
fn overflows(weights: u32, bias: i32) -> bool {
    weights as u64 * 32768 + bias.unsigned_abs() as u64 >= 1 << 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_words_are_those_that_unpack() {
        for lane in 0..=u16::MAX {
            let valid = unpack_pair(lane).is_some();
            for other in [0u16, 0x7f7f, 0x8181, 0xff81, 0x807f] {
                let wanted = valid && unpack_pair(other).is_some();
                assert_eq!(pairs_are_packed(lane as u32 | (other as u32) << 16), wanted, "{lane:x} {other:x}");
                assert_eq!(pairs_are_packed(other as u32 | (lane as u32) << 16), wanted, "{lane:x} {other:x}");
            }
        }
    }

    #[test]
    fn a_byte_is_found_wherever_it_is() {
        let mut word = 1u32;
        for k in 0..100_000u32 {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223 ^ k);
            for w in [word, word & 0x80ff_0080, word | 0x8000_8080, word & 0xff00_ffff] {
                assert_eq!(no_byte_is(w, 0x8080_8080), !w.to_le_bytes().contains(&0x80));
                assert_eq!(no_byte_is(w, 0), !w.to_le_bytes().contains(&0));
            }
        }
    }
}
