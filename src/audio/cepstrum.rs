//! Mel frequency cepstral coefficients: the cosine transform (DCT-II) of a frame's features.
//!
//! c_0 is their mean, c_k = 2/N · Σ x_n·cos(πk(n + ½)/N): in the features' own format, whatever N. The cosine is the same or
//! the opposite for n and N - 1 - n, so that half of the terms are left, and their sum comes from a recurrence (Clenshaw 1955)
//! that needs two cosines for each k: b_n = s_n + 2 cos φ · b_(n+1) - b_(n+2), φ = πk/N, and the sum is cos(φ/2)·(b_0 - b_1).

use super::MAX_CHANNELS;
use crate::arith::saturate;
use crate::kernel::fft::{SINES, sine};
use crate::kernel::word::mul_high;

/// Fraction bits more than a feature that b has: below 2^31 for 20 terms of 17 bits.
const MORE: u32 = 6;

/// Replaces the first `channels` features by their first `count` coefficients.
pub(super) fn transform(features: &mut [i16; MAX_CHANNELS], channels: usize, count: usize) {
    let from = *features;
    let half = channels / 2;
    let Some((low, high)) = from.get(..channels).and_then(|from| from.split_at_checked(channels.div_ceil(2))) else {
        return;
    };
    // Where N is odd, the middle term stands alone.
    let (low, middle) = low.split_at_checked(half).unwrap_or((low, &[]));
    // What even and odd k sum up, from the middle outwards.
    let mut terms = [[0i32; 2]; MAX_CHANNELS / 2];
    for (([even, odd], x), mirrored) in terms.iter_mut().zip(low.iter().rev()).zip(high) {
        let (x, mirrored) = ((*x as i32) << MORE, (*mirrored as i32) << MORE);
        (*even, *odd) = (x.wrapping_add(mirrored), x.wrapping_sub(mirrored));
    }
    let terms = terms.get(..half).unwrap_or(&[]);
    let n = (channels as u32).max(1);
    // A quarter turn over N: half of the first φ.
    let unit = (1u32 << 30) / n;
    for (k, out) in (0u32..).zip(features.iter_mut().take(count)) {
        let phase = k.wrapping_mul(unit) as i32;
        let (sin, cos) = (sine(&SINES, phase), sine(&SINES, (1i32 << 30).wrapping_sub(phase)));
        // cos φ from the smaller of both, whose relative error the table keeps small.
        let smaller = sin.min(cos);
        let square = mul_high(smaller, smaller) << 2;
        let cosine = if sin < cos { i32::MAX.wrapping_sub(square) } else { square.wrapping_sub(i32::MAX) };
        let mut b = [0i32; 2];
        let mut next = |s: i32| {
            let product = mul_high(b[0] << 1, cosine) << 1;
            b = [s.wrapping_add(product).wrapping_sub(b[1]), b[0]];
        };
        if k & 1 == 1 {
            terms.iter().for_each(|[_, odd]| next(*odd));
        } else {
            if let Some(x) = middle.first() {
                next((*x as i32) << MORE);
            }
            terms.iter().for_each(|[even, _]| next(*even));
        }
        // Half of the sum.
        let sum = mul_high(b[0].wrapping_sub(b[1]), cos);
        // The mean for k = 0, twice of it for the others.
        let parts = (n << if k == 0 { MORE - 1 } else { MORE - 2 }) as i32;
        let mean = sum.saturating_add(parts / 2).checked_div_euclid(parts).unwrap_or(0);
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
