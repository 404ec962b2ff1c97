//! int2: ternary weights, -1, 0 and 1, two bits each.
//!
//! The rows over a column are a byte in all layouts: (a + 2) + 4 (b + 2) + 16 (c + 2) + 64 (d + 2). Of split rows there are three,
//! and d is 0. A word has the columns c0, c2, c1, c3 in pairs, and in order otherwise. A row of a table is two bits a weight,
//! w + 2. What no weight has is that of a weight of 0.

#[cfg(elman_columns)]
pub(super) mod columns;
#[cfg(all(elman_dsp, elman_layout = "pairs"))]
pub(super) mod dsp;
#[cfg(elman_layout = "rows")]
pub(super) mod helium;
mod packing;
mod reference;

use super::fields::Fields;
use crate::kernel::{Layout, RowBlock};

/// The format of two bits.
#[derive(Clone, Copy, Debug)]
pub struct Int2;

/// [`Fields::UNIT`], for kernels.
const UNIT: i8 = Int2::UNIT;

impl Fields for Int2 {
    const NAME: &'static str = "int2";
    const BITS: u32 = 2;
    const MAX: i8 = 1;
    const UNIT: i8 = 64;

    #[inline(always)]
    fn words(_: Layout, block: RowBlock) -> usize {
        packing::words(block)
    }

    #[inline(always)]
    fn place(layout: Layout, block: RowBlock, word: usize, field: u32) -> Option<(usize, usize)> {
        packing::place(layout, block, word, field)
    }

    #[inline(always)]
    fn signs(_: Layout, _: RowBlock) -> u32 {
        0
    }

    #[inline(always)]
    fn rows<T>(
        layout: Layout,
        weights: &[u32],
        params: &[u32],
        x: &[u32],
        units: impl Iterator<Item = T>,
        each: impl FnMut(T, [i32; 4]),
    ) {
        reference::rows(layout, weights, params, x, units, each)
    }

    #[inline(always)]
    fn split<T>(
        layout: Layout,
        weights: &[u32],
        params: &[u32],
        xh: &[u32],
        x_words: usize,
        units: impl Iterator<Item = T>,
        each: impl FnMut(T, [i32; 4]),
    ) {
        reference::split(layout, weights, params, xh, x_words, units, each)
    }
}
