//! A quarter of a sine, for the FFT's twiddle factors and the window.

use crate::kernel::butterfly::Sines;
use crate::kernel::word::mul_high;

/// Steps of a full turn.
pub(super) const TURN: usize = 1024;

/// sin(2πk/1024) for k ≤ 256, in Q0.31, the last saturated: 1 KB, computed by the compiler.
pub(crate) static QUARTER: Sines = quarter();

const fn quarter() -> Sines {
    let mut table = [i32::MAX; TURN / 4 + 1];
    let mut k = 0;
    while k < TURN / 4 {
        let x = core::f64::consts::TAU * k as f64 / TURN as f64;
        let (mut term, mut sum, mut n) = (x, x, 1);
        while n < 12 {
            term *= -x * x / ((2 * n) * (2 * n + 1)) as f64;
            sum += term;
            n += 1;
        }
        table[k] = (sum * 2_147_483_648.0 + 0.5) as i32;
        k += 1;
    }
    table
}

/// sin(2πk/1024) in Q0.31 for k < 256.
#[inline(always)]
pub(super) fn sin(k: usize) -> i32 {
    QUARTER[k & (TURN / 4 - 1)]
}

/// cos(2πk/1024) in Q0.31 for 0 < k ≤ 256.
#[inline(always)]
pub(super) fn cos(k: usize) -> i32 {
    sin((TURN / 4).wrapping_sub(k))
}

/// Rising half of a Hann window, for a phase below 2^31, its centre: sin² of a quarter turn, in Q0.31. Between the table's
/// entries sine is taken for a line.
#[inline(always)]
pub(super) fn hann(phase: u32) -> i32 {
    let k = (phase >> 23) as usize & (TURN / 4 - 1);
    // Within a step sine changes by less than 2^24: the product stays in 32 bits.
    let (a, next) = (QUARTER[k], QUARTER[k + 1]);
    let slope = next.wrapping_sub(a) >> 8;
    let s = a.wrapping_add(slope.wrapping_mul((phase >> 9 & 0x3fff) as i32) >> 6);
    let half = mul_high(s, s);
    half.saturating_add(half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::f64::consts::TAU;

    #[test]
    fn all_entries() {
        for k in 1..TURN / 4 {
            let angle = TAU * k as f64 / TURN as f64;
            let (s, c) = (sin(k) as f64 / 2f64.powi(31), cos(k) as f64 / 2f64.powi(31));
            assert!((s - angle.sin()).abs() < 1e-9 && (c - angle.cos()).abs() < 1e-9, "{k}: {s} {c}");
        }
    }

    /// The line between entries costs at most 1e-5: 100 dB below 1.
    #[test]
    fn hann_between_entries() {
        for phase in (0..1 << 31).step_by(21_391) {
            let exact = 0.5 - 0.5 * (TAU * phase as f64 / 2f64.powi(32)).cos();
            let error = hann(phase) as f64 / 2f64.powi(31) - exact;
            assert!(error.abs() < 1e-5, "{phase}: {error}");
        }
    }
}
