//! Row blocks: the rows that a kernel takes over a vector at once, and the loop over all row blocks of a stage.

use core::ops::Range;

use super::layout::padded;

/// The rows of a row block and their columns. Columns are counted over the vector `[x | h]`, each part padded with zeros to
/// a multiple of four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowBlock {
    /// Four rows over one vector.
    Rows {
        /// Columns of each row.
        columns: usize,
    },
    /// Rows 0 and 1 over x and h, row 2 over x alone, row 3 over h alone: a GRU whose reset gate comes after the product.
    Split {
        /// Columns of x.
        x: usize,
        /// Columns of h.
        h: usize,
    },
    /// One row of a table, which is read by its index.
    Table {
        /// Elements of the row.
        units: usize,
    },
}

impl RowBlock {
    /// Rows that it has.
    pub const fn rows(self) -> usize {
        if let RowBlock::Table { .. } = self { 1 } else { 4 }
    }

    /// The columns of row `row`; empty where there is no such row.
    pub const fn columns(self, row: usize) -> Range<usize> {
        match (self, row) {
            (RowBlock::Rows { columns }, 0..=3) => 0..columns,
            (RowBlock::Split { x, h }, 0 | 1) => 0..x.wrapping_add(h),
            (RowBlock::Split { x, .. }, 2) => 0..x,
            (RowBlock::Split { x, h }, 3) => x..x.wrapping_add(h),
            (RowBlock::Table { units }, 0) => 0..padded(units),
            _ => 0..0,
        }
    }

    /// Columns of the longest row.
    pub const fn width(self) -> usize {
        match self {
            RowBlock::Rows { columns } => columns,
            RowBlock::Split { x, h } => x.wrapping_add(h),
            RowBlock::Table { units } => padded(units),
        }
    }
}

/// Each row block's weights, `words` of them, and its parameters, `P` words: as many row blocks as both have; `None` where
/// the vector, and with it `words`, is empty.
#[inline(always)]
pub(super) fn row_blocks<'a, const P: usize>(
    weights: &'a [u32],
    params: &'a [u32],
    words: usize,
) -> Option<impl Iterator<Item = (&'a [u32], &'a [u32; P])>> {
    if words == 0 {
        return None;
    }
    Some(weights.chunks_exact(words).zip(params.as_chunks::<P>().0))
}

/// Row blocks that an assembly kernel may run over: what the kernels' SAFETY comments rest on.
///
/// The weights have `count` times the words of a row block and the parameters `count` times its parameters. x, and where rows
/// are split h, are even numbers of words, that is whole blocks of four columns, and not empty where `count` is not 0; h
/// follows x in memory.
#[cfg(any(elman_dsp, elman_columns, elman_layout = "rows"))]
pub(super) struct RowBlocks<'a> {
    pub(super) x: &'a [u32],
    /// Empty where rows are not split.
    pub(super) h: &'a [u32],
    pub(super) count: usize,
}

#[cfg(any(elman_dsp, elman_columns, elman_layout = "rows"))]
impl<'a> RowBlocks<'a> {
    /// Blocks of four rows over `x`, of `words` of weights and `per_block` words of parameters; `None` where there is
    /// nothing to do.
    #[inline(always)]
    pub(super) fn rows(weights: &[u32], params: &[u32], x: &'a [u32], words: usize, per_block: usize) -> Option<Self> {
        let count = count(weights, words, params, per_block);
        if !x.len().is_multiple_of(2) {
            return None;
        }
        Some(RowBlocks { x, h: &[], count })
    }

    /// Blocks of split rows over `xh`, whose first `x_words` words are x.
    #[inline(always)]
    pub(super) fn split(
        weights: &[u32],
        params: &[u32],
        xh: &'a [u32],
        x_words: usize,
        words: usize,
        per_block: usize,
    ) -> Option<Self> {
        let (x, h) = xh.split_at(x_words.min(xh.len()));
        let count = count(weights, words, params, per_block);
        if x.is_empty() || h.is_empty() || !x.len().is_multiple_of(2) || !h.len().is_multiple_of(2) {
            return None;
        }
        Some(RowBlocks { x, h, count })
    }

    /// The item of `units` of each row block, as long as there are both. The kernels for Helium count by themselves.
    #[cfg(not(elman_layout = "rows"))]
    #[inline(always)]
    pub(super) fn units<T>(self, units: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        (0..self.count).zip(units).map(|(_, unit)| unit)
    }
}

/// How many row blocks `weights` has, of `words` each; none where `params` has not as many.
#[cfg(any(elman_dsp, elman_columns, elman_layout = "rows"))]
#[inline(always)]
fn count(weights: &[u32], words: usize, params: &[u32], per_block: usize) -> usize {
    let count = weights.len().checked_div(words).unwrap_or(0);
    if count.wrapping_mul(per_block) <= params.len() { count } else { 0 }
}
