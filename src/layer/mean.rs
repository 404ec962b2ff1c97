//! Mean, sum and max over time: y_t = (1/t) Σ_(k<=t) x_k, y_t = Σ_(k<=t) x_k and y_t = max_(k<=t) x_k, element by
//! element, so that the last output is the mean, sum or max over the sequence. In a graph they run over the neighbours
//! of a node, or over all nodes.
//!
//! In integers the mean is exact, rounded half up, in the input's format, for 2^32 - 1 steps: a unit keeps the quotient q and
//! the remainder r of its sum q n + r, which the next element changes without a sum that could overflow. After so many steps
//! it is an exponential mean that weighs each new element by 2^-32. The sum is an i32 that saturates, in the input's
//! format (never for 65535 vectors, the most that a graph can have), and goes out rounded half up to the layer's
//! power-of-two format, saturating. The max is kept exactly, in the input's format.

use crate::arith::{round_shift, saturate};
use crate::cell::{CarriedState, CellSpec, LayerOperation, LayerView, OutRange, VariantSpec, WidthRule, split_mut};
use crate::kernel::word;

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
    let (quotients, rest) = split_mut(long, layer.units());
    let (remainders, count) = split_mut(rest, layer.units());
    let Some(count) = count.first_mut() else { return };
    let n = count.saturating_add(1);
    *count = n;
    let elements = word::halves(x).iter().zip(word::halves_mut(out));
    let states = quotients.iter_mut().zip(remainders);
    if n < FEW {
        let divisor = Divisor::new(n as i32);
        states.zip(elements).for_each(|((q, r), (x, y))| {
            // r + x - q = k n + the new remainder.
            let d = (*r as i32).wrapping_add(*x as i32).wrapping_sub(*q as i32);
            let k = divisor.quotient(d);
            *y = keep((q, r), n, k, d.wrapping_sub(k.wrapping_mul(n as i32)) as u32);
        });
    } else {
        states.zip(elements).for_each(|((q, r), (x, y))| {
            // |x - q| is below n, so that k is -1, 0 or 1. Each is found from the carry of a difference of 33 bits.
            let e = (*x as i32).wrapping_sub(*q as i32);
            let sum = r.wrapping_add(e as u32);
            let below = (e < 0 && sum > *r) as i32;
            // r + e >= n, where the sum itself may not fit.
            let above = (e >= 0 && *r >= n.wrapping_sub(e as u32)) as i32;
            let k = above.wrapping_sub(below);
            *y = keep((q, r), n, k, sum.wrapping_sub((k as u32).wrapping_mul(n)));
        });
    }
}

/// Steps from which on an element cannot change the quotient by more than 1.
const FEW: u32 = 1 << 17;

/// Puts the quotient, more by `k`, and the remainder in their places; the mean, rounded half up.
#[inline(always)]
fn keep((q, r): (&mut u32, &mut u32), n: u32, k: i32, remainder: u32) -> i16 {
    *q = q.wrapping_add(k as u32);
    *r = remainder;
    (*q as i32).wrapping_add((remainder >= n.wrapping_sub(remainder)) as i32) as i16
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
    fn quotient(&self, v: i32) -> i32 {
        v.checked_div_euclid(self.0).unwrap_or(0)
    }
}

#[cfg(elman_narrow)]
type Divisor = Reciprocal;

/// For a core that cannot divide: once a step, bit by bit. The compiler's division takes as long as its numbers want, and a
/// step takes the same time for every input.
#[cfg(any(elman_narrow, test))]
struct Reciprocal {
    by: i32,
    /// (2^32 - 1) / by, rounded down: the low and the high half.
    low: u32,
    high: u32,
    /// A multiple of `by` from 2^16 on.
    above: u32,
}

#[cfg(any(elman_narrow, test))]
impl Reciprocal {
    /// For 1 to 2^17. Not inlined, as the compiler would put the halves together for a product of 64 bits.
    #[inline(never)]
    fn new(by: i32) -> Self {
        let (mut inverse, mut rest) = (0u32, 0i32);
        for _ in 0..32 {
            let left = (rest << 1 | 1).wrapping_sub(by);
            // All ones where `by` does not go into it.
            let not = left >> 31;
            rest = left.wrapping_add(by & not);
            inverse = (inverse << 1).wrapping_add(1).wrapping_add(not as u32);
        }
        Reciprocal { by, low: inverse & 0xffff, high: inverse >> 16, above: (inverse >> 16).wrapping_add(1) }
    }

