//! What formats of fewer than eight bits share: a word is fields of `BITS` bits, each a weight plus half the range of a field, so
//! that no weight's field is 0. Parameters are `[b0, b1, b2, b3, m0, m1, m2, m3]`.

use crate::kernel::word::mul_high;
use crate::kernel::{Layout, RowBlock};

/// Words of parameters of a row block that is not a row of a table.
pub(super) const PARAMS: usize = 8;

/// Where in its words a row block has what.
pub(super) trait Fields {
    /// Bits of a field.
    const BITS: u32;

    /// Row and column of the weight in field `field` of word `word`; `None` where it is unused.
    fn place(layout: Layout, block: RowBlock, word: usize, field: u32) -> Option<(usize, usize)>;

    /// What a word differs from its fields in: the sign of a weight that the kernels read with it.
    fn signs(layout: Layout, block: RowBlock) -> u32;
}

/// A field with all bits set.
const fn mask<F: Fields>() -> u32 {
    (1 << F::BITS) - 1
}

/// What a field is more than its weight.
const fn offset<F: Fields>() -> u32 {
    1 << (F::BITS - 1)
}

/// [`Format::param_words`](super::Format::param_words)
#[inline(always)]
pub(super) fn param_words(block: RowBlock) -> usize {
    if let RowBlock::Table { .. } = block { 1 } else { PARAMS }
}

/// [`Format::biases`](super::Format::biases)
#[inline(always)]
pub(super) fn biases(block: RowBlock, params: &[u32]) -> Option<[i32; 4]> {
    match (block, params) {
        (RowBlock::Table { .. }, _) => None,
        (_, &[a, b, c, d, ..]) => Some([a, b, c, d].map(|b| b as i32)),
        _ => None,
    }
}

/// [`Format::pack_params`](super::Format::pack_params)
pub(super) fn pack_params(block: RowBlock, biases: [i32; 4], multipliers: [i32; 4], params: &mut [u32]) {
    let (first, count) = if let RowBlock::Table { .. } = block { (4, 1) } else { (0, PARAMS) };
    let words = biases.into_iter().chain(multipliers).skip(first).take(count);
    params.iter_mut().zip(words).for_each(|(to, word)| *to = word as u32);
}

/// Σ |w| of each row of a row block; `None` where a field is 0, or an unused one is not that of a weight of 0. Not inlined, as the
/// loader asks for one and the other.
#[inline(never)]
pub(super) fn magnitudes<F: Fields>(layout: Layout, block: RowBlock, weights: &[u32]) -> Option<[u32; 4]> {
    let mut sums = [0u32; 4];
    for (k, word) in weights.iter().enumerate() {
        let mut fields = word ^ F::signs(layout, block);
        for field in 0..32 / F::BITS {
            let w = (fields & mask::<F>()).abs_diff(offset::<F>());
            let sum = match F::place(layout, block, k, field) {
                Some((row, _)) if w != offset::<F>() => sums.get_mut(row)?,
                None if w == 0 => &mut 0,
                _ => return None,
            };
            *sum = sum.wrapping_add(w);
            fields >>= F::BITS;
        }
    }
    Some(sums)
}

/// [`Format::for_each`](super::Format::for_each)
#[inline(always)]
pub(super) fn for_each<F: Fields>(
    layout: Layout,
    block: RowBlock,
    weights: &[u32],
    mut each: impl FnMut(usize, usize, i8),
) {
    let signs = F::signs(layout, block);
    for (k, word) in weights.iter().enumerate() {
        let mut fields = word ^ signs;
        for field in 0..32 / F::BITS {
            if let Some((row, column)) = F::place(layout, block, k, field) {
                each(row, column, (fields & mask::<F>()).wrapping_sub(offset::<F>()) as i8);
            }
            fields >>= F::BITS;
        }
    }
}

/// [`Format::pack`](super::Format::pack)
pub(super) fn pack<F: Fields>(
    layout: Layout,
    block: RowBlock,
    mut weight: impl FnMut(usize, usize) -> i8,
    words: &mut [u32],
) {
    for (k, word) in words.iter_mut().enumerate() {
        *word = F::signs(layout, block);
        for field in 0..32 / F::BITS {
            let w = F::place(layout, block, k, field).map_or(0, |(row, column)| weight(row, column));
            *word ^= ((w as u32).wrapping_add(offset::<F>()) & mask::<F>()) << (field * F::BITS);
        }
    }
}

/// [`Format::table_row`](super::Format::table_row)
#[inline(always)]
pub(super) fn table_row<F: Fields, T>(
    row: &[u32],
    mut elements: impl Iterator<Item = T>,
    unit: i8,
    mut each: impl FnMut(T, i8),
) {
    for word in row {
        let mut fields = *word;
        for _ in 0..32 / F::BITS {
            let Some(element) = elements.next() else { return };
            each(element, ((fields & mask::<F>()).wrapping_sub(offset::<F>()) as i8).wrapping_mul(unit));
            fields >>= F::BITS;
        }
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
