//! Layout "pairs": two rows in a lane.

use super::elements;
use crate::kernel::row_block::row_blocks;
use crate::kernel::weights::int8::packing::{ROWS_PARAMS, SPLIT_PARAMS};
use crate::kernel::word::mul_high;

/// Adds the products of one word of lanes with one word of the vector to the sums of its two rows.
#[inline(always)]
pub fn add_pair(sums: [i32; 2], lanes: u32, x: u32) -> [i32; 2] {
    let [x0, x1] = elements(x);
    let (v0, v1) = (lanes as i16 as i32, (lanes as i32) >> 16);
    let (l0, l1) = (v0 as i8 as i32, v1 as i8 as i32);
    let (h0, h1) = (v0.wrapping_sub(l0) >> 8, v1.wrapping_sub(l1) >> 8);
    [
        sums[0].wrapping_add(l0.wrapping_mul(x0)).wrapping_add(l1.wrapping_mul(x1)),
        sums[1].wrapping_add(h0.wrapping_mul(x0)).wrapping_add(h1.wrapping_mul(x1)),
    ]
}

/// Adds the products of four bytes c0, c2, c1, c3 with two words of the vector.
#[inline(always)]
pub fn add_bytes(sum: i32, bytes: u32, x: [u32; 2]) -> i32 {
    let [c0, c2, c1, c3] = bytes.to_le_bytes().map(|b| b as i8 as i32);
    let ([x0, x1], [x2, x3]) = (elements(x[0]), elements(x[1]));
    sum.wrapping_add(c0.wrapping_mul(x0))
        .wrapping_add(c1.wrapping_mul(x1))
        .wrapping_add(c2.wrapping_mul(x2))
        .wrapping_add(c3.wrapping_mul(x3))
}

/// The biases of a pair of rows as `pack_bias` wrote them.
#[inline(always)]
pub fn biases(lo: u32, hi: u32, b0: u32) -> [i32; 2] {
    let a = (((hi as u64) << 32) | lo as u64) as i64;
    [b0 as i32, (a.wrapping_sub(b0 as i32 as i64) >> 8) as i32]
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
    let Some(blocks) = row_blocks::<ROWS_PARAMS>(weights, params, x.len().wrapping_mul(2)) else { return };
    for ((w, p), unit) in blocks.zip(units) {
        let (mut s01, mut s23) = (biases(p[0], p[1], p[2]), biases(p[3], p[4], p[5]));
        for (w, x) in w.as_chunks::<4>().0.iter().zip(x.as_chunks::<2>().0) {
            s01 = add_pair(add_pair(s01, w[0], x[0]), w[2], x[1]);
            s23 = add_pair(add_pair(s23, w[1], x[0]), w[3], x[1]);
        }
        let m = |k: usize, s: i32| mul_high(s, p[6 + k] as i32);
        each(unit, [m(0, s01[0]), m(1, s01[1]), m(2, s23[0]), m(3, s23[1])]);
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
    let Some(blocks) = row_blocks::<SPLIT_PARAMS>(weights, params, xh.len() / 2 * 3) else { return };
    let (x, h) = xh.split_at(x_words.min(xh.len()));
    for ((w, p), unit) in blocks.zip(units) {
        let mut s01 = biases(p[0], p[1], p[2]);
        let (mut s2, mut s3) = (p[3] as i32, p[4] as i32);
        let (wx, wh) = w.split_at((x.len() / 2 * 3).min(w.len()));
        for (w, x) in wx.as_chunks::<3>().0.iter().zip(x.as_chunks::<2>().0) {
            s01 = add_pair(add_pair(s01, w[0], x[0]), w[1], x[1]);
            s2 = add_bytes(s2, w[2], *x);
        }
        for (w, h) in wh.as_chunks::<3>().0.iter().zip(h.as_chunks::<2>().0) {
            s01 = add_pair(add_pair(s01, w[0], h[0]), w[1], h[1]);
            s3 = add_bytes(s3, w[2], *h);
        }
        let m = |k: usize, s: i32| mul_high(s, p[5 + k] as i32);
        each(unit, [m(0, s01[0]), m(1, s01[1]), m(2, s2), m(3, s3)]);
    }
}
