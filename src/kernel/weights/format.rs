//! What a weight format is.

use crate::kernel::{Layout, RowBlock};

/// A weight format: how weights and parameters of a row block are packed in each layout, and the kernels.
///
/// The parameters of a row block of four rows are its biases, as the format packs them, and then four multipliers, a word
/// each and not negative. A row of a table has one word of parameters, its multiplier.
///
/// Weights are named by row and column: rows as [`RowBlock::rows`] counts them, columns as [`RowBlock::columns`] does.
/// Columns that only fill up a vector have weights as well, which are 0.
pub trait Format {
    /// Name in recipes and reports.
    const NAME: &'static str;
    /// Bits of a weight in flash.
    const BITS: u32;
    /// Largest magnitude of a weight: weights are -MAX..=MAX.
    const MAX: i8;
    /// What a weight of 1 is in the accumulator, a power of two: rows of few bits reach as far as those of int8 with it, with
    /// multipliers and biases of the same size. MAX times UNIT is an i8.
    const UNIT: i8;

    /// Words of parameters of a row block.
    fn param_words(layout: Layout, block: RowBlock) -> usize;

    /// Words of weights of a row block.
    fn weight_words(layout: Layout, block: RowBlock) -> usize;

    /// The biases of a row block of four rows; `None` where they are not packed as [`Format::pack_params`] packs them.
    fn biases(layout: Layout, block: RowBlock, params: &[u32]) -> Option<[i32; 4]>;

    /// Whether every weight is in -MAX..=MAX and packed as [`Format::pack`] packs it.
    fn is_packed(layout: Layout, block: RowBlock, weights: &[u32]) -> bool;

    /// Σ |w| of each row of a row block. The weights are packed.
    fn magnitudes(layout: Layout, block: RowBlock, weights: &[u32]) -> [u32; 4];

    /// Calls `each` with row, column and value of every weight, in the order in which they are stored. The weights are
    /// packed.
    fn for_each(layout: Layout, block: RowBlock, weights: &[u32], each: impl FnMut(usize, usize, i8));

    /// Writes biases and multipliers to `params`, as many words as [`Format::param_words`] says; of a row of a table the
    /// first multiplier alone.
    fn pack_params(layout: Layout, block: RowBlock, biases: [i32; 4], multipliers: [i32; 4], params: &mut [u32]);

    /// Writes the weights that `weight` gives for row and column to `words`, as many as [`Format::weight_words`] says.
    fn pack(layout: Layout, block: RowBlock, weight: impl FnMut(usize, usize) -> i8, words: &mut [u32]);

    /// Hands the weights of a table's row times UNIT, from the first, to `each` with one item of `elements` for each.
    fn table_row<T>(row: &[u32], elements: impl Iterator<Item = T>, each: impl FnMut(T, i8));

    /// [`rows`](super::rows) as this core does it best; on a core that reads one layout, in that.
    fn rows<T>(
        layout: Layout,
        weights: &[u32],
        params: &[u32],
        x: &[u32],
        units: impl Iterator<Item = T>,
        each: impl FnMut(T, [i32; 4]),
    );

    /// [`split`](super::split) as this core does it best; on a core that reads one layout, in that.
    fn split<T>(
        layout: Layout,
        weights: &[u32],
        params: &[u32],
        xh: &[u32],
        x_words: usize,
        units: impl Iterator<Item = T>,
        each: impl FnMut(T, [i32; 4]),
    );

    /// [`rows`](super::rows) in plain loops, which define the right answer.
    fn reference_rows<T>(
        layout: Layout,
        weights: &[u32],
        params: &[u32],
        x: &[u32],
        units: impl Iterator<Item = T>,
        each: impl FnMut(T, [i32; 4]),
    );

    /// [`split`](super::split) in plain loops, which define the right answer.
    fn reference_split<T>(
        layout: Layout,
        weights: &[u32],
        params: &[u32],
        xh: &[u32],
        x_words: usize,
        units: impl Iterator<Item = T>,
        each: impl FnMut(T, [i32; 4]),
    );
}
