//! Negative log-likelihood of a language model.

use serde::{Deserialize, Serialize};

/// Negative log-likelihood of symbols, summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Nats {
    /// Sum of -ln p over the symbols.
    pub sum: f64,
    /// Symbols.
    pub count: u64,
}

impl Nats {
    /// Counts a symbol: the logits of all symbols, and the one that came.
    ///
    /// -ln p = ln sum exp(s_k - s_max) - (s_came - s_max), which cannot overflow. A symbol without a
    /// logit counts as infinity.
    pub fn add(&mut self, scores: &[f64], came: usize) {
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scores.iter().map(|s| (s - most).exp()).sum();
        self.sum += scores.get(came).map_or(f64::INFINITY, |s| sum.ln() - (s - most));
        self.count += 1;
    }

    /// Joins two counts.
    pub fn join(self, other: Nats) -> Nats {
        Nats { sum: self.sum + other.sum, count: self.count + other.count }
    }

    /// Nats per symbol; 0 for none.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum / self.count as f64 }
    }

    /// e to the nats per symbol: among how many equally likely symbols the model hesitates.
    pub fn perplexity(&self) -> f64 {
        self.mean().exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_likelihoods() {
        let mut nats = Nats::default();
        nats.add(&[3.0; 8], 2);
        assert!((nats.mean() - 8_f64.ln()).abs() < 1e-12 && (nats.perplexity() - 8.0).abs() < 1e-12);
        // p = 1/4 and 3/4.
        nats = Nats::default();
        nats.add(&[0.0, 3_f64.ln()], 0);
        nats.add(&[1000.0, 1000.0 + 3_f64.ln()], 1);
        assert!((nats.sum - (4_f64.ln() + (4.0_f64 / 3.0).ln())).abs() < 1e-9);
        assert_eq!(nats.join(nats).count, 4);
        assert_eq!((Nats::default().mean(), Nats::default().perplexity()), (0.0, 1.0));
        nats.add(&[0.0], 1);
        assert_eq!(nats.mean(), f64::INFINITY);
    }
}
