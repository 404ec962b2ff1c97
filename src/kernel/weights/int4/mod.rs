//! int4: weights in -7..=7, four bits each.
//!
//! Four rows over one vector are a lane of 16 bits for each column, two a word, in all layouts:
//! v = (a + 8) + 16 (b + 8) + 256 (c + 8) + 4096 d. It stays within 16 bits with a sign, as weights of -7..=7 make it at most
//! 15·273 + 4096·7 = 32,767 and at least 273 - 4096·7 = -28,399; in columns, which reads lanes without a sign, d is d + 8 too.
//!
//! Split rows:
//! * *Pairs*: for each eight columns of x, and of h, two words of rows 0 and 1 and one of the third row. A word of two rows has
//!   for the columns c0, c2, c1, c3 a byte each, (row 0 + 8) + 16 (row 1 + 8); that of the third row the nibbles c0, c2, c4, c6,
//!   c1, c3, c5, c7, w + 8. Where columns are not whole eights, the first four have a word of each, the second with two nibbles a half.
//! * *Columns*: for each four columns a byte each of rows 0 and 1, as in pairs, but in order, and then four nibbles of the third.
//! * *Rows*: the lanes of four rows, of which the fourth is 0.
//!
//! A row of a table is a nibble a weight, w + 8, in all of them. What no weight has is that of a weight of 0.

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

/// The format of four bits.
#[derive(Clone, Copy, Debug)]
pub struct Int4;

/// [`Fields::UNIT`], for kernels.
const UNIT: i8 = Int4::UNIT;

impl Fields for Int4 {
    const NAME: &'static str = "int4";
    const BITS: u32 = 4;
    const MAX: i8 = 7;
    const UNIT: i8 = 16;

    #[inline(always)]
    fn words(layout: Layout, block: RowBlock) -> usize {
        packing::words(layout, block)
    }

    #[inline(always)]
    fn place(layout: Layout, block: RowBlock, word: usize, field: u32) -> Option<(usize, usize)> {
        packing::place(layout, block, word, field)
    }

    #[inline(always)]
    fn signs(layout: Layout, block: RowBlock) -> u32 {
        packing::signs(layout, block)
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
