//! The scalar reference: plain loops that define the right answer, for every layout. They are the kernels wherever no faster
//! one is built.

mod columns;
mod pairs;
mod rows;

#[cfg(elman_columns)]
pub(super) use columns::correction;

use crate::kernel::Layout;

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
        Layout::Pairs | Layout::Rows => rows::rows(weights, params, x, units, each),
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
