//! Mean, sum and max over time: y_t = (1/t) Σ_(k<=t) x_k, y_t = Σ_(k<=t) x_k and y_t = max_(k<=t) x_k, element by
//! element, so that the last output is the mean, sum or max over the sequence. In a graph they run over the neighbours
//! of a node, or over all nodes.
//!
//! In integers the mean's sum is exact and the quotient rounds half up, in the input's format. From 16384 steps on,
//! sum and count are halved whenever the count gets there: older steps then weigh less instead of the sum
//! overflowing. The sum is an i32 that saturates, in the input's format, and goes out rounded half up to the layer's
//! power-of-two format, saturating. The max is kept exactly, in the input's format.

use crate::arith::round_shift;
use crate::cell::{CellSpec, LongState, OutRange, Shape, VariantSpec, View, split_mut};
use crate::kernel::word;

const MOST_STEPS: i32 = 1 << 14;

/// Most vectors over which a pooling layer is exact, whatever their elements are.
///
/// An element is at least -32768, so that the magnitude of a sum of n of them is at most 32768 n, and below 2^31 for
/// n < 65536: the i32 cannot overflow. A mean halves its sum from 16384 vectors on. A max cannot overflow.
///
/// A graph model states how many neighbours a node and how many nodes a graph has at most; the loader refuses a model
/// whose pooling layers could be given more than this.
pub const fn most_exact(long: LongState) -> usize {
    match long {
        LongState::Mean => MOST_STEPS as usize,
        LongState::Sum => ((1u64 << 31) / 32_768 - 1) as usize,
        _ => usize::MAX,
    }
}

/// The layer's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 17,
    name: "mean",
    variants: &[
        VariantSpec {
            name: "mean",
            long: LongState::Mean,
            out: OutRange::Input,
            shape: Shape::Same,
            step: mean,
            ..VariantSpec::BASE
        },
        VariantSpec {
            name: "sum",
            long: LongState::Sum,
            out: OutRange::Calibrated,
            shape: Shape::Same,
            step: sum,
            ..VariantSpec::BASE
        },
        VariantSpec {
            name: "max",
            long: LongState::Max,
            out: OutRange::Input,
            shape: Shape::Same,
            step: max,
            ..VariantSpec::BASE
        },
    ],
};

fn saturate(v: i32) -> i16 {
    v.clamp(i16::MIN as i32, i16::MAX as i32) as i16
}

fn mean(layer: &View<'_>, memory: &mut [u32], out: &mut [u32]) {
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
        *y = saturate(mean);
    }
}

fn sum(layer: &View<'_>, memory: &mut [u32], out: &mut [u32]) {
    let (x, sums) = split_mut(memory, layer.vector_words());
    let shift = layer.in_frac().saturating_sub(layer.formats().out_frac) as u32;
    for ((sum, x), y) in sums.iter_mut().zip(word::halves(x)).zip(word::halves_mut(out)) {
        let s = (*sum as i32).saturating_add(*x as i32);
        *sum = s as u32;
        *y = saturate(round_shift(s, shift));
    }
}

fn max(layer: &View<'_>, memory: &mut [u32], out: &mut [u32]) {
    let (x, most) = split_mut(memory, layer.vector_words());
    for ((most, x), y) in most.iter_mut().zip(word::halves(x)).zip(word::halves_mut(out)) {
        // 0 stands for no step yet, so that memory begins zeroed as everywhere: -32768 is kept as 1.
        *most = (*most).max((*x as i32).wrapping_add(32_769) as u32);
        *y = (*most as i32).wrapping_sub(32_769) as i16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bound is sharp: as many of the most negative elements as are allowed do not overflow, one more would.
    #[test]
    fn the_bound_of_exact_sums_is_sharp() {
        let most = most_exact(LongState::Sum) as i64;
        assert_eq!(most, 65_535);
        assert!(most * -32_768 > i32::MIN as i64 && (most + 1) * -32_768 <= i32::MIN as i64);
        // Twice the sum of a mean, and its rounding.
        let n = most_exact(LongState::Mean) as i64;
        assert!(2 * 32_768 * n + n < 1 << 31);
    }
}
