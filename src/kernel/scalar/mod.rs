//! The reference kernels: plain loops that define the right result, for every layout. They are the kernels wherever no
//! faster one is built.

mod columns;
mod contiguous;
mod pairs;

#[cfg(elman_columns)]
pub(super) use columns::correction;

use super::layout::Layout;

/// The two elements of a word.
#[inline(always)]
fn elements(word: u32) -> [i32; 2] {
    [word as i16 as i32, (word as i32) >> 16]
}

/// For each row block, four pre-activations pre_k = requantize(b_k + Σ_c w_kc·x_c), Q15.16, handed to `each` with
/// the block's item of `units`.
///
/// `x` has n/2 words, n a multiple of 4; `weights` n words and `params` [`Layout::rows_params`] words a block. There are
/// as many row blocks as all of `weights`, `params` and `units` have.
#[inline(always)]
pub fn rows<T>(
    layout: Layout,
    weights: &[u32],
    params: &[u32],
    x: &[u32],
    units: impl Iterator<Item = T>,
    each: impl FnMut(T, [i32; 4]),
) {
    match layout {
        Layout::Pairs => pairs::rows(weights, params, x, units, each),
        Layout::Rows => contiguous::rows(weights, params, x, units, each),
        Layout::Columns => columns::rows(weights, params, x, units, each),
    }
}

/// For each row block, four pre-activations: rows 0 and 1 over x and h, row 2 over x, row 3 over h.
///
/// `x` and `h` have n/2 words, n a multiple of 4 for each; `weights` 3/4 word a column and `params`
/// [`Layout::split_params`] words a block. `xh` is x and h in one slice, `x_words` the words of x.
#[inline(always)]
pub fn split<T>(
    layout: Layout,
    weights: &[u32],
    params: &[u32],
    xh: &[u32],
    x_words: usize,
    units: impl Iterator<Item = T>,
    each: impl FnMut(T, [i32; 4]),
) {
    match layout {
        Layout::Pairs => pairs::split(weights, params, xh, x_words, units, each),
        Layout::Rows => contiguous::split(weights, params, xh, x_words, units, each),
        Layout::Columns => columns::split(weights, params, xh, x_words, units, each),
    }
}
