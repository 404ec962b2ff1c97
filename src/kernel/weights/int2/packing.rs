//! Where in its words a row block of int2 weights has what.

use crate::kernel::layout::padded;
use crate::kernel::{Layout, RowBlock};

/// Words of the weights of a row block.
#[inline(always)]
pub(super) const fn words(block: RowBlock) -> usize {
    match block {
        RowBlock::Rows { columns } => columns / 4,
        RowBlock::Split { x, h } => x.wrapping_add(h) / 4,
        RowBlock::Table { units } => padded(units).div_ceil(16),
    }
}

/// [`Fields::place`](super::Fields::place)
#[inline(always)]
pub(super) fn place(layout: Layout, block: RowBlock, word: usize, field: u32) -> Option<(usize, usize)> {
    let (byte, row) = (field as usize / 4, field as usize % 4);
    let column = 4 * word
        + match layout {
            Layout::Pairs => [0, 2, 1, 3][byte & 3],
            Layout::Rows | Layout::Columns => byte,
        };
    match (block, row) {
        (RowBlock::Rows { .. }, _) | (RowBlock::Split { .. }, 0 | 1) => Some((row, column)),
        (RowBlock::Split { x, .. }, 2) => Some((if column < x { 2 } else { 3 }, column)),
        (RowBlock::Split { .. }, _) => None,
        (RowBlock::Table { units }, _) => {
            let column = 16 * word + field as usize;
            (column < padded(units)).then_some((0, column))
        }
    }
}
