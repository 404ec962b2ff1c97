//! Mean over time: y_t = (1/t) Σ_(k<=t) x_k, so that the last output is the mean over the sequence.
//!
//! In integers the sum is exact and the quotient rounds half up, in the input's format. From 16384 steps on,
//! sum and count are halved whenever the count gets there: older steps then weigh less instead of the sum
//! overflowing.

use crate::cell::{CellSpec, LongState, OutRange, VariantSpec, View, split_mut};
use crate::kernel::word;

const MOST_STEPS: i32 = 1 << 14;

/// The layer's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 17,
    name: "mean",
    variants: &[VariantSpec { name: "mean", stages: &[], long: LongState::Sum, out: OutRange::Calibrated, step }],
};

fn step(layer: &View<'_>, memory: &mut [u32], out: &mut [u32]) {
    let (x, long) = split_mut(memory, layer.vector_words());
    let (sums, count) = split_mut(long, layer.units());
    let Some(count) = count.first_mut() else { return };
    let halve = *count as i32 >= MOST_STEPS;
    let n = if halve { MOST_STEPS / 2 } else { *count as i32 }.saturating_add(1).max(1);
    *count = n as u32;
    for ((sum, x), y) in sums.iter_mut().zip(word::halves(x)).zip(word::halves_mut(out)) {
        let old = if halve { *sum as i32 >> 1 } else { *sum as i32 };
        let s = old.saturating_add(*x as i32);
        *sum = s as u32;
        // floor((2 s + n) / 2 n): the quotient rounded half up.
        let mean = s.saturating_mul(2).saturating_add(n).checked_div_euclid(n.saturating_mul(2)).unwrap_or(0);
        *y = mean.clamp(i16::MIN as i32, i16::MAX as i32) as i16;
    }
}
