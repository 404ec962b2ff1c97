//! Logarithm and power to the base 2, in integers.

use crate::kernel;

/// log2(v) with `bits` (at most 24) fraction bits, rounded down; 0 for v = 0.
///
/// One squaring gives one bit: x² ≥ 2 exactly if the next bit of log2(x) is set.
#[inline(never)]
pub(crate) const fn log2(v: u64, bits: u32) -> u32 {
    if v == 0 {
        return 0;
    }
    let exponent = 63 - v.leading_zeros();
    kernel::logarithm_reference(exponent, ((v << (63 - exponent)) >> 32) as u32, bits)
}

/// [`log2`] with ten fraction bits, as a device has it.
#[inline(always)]
pub(crate) fn log2_ten(v: u64) -> u32 {
    if v == 0 {
        return 0;
    }
    let exponent = 63u32.wrapping_sub(v.leading_zeros());
    kernel::logarithm::<10>(exponent, ((v << (63u32.wrapping_sub(exponent) & 63)) >> 32) as u32)
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
            assert_eq!(log2_ten(v), log2(v, 10));
        }
        assert_eq!(log2(0, 10), 0);
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
