//! Mean, sum and max over time: y_t = (1/t) Σ_(k<=t) x_k, y_t = Σ_(k<=t) x_k and y_t = max_(k<=t) x_k, element by
//! element, so that the last output is the mean, sum or max over the sequence. In a graph they run over the neighbours
//! of a node, or over all nodes.
//!
//! In integers the mean's sum is exact and the quotient rounds half up, in the input's format. From 16384 steps on,
//! sum and count are halved whenever the count gets there: older steps then weigh less instead of the sum
//! overflowing. The sum is an i32 that saturates, in the input's format, and goes out rounded half up to the layer's
//! power-of-two format, saturating. The max is kept exactly, in the input's format.

use crate::arith::{round_shift, saturate};
use crate::cell::{CarriedState, CellSpec, LayerOperation, LayerView, OutRange, VariantSpec, WidthRule, split_mut};
use crate::kernel::word;

const MOST_STEPS: i32 = 1 << 14;

/// Most vectors over which a pooling layer is exact, whatever their elements are.
///
/// An element is at least -32768, so that the magnitude of a sum of n of them is at most 32768 n, and below 2^31 for
/// n < 65536: the i32 cannot overflow. A mean halves its sum from 16384 vectors on. A max cannot overflow.
///
/// A graph model states how many neighbours a node and how many nodes a graph has at most; the loader rejects a model
/// whose pooling layers could be given more than this.
pub const fn most_exact(carried: CarriedState) -> usize {
    match carried {
        CarriedState::Mean => MOST_STEPS as usize,
        CarriedState::Sum => ((1u64 << 31) / 32_768 - 1) as usize,
        _ => usize::MAX,
    }
}

/// The layer's table.
pub const SPEC: CellSpec = CellSpec {
    tag: 17,
    name: "mean",
    variants: &[
        &VariantSpec {
            name: "mean",
            carried: CarriedState::Mean,
            out: OutRange::Input,
            widths: WidthRule::Same,
            step: mean,
            ..VariantSpec::BASE
        },
        &VariantSpec {
            name: "sum",
            carried: CarriedState::Sum,
            out: OutRange::Calibrated,
            widths: WidthRule::Same,
            step: sum,
            ..VariantSpec::BASE
        },
        &VariantSpec {
            name: "max",
            carried: CarriedState::Max,
            out: OutRange::Input,
            widths: WidthRule::Same,
            step: max,
            ..VariantSpec::BASE
        },
    ],
};

/// Mean over time.
pub const MEAN: LayerOperation = SPEC.operation(0);
/// Sum over time.
pub const SUM: LayerOperation = SPEC.operation(1);
/// Maximum over time.
pub const MAX: LayerOperation = SPEC.operation(2);

fn mean(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32]) {
    let (x, long) = split_mut(memory, layer.vector_words());
    let (sums, count) = split_mut(long, layer.units());
    let Some(count) = count.first_mut() else { return };
    let halve = *count as i32 >= MOST_STEPS;
    let n = if halve { MOST_STEPS / 2 } else { *count as i32 }.saturating_add(1).max(1);
    *count = n as u32;
    let divisor = Divisor::new(n.saturating_mul(2));
    for ((sum, x), y) in sums.iter_mut().zip(word::halves(x)).zip(word::halves_mut(out)) {
        let old = if halve { *sum as i32 >> 1 } else { *sum as i32 };
        let s = old.saturating_add(*x as i32);
        *sum = s as u32;
        // floor((2 s + n) / 2 n): the quotient rounded half up.
        *y = divisor.quotient(s.saturating_mul(2).saturating_add(n));
    }
}

/// What all elements of a step are divided by.
#[cfg(not(elman_narrow))]
struct Divisor(i32);

#[cfg(not(elman_narrow))]
impl Divisor {
    #[inline(always)]
    fn new(by: i32) -> Self {
        Divisor(by)
    }

