//! What formats of fewer than eight bits share: a word is fields of `BITS` bits, each a weight plus half the range of a field, so
//! that no weight's field is 0. Parameters are `[b0, b1, b2, b3, m0, m1, m2, m3]`. What a format says of its
//! fields ([`Fields`]) makes it a [`Format`].

use super::Format;
use crate::kernel::word::mul_high;
use crate::kernel::{Layout, RowBlock};

/// Words of parameters of a row block that is not a row of a table.
pub(super) const PARAMS: usize = 8;

/// A format of fields: where in its words a row block has what, and the plain loops that read them.
pub(super) trait Fields {
    /// [`Format::NAME`]
    const NAME: &'static str;
    /// Bits of a field.
    const BITS: u32;
    /// [`Format::MAX`]
    const MAX: i8;
    /// [`Format::UNIT`]
    const UNIT: i8;

    /// [`Format::weight_words`]
    fn words(layout: Layout, block: RowBlock) -> usize;

    /// Row and column of the weight in field `field` of word `word`; `None` where it is unused.
    fn place(layout: Layout, block: RowBlock, word: usize, field: u32) -> Option<(usize, usize)>;

    /// What a word differs from its fields in: the sign of a weight that the kernels read with it.
    fn signs(layout: Layout, block: RowBlock) -> u32;

    /// [`Format::reference_rows`]
    fn rows<T>(
        layout: Layout,
        weights: &[u32],
        params: &[u32],
        x: &[u32],
        units: impl Iterator<Item = T>,
        each: impl FnMut(T, [i32; 4]),
    );

    /// [`Format::reference_split`]
    fn split<T>(
        layout: Layout,
        weights: &[u32],
        params: &[u32],
        xh: &[u32],
        x_words: usize,
        units: impl Iterator<Item = T>,
        each: impl FnMut(T, [i32; 4]),
    );
}

/// A field with all bits set.
const fn mask<F: Fields>() -> u32 {
    (1 << <F as Fields>::BITS) - 1
}

/// What a field is more than its weight.
const fn offset<F: Fields>() -> u32 {
    1 << (<F as Fields>::BITS - 1)
}

/// Σ |w| of each row of a row block; `None` where a field is 0, or an unused one is not that of a weight of 0. Not inlined, as the
/// loader asks for one and the other.
#[inline(never)]
pub(super) fn magnitudes<F: Fields>(layout: Layout, block: RowBlock, weights: &[u32]) -> Option<[u32; 4]> {
    let mut sums = [0u32; 4];
    for (k, word) in weights.iter().enumerate() {
        let mut fields = word ^ F::signs(layout, block);
        for field in 0..32 / <F as Fields>::BITS {
            let w = (fields & mask::<F>()).abs_diff(offset::<F>());
            let sum = match F::place(layout, block, k, field) {
                Some((row, _)) if w != offset::<F>() => sums.get_mut(row)?,
                None if w == 0 => &mut 0,
                _ => return None,
            };
            *sum = sum.wrapping_add(w);
            fields >>= <F as Fields>::BITS;
        }
    }
    Some(sums)
}

impl<F: Fields> Format for F {
    const NAME: &'static str = <F as Fields>::NAME;
    const BITS: u32 = <F as Fields>::BITS;
    const MAX: i8 = <F as Fields>::MAX;
    const UNIT: i8 = <F as Fields>::UNIT;

    #[inline(always)]
    fn param_words(_: Layout, block: RowBlock) -> usize {
        if let RowBlock::Table { .. } = block { 1 } else { PARAMS }
    }

    #[inline(always)]
    fn weight_words(layout: Layout, block: RowBlock) -> usize {
        F::words(layout, block)
    }

    #[inline(always)]
    fn biases(_: Layout, block: RowBlock, params: &[u32]) -> Option<[i32; 4]> {
        match (block, params) {
            (RowBlock::Table { .. }, _) => None,
            (_, &[a, b, c, d, ..]) => Some([a, b, c, d].map(|b| b as i32)),
            _ => None,
        }
    }

