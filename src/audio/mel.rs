//! Triangular mel bands over the power spectrum.
//!
//! Edges are equally spaced in mel, 1127·ln(1 + f/700): a geometric series in f + 700. Band c rises from edge c to
//! edge c+1 and falls to edge c+2, so each bin counts for two bands with weights that add up to 1.

use super::Config;
use crate::arith::log2::{exp2, log2};
use crate::kernel::fft::{Complex, power};
use crate::kernel::word::times;

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
    // Inside the spectrum, whose last bin is not there.
    ((hz / rate) << up).wrapping_add(((hz % rate) << up) / rate).min((1u32 << up.wrapping_add(15)).wrapping_sub(1))
}

/// Whether a bin lies strictly inside band `channel`.
pub(super) fn holds_a_bin(config: &Config, channel: u8) -> bool {
    let first = (edge(config, channel as u32) >> 16).wrapping_add(1) << 16;
    first < edge(config, (channel as u32).wrapping_add(2))
}

/// Fraction bits of an energy that is kept from frame to frame. By Parseval the whole of it stays below 2^53.
pub(super) const ENERGY_FRAC: u32 = 8;

/// What the bins between two neighbouring edges add to the band that rises there and to the one that falls.
pub(super) struct Between {
    /// Σ w·|X|²
    pub(super) rising: u64,
    /// Σ (1 - w)·|X|²
    pub(super) falling: u64,
}

/// Bins between the last two of the edges, which are the farthest apart.
pub(super) fn most_bins(edges: &[u32]) -> u32 {
    match edges {
        [.., before, last] => (last >> 16).wrapping_sub(before >> 16),
        _ => 0,
    }
}

/// Sums the bins in (`from`, `to`] (edges in Q16.16) of a spectrum in natural order. The sum of all powers times their number
/// is below 2^64.
///
/// The weights are a line over the bins, so the sum of the partial sums does for the weighting: no product but the
/// squares.
#[inline(never)] // In one function with the rest its sums would be on the stack.
pub(super) fn between(spectrum: &[Complex], from: u32, to: u32) -> Between {
    let bins = (from >> 16).wrapping_add(1) as usize..(to >> 16).wrapping_add(1) as usize;
    // Σ |X|² and Σ (⌊to⌋ - k)·|X|²
    let [all, partial] = power(spectrum.get(bins).unwrap_or(&[]));
    // Σ (to - k)·|X|², divided by the width through a reciprocal of 16 bits, 2^43 over it.
    let weighted = partial.wrapping_add(times(all, to << 16));
    let width = to.wrapping_sub(from).max(LEAST_WIDTH);
    let up = width.leading_zeros() & 31;
    let reciprocal = u32::MAX.checked_div(width << up >> 15).unwrap_or(0) << (up.wrapping_sub(4) & 31);
    let falling = (times(weighted, reciprocal) << 5).min(all);
    Between { rising: all.wrapping_sub(falling), falling }
}

/// Edges nearer than a 16th of a bin count as so far apart, so that a reciprocal fits 32 bits.
const LEAST_WIDTH: u32 = 1 << 12;

/// An energy times 2^`exponent` in Q.8, rounded half up.
#[inline(always)]
pub(super) fn rescaled(energy: u64, exponent: u32) -> u64 {
    let (high, low) = ((energy >> 32) as u32, energy as u32);
    match exponent.wrapping_sub(ENERGY_FRAC) as i32 {
        // Words: a shift by less than 32.
        down @ 1.. => {
            let down = down as u32 & 31;
            let shifted = low >> down | high << (32u32.wrapping_sub(down) & 31);
            let rounding = low >> (down.wrapping_sub(1) & 31) & 1;
            (((high >> down) as u64) << 32 | shifted as u64).wrapping_add(rounding as u64)
        }
        // Frames as loud as can be in the longest transforms.
        up => {
            let up = up.unsigned_abs() & 31;
            ((high << up | low >> 1 >> (31u32.wrapping_sub(up) & 31)) as u64) << 32 | (low << up) as u64
        }
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
