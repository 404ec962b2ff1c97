//! Softmax in integers.

use crate::kernel::word::mul_high_add;

/// log2(e) in Q1.15.
pub(crate) const LOG2_E: u64 = 47_274;

/// Fraction bits of the exponents of [`exp2_neg`].
pub(crate) const EXPONENT_FRAC: u32 = 16;

/// 2^-x for x in Q.16, in Q0.31: a polynomial of degree 4 in the fraction, shifted by the whole part.
/// Worst error 3.4e-6 relative; monotone. From 31 on it is 1 or 0 in the last place.
#[inline]
pub(crate) fn exp2_neg(x: u32) -> u32 {
    // g = f - 1/2 in Q0.32, so that a product with it keeps the format of the other factor.
    let (whole, g) = ((x >> EXPONENT_FRAC).min(31), ((x << 16) ^ 0x8000_0000) as i32);
    // 2^-(g + 1/2): exact at both ends, so that the pieces join.
    let y = [364_816_602, -1_052_496_805, 1_518_498_874]
        .into_iter()
        .fold(mul_high_add(-84_980_076, g, 14_555_373), |y, a| mul_high_add(a, g, y));
    (y as u32) >> whole
}

/// Softmax of `logits` (fraction bits `frac`) into `p`, Q0.15: p_k = exp(l_k) / Σ exp(l_j), rounded half up.
///
/// Values sum to 32768 within half of `logits.len()`; the order of the logits is kept. Only
/// as many elements as the shorter slice has are computed. Integers only; never panics.
///
/// ```
/// let mut p = [0; 3];
/// elman::arith::softmax(&[0, 256, 512], 8, &mut p); // logits 0, 1, 2
/// let percent = p.map(|p| (p as u32 * 100 + 16384) >> 15);
/// assert_eq!(percent, [9, 24, 67]);
/// ```
pub fn softmax(logits: &[i16], frac: u8, p: &mut [u16]) {
    let top = logits.iter().copied().max().unwrap_or(0) as i32;
    let weight = |l: i16| weight((top - l as i32) as u32, frac);
    let sum = logits.iter().zip(p.iter()).fold(0u64, |s, (l, _)| s + weight(*l) as u64).max(1);
    let sum = Sum::new(sum);
    for (l, p) in logits.iter().zip(p.iter_mut()) {
        *p = (sum.share(weight(*l)).wrapping_add(1) >> 1) as u16;
    }
}

/// A sum of which each part wants its share.
#[derive(Clone, Copy, Debug)]
struct Sum {
    sum: u64,
    /// How many bits the sum has more than 16.
    more: u32,
    /// Its first 16 bits.
    high: u32,
}

impl Sum {
    /// `sum` is not 0.
    #[inline(always)]
    fn new(sum: u64) -> Self {
        let more = 48u32.saturating_sub(sum.leading_zeros());
        Sum { sum, more, high: (sum >> (more & 63)) as u32 }
    }

    /// w·2^16 / sum, rounded down, for a w of the sum, w below 2^31. A division of 32 bits is too large by at most a few: w·2^16
    /// has lost bits that make less than a multiple of what the sum has lost.
    #[inline(always)]
    fn share(&self, w: u32) -> u32 {
        let n = match self.more.checked_sub(16) {
            Some(down) => w >> (down & 31),
            None => w << (16u32.wrapping_sub(self.more) & 31),
        };
        let mut share = n.checked_div(self.high).unwrap_or(0);
        while (share as u64).wrapping_mul(self.sum) > (w as u64) << 16 {
            share = share.wrapping_sub(1);
        }
        share
    }
}

/// exp(-d) for a difference d < 2^16 with `frac` fraction bits, in Q0.31.
#[inline(never)]
fn weight(d: u32, frac: u8) -> u32 {
    // d · log2(e) has 15 + frac fraction bits, and fits. Beyond 31 nothing is left of the exponential.
    let (frac, x) = (frac.min(15) as u32, d.wrapping_mul(LOG2_E as u32));
    exp2_neg(match frac {
        0 => d.min(31).wrapping_mul(2 * LOG2_E as u32),
        _ => x >> (frac.wrapping_sub(1) & 31),
    })
}

