//! Mel frequency cepstral coefficients: the cosine transform (DCT-II) of a frame's features.
//!
//! c_0 is their mean, c_k = 2/N · Σ x_n·cos(πk(n + ½)/N): in the features' own format, whatever N. A cosine is
//! 1 - 2·sin² of half its angle, which the window's function gives.

use super::{MAX_CHANNELS, sine};
use crate::arith::saturate;
use crate::kernel::word::mul_high;

/// Replaces the first `channels` features by their first `count` coefficients.
pub(super) fn transform(features: &mut [i16; MAX_CHANNELS], channels: usize, count: usize) {
    let from = *features;
    let Some(from) = from.get(..channels) else { return };
    let n = (channels as u32).max(1);
    // 2^32 / 4N: the phase of a quarter of the first cosine's step.
    let unit = (1u32 << 30) / n;
    for (k, out) in (0u32..).zip(features.iter_mut().take(count)) {
        let mut place = k % (4 * n);
        let mut sum = 0i32;
        for x in from {
            let phase = place.wrapping_mul(unit);
            // The cosine is the same from either side; Q0.30.
            let phase = phase.min(phase.wrapping_neg()).min(i32::MAX as u32);
            let cosine = (1i32 << 30).wrapping_sub(sine::hann(phase));
            // 12 bits more, less 2 of the product: 40 features of at most 2^15 stay below 2^31.
            sum = sum.wrapping_add(mul_high((*x as i32) << 12, cosine));
            place = place.wrapping_add(2 * k);
            place = if place >= 4 * n { place.wrapping_sub(4 * n) } else { place };
        }
        // Q.9 with 10 bits more; the mean for k = 0, twice of it for the others.
        let sum = if k == 0 { sum } else { sum.saturating_mul(2) };
        let half = (n << 9) as i32;
        let mean = sum.saturating_add(half).checked_div_euclid((n << 10) as i32).unwrap_or(0);
        *out = saturate(mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_cosine_transform() {
        let mut seed = 7u32;
        for channels in [1usize, 2, 13, 32, 40] {
            for round in 0..50 {
                let mut features = [0i16; MAX_CHANNELS];
                for x in features.iter_mut().take(channels) {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    *x = match round {
                        0 => i16::MAX,
                        1 => i16::MIN,
                        _ => (seed >> 16) as i16 / 2,
                    };
                }
                let from = features;
                transform(&mut features, channels, channels);
                for (k, ours) in features.iter().enumerate().take(channels) {
                    let angle = |n: usize| core::f64::consts::PI * k as f64 * (n as f64 + 0.5) / channels as f64;
                    let sum: f64 = (0..channels).map(|n| from[n] as f64 * angle(n).cos()).sum();
                    let exact = sum / channels as f64 * if k == 0 { 1.0 } else { 2.0 };
                    let exact = exact.clamp(-32_768.0, 32_767.0);
                    assert!((*ours as f64 - exact).abs() < 1.5, "{channels} channels, {k}: {ours} {exact}");
                }
            }
        }
    }

    #[test]
    fn only_what_is_asked_for_is_replaced() {
        let mut features = [100i16; MAX_CHANNELS];
        transform(&mut features, 32, 13);
        assert_eq!((features[0], features[1], features[13]), (100, 0, 100));
    }
}
