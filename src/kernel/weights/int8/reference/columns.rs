//! Layout "columns": the rows of a row block side by side, a byte a weight, w + 128. An unsigned byte is what the smallest cores
//! load from any offset; what the 128 adds is the same for all rows and is taken off before.

use super::elements;
use crate::kernel::row_block::row_blocks;
use crate::kernel::weights::int8::packing::{OFFSET, PLAIN_PARAMS};
use crate::kernel::word::{bytes, mul_high};

/// -128 Σ x
#[inline(always)]
pub fn correction(x: &[u32]) -> i32 {
    let sum = x.iter().fold(0i32, |sum, x| {
        let [a, b] = elements(*x);
        sum.wrapping_add(a).wrapping_add(b)
    });
    sum.wrapping_mul(-OFFSET)
}

/// Adds the products of a column of four rows. Written out, as the other: the compiler makes loops of it where it builds for
/// size.
#[inline(always)]
fn add_four([a, b, c, d]: &mut [i32; 4], w: &[u8; 4], x: i32) {
    *a = a.wrapping_add((w[0] as i32).wrapping_mul(x));
    *b = b.wrapping_add((w[1] as i32).wrapping_mul(x));
    *c = c.wrapping_add((w[2] as i32).wrapping_mul(x));
    *d = d.wrapping_add((w[3] as i32).wrapping_mul(x));
}

/// Adds the products of a column of three rows.
#[inline(always)]
fn add_three([a, b, c]: &mut [i32; 3], w: &[u8; 3], x: i32) {
    *a = a.wrapping_add((w[0] as i32).wrapping_mul(x));
    *b = b.wrapping_add((w[1] as i32).wrapping_mul(x));
    *c = c.wrapping_add((w[2] as i32).wrapping_mul(x));
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
    let Some(blocks) = row_blocks::<PLAIN_PARAMS>(weights, params, x.len().wrapping_mul(2)) else { return };
    let correction = correction(x);
    for ((w, p), unit) in blocks.zip(units) {
        let b = |k: usize| correction.wrapping_add(p[k] as i32);
        let mut sums = [b(0), b(1), b(2), b(3)];
        for (w, x) in bytes(w).as_chunks::<16>().0.iter().zip(x.as_chunks::<2>().0) {
            let [c0, c1, c2, c3, ..] = w.as_chunks::<4>().0 else { continue };
            let ([x0, x1], [x2, x3]) = (elements(x[0]), elements(x[1]));
            add_four(&mut sums, c0, x0);
            add_four(&mut sums, c1, x1);
            add_four(&mut sums, c2, x2);
            add_four(&mut sums, c3, x3);
        }
        let m = |k: usize| mul_high(sums[k], p[4 + k] as i32);
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
    let Some(blocks) = row_blocks::<PLAIN_PARAMS>(weights, params, xh.len() / 2 * 3) else { return };
    let (x, h) = xh.split_at(x_words.min(xh.len()));
    let (of_x, of_h) = (correction(x), correction(h));
    let both = of_x.wrapping_add(of_h);
    for ((w, p), unit) in blocks.zip(units) {
        let b = |k: usize, correction: i32| correction.wrapping_add(p[k] as i32);
        let (r, z) = (b(0, both), b(1, both));
        let (wx, wh) = w.split_at((x.len() / 2 * 3).min(w.len()));
        let mut sums = [r, z, b(2, of_x)];
        let over = |sums: &mut [i32; 3], w: &[u32], x: &[u32]| {
            for (w, x) in bytes(w).as_chunks::<12>().0.iter().zip(x.as_chunks::<2>().0) {
                let [c0, c1, c2, c3, ..] = w.as_chunks::<3>().0 else { continue };
                let ([x0, x1], [x2, x3]) = (elements(x[0]), elements(x[1]));
                add_three(sums, c0, x0);
                add_three(sums, c1, x1);
                add_three(sums, c2, x2);
                add_three(sums, c3, x3);
            }
        };
        over(&mut sums, wx, x);
        let n = sums[2];
        sums[2] = b(3, of_h);
        over(&mut sums, wh, h);
        let m = |k: usize, sum: i32| mul_high(sum, p[4 + k] as i32);
        each(unit, [m(0, sums[0]), m(1, sums[1]), m(2, n), m(3, sums[2])]);
    }
}
