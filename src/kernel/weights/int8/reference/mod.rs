//! The scalar reference: plain loops that define the right answer, for every layout. They are the kernels wherever no faster
//! one is built.

mod columns;
pub(super) mod pairs;
mod rows;

#[cfg(elman_columns)]
pub(super) use columns::correction;

use crate::kernel::Layout;

/// The two elements of a word.
#[inline(always)]
fn elements(word: u32) -> [i32; 2] {
    [word as i16 as i32, (word as i32) >> 16]
}

/// [`rows`](crate::kernel::rows)
#[inline(always)]
pub(super) fn rows<T>(
    layout: Layout,
    weights: &[u32],
    params: &[u32],
    x: &[u32],
    units: impl Iterator<Item = T>,
    each: impl FnMut(T, [i32; 4]),
) {
    match layout {
        Layout::Pairs => pairs::rows(weights, params, x, units, each),
        Layout::Rows => rows::rows(weights, params, x, units, each),
        Layout::Columns => columns::rows(weights, params, x, units, each),
    }
}

/// [`split`](crate::kernel::split)
#[inline(always)]
pub(super) fn split<T>(
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
        Layout::Rows => rows::split(weights, params, xh, x_words, units, each),
        Layout::Columns => columns::split(weights, params, xh, x_words, units, each),
    }
}
