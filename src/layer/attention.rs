//! Attention: what a decoder's step reads of an encoder's states.
//!
//! ```text
//! e_i = q · k_i   or   q · k_i / √u   or   V tanh(q + k_i)
//! a_i = exp(e_i) / Σ_j exp(e_j)          c = Σ_i a_i h_i
//! ```
//! Dot, scaled dot and additive scores. It is no layer of the tables: [`crate::net::Seq2seq`] runs it between chains of
//! layers, over states that are in the caller's memory.
//!
//! In integers vectors are i16. Scores are i32 in Q15.16, saturating, so that they need no format of their own. The
//! exponential is the table-free [`crate::arith::softmax`]'s, 2^-x with x in Q.15. Weights are Q0.15, each rounded half up,
//! so that of n steps they sum to 1 within n / 2 LSB: with n up to 2^15 |Σ a_i h_i| <= 1.5 · 2^15 · 2^15 fits an i32.
//! The context has the states' format, and saturates.
//!
//! Sums of products are i64: up to 8192 products of 2^30 make 2^43, times the factor's 2^16 2^59.

use crate::arith::{Activation, Arith, Pre, Q, saturate};
use crate::kernel::word;

/// Most steps of a source that attention reads.
pub(crate) const MOST_STEPS: u16 = 1 << 15;

/// Factor of q·k in Q0.16: 1.
pub(crate) const ONE: u32 = 1 << 16;

/// 1 / √u in Q0.16, for u of at least 1; 15e-6 too small at most.
pub(crate) fn root(u: usize) -> u32 {
    u32::MAX.checked_div(u as u32).unwrap_or(u32::MAX).isqrt()
}

/// factor · (q · k) in Q15.16, rounded half up, saturating. `frac` is the sum of both fraction bits.
pub(crate) fn dot(q: &[i16], k: &[i16], frac: u8, factor: u32) -> i32 {
    let products = q.iter().zip(k).map(|(q, k)| (*q as i32).wrapping_mul(*k as i32) as i64);
    let sum = products.fold(0i64, i64::wrapping_add);
    let frac = frac.min(30) as u32;
    let rounded = sum.wrapping_mul(factor as i64).wrapping_add((1 << frac) >> 1) >> frac;
    rounded.clamp(i32::MIN as i64, i32::MAX as i64) as i32
}

/// A number of `frac` fraction bits in Q15.16.
pub(crate) fn wide(v: i16, frac: u8) -> i32 {
    (v as i32) << (16u32.wrapping_sub(frac as u32) & 31)
}

/// tanh(q + k) in Q0.15, both of `frac` fraction bits.
pub(crate) fn sums(q: &[i16], k: &[i16], frac: u8, out: &mut [i16]) {
    let formats = Q { carried_frac: 0, out_frac: 15 };
    for ((q, k), y) in q.iter().zip(k).zip(out) {
        let sum = wide(*q, frac).saturating_add(wide(*k, frac)).max(-i32::MAX);
        *y = formats.activate(Activation::Tanh, Pre::from_bits(sum));
    }
}

