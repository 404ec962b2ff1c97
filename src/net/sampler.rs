//! Draws a symbol from a model's logits: temperature, the k best, a seeded generator. Integers only.

use fixed::types::U4F12;

use super::Output;
use crate::arith::{EXPONENT_FRAC, LOG2_E, exp2_neg};

/// Draws from p_k = exp(s_k / T) / Σ exp(s_j / T), j among the `top_k` greatest logits.
///
/// The same seed and logits give the same draws on every machine. T is a U4F12; at 0 the greatest score is taken.
/// Of equal logits at the border of the k best, those with the lower index belong to them. exp is 2^-x with x in
/// Q.15 (relative error 3.4e-6, and 0 beyond 22 in the exponent's base e); the draw is a 64-bit number modulo the
/// sum, whose bias is below 2^-20. No heap: three passes over the logits, and 16 more to find the k best.
///
/// ```
/// use elman::net::{Output, Sampler};
///
/// let output = Output { logits: &[100, 900, 300], frac: 8 };
/// let mut sampler = Sampler::new(7, elman::net::Temperature::from_num(0.8), 2);
/// let drawn: Vec<u16> = (0..5).filter_map(|_| sampler.draw(&output)).collect();
/// assert!(drawn.len() == 5 && drawn.iter().all(|k| *k == 1 || *k == 2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampler {
    state: u64,
    temperature: U4F12,
    top_k: u16,
}

/// Temperature T of a [`Sampler`]: 0 to 15.999 in steps of 1/4096.
pub type Temperature = U4F12;

impl Sampler {
    /// A sampler at temperature T over the `top_k` greatest logits; 0 for all of them.
    pub const fn new(seed: u64, temperature: Temperature, top_k: u16) -> Self {
        Sampler { state: seed, temperature, top_k }
    }

    /// The next number of the generator, SplitMix64.
    fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Index of a logit, drawn as above; `None` where there are no logits. Each call takes one number of the generator.
    pub fn draw(&mut self, output: &Output<'_>) -> Option<u16> {
        let number = self.number();
        let logits = output.logits;
        // log2(e) / T with 26 fraction bits.
        let Some(factor) = (LOG2_E << 23).checked_div(self.temperature.to_bits() as u64) else {
            return output.argmax();
        };
        let top = logits.iter().copied().max().unwrap_or(0) as i32;
        let weight = |s: i16| {
            let x = ((top - s as i32) as u64 * factor) >> (26 - EXPONENT_FRAC + output.frac.min(15) as u32);
            exp2_neg(x.min(u32::MAX as u64) as u32) as u64
        };
        let best = Best::of(logits, self.top_k as usize);
        let sum: u64 = best.among(logits).map(|(_, s)| weight(s)).sum();
        let mut left = number.checked_rem(sum).unwrap_or(0);
        for (k, s) in best.among(logits) {
            let w = weight(s);
            if left < w {
                return Some(k as u16);
            }
            left = left.wrapping_sub(w);
        }
        output.argmax()
    }
}

/// The k best: all above a threshold, and the first few that equal it.
#[derive(Clone, Copy)]
struct Best {
    threshold: i16,
    equal: usize,
}

impl Best {
    fn of(logits: &[i16], k: usize) -> Self {
        if k == 0 || k >= logits.len() {
            return Best { threshold: i16::MIN, equal: logits.len() };
        }
        let above = |t: i32| logits.iter().filter(|s| **s as i32 > t).count();
        // The least score with fewer than k above it, bit by bit.
        let (mut low, mut high) = (i16::MIN as i32, i16::MAX as i32);
        while low < high {
            let middle = (low + high) >> 1;
            if above(middle) < k { high = middle } else { low = middle + 1 }
        }
        Best { threshold: low as i16, equal: k.saturating_sub(above(low)) }
    }

    /// Index and score of the best, in order.
    fn among(self, logits: &[i16]) -> impl Iterator<Item = (usize, i16)> + '_ {
        let mut equal = self.equal;
        logits.iter().copied().enumerate().filter(move |(_, s)| {
            let one_of = *s == self.threshold && equal > 0;
            equal = equal.saturating_sub(one_of as usize);
            *s > self.threshold || one_of
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    const SCORES: [i16; 6] = [-300, 512, 256, 512, i16::MIN, 100];

    fn output(logits: &[i16]) -> Output<'_> {
        Output { logits, frac: 8 }
    }

    #[test]
    fn draws_follow_the_distribution() {
        for (t, k) in [(1.0, 0), (0.5, 0), (2.5, 4), (1.0, 3), (1.0, 1)] {
            let mut sampler = Sampler::new(1, Temperature::from_num(t), k);
            let mut counts = [0u32; 6];
            for _ in 0..40_000 {
                counts[usize::from(sampler.draw(&output(&SCORES)).unwrap())] += 1;
            }
            let mut order: Vec<usize> = (0..6).collect();
            order.sort_by_key(|i| (-(SCORES[*i] as i32), *i));
            let kept = &order[..if k == 0 { 6 } else { k as usize }];
            let e = |i: usize| if kept.contains(&i) { (SCORES[i] as f64 / 256.0 / t).exp() } else { 0.0 };
            let sum: f64 = (0..6).map(e).sum();
            for (i, n) in counts.iter().enumerate() {
                assert!((*n as f64 / 4e4 - e(i) / sum).abs() < 0.01, "T {t}, k {k}: {i} {n}");
            }
        }
    }

    #[test]
    fn seeds_decide_and_nothing_else() {
        let draws = |seed| {
            let mut sampler = Sampler::new(seed, Temperature::from_num(1.5), 0);
            (0..64).map(|_| sampler.draw(&output(&SCORES)).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draws(5), draws(5));
        assert_ne!(draws(5), draws(6));
    }

    #[test]
    fn extremes_are_total() {
        let mut cold = Sampler::new(3, Temperature::ZERO, 0);
        assert_eq!(cold.draw(&output(&SCORES)), Some(1));
        let mut coldest = Sampler::new(3, Temperature::from_bits(1), 2);
        assert!([Some(1), Some(3)].contains(&coldest.draw(&output(&SCORES))));
        assert_eq!((coldest.draw(&output(&[])), cold.draw(&output(&[]))), (None, None));
        assert_eq!(Sampler::new(3, Temperature::MAX, 1).draw(&output(&[i16::MIN])), Some(0));
        let same = [7i16; 300];
        let mut top = Sampler::new(3, Temperature::MAX, 3);
        assert!((0..200).all(|_| top.draw(&output(&same)).unwrap() < 3));
    }
}
