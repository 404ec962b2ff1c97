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

use super::{Format, fields};
use crate::kernel::{Layout, RowBlock};
use reference as kernels;

/// The format of two bits.
#[derive(Clone, Copy, Debug)]
pub struct Int2;

/// [`Format::UNIT`], for kernels.
const UNIT: i8 = Int2::UNIT;

impl Format for Int2 {
    const NAME: &'static str = "int2";
    const BITS: u32 = 2;
    const MAX: i8 = 1;
    const UNIT: i8 = 64;

    #[inline(always)]
    fn param_words(_: Layout, block: RowBlock) -> usize {
        fields::param_words(block)
    }

    #[inline(always)]
    fn weight_words(_: Layout, block: RowBlock) -> usize {
        packing::words(block)
    }

    #[inline(always)]
    fn biases(_: Layout, block: RowBlock, params: &[u32]) -> Option<[i32; 4]> {
        fields::biases(block, params)
    }

    #[inline(always)]
    fn is_packed(layout: Layout, block: RowBlock, weights: &[u32]) -> bool {
        fields::magnitudes::<Self>(layout, block, weights).is_some()
    }

    #[inline(always)]
    fn magnitudes(layout: Layout, block: RowBlock, weights: &[u32]) -> [u32; 4] {
        fields::magnitudes::<Self>(layout, block, weights).unwrap_or_default()
    }

    #[inline(always)]
    fn for_each(layout: Layout, block: RowBlock, weights: &[u32], each: impl FnMut(usize, usize, i8)) {
        fields::for_each::<Self>(layout, block, weights, each)
    }

    fn pack_params(_: Layout, block: RowBlock, biases: [i32; 4], multipliers: [i32; 4], params: &mut [u32]) {
        fields::pack_params(block, biases, multipliers, params)
    }

    fn pack(layout: Layout, block: RowBlock, weight: impl FnMut(usize, usize) -> i8, words: &mut [u32]) {
        fields::pack::<Self>(layout, block, weight, words)
    }

    #[inline(always)]
    fn table_row<T>(row: &[u32], elements: impl Iterator<Item = T>, each: impl FnMut(T, i8)) {
        fields::table_row::<Self, T>(row, elements, Self::UNIT, each)
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
