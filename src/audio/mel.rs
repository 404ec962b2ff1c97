//! Triangular mel bands over the power spectrum.
//!
//! Edges are equally spaced in mel, 1127·ln(1 + f/700): a geometric series in f + 700. Band c rises from edge c to
//! edge c+1 and falls to edge c+2, so each bin counts for two bands with weights that add up to 1.

use super::Config;
use super::fft::{Complex, place};
use super::log2::{exp2, log2};
use crate::kernel::word::mul_high;

/// Edge `i` (0..=channels + 1) in bins of the FFT, Q16.16.
pub(super) fn edge(config: &Config, i: u32) -> u32 {
    let low = log2((config.low_hz as u64).wrapping_add(700), 20);
    let high = log2((config.high_hz as u64).wrapping_add(700), 20);
    let steps = (config.channels as u32).wrapping_add(1).max(1);
    let along = high.wrapping_sub(low) as u64 * i.min(steps) as u64 / steps as u64;
    // Q16.16 Hz: a geometric mean of the two ends, less the 700.
    let hz = exp2(low.wrapping_add(along as u32)).saturating_sub(700 << 16);
    (((hz as u64) << (config.fft_log2 & 15)) / config.sample_rate.max(1) as u64) as u32
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

/// Sums the bins in (`from`, `to`] (edges in Q16.16) of a spectrum 2·X·2^`exponent` in bit-reversed order.
///
/// The bins are scaled together so that the largest fills its word: a weak band loses nothing beside a strong one.
pub(super) fn between(spectrum: &[Complex], from: u32, to: u32, exponent: u32) -> Between {
    let bits = spectrum.len().trailing_zeros();
    let first = (from >> 16).wrapping_add(1);
    let last = (to >> 16).min((spectrum.len() as u32).wrapping_sub(1));
    let mut any = 0;
    for k in first..=last {
        let Some(&[re, im]) = spectrum.get(place(k as usize, bits)) else { break };
        let (re, im) = (re as i32, im as i32);
        any |= (re ^ re >> 31) | (im ^ im >> 31);
    }
    // |X| < 2^30, so that re² + im² stays below 2^29 in the high words.
    let up = (any as u32).leading_zeros().saturating_sub(2);
    let weight_step = u32::MAX / to.wrapping_sub(from).max(1);
    let mut along = (first << 16).wrapping_sub(from);
    let (mut all, mut rising) = (0u64, 0u64);
    for k in first..=last {
        let Some(&[re, im]) = spectrum.get(place(k as usize, bits)) else { break };
        let (re, im) = ((re as i32) << (up & 31), (im as i32) << (up & 31));
        let power = mul_high(re, re).wrapping_add(mul_high(im, im)) as u32;
        let weight = along.wrapping_mul(weight_step) >> 8; // Q0.24
        all = all.wrapping_add(power as u64);
        rising = rising.wrapping_add(power as u64 * weight as u64);
        along = along.wrapping_add(1 << 16);
    }
    let falling = (all << 24).saturating_sub(rising);
    // Undone: 2^24 of the weights, 2^-32 of the high words, and twice the shifts, in squares.
    let down = (up.wrapping_add(exponent).wrapping_mul(2) as i32).wrapping_sub(6 + ENERGY_FRAC as i32);
    Between { rising: shift(rising, down), falling: shift(falling, down) }
}

/// v / 2^`down`, rounded half up.
#[inline(always)]
fn shift(v: u64, down: i32) -> u64 {
    match down {
        ..=0 => v << (down.unsigned_abs() & 63),
        1..=63 => v.wrapping_add(1 << (down - 1)) >> down,
        64.. => 0,
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
