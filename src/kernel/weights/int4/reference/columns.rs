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

/// Adds the product of a column's number, and of what is left of it after shifts by four bits, with x. Written out, as the others:
/// the compiler makes loops of it where it builds for size.
#[inline(always)]
fn add_four([a, b, c, d]: &mut [i32; 4], v: u16, x: i16) {
    let (v, x) = (v as i32, x as i32);
    *a = a.wrapping_add(v.wrapping_mul(x));
    *b = b.wrapping_add((v >> 4).wrapping_mul(x));
    *c = c.wrapping_add((v >> 8).wrapping_mul(x));
    *d = d.wrapping_add((v >> 12).wrapping_mul(x));
}

/// [`add_four`] for two rows in a byte.
#[inline(always)]
fn add_two([a, b]: &mut [i32; 2], v: u8, x: i32) {
    let v = v as i32;
    *a = a.wrapping_add(v.wrapping_mul(x));
    *b = b.wrapping_add((v >> 4).wrapping_mul(x));
}

/// Adds the products of a row's two columns in a byte.
#[inline(always)]
fn add_columns(sum: i32, v: u8, x0: i32, x1: i32) -> i32 {
    let (low, high) = ((v & 15) as i32, (v >> 4) as i32);
    sum.wrapping_add(low.wrapping_mul(x0)).wrapping_add(high.wrapping_mul(x1))
}

/// The rows of sums of shifted numbers.
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
            add_four(&mut sums, *v as u16, *x);
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
        let mut two = [0; 2];
        let mut over = |w: &[[u8; 6]], x: &[u32]| {
            let mut third = 0;
            for (w, x) in w.iter().zip(x.as_chunks::<2>().0) {
                let ([x0, x1], [x2, x3]) = (elements(x[0]), elements(x[1]));
                add_two(&mut two, w[0], x0);
                add_two(&mut two, w[1], x1);
                add_two(&mut two, w[2], x2);
                add_two(&mut two, w[3], x3);
                third = add_columns(add_columns(third, w[4], x0, x1), w[5], x2, x3);
            }
            third
        };
        let n = [over(wx, x), over(wh, h)];
        let two = parted(two);
        let m = |k: usize, sum: i32, correction: i32| pre(p[k], sum.wrapping_add(correction), UNIT, p[4 + k]);
        each(unit, [m(0, two[0], both), m(1, two[1], both), m(2, n[0], of_x), m(3, n[1], of_h)]);
    }
}
