//! Logarithm and power to the base 2, in integers.

use super::table::exp;

/// log2(v) with `bits` (at most 24) fraction bits, rounded down; 0 for v = 0.
///
/// One squaring gives one bit: x² ≥ 2 exactly if the next bit of log2(x) is set.
#[inline(never)]
pub(crate) const fn log2(v: u64, bits: u32) -> u32 {
    if v == 0 {
        return 0;
    }
    let exponent = 63 - v.leading_zeros();
    let (mut mantissa, mut result, mut n) = (((v << (63 - exponent)) >> 32) as u32, exponent, 0);
    while n < bits {
        let square = mantissa as u64 * mantissa as u64; // Q2.62
        let carry = (square >> 63) as u32;
        // Q1.31 again: a bit more of the square where it has not reached 2.
        mantissa = (square >> (31 + carry)) as u32;
        result = result << 1 | carry;
        n += 1;
    }
    result
}

/// Lines of [`log2_line`]: log2(1 + k/64) in Q0.16, then 32 times what the line rises.
pub(crate) static LOG2_LINES: [[u16; 2]; 64] = {
    let mut lines = [[0; 2]; 64];
    let mut k = 0;
    while k < 64 {
        // Q.24 at the ends and in the middle, where a line is as far above as below once it is lifted by half of its error.
        let ends = [log2(64 + k, 24) as i64, log2(65 + k, 24) as i64];
        let middle = log2(129 + 2 * k, 24) as i64 - (1 << 24);
        let lift = (2 * middle - ends[0] - ends[1]) / 4;
        let base = ends[0] + lift - (6 << 24);
        lines[k as usize] = [((base + 128) >> 8) as u16, ((ends[1] - ends[0] + 4) >> 3) as u16];
        k += 1;
    }
    lines
};

/// log2 of 2^`exponent` times `mantissa`, Q1.31 from 1 on; in Q.16, by lines: at most 2^-14 off.
#[inline(always)]
pub(crate) fn log2_line(exponent: u32, mantissa: u32) -> u32 {
    let [base, slope] = LOG2_LINES[(mantissa >> 25) as usize & 63];
    let along = mantissa >> 9 & 0xffff;
    (exponent << 16).wrapping_add(base as u32).wrapping_add((slope as u32).wrapping_mul(along) >> 21)
}

/// log2(v) in Q.16, for v above 0, by [`log2_line`].
#[inline(never)]
pub(crate) fn log2_wide(v: u64) -> u32 {
    let (high, low) = ((v >> 32) as u32, v as u32);
    // Words, so that a core of 32 bits shifts only one.
    let (exponent, high, low) = if high == 0 { (31u32, low, 0) } else { (63, high, low) };
    let up = high.leading_zeros() & 31;
    log2_line(exponent.wrapping_sub(up), high << up | low >> 1 >> (31u32.wrapping_sub(up) & 31))
}

/// Lines of [`exp2_line`]: 2^(k/32) - 1 in Q0.16, and what the line rises.
pub(crate) static EXP2_LINES: [[u16; 2]; 32] = {
    let mut lines = [[0; 2]; 32];
    let mut k = 0;
    while k < 32 {
        let step = core::f64::consts::LN_2 / 32.0;
        let [from, to] = [exp(step * k as f64), exp(step * (k + 1) as f64)];
        // The line is lowered by half of its error in the middle.
        let drop = (from + to - 2.0 * exp(step * (k as f64 + 0.5))) / 4.0;
        lines[k] = [((from - 1.0 - drop) * 65_536.0 + 0.5) as u16, ((to - from) * 65_536.0 + 0.5) as u16];
        k += 1;
    }
    lines
};

/// 2^x for x below 15, both in Q.16, by lines: at most 2^-14 of itself and a step off.
#[inline(never)]
pub(crate) fn exp2_line(x: i32) -> u32 {
    let [base, slope] = EXP2_LINES[(x >> 11) as usize & 31];
    let along = (x & 2047) as u32;
    let mantissa = (1u32 << 16).wrapping_add(base as u32).wrapping_add((slope as u32).wrapping_mul(along) >> 11);
    // 15 - ⌊x⌋
    (mantissa << 15) >> ((!x).wrapping_add(16 << 16) >> 16).clamp(0, 31)
}

/// 2^(2^-k) in Q2.30 for k = 1..=20, each the root of the one before.
pub(crate) const ROOTS: [u32; 20] = {
    let mut roots = [0; 20];
    let mut root = 2u64 << 30;
    let mut k = 0;
    while k < roots.len() {
        root = (root << 30).isqrt();
        roots[k] = root as u32;
        k += 1;
    }
    roots
};

/// 2^x for 0 ≤ x < 16, x in Q.20; the result in Q16.16, rounded down.
#[inline(never)]
pub(crate) fn exp2(x: u32) -> u32 {
    let mut y = 1u32 << 30;
    for (k, root) in ROOTS.iter().enumerate() {
        if x >> (19usize.wrapping_sub(k) & 31) & 1 == 1 {
            y = ((y as u64).wrapping_mul(*root as u64) >> 30) as u32;
        }
    }
    (((y as u64) << (x >> 20 & 15)) >> 14) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log2_is_rounded_down() {
        for v in (1..200_000u64).chain((0..64).map(|s| u64::MAX >> s)).chain((0..64).map(|s| 1 << s)) {
            let exact = (v as f64).log2() * 1024.0;
            let ours = log2(v, 10) as f64;
            assert!(ours <= exact + 1e-3 && ours > exact - 1.001, "{v}: {ours} {exact}");
        }
        assert_eq!(log2(0, 10), 0);
    }

    #[test]
    fn lines_are_close() {
        let mut worst = (0f64, 0f64, 0f64);
        for v in (1..400_000u64).chain((0..64).map(|s| u64::MAX >> s)).chain((0..63).map(|s| 3 << s)) {
            let error = log2_wide(v) as f64 - (v as f64).log2() * 65_536.0;
            worst.0 = worst.0.max(error.abs());
        }
        let mut sum = 0.0;
        for x in -(15 << 16)..15 << 16 {
            let exact = 2f64.powf(x as f64 / 65_536.0) * 65_536.0;
            let error = exp2_line(x) as f64 - exact;
            let allowed = 1.0 + exact / 16_384.0;
            assert!(error.abs() < allowed, "{x}: {error} {exact}");
            if x >= 0 {
                sum += error / exact;
                worst.1 = worst.1.max(error.abs() / exact);
            }
        }
        let mean = sum / f64::from(15 << 16);
        std::println!("log2 {:.2} steps, exp2 {:.2e}, mean {mean:.2e}", worst.0, worst.1);
        assert!(worst.0 < 3.0 && worst.1 < 6.1e-5 && mean.abs() < 1e-5, "{worst:?} {mean}");
    }

    #[test]
    fn exp2_inverts() {
        for x in (0..16 << 20).step_by(997) {
            let exact = 2f64.powf(x as f64 / (1 << 20) as f64);
            let ours = exp2(x) as f64 / 65_536.0;
            assert!((ours / exact - 1.0).abs() < 2e-5, "{x}: {ours} {exact}");
        }
    }
}
