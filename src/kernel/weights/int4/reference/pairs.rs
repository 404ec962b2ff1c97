//! Split rows of layout "pairs": words of two rows over four columns, and of the third over eight.

use crate::kernel::row_block::row_blocks;
use crate::kernel::weights::fields::{PARAMS, elements, pre};
use crate::kernel::weights::int4::UNIT;
use crate::kernel::weights::int4::packing::three_rows;

/// Field `k` of a word.
#[inline(always)]
fn field(word: u32, k: u32) -> i32 {
    ((word >> (4 * k) & 15) as i32).wrapping_sub(8)
}

/// Adds the products of rows 0 and 1 over four columns, whose bytes are c0, c2, c1, c3.
#[inline(always)]
fn add_two(sums: &mut [i32; 3], word: u32, x: [u32; 2]) {
    let ([x0, x1], [x2, x3]) = (elements(x[0]), elements(x[1]));
    for (byte, x) in [(0, x0), (4, x1), (2, x2), (6, x3)] {
        sums[0] = sums[0].wrapping_add(field(word, byte).wrapping_mul(x));
        sums[1] = sums[1].wrapping_add(field(word, byte + 1).wrapping_mul(x));
    }
}

/// Adds the products of the third row over two columns for each word of `x`, at most eight.
#[inline(always)]
fn add_third(sums: &mut [i32; 3], word: u32, x: &[u32]) {
    for (k, x) in (0..4).zip(x) {
        let [a, b] = elements(*x);
        let products = field(word, k).wrapping_mul(a).wrapping_add(field(word, k + 4).wrapping_mul(b));
        sums[2] = sums[2].wrapping_add(products);
    }
}

/// Adds the products of three rows over `x`.
#[inline(always)]
fn add(sums: &mut [i32; 3], weights: &[u32], x: &[u32]) {
    let (w_first, w) = weights.as_rchunks::<3>();
    let (x_first, x) = x.as_rchunks::<4>();
    if let ([a, thirds], [x0, x1]) = (w_first, x_first) {
        add_two(sums, *a, [*x0, *x1]);
        add_third(sums, *thirds, &[*x0, *x1]);
    }
    for ([a, b, thirds], x) in w.iter().zip(x) {
        add_two(sums, *a, [x[0], x[1]]);
        add_two(sums, *b, [x[2], x[3]]);
        add_third(sums, *thirds, x);
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
    let (of_x, of_h) = (three_rows(x.len().wrapping_mul(2)), three_rows(h.len().wrapping_mul(2)));
    let Some(blocks) = row_blocks::<PARAMS>(weights, params, of_x.wrapping_add(of_h)) else { return };
    for ((w, p), unit) in blocks.zip(units) {
        let (wx, wh) = w.split_at(of_x.min(w.len()));
        let mut sums = [0; 3];
        add(&mut sums, wx, x);
        let n = sums[2];
        sums[2] = 0;
        add(&mut sums, wh, h);
        let m = |k: usize, sum: i32| pre(p[k], sum, UNIT, p[4 + k]);
        each(unit, [m(0, sums[0]), m(1, sums[1]), m(2, n), m(3, sums[2])]);
    }
}
