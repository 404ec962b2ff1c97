//! Lanes of 16 bits, one a column: four rows in layouts "pairs" and "rows", three of split rows in layout "rows".

use crate::kernel::row_block::row_blocks;
use crate::kernel::weights::fields::{PARAMS, elements, pre};
use crate::kernel::weights::int4::UNIT;

/// Adds the products of two columns; the last of four rows has its sign, the others are 8 too large.
#[inline(always)]
fn add(sums: &mut [i32; 4], lanes: u32, x: u32) {
    for (v, x) in [lanes as i16 as i32, (lanes as i32) >> 16].into_iter().zip(elements(x)) {
        let w = [(v & 15).wrapping_sub(8), (v >> 4 & 15).wrapping_sub(8), (v >> 8 & 15).wrapping_sub(8), v >> 12];
        for (sum, w) in sums.iter_mut().zip(w) {
            *sum = sum.wrapping_add(w.wrapping_mul(x));
        }
    }
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
    for ((w, p), unit) in blocks.zip(units) {
        let mut sums = [0; 4];
        for (lanes, x) in w.iter().zip(x) {
            add(&mut sums, *lanes, *x);
        }
        let m = |k: usize| pre(p[k], sums[k], UNIT, p[4 + k]);
        each(unit, [m(0), m(1), m(2), m(3)]);
    }
}

/// Split row blocks of this layout; see `split` of the module above. The fourth row of a lane is 0.
#[inline(always)]
pub fn split<T>(
    weights: &[u32],
    params: &[u32],
    xh: &[u32],
    x_words: usize,
    units: impl Iterator<Item = T>,
    mut each: impl FnMut(T, [i32; 4]),
) {
    let Some(blocks) = row_blocks::<PARAMS>(weights, params, xh.len()) else { return };
    for ((w, p), unit) in blocks.zip(units) {
        let (of_x, of_h) = w.split_at(x_words.min(w.len()));
        let (x, h) = xh.split_at(x_words.min(xh.len()));
        let mut sums = [0; 4];
        of_x.iter().zip(x).for_each(|(lanes, x)| add(&mut sums, *lanes, *x));
        let n = sums[2];
        sums[2] = 0;
        of_h.iter().zip(h).for_each(|(lanes, x)| add(&mut sums, *lanes, *x));
        let m = |k: usize, sum: i32| pre(p[k], sum, UNIT, p[4 + k]);
        each(unit, [m(0, sums[0]), m(1, sums[1]), m(2, n), m(3, sums[2])]);
    }
}
