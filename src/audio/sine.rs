//! A quarter of a sine: behind the FFT's twiddle factors and the window.

/// Steps of a full turn.
pub(super) const TURN: usize = 1024;

/// sin(2πk/1024) for k < 256, in Q0.31: 1 KB, computed by the compiler.
static QUARTER: [i32; TURN / 4] = quarter();

const fn quarter() -> [i32; TURN / 4] {
    let mut table = [0; TURN / 4];
    let mut k = 0;
    while k < table.len() {
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

/// sin(2πk/1024) in Q0.31, for any k; 1 saturates.
#[inline(always)]
pub(super) fn sin(k: usize) -> i32 {
    let rising = k & (TURN / 4 - 1);
    let value = if k & (TURN / 4) == 0 {
        QUARTER[rising]
    } else if rising == 0 {
        i32::MAX
    } else {
        QUARTER[(TURN / 4).wrapping_sub(rising) & (TURN / 4 - 1)]
    };
    if k & (TURN / 2) == 0 { value } else { value.wrapping_neg() }
}

/// cos(2πk/1024) in Q0.31, for any k; 1 saturates.
#[inline(always)]
pub(super) fn cos(k: usize) -> i32 {
    sin(k.wrapping_add(TURN / 4))
}

/// Hann window at `phase`, where 2^32 is the window's length: (1 - cos)/2 in Q0.31, between table entries by a line.
#[inline(always)]
pub(super) fn hann(phase: u32) -> i32 {
    let k = (phase >> 22) as usize;
    let (a, b) = (cos(k) >> 1, cos(k.wrapping_add(1)) >> 1);
    // Within a step cosine changes by less than 2^24: the product stays in 32 bits.
    let between = b.wrapping_sub(a).wrapping_shr(8).wrapping_mul((phase >> 8 & 0x3fff) as i32) >> 6;
    ((1i32 << 30) - 1).saturating_sub(a.wrapping_add(between))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::f64::consts::TAU;

    #[test]
    fn all_entries() {
        for k in 0..2 * TURN {
            let angle = TAU * k as f64 / TURN as f64;
            let (s, c) = (sin(k) as f64 / 2f64.powi(31), cos(k) as f64 / 2f64.powi(31));
            assert!((s - angle.sin()).abs() < 1e-9 && (c - angle.cos()).abs() < 1e-9, "{k}: {s} {c}");
        }
    }

    /// The line between entries costs at most 5e-6: 106 dB below 1.
    #[test]
    fn hann_between_entries() {
        for i in 0..100_000u32 {
            let phase = i.wrapping_mul(42_949);
            let exact = 0.5 - 0.5 * (TAU * phase as f64 / 2f64.powi(32)).cos();
            let error = hann(phase) as f64 / 2f64.powi(31) - exact;
            assert!(error.abs() < 5e-6, "{phase}: {error}");
        }
    }
}
