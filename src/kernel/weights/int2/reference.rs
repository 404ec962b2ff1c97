//! The scalar reference: plain loops that define the right answer, for every layout. They are the kernels wherever no faster
//! one is built.
//!
//! The rows of a column are one number, two bits each and 2 too large, which is taken off once. Row k is what is left of a sum
//! when the sum of the rows above, over the number shifted right by two bits, is taken off.

use super::UNIT;
use crate::kernel::Layout;
use crate::kernel::row_block::row_blocks;
use crate::kernel::weights::fields::{PARAMS, elements, pre, sum};

/// -2 Σ x
#[inline(always)]
pub(super) fn correction(x: &[u32]) -> i32 {
    sum(x).wrapping_mul(-2)
}

/// Adds the product of a column's number, and of what is left of it after shifts by two bits, with x. Written out: the compiler makes a
/// loop of it where it builds for size.
#[inline(always)]
fn add([a, b, c, d]: &mut [i32; 4], v: u8, x: i32) {
    let v = v as i32;
    *a = a.wrapping_add(v.wrapping_mul(x));
    *b = b.wrapping_add((v >> 2).wrapping_mul(x));
    *c = c.wrapping_add((v >> 4).wrapping_mul(x));
    *d = d.wrapping_add((v >> 6).wrapping_mul(x));
}

/// Adds the products of four columns for each word of weights.
#[inline(always)]
fn add_all(layout: Layout, sums: &mut [i32; 4], weights: &[u32], x: &[u32]) {
    for (w, x) in weights.iter().zip(x.as_chunks::<2>().0) {
        let ([x0, x1], [x2, x3]) = (elements(x[0]), elements(x[1]));
        let [a, b, c, d] = w.to_le_bytes();
        let (b, c) = if layout == Layout::Pairs { (c, b) } else { (b, c) };
        add(sums, a, x0);
        add(sums, b, x1);
        add(sums, c, x2);
        add(sums, d, x3);
    }
}

/// The rows of sums that [`add`] made.
#[inline(always)]
fn parted<const N: usize>(mut sums: [i32; N]) -> [i32; N] {
    for k in 1..N {
        sums[k - 1] = sums[k - 1].wrapping_sub(sums[k] << 2);
    }
    sums
}

/// [`rows`](crate::kernel::rows)
#[inline(always)]
pub(super) fn rows<T>(
    layout: Layout,
    weights: &[u32],
    params: &[u32],
    x: &[u32],
    units: impl Iterator<Item = T>,
    mut each: impl FnMut(T, [i32; 4]),
) {
    let Some(blocks) = row_blocks::<PARAMS>(weights, params, x.len() / 2) else { return };
    let correction = correction(x);
    for ((w, p), unit) in blocks.zip(units) {
        let mut sums = [0; 4];
        add_all(layout, &mut sums, w, x);
        let sums = parted(sums);
        let m = |k: usize| pre(p[k], sums[k].wrapping_add(correction), UNIT, p[4 + k]);
        each(unit, [m(0), m(1), m(2), m(3)]);
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
    mut each: impl FnMut(T, [i32; 4]),
) {
    let (x, h) = xh.split_at(x_words.min(xh.len()));
    let Some(blocks) = row_blocks::<PARAMS>(weights, params, xh.len() / 2) else { return };
    let (of_x, of_h) = (correction(x), correction(h));
    for ((w, p), unit) in blocks.zip(units) {
        let (wx, wh) = w.split_at((x.len() / 2).min(w.len()));
        // The fourth row of a byte, a weight of 0, is no sum, but part of the third's.
        let part = |weights: &[u32], x: &[u32]| {
            let mut sums = [0; 4];
            add_all(layout, &mut sums, weights, x);
            parted(sums)
        };
        let ([x0, x1, n, _], [h0, h1, m, _]) = (part(wx, x), part(wh, h));
        let both = of_x.wrapping_add(of_h);
        let sums =
            [x0.wrapping_add(h0).wrapping_add(both), x1.wrapping_add(h1).wrapping_add(both), n.wrapping_add(of_x)];
        let pre = |k: usize, sum: i32| pre(p[k], sum, UNIT, p[4 + k]);
        each(unit, [pre(0, sums[0]), pre(1, sums[1]), pre(2, sums[2]), pre(3, m.wrapping_add(of_h))]);
    }
}
