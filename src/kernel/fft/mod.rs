//! Kernels of the audio front end: window, complex FFT, the step from there to a real FFT, and sums of powers.
//!
//! The FFT decimates in time: the window stores pairs of samples in bit-reversed order, and the bins come out in natural
//! order. All but the first stage halve, so that a turn needs no doubling: a stage's values stay below the root of the
//! frame's power.

mod power;
mod real;
mod stages;
mod window;

pub use power::{power, power_reference};
pub use real::{real_fft, real_fft_reference};
pub use stages::{TURNS, Turns};
pub use window::{moments, moments_reference, sine, window, window_reference};

use super::word::{mul_high, mul_high_add, mul_high_sub};

/// A complex number: real and imaginary part, i32 each.
pub type Complex = [u32; 2];

/// A quarter of a sine: sin(2πk/1024) for k = 0..=256, in Q0.31, the last saturated.
pub type Sines = [i32; 257];

/// Most bits of an index: 512 complex numbers.
#[cfg(elman_dsp)]
const MOST_BITS: u32 = 9;

/// [`Sines`]: 1 KB, computed by the compiler.
pub static SINES: Sines = sines();

const fn sines() -> Sines {
    let mut table = [i32::MAX; 257];
    let mut k = 0;
    while k < 256 {
        let x = core::f64::consts::TAU * k as f64 / 1024.0;
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

/// Half of a·b̄ for Q0.31 b.
#[inline(always)]
fn rotate(a: [i32; 2], b: [i32; 2]) -> [i32; 2] {
    [mul_high_add(mul_high(a[0], b[0]), a[1], b[1]), mul_high_sub(mul_high(a[1], b[0]), a[0], b[1])]
}

/// Both parts.
#[inline(always)]
fn get(a: &Complex) -> [i32; 2] {
    [a[0] as i32, a[1] as i32]
}

/// Replaces both parts.
#[inline(always)]
fn set(a: &mut Complex, v: [i32; 2]) {
    *a = [v[0] as u32, v[1] as u32];
}

/// a + b
#[inline(always)]
fn add(a: [i32; 2], b: [i32; 2]) -> [i32; 2] {
    [a[0].wrapping_add(b[0]), a[1].wrapping_add(b[1])]
}

/// a - b
#[inline(always)]
fn sub(a: [i32; 2], b: [i32; 2]) -> [i32; 2] {
    [a[0].wrapping_sub(b[0]), a[1].wrapping_sub(b[1])]
}

/// a / 2, rounded down.
#[inline(always)]
fn half(a: [i32; 2]) -> [i32; 2] {
    [a[0] >> 1, a[1] >> 1]
}

/// a·j
#[inline(always)]
fn times_j(a: [i32; 2]) -> [i32; 2] {
    [a[1].wrapping_neg(), a[0]]
}