    #[inline(always)]
    fn quotient(&self, v: i32) -> i16 {
        saturate(v.checked_div_euclid(self.0).unwrap_or(0))
    }
}

#[cfg(elman_narrow)]
type Divisor = Reciprocal;

/// For a core that cannot divide: once a step, bit by bit. The compiler's division takes as long as its numbers want, and a
/// step takes the same time for every input.
#[cfg(any(elman_narrow, test))]
struct Reciprocal {
    by: i32,
    /// (2^32 - 1) / by, rounded down.
    inverse: u32,
}

#[cfg(any(elman_narrow, test))]
impl Reciprocal {
    /// For 2 to 2^15.
    fn new(by: i32) -> Self {
        let (mut inverse, mut rest) = (0u32, 0i32);
        for _ in 0..32 {
            let left = (rest << 1 | 1).wrapping_sub(by);
            // All ones where `by` does not go into it.
            let not = left >> 31;
            rest = left.wrapping_add(by & not);
            inverse = (inverse << 1).wrapping_add(1).wrapping_add(not as u32);
        }
        Reciprocal { by, inverse }
    }

    /// floor(v / by), saturated.
    #[inline(always)]
    fn quotient(&self, v: i32) -> i16 {
        let limit = self.by << 15;
        // From 0 on: the quotient is then at most one too low.
        let v = (v.clamp(limit.wrapping_neg(), limit) as u32).wrapping_add(limit as u32);
        let (vl, vh) = (v & 0xffff, v >> 16);
        let (rl, rh) = (self.inverse & 0xffff, self.inverse >> 16);
        // The sum of the middle products in halves, as it has 33 bits.
        let first = vh.wrapping_mul(rl).wrapping_add(vl.wrapping_mul(rl) >> 16);
        let second = vl.wrapping_mul(rh).wrapping_add(first & 0xffff);
        let q = vh.wrapping_mul(rh).wrapping_add(first >> 16).wrapping_add(second >> 16);
        let rest = v.wrapping_sub(q.wrapping_mul(self.by as u32)) as i32;
        let more = self.by.wrapping_sub(1).wrapping_sub(rest) as u32 >> 31;
        saturate((q.wrapping_add(more) as i32).wrapping_sub(1 << 15))
    }
}

fn sum(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32]) {
    let (x, sums) = split_mut(memory, layer.vector_words());
    let shift = layer.in_frac().saturating_sub(layer.formats().out_frac) as u32;
    for ((sum, x), y) in sums.iter_mut().zip(word::halves(x)).zip(word::halves_mut(out)) {
        let s = (*sum as i32).saturating_add(*x as i32);
        *sum = s as u32;
        *y = saturate(round_shift(s, shift));
    }
}

fn max(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32]) {
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
        let most = most_exact(CarriedState::Sum) as i64;
        assert_eq!(most, 65_535);
        assert!(most * -32_768 > i32::MIN as i64 && (most + 1) * -32_768 <= i32::MIN as i64);
        // Twice the sum of a mean, and its rounding.
        let n = most_exact(CarriedState::Mean) as i64;
        assert!(2 * 32_768 * n + n < 1 << 31);
    }

    #[test]
    fn a_reciprocal_divides_exactly() {
        let mut x = 1u32;
        for k in 0..300_000 {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let by = 2 * (1 + (x >> 18) as i32 % if k % 2 == 0 { 1 << 14 } else { 20 });
            let v = match k % 5 {
                0 => x as i32,
                1 => (x as i32 % 40_000).wrapping_mul(by),
                2 => (x as i32 % 40_000).wrapping_mul(by).wrapping_sub(1),
                3 => [i32::MIN, i32::MAX, 0, -1][k % 4],
                _ => x as i32 >> 12,
            };
            let (ours, exact) = (Reciprocal::new(by).quotient(v), saturate(v.div_euclid(by)));
            assert_eq!(ours, exact, "{v} / {by}");
        }
    }
}
