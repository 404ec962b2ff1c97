//! Triangular mel bands over the power spectrum.
//!
//! Edges are equally spaced in mel, 1127·ln(1 + f/700): a geometric series in f + 700. Band c rises from edge c to
//! edge c+1 and falls to edge c+2, so each bin counts for two bands with weights that add up to 1.

use super::Config;
use crate::arith::log2::{exp2, log2};
use crate::kernel::butterfly::{Complex, power};

/// Edge `i` (0..=channels + 1) in bins of the FFT, Q16.16.
pub(super) fn edge(config: &Config, i: u32) -> u32 {
    let low = log2((config.low_hz as u64).wrapping_add(700), 20);
    let high = log2((config.high_hz as u64).wrapping_add(700), 20);
    let steps = (config.channels as u32).wrapping_add(1).max(1);
    // At most 24 bits times 6.
    let along = high.wrapping_sub(low).wrapping_mul(i.min(steps)) / steps;
    // Q16.16 Hz: a geometric mean of the two ends, less the 700.
    let hz = exp2(low.wrapping_add(along)).saturating_sub(700 << 16);
    // hz·2^fft_log2 / rate in 32 bits: what a first division leaves is below the rate, 16 bits.
    let (rate, up) = (config.sample_rate.max(1), config.fft_log2 as u32 & 15);
    ((hz / rate) << up).wrapping_add(((hz % rate) << up) / rate)
}

/// Whether a bin lies strictly inside band `channel`.
pub(super) fn holds_a_bin(config: &Config, channel: u8) -> bool {
    let first = (edge(config, channel as u32) >> 16).wrapping_add(1) << 16;
    first < edge(config, (channel as u32).wrapping_add(2))
}

/// Fraction bits of an energy. By Parseval the whole of it stays below 2^53.
pub(super) const ENERGY_FRAC: u32 = 8;

/// What the bins between two neighbouring edges add to the band that rises there and to the one that falls, in Q.8.
pub(super) struct Between {
    /// Σ w·|X|²
    pub(super) rising: u64,
    /// Σ (1 - w)·|X|²
    pub(super) falling: u64,
}

/// What [`power`] drops from each square, so that a sum of sums stays in 64 bits.
const SQUARE_SHIFT: u32 = 10;

/// Sums the bins in (`from`, `to`] (edges in Q16.16) of a spectrum 2·X·2^`exponent` in bit-reversed order.
///
/// The weights are a line over the bins, so the sum of the partial sums does for the weighting: no product but the
/// squares.
pub(super) fn between(spectrum: &[Complex], from: u32, to: u32, exponent: u32) -> Between {
    let end = (to >> 16).wrapping_add(1).min(spectrum.len() as u32);
    // Σ |X|² and Σ (end - k)·|X|²
    let [all, partial] = power(spectrum, (from >> 16).wrapping_add(1) as usize, end as usize);
    // Both as 30-bit numbers times 2^scale.
    let scale = 34i32.wrapping_sub(partial.leading_zeros() as i32);
    let (all, partial) = (normal(all, scale), normal(partial, scale));
    // Σ (to - k)·|X|², divided by the width through a reciprocal of 16 bits.
    let beyond = (end << 16).wrapping_sub(to);
    let weighted = ((partial as u64) << 16).saturating_sub(all as u64 * beyond as u64);
    let width = to.wrapping_sub(from).max(1);
    let up = width.leading_zeros();
    let reciprocal = u32::MAX / ((width << (up & 31)) >> 16).max(1);
    let falling = (weighted.wrapping_mul(reciprocal as u64) >> (48u32.wrapping_sub(up) & 63)) as u32;
    let rising = all.saturating_sub(falling);
    // The spectrum is twice X: one more bit to undo, in squares.
    let exponent = (exponent.wrapping_add(1).wrapping_mul(2) as i32).wrapping_sub((SQUARE_SHIFT + ENERGY_FRAC) as i32);
    let down = exponent.wrapping_sub(scale);
    Between { rising: shift(rising, down), falling: shift(falling, down) }
}

/// v / 2^`down`, rounded half up, where that fits.
#[inline(always)]
fn normal(v: u64, down: i32) -> u32 {
    let (high, low) = ((v >> 32) as u32, v as u32);
    match down {
        ..=0 => low << (down.unsigned_abs() & 31),
        1..=31 => {
            let down = down as u32;
            // What is shifted out last decides.
            ((high << (32u32.wrapping_sub(down) & 31)) | low >> down)
                .wrapping_add(low >> (down.wrapping_sub(1) & 31) & 1)
        }
        32 => high.wrapping_add(low >> 31),
        33.. => {
            let down = (down as u32).wrapping_sub(32) & 31;
            (high >> down).wrapping_add(high >> (down.wrapping_sub(1) & 31) & 1)
        }
    }
}

/// v / 2^`down`, rounded half up.
#[inline(always)]
fn shift(v: u32, down: i32) -> u64 {
    match down {
        ..=0 => (v as u64) << (down.unsigned_abs() & 63),
        1..=31 => (v >> down as u32).wrapping_add(v >> ((down as u32).wrapping_sub(1) & 31) & 1) as u64,
        32 => (v >> 31) as u64,
        33.. => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_follow_the_mel_scale() {
        let mel = |hz: f64| 1127.0 * (1.0 + hz / 700.0).ln();
        for config in [Config::HZ_16000, Config::HZ_8000, Config { low_hz: 0, high_hz: 8000, ..Config::HZ_16000 }] {
            let (low, high) = (mel(config.low_hz as f64), mel(config.high_hz as f64));
            for i in 0..=config.channels as u32 + 1 {
                let at = low + (high - low) * i as f64 / (config.channels as f64 + 1.0);
                let hz = 700.0 * ((at / 1127.0).exp() - 1.0);
                let exact = hz * config.fft() as f64 / config.sample_rate as f64;
                let ours = edge(&config, i) as f64 / 65_536.0;
                assert!((ours - exact).abs() < 0.005, "edge {i}: {ours} {exact}");
            }
        }
    }
}
