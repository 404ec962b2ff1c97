//! Where in its words a row block of int4 weights has what.

use crate::kernel::layout::padded;
use crate::kernel::{Layout, RowBlock};

/// Words of the weights of three rows over `columns` in pairs: two for the first four where they are not whole eights, then three for
/// each eight.
#[inline(always)]
pub(super) const fn three_rows(columns: usize) -> usize {
    columns / 8 * 3 + (columns / 4 % 2) * 2
}

/// Words of the weights of a row block.
#[inline(always)]
pub(super) const fn words(layout: Layout, block: RowBlock) -> usize {
    match (layout, block) {
        (_, RowBlock::Rows { columns }) => columns / 2,
        (Layout::Pairs, RowBlock::Split { x, h }) => three_rows(x).wrapping_add(three_rows(h)),
        (Layout::Columns, RowBlock::Split { x, h }) => (x.wrapping_add(h) / 4 * 3).div_ceil(2),
        (Layout::Rows, RowBlock::Split { x, h }) => x.wrapping_add(h) / 2,
        (_, RowBlock::Table { units }) => padded(units).div_ceil(8),
    }
}

/// The row that is third over a column of split rows.
const fn third(x: usize, column: usize) -> usize {
    if column < x { 2 } else { 3 }
}

/// Field `field` of word `word` of split rows in pairs.
fn pairs(x: usize, h: usize, word: usize, field: u32) -> Option<(usize, usize)> {
    let (of_x, field) = (three_rows(x), field as usize);
    let (start, word, columns) = if word < of_x { (0, word, x) } else { (x, word - of_x, h) };
    let first = columns / 4 % 2;
    // The number of columns, where they begin, and which of their words it is.
    let (count, base, part) = match word.checked_sub(2 * first) {
        Some(word) => (8, start + 4 * first + word / 3 * 8, word % 3),
        None => (4, start, word),
    };
    if part < count / 4 {
        return Some((field % 2, base + 4 * part + [0, 2, 1, 3][(field / 2) & 3]));
    }
    let column = 2 * (field % 4) + field / 4;
    (column < count).then_some((third(x, base), base + column))
}

/// Field `field` of word `word` of split rows in columns.
fn columns(x: usize, h: usize, word: usize, field: u32) -> Option<(usize, usize)> {
    let (half, field) = (2 * word + field as usize / 4, field as usize % 4);
    let (base, part) = (half / 3 * 4, half % 3);
    match part {
        _ if base >= x + h => None,
        0 | 1 => Some((field % 2, base + 2 * part + field / 2)),
        _ => Some((third(x, base), base + field)),
    }
}

/// [`Fields::place`](super::Fields::place)
#[inline(always)]
pub(super) fn place(layout: Layout, block: RowBlock, word: usize, field: u32) -> Option<(usize, usize)> {
    let (column, lane) = (2 * word + field as usize / 4, field as usize % 4);
    match (layout, block) {
        (_, RowBlock::Rows { .. }) => Some((lane, column)),
        (Layout::Pairs, RowBlock::Split { x, h }) => pairs(x, h, word, field),
        (Layout::Columns, RowBlock::Split { x, h }) => columns(x, h, word, field),
        (Layout::Rows, RowBlock::Split { x, .. }) => match lane {
            0 | 1 => Some((lane, column)),
            2 => Some((third(x, column), column)),
            _ => None,
        },
        (_, RowBlock::Table { units }) => {
            let column = 8 * word + field as usize;
            (column < padded(units)).then_some((0, column))
        }
    }
}

/// [`Fields::signs`](super::Fields::signs)
#[inline(always)]
pub(super) fn signs(layout: Layout, block: RowBlock) -> u32 {
    match (layout, block) {
        (Layout::Pairs | Layout::Rows, RowBlock::Rows { .. }) | (Layout::Rows, RowBlock::Split { .. }) => 0x8000_8000,
        _ => 0,
    }
}
