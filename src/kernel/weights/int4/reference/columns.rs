//! Layout "columns": the rows of a column in one number, 4 bits each and 8 too large, which is taken off once. Row k is what is
//! left of a sum when the sum of the rows above, over the number shifted right by four bits, is taken off: one shift and one
//! product a row.

use crate::kernel::row_block::row_blocks;
use crate::kernel::weights::fields::{PARAMS, elements, pre, sum};
use crate::kernel::weights::int4::UNIT;
use crate::kernel::word::{bytes, halves};

/// -8 Σ x
#[inline(always)]
pub fn correction(x: &[u32]) -> i32 {
    sum(x).wrapping_mul(-8)
}

/// Adds the product of a column's number, and of what is left of it after shifts by four bits, with x.
#[inline(always)]
fn add<const N: usize>(sums: &mut [i32; N], mut v: u32, x: i32) {
    for sum in sums {
        *sum = sum.wrapping_add((v as i32).wrapping_mul(x));
        v >>= 4;
    }
}

/// The rows of sums that [`add`] made.
#[inline(always)]
fn parted<const N: usize>(mut sums: [i32; N]) -> [i32; N] {
    for k in 1..N {
        sums[k - 1] = sums[k - 1].wrapping_sub(sums[k] << 4);
    }
    sums
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
    let Some(blocks) = row_blocks::<PARAMS>(weights, params, x.len()) else { return };
    let correction = correction(x);
    for ((w, p), unit) in blocks.zip(units) {
        let mut sums = [0; 4];
        for (v, x) in halves(w).iter().zip(halves(x)) {
            add(&mut sums, (*v as u16).into(), (*x).into());
        }
        let sums = parted(sums);
        let m = |k: usize| pre(p[k], sums[k].wrapping_add(correction), UNIT, p[4 + k]);
        each(unit, [m(0), m(1), m(2), m(3)]);
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
    let words = (xh.len() / 2).wrapping_mul(3).div_ceil(2);
    let Some(blocks) = row_blocks::<PARAMS>(weights, params, words) else { return };
    let (of_x, of_h) = (correction(x), correction(h));
    let both = of_x.wrapping_add(of_h);
    for ((w, p), unit) in blocks.zip(units) {
        let (w, _) = bytes(w).as_chunks::<6>();
        let (wx, wh) = w.split_at((x.len() / 2).min(w.len()));
        let (mut two, mut n) = ([0i32; 2], [0i32; 2]);
        for ((w, x), n) in [(wx, x), (wh, h)].into_iter().zip(&mut n) {
            for ([a, b, c, d, e, f], x) in w.iter().zip(x.as_chunks::<2>().0) {
                let ([x0, x1], [x2, x3]) = (elements(x[0]), elements(x[1]));
                for (v, x) in [(a, x0), (b, x1), (c, x2), (d, x3)] {
                    add(&mut two, (*v).into(), x);
                }
                for (v, a, b) in [(e, x0, x1), (f, x2, x3)] {
                    let (low, high) = ((*v & 15) as i32, (*v >> 4) as i32);
                    *n = n.wrapping_add(low.wrapping_mul(a)).wrapping_add(high.wrapping_mul(b));
                }
            }
        }
        let two = parted(two);
        let m = |k: usize, sum: i32, correction: i32| pre(p[k], sum.wrapping_add(correction), UNIT, p[4 + k]);
        each(unit, [m(0, two[0], both), m(1, two[1], both), m(2, n[0], of_x), m(3, n[1], of_h)]);
    }
}
