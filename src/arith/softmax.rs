//! Softmax in integers.

use crate::kernel::word::mul_high_add;

/// log2(e) in Q1.15.
pub(crate) const LOG2_E: u64 = 47_274;

/// Fraction bits of the exponents of [`exp2_neg`].
pub(crate) const EXPONENT_FRAC: u32 = 15;

/// 2^-x for x in Q.15, in Q0.31: a polynomial of degree 4 in the fraction, shifted by the whole part.
/// Worst error 3.4e-6 relative; monotone. From 31 on it is 1 or 0 in the last place.
#[inline]
pub(crate) fn exp2_neg(x: u32) -> u32 {
    // g = f - 1/2 in Q0.32, so that a product with it keeps the format of the other factor.
    let (whole, g) = ((x >> EXPONENT_FRAC).min(31), ((x << 17) ^ 0x8000_0000) as i32);
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
    // Exponentials of 16 bits, up to 2^16 - 1, where the probabilities go.
    let mut sum = 0u32;
    for (l, p) in logits.iter().zip(p.iter_mut()) {
        // The difference times log2(e) has 15 + frac fraction bits, and fits.
        let x = ((top - *l as i32) as u32).wrapping_mul(LOG2_E as u32) >> frac.min(15);
        *p = (exp2_neg(x).wrapping_add(1 << 14) >> 15).min(u16::MAX as u32) as u16;
        sum = sum.wrapping_add(*p as u32);
    }
    for p in p.iter_mut().take(logits.len()) {
        *p = ((*p as u32) << 15).wrapping_add(sum >> 1).checked_div(sum).unwrap_or(0) as u16;
    }
}

/// Softmax of scores, each the bits of an i32 in Q15.16, in place: p_k = exp(s_k) / Σ exp(s_j) in Q0.15, rounded half up.
///
/// Values sum to 32768 within half of `scores.len()` and one. One division for all of them; never panics.
pub fn softmax_wide(scores: &mut [u32]) {
    let top = scores.iter().map(|s| *s as i32).max().unwrap_or(0);
    let mut sum = 0u64;
    for s in scores.iter_mut() {
        // The difference in Q16.16 times log2(e) in Q1.15, in Q.15. Beyond 31 nothing is left of the exponential.
        let d = (top.wrapping_sub(*s as i32) as u32).min(31 << 16);
        *s = exp2_neg(((d as u64 * LOG2_E) >> 16) as u32);
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
                // Half an LSB, a quarter for the rounding of each exponential at most, and what its argument and log2(e) are off.
                assert!((*p as f64 - e / s * 32768.0).abs() < 2.0, "{p} {}", e / s * 32768.0);
            }
            let total: i32 = p.iter().map(|p| *p as i32).sum();
            assert!((total - 32768).abs() <= 6, "{total}");
        }
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
            assert!((f64::from(both[0]) - 32768.0 / (1.0 + odds)).abs() < 1.25, "{frac}: {both:?}");
        }
        let mut last = u32::MAX;
        for x in 0..40 << EXPONENT_FRAC {
            let y = exp2_neg(x);
            assert!(y <= last);
            last = y;
            let exact = 2f64.powf(-f64::from(x) / 32768.0);
            let error = f64::from(y) / 2f64.powi(31) - exact;
            assert!(error.abs() < 3.5e-6 * exact + 1.01 * 2f64.powi(-31), "{x}: {error}");
        }
    }
}