    /// floor(v / by) of -2^16 < v < by + 2^16.
    #[inline(always)]
    fn quotient(&self, v: i32) -> i32 {
        // From 0 on and below 2^20: the quotient is then at most one too low.
        let v = (v as u32).wrapping_add(self.above.wrapping_mul(self.by as u32));
        let (vl, vh) = (v & 0xffff, v >> 16);
        let (rl, rh) = (self.low, self.high);
        // The sum of the middle products in halves, as it has 33 bits.
        let first = vh.wrapping_mul(rl).wrapping_add(vl.wrapping_mul(rl) >> 16);
        let second = vl.wrapping_mul(rh).wrapping_add(first & 0xffff);
        let q = vh.wrapping_mul(rh).wrapping_add(first >> 16).wrapping_add(second >> 16);
        let rest = v.wrapping_sub(q.wrapping_mul(self.by as u32)) as i32;
        let more = self.by.wrapping_sub(1).wrapping_sub(rest) as u32 >> 31;
        q.wrapping_add(more).wrapping_sub(self.above) as i32
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
    use crate::cell::DeviceSpec;
    use crate::descriptor::LayerDescriptor;
    use crate::kernel::{Layout, Packing, WeightFormat};

    #[test]
    fn a_reciprocal_divides_exactly() {
        let mut x = 1u32;
        let mut random = || {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (x >> 8) as i32
        };
        for by in (1..70).chain([255, 256, 257, 65_535, 65_536, 65_537, 131_070, 131_071, 131_072]) {
            for k in 0..3000 {
                let v = match k {
                    0 => -65_535,
                    1 => by + 65_535,
                    2..90 => (k - 45) / 3 * by + k % 3 - 1,
                    _ => random() % (65_536 + by),
                };
                let v = v.clamp(-65_535, by + 65_535);
                assert_eq!(Reciprocal::new(by).quotient(v), v.div_euclid(by), "{v} / {by}");
            }
        }
    }

    /// A mean of few and of many steps, from a state in the middle, against a sum of 128 bits.
    #[test]
    fn a_mean_is_exact_for_any_count() {
        const PACKING: Packing = Packing { format: WeightFormat::Int8, layout: Layout::Pairs };
        static KIND: DeviceSpec = MEAN.spec;
        let descriptor = LayerDescriptor { inputs: 1, units: 1, ..LayerDescriptor::default() };
        let view = LayerView::new(&KIND, &descriptor, CarriedState::Mean.words(1, 0), PACKING);
        let mut x = 7u64;
        let mut random = || {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            x >> 33
        };
        for start in [0u32, 1, 16_383, 65_535, 131_000, 1 << 17, 1 << 20, (1 << 31) - 40, u32::MAX - 300] {
            for kind in 0..4 {
                let sum_of = |q: i32, r: u32| i128::from(q) * i128::from(start) + i128::from(r);
                let q = if start == 0 { 0 } else { [i16::MIN, i16::MAX, 0, -5][kind] as i32 };
                let r = if start == 0 || q == 32_767 { 0 } else { random() as u32 % start };
                let (mut sum, mut n) = (sum_of(q, r), i128::from(start));
                let mut memory = [0u32, 0, q as u32, r, start];
                for k in 0..300 {
                    let x = match (kind, k % 3) {
                        (0, _) => i16::MIN,
                        (1, _) => i16::MAX,
                        (2, 0) => i16::MAX,
                        (2, 1) => i16::MIN,
                        _ => random() as i16,
                    };
                    (sum, n) = (sum + i128::from(x), n + 1);
                    memory[0] = x as u16 as u32;
                    let mut out = [0; 2];
                    mean(&view, &mut memory, &mut out);
                    assert_eq!(i128::from(out[0] as i16), (2 * sum + n).div_euclid(2 * n), "{start} {kind} {k}");
                    assert_eq!(i128::from(memory[4]), n);
                }
            }
        }
    }
}