    #[inline(always)]
    fn is_packed(layout: Layout, block: RowBlock, weights: &[u32]) -> bool {
        magnitudes::<F>(layout, block, weights).is_some()
    }

    #[inline(always)]
    fn magnitudes(layout: Layout, block: RowBlock, weights: &[u32]) -> [u32; 4] {
        magnitudes::<F>(layout, block, weights).unwrap_or_default()
    }

    #[inline(always)]
    fn for_each(layout: Layout, block: RowBlock, weights: &[u32], mut each: impl FnMut(usize, usize, i8)) {
        let signs = F::signs(layout, block);
        for (k, word) in weights.iter().enumerate() {
            let mut fields = word ^ signs;
            for field in 0..32 / <F as Fields>::BITS {
                if let Some((row, column)) = F::place(layout, block, k, field) {
                    each(row, column, (fields & mask::<F>()).wrapping_sub(offset::<F>()) as i8);
                }
                fields >>= <F as Fields>::BITS;
            }
        }
    }

    fn pack_params(_: Layout, block: RowBlock, biases: [i32; 4], multipliers: [i32; 4], params: &mut [u32]) {
        let (first, count) = if let RowBlock::Table { .. } = block { (4, 1) } else { (0, PARAMS) };
        let words = biases.into_iter().chain(multipliers).skip(first).take(count);
        params.iter_mut().zip(words).for_each(|(to, word)| *to = word as u32);
    }

    fn pack(layout: Layout, block: RowBlock, mut weight: impl FnMut(usize, usize) -> i8, words: &mut [u32]) {
        for (k, word) in words.iter_mut().enumerate() {
            *word = F::signs(layout, block);
            for field in 0..32 / <F as Fields>::BITS {
                let w = F::place(layout, block, k, field).map_or(0, |(row, column)| weight(row, column));
                *word ^= ((w as u32).wrapping_add(offset::<F>()) & mask::<F>()) << (field * <F as Fields>::BITS);
            }
        }
    }

    #[inline(always)]
    fn table_row<T>(row: &[u32], mut elements: impl Iterator<Item = T>, mut each: impl FnMut(T, i8)) {
        for word in row {
            let mut fields = *word;
            for _ in 0..32 / <F as Fields>::BITS {
                let Some(element) = elements.next() else { return };
                let w = (fields & mask::<F>()).wrapping_sub(offset::<F>()) as i8;
                each(element, w.wrapping_mul(<F as Fields>::UNIT));
                fields >>= <F as Fields>::BITS;
            }
        }
    }

    // Where a build has assembly, several formats have one body, which calls it; without, these loops are the kernels.
    #[inline(always)]
    fn rows<T>(
        layout: Layout,
        weights: &[u32],
        params: &[u32],
        x: &[u32],
        units: impl Iterator<Item = T>,
        each: impl FnMut(T, [i32; 4]),
    ) {
        <F as Fields>::rows(layout, weights, params, x, units, each)
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
        <F as Fields>::split(layout, weights, params, xh, x_words, units, each)
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
        <F as Fields>::rows(layout, weights, params, x, units, each)
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
        <F as Fields>::split(layout, weights, params, xh, x_words, units, each)
    }
}

/// b + u·sum, requantized.
#[inline(always)]
pub(super) fn pre(bias: u32, sum: i32, unit: i8, multiplier: u32) -> i32 {
    mul_high((bias as i32).wrapping_add(sum.wrapping_mul(unit as i32)), multiplier as i32)
}

/// The two elements of a word of a vector.
#[inline(always)]
pub(super) fn elements(word: u32) -> [i32; 2] {
    [word as i16 as i32, (word as i32) >> 16]
}

/// Σ x
#[inline(always)]
pub(super) fn sum(x: &[u32]) -> i32 {
    x.iter().fold(0i32, |sum, x| {
        let [a, b] = elements(*x);
        sum.wrapping_add(a).wrapping_add(b)
    })
}