/// Σ a_i h_i, rounded half up: up to [`MOST_STEPS`] `weights` in Q0.15, as softmax gives them; vector i in the first words of the i-th
/// `stride` words of `states`.
pub(crate) fn context(weights: &[u32], states: &[u32], stride: usize, out: &mut [i16]) {
    for (j, out) in out.chunks_mut(2).enumerate() {
        let mut both = [1i32 << 14; 2];
        for (a, h) in weights.iter().zip(states.chunks_exact(stride.max(1))) {
            let pair = word::halves(h.get(j..).unwrap_or_default());
            for (c, h) in both.iter_mut().zip(pair) {
                *c = c.wrapping_add((*a as i32).wrapping_mul(*h as i32));
            }
        }
        for (c, y) in both.iter().zip(out) {
            *y = saturate(*c >> 15);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::softmax_wide;
    use std::vec::Vec;

    /// Numbers of a fixed sequence, uniform in i16 / `by`.
    fn random(n: usize, by: i16, seed: &mut u32) -> Vec<i16> {
        let next = |_| {
            *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (*seed >> 16) as i16 / by
        };
        (0..n).map(next).collect()
    }

    fn float(v: &[i16], frac: i32) -> Vec<f64> {
        v.iter().map(|v| *v as f64 / 2f64.powi(frac)).collect()
    }

    #[test]
    fn scores_follow_the_equations() {
        let mut seed = 1;
        for (u, fq, fk) in [(1usize, 15u8, 15u8), (7, 12, 9), (64, 15, 11), (200, 4, 15)] {
            let (q, k) = (random(u, 4, &mut seed), random(u, 2, &mut seed));
            let (qf, kf) = (float(&q, fq.into()), float(&k, fk.into()));
            let exact: f64 = qf.iter().zip(&kf).map(|(q, k)| q * k).sum();
            let plain = dot(&q, &k, fq + fk, ONE) as f64 / 65536.0;
            assert!((plain - exact).abs() <= 0.51 / 65536.0 || exact.abs() > 32768.0, "{u}: {plain} {exact}");
            let scaled = dot(&q, &k, fq + fk, root(u)) as f64 / 65536.0;
            let exact = exact / (u as f64).sqrt();
            // The factor is a Q0.16: up to 1 / 65536 too small.
            let most = 1.0 / 65536.0 + exact.abs() * (u as f64).sqrt() / 65536.0;
            assert!((scaled - exact).abs() <= most || exact.abs() > 32767.0, "{u}: {scaled} {exact}");

            let k = random(u, 2, &mut seed);
            let mut y = std::vec![0; u];
            sums(&q, &k, fq, &mut y);
            for ((y, q), k) in float(&y, 15).iter().zip(&qf).zip(float(&k, fq.into())) {
                assert!((y - (q + k).tanh()).abs() < 1.01 / 32768.0, "{y} {q} {k}");
            }
        }
    }

    /// Weights and context of random scores and states against the same in f64, and what they must sum to.
    #[test]
    fn contexts_follow_the_equations() {
        let mut seed = 3;
        for (states, width, spread) in [(1usize, 5usize, 1.0), (9, 8, 3.0), (40, 33, 0.5), (300, 4, 8.0)] {
            let scores: Vec<f64> = random(states, 1, &mut seed).iter().map(|s| *s as f64 / 32768.0 * spread).collect();
            let stride = width.div_ceil(2) + 1;
            let h = random(states * stride * 2, 1, &mut seed);
            let words: Vec<u32> = h.chunks(2).map(|h| h[0] as u16 as u32 | (h[1] as u16 as u32) << 16).collect();
            let mut weights: Vec<u32> = scores.iter().map(|s| (s * 65536.0) as i32 as u32).collect();
            softmax_wide(&mut weights);
            let sum: u32 = weights.iter().sum();
            assert!(sum.abs_diff(32768) as usize <= states / 2 + 1, "{sum}");
            let e: Vec<f64> = scores.iter().map(|s| s.exp()).collect();
            let total: f64 = e.iter().sum();
            for (a, e) in weights.iter().zip(&e) {
                assert!((*a as f64 - e / total * 32768.0).abs() < 0.75, "{a} {}", e / total * 32768.0);
            }
            let mut c = std::vec![0; width];
            context(&weights, &words, stride, &mut c);
            for (j, c) in c.iter().enumerate() {
                let exact: f64 = (0..states).map(|i| weights[i] as f64 * h[i * stride * 2 + j] as f64 / 32768.0).sum();
                assert!((*c as f64 - exact).abs() <= 0.5, "{c} {exact}");
            }
        }
    }

    #[test]
    fn extremes_are_total() {
        let low = [i16::MIN; 8192];
        assert_eq!(dot(&low, &low, 0, ONE), i32::MAX);
        assert_eq!(dot(&low, &[i16::MAX; 8192], 0, root(1)), i32::MIN);
        assert_eq!(dot(&low[..2], &low, 30, ONE), 2 << 16);
        let mut y = [0; 2];
        sums(&[i16::MIN, i16::MAX], &[i16::MIN, i16::MAX], 0, &mut y);
        assert_eq!(y, [-32768, 32767]);
        context(&[1 << 15], &[0x8000_7FFF], 1, &mut y);
        assert_eq!(y, [i16::MAX, i16::MIN]);
        context(&[], &[], 0, &mut y);
        assert_eq!(y, [0, 0]);
        let mut far = [i32::MIN as u32, i32::MAX as u32, i32::MAX as u32];
        softmax_wide(&mut far);
        assert_eq!(far, [0, 16384, 16384]);
        softmax_wide(&mut []);
    }
}
