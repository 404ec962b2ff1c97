//! int8: weights in -127..=127, a byte each.
//!
//! * *Pairs*, for Armv7E-M: two rows share a 16-bit lane, 256·hi + lo, exact because |w| <= 127; a word holds the lanes of two
//!   adjacent columns. One multiply-accumulate of the word gives 256·hi·x + lo·x in 64 bits, one of the sign-extended low
//!   bytes gives lo·x in 32; their difference, shifted, is hi·x: 14 instructions for 16 products. Four words for each four
//!   columns: (rows 0 1, columns c0 c1), (rows 2 3, c0 c1), (rows 0 1, c2 c3), (rows 2 3, c2 c3); of split rows three:
//!   (rows 0 1, c0 c1), (rows 0 1, c2 c3), then row 2 or 3 as the bytes c0, c2, c1, c3.
//! * *Rows*, for Helium: row after row, a byte a weight.
//! * *Columns*, for cores that take one weight at a time: for each column a byte of each of its rows, w + 128.
//!
//! A row of a table is a byte a weight in all of them.
//!
//! Parameters are biases, then multipliers, a word each; in pairs a bias is for a pair of rows with biases b0, b1 the words
//! (256·b1 + b0, low and high) and b0.

#[cfg(elman_avx2)]
mod avx2;
#[cfg(elman_columns)]
pub(super) mod columns;
#[cfg(all(elman_dsp, elman_layout = "pairs"))]
pub(super) mod dsp;
#[cfg(elman_layout = "rows")]
pub(super) mod helium;
mod packing;
mod reference;

#[cfg(elman_avx2)]
use avx2 as kernels;
#[cfg(elman_columns)]
use columns as kernels;
#[cfg(all(elman_dsp, elman_layout = "pairs"))]
use dsp as kernels;
#[cfg(not(any(elman_avx2, elman_columns, elman_layout = "pairs")))]
use reference as kernels;

use super::Format;
use crate::kernel::layout::padded;
use crate::kernel::word::bytes;
use crate::kernel::{Layout, RowBlock};
use packing::{PLAIN_PARAMS, ROWS_PARAMS, SPLIT_PARAMS, no_byte_is, pack_bias, pairs_are_packed, unpack_bias};

/// The format of eight bits.
#[derive(Clone, Copy, Debug)]
pub struct Int8;

impl Format for Int8 {
    const NAME: &'static str = "int8";
    const BITS: u32 = 8;
    const MAX: i8 = 127;
    const UNIT: i8 = 1;

    #[inline(always)]
    fn param_words(layout: Layout, block: RowBlock) -> usize {
        match (layout, block) {
            (_, RowBlock::Table { .. }) => 1,
            (Layout::Pairs, RowBlock::Rows { .. }) => ROWS_PARAMS,
            (Layout::Pairs, RowBlock::Split { .. }) => SPLIT_PARAMS,
            (Layout::Rows | Layout::Columns, _) => PLAIN_PARAMS,
        }
    }

    #[inline(always)]
    fn weight_words(_: Layout, block: RowBlock) -> usize {
        match block {
            RowBlock::Rows { columns } => columns,
            RowBlock::Split { x, h } => x.wrapping_add(h) / 4 * 3,
            RowBlock::Table { units } => padded(units) / 4,
        }
    }

    #[inline(always)]
    fn biases(layout: Layout, block: RowBlock, params: &[u32]) -> Option<[i32; 4]> {
        match (layout, block, params) {
            (Layout::Pairs, RowBlock::Rows { .. }, &[a, b, c, d, e, f, ..]) => {
                let ((b0, b1), (b2, b3)) = (unpack_bias([a, b, c])?, unpack_bias([d, e, f])?);
                Some([b0, b1, b2, b3])
            }
            (Layout::Pairs, RowBlock::Split { .. }, &[a, b, c, d, e, ..]) => {
                let (b0, b1) = unpack_bias([a, b, c])?;
                Some([b0, b1, d as i32, e as i32])
            }
            (Layout::Rows | Layout::Columns, _, &[a, b, c, d, ..]) => Some([a, b, c, d].map(|b| b as i32)),
            _ => None,
        }
    }

    #[inline(always)]
    fn is_packed(layout: Layout, block: RowBlock, weights: &[u32]) -> bool {
        let bytes_are = |w: &u32| no_byte_is(*w, 0x8080_8080);
        match (layout, block) {
            (_, RowBlock::Table { .. }) | (Layout::Rows, _) => weights.iter().all(bytes_are),
            (Layout::Pairs, RowBlock::Rows { .. }) => weights.iter().all(|w| pairs_are_packed(*w)),
            (Layout::Pairs, RowBlock::Split { .. }) => (weights.as_chunks::<3>().0.iter())
                .all(|[a, b, w]| pairs_are_packed(*a) && pairs_are_packed(*b) && bytes_are(w)),
            (Layout::Columns, _) => weights.iter().all(|w| no_byte_is(*w, 0)),
        }
    }

    #[inline(always)]
    fn magnitudes(layout: Layout, block: RowBlock, weights: &[u32]) -> [u32; 4] {
        let mut sums = [0u32; 4];
        Self::for_each(layout, block, weights, |row, _, w| {
            if let Some(sum) = sums.get_mut(row) {
                *sum = sum.saturating_add(w.unsigned_abs().into());
            }
        });
        sums
    }

    #[inline(always)]
    fn for_each(layout: Layout, block: RowBlock, weights: &[u32], mut each: impl FnMut(usize, usize, i8)) {
        for (k, word) in weights.iter().enumerate() {
            for (row, column, w) in packing::unpack(layout, block, k, *word) {
                each(row, column, w);
            }
        }
    }

    fn pack_params(layout: Layout, block: RowBlock, biases: [i32; 4], multipliers: [i32; 4], params: &mut [u32]) {
        let [b0, b1, b2, b3] = biases;
        let plain = biases.map(|b| b as u32);
        let (first, second) = (pack_bias(b0, b1), pack_bias(b2, b3));
        let multipliers = multipliers.map(|m| m as u32);
        let (biases, multipliers): (&[&[u32]], &[u32]) = match (layout, block) {
            (_, RowBlock::Table { .. }) => (&[], multipliers.split_at(1).0),
            (Layout::Pairs, RowBlock::Rows { .. }) => (&[&first, &second], &multipliers),
            (Layout::Pairs, RowBlock::Split { .. }) => (&[&first, plain.split_at(2).1], &multipliers),
            (Layout::Rows | Layout::Columns, _) => (&[&plain], &multipliers),
        };
        let words = biases.iter().copied().flatten().chain(multipliers);
        params.iter_mut().zip(words).for_each(|(to, word)| *to = *word);
    }

    fn pack(layout: Layout, block: RowBlock, mut weight: impl FnMut(usize, usize) -> i8, words: &mut [u32]) {
        for (k, word) in words.iter_mut().enumerate() {
            *word = packing::pack(layout, block, k, &mut weight);
        }
    }

    #[inline(always)]
    fn table_row<T>(row: &[u32], elements: impl Iterator<Item = T>, mut each: impl FnMut(T, i8)) {
        for (element, w) in elements.zip(bytes(row)) {
            each(element, *w as i8);
        }
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
        kernels::rows(layout, weights, params, x, units, each)
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
        kernels::split(layout, weights, params, xh, x_words, units, each)
    }

    #[inline(always)]
    fn reference_rows<T>(
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
    fn reference_split<T>(
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
