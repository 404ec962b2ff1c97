//! Layout "rows": one row after the other, a byte a weight.

use super::elements;
use crate::kernel::row_block::row_blocks;
use crate::kernel::weights::int8::packing::PLAIN_PARAMS;
use crate::kernel::word::mul_high;

/// Adds the products of a row with a vector.
#[inline(always)]
fn add(sum: i32, row: &[u32], x: &[u32]) -> i32 {
    row.iter().zip(x.as_chunks::<2>().0).fold(sum, |sum, (w, x)| {
        let ([w0, w1, w2, w3], [x0, x1], [x2, x3]) =
            (w.to_le_bytes().map(|w| w as i8 as i32), elements(x[0]), elements(x[1]));
        sum.wrapping_add(w0.wrapping_mul(x0))
            .wrapping_add(w1.wrapping_mul(x1))
            .wrapping_add(w2.wrapping_mul(x2))
            .wrapping_add(w3.wrapping_mul(x3))
    })
}

/// The rows of row blocks of this layout; see `rows` of the module above.
#[inline(always)]
pub fn rows<T>(
    weights: &[u32],
    params: &[u32],
    x: &[u32],
    units: impl Iterator<Item = T>,
    mut each: impl FnMut(T, [i32; 4]),
) {
    // Whole blocks of four columns.
    let row = x.len() / 2;
    let Some(blocks) = row_blocks::<PLAIN_PARAMS>(weights, params, row.wrapping_mul(4)) else { return };
    for ((w, p), unit) in blocks.zip(units) {
        let mut pre = [0; 4];
        for (k, (pre, w)) in pre.iter_mut().zip(w.chunks_exact(row.max(1))).enumerate() {
            *pre = mul_high(add(p[k & 3] as i32, w, x), p[4 + (k & 3)] as i32);
        }
        each(unit, pre);
    }
}

/// Split row blocks of this layout; see `split` of the module above.
#[inline(always)]
pub fn split<T>(
    weights: &[u32],
    params: &[u32],
    xh: &[u32],
    x_words: usize,
    units: impl Iterator<Item = T>,
    mut each: impl FnMut(T, [i32; 4]),
) {
    let (x, h) = xh.split_at(x_words.min(xh.len()));
    let Some(blocks) = row_blocks::<PLAIN_PARAMS>(weights, params, xh.len() / 2 * 3) else { return };
    for ((mut w, p), unit) in blocks.zip(units) {
        let mut pre = [0; 4];
        for (k, (pre, x)) in pre.iter_mut().zip([xh, xh, x, h]).enumerate() {
            let (row, rest) = w.split_at_checked(x.len() / 2).unwrap_or_default();
            w = rest;
            *pre = mul_high(add(p[k & 3] as i32, row, x), p[4 + (k & 3)] as i32);
        }
        each(unit, pre);
    }
}