/// Softmax of scores, each the bits of an i32 in Q15.16, in place: p_k = exp(s_k) / Σ exp(s_j) in Q0.15, rounded half up.
///
/// Values sum to 32768 within half of `scores.len()` and one. One division for all of them; never panics.
pub fn softmax_wide(scores: &mut [u32]) {
    let top = scores.iter().map(|s| *s as i32).max().unwrap_or(0);
    let mut sum = 0u64;
    for s in scores.iter_mut() {
        // The difference in Q16.16 times log2(e) in Q1.15, in Q.16. Beyond 31 nothing is left of the exponential.
        let d = (top.wrapping_sub(*s as i32) as u32).min(31 << 16);
        *s = exp2_neg(((d as u64 * LOG2_E) >> 15) as u32);
        sum = sum.wrapping_add(*s as u64);
    }
    // At least 2^31 - 1 is summed, so that the reciprocal is at most 2^31 + 2 and its product with a weight fits.
    let reciprocal = (1u64 << 62).checked_div(sum).unwrap_or(0);
    for s in scores.iter_mut() {
        *s = ((*s as u64).wrapping_mul(reciprocal).wrapping_add(1 << 46) >> 47) as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn close_to_float_and_sums_to_one() {
        let mut seed = 1u32;
        for _ in 0..2000 {
            let logits: Vec<i16> = (0..12)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 16) as i16 / 8
                })
                .collect();
            let mut p = [0u16; 12];
            softmax(&logits, 9, &mut p);
            let e: Vec<f64> = logits.iter().map(|l| (*l as f64 / 512.0).exp()).collect();
            let s: f64 = e.iter().sum();
            for (p, e) in p.iter().zip(&e) {
                // Half an LSB, and what the exponential and log2(e) are off.
                assert!((*p as f64 - e / s * 32768.0).abs() < 0.75, "{p} {}", e / s * 32768.0);
            }
            let total: i32 = p.iter().map(|p| *p as i32).sum();
            assert!((total - 32768).abs() <= 6, "{total}");
        }
    }

    #[test]
    fn a_share_is_the_quotient() {
        let mut seed = 1u64;
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed ^ seed >> 31
        };
        let mut most = 0;
        for k in 0..300_000u32 {
            let sum = match k % 3 {
                // Of few weights, of many, and of none that is the greatest.
                0 => (1 << 31) - 1 + random() % (31 << 31),
                1 => (1 << 31) - 1 + random() % (1 << 44),
                _ => (random() >> (20 + k % 44)).max(1),
            };
            let limit = sum.min((1 << 31) - 1);
            let share = random() % 40_000;
            let near = (share * (sum >> 15)).wrapping_add(random() % 5).wrapping_sub(2).min(limit);
            for w in [random() % (limit + 1), limit, 0, near] {
                let (ours, exact) = (Sum::new(sum), (w << 16) / sum);
                assert_eq!(u64::from(ours.share(w as u32)), exact, "{w} {sum}");
                let n = if ours.more < 16 { w << (16 - ours.more) } else { w >> (ours.more - 16) };
                most = most.max(n / u64::from(ours.high) - exact);
            }
        }
        assert!((1..=3).contains(&most), "{most}");
    }

    #[test]
    fn extremes() {
        let mut p = [9u16; 3];
        softmax(&[i16::MIN, i16::MAX, i16::MAX], 0, &mut p);
        assert_eq!(p, [0, 16384, 16384]);
        softmax(&[5; 3], 15, &mut p);
        assert_eq!(p, [10923; 3]);
        let mut uniform = [0u16; 70];
        softmax(&[-7; 70], 12, &mut uniform);
        assert_eq!(uniform, [468; 70]); // 468.11
        softmax(&[], 15, &mut []);
        for frac in 0..=20 {
            let mut both = [0u16; 2];
            softmax(&[i16::MIN, i16::MAX], frac, &mut both);
            let odds = (65535.0 / 2f64.powi(i32::from(frac.min(15)))).exp();
            assert!((f64::from(both[0]) - 32768.0 / (1.0 + odds)).abs() < 0.75, "{frac}: {both:?}");
        }
        let mut last = u32::MAX;
        for x in 0..40 << EXPONENT_FRAC {
            let y = exp2_neg(x);
            assert!(y <= last);
            last = y;
            let exact = 2f64.powf(-f64::from(x) / 65536.0);
            let error = f64::from(y) / 2f64.powi(31) - exact;
            assert!(error.abs() < 3.5e-6 * exact + 1.01 * 2f64.powi(-31), "{x}: {error}");
        }
    }
}
