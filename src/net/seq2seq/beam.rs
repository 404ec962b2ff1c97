//! Hypotheses of a beam search, the most likely first.

use super::END;
use crate::arith::log2::log2;
use crate::arith::{EXPONENT_FRAC, LOG2_E, exp2_neg};
use crate::blob::MAX_BEAMS;
use crate::net::Output;

/// A hypothesis: the symbols of hypothesis `parent`, then `symbol`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hypothesis {
    pub symbol: u16,
    pub parent: u8,
    /// log2 of its probability, Q.10.
    pub log2_p: i32,
}

/// The most likely of those that have ended: its length, and the hypothesis of the last step that it extends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Best {
    pub length: usize,
    pub last: u8,
    pub log2_p: i32,
}

/// Up to a number of hypotheses, the most likely first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hypotheses {
    all: [Hypothesis; MAX_BEAMS as usize],
    count: usize,
    most: usize,
}

/// Fraction bits of [`Hypothesis::log2_p`].
const FRAC: u32 = 10;

impl Hypotheses {
    /// None yet, of at most `most`.
    pub(super) fn new(most: usize) -> Self {
        Hypotheses { all: Default::default(), count: 0, most: most.min(MAX_BEAMS as usize) }
    }

    /// The one that all begin with.
    pub(super) fn start() -> Self {
        let mut start = Self::new(1);
        start.push(Hypothesis { symbol: END, parent: 0, log2_p: 0 });
        start
    }

    pub(super) fn iter(&self) -> core::slice::Iter<'_, Hypothesis> {
        self.all.get(..self.count).unwrap_or_default().iter()
    }

    /// Appends one that is no more likely than the others.
    pub(super) fn push(&mut self, h: Hypothesis) {
        if let (true, Some(free)) = (self.count < self.most, self.all.get_mut(self.count)) {
            *free = h;
            self.count = self.count.wrapping_add(1);
        }
    }

    /// Inserts one in order, after those that are as likely. The least likely is dropped where there are too many.
    fn insert(&mut self, h: Hypothesis) {
        let at = self.iter().position(|other| other.log2_p < h.log2_p).unwrap_or(self.count);
        if at >= self.most {
            return;
        }
        self.count = self.count.wrapping_add(1).min(self.most);
        let mut moved = h;
        for slot in self.all.get_mut(at..self.count).unwrap_or_default() {
            moved = core::mem::replace(slot, moved);
        }
    }

    /// Takes all that go on hypothesis `parent`, of this likelihood, by the logits of the next symbol.
    ///
    /// log2 p_k = -(x_k + log2 Σ 2^-x_j), x_k = (s_max - s_k) log2 e, as in softmax.
    pub(super) fn extend(&mut self, parent: usize, log2_p: i32, output: &Output<'_>) {
        let top = output.logits.iter().copied().max().unwrap_or(0) as i32;
        let below = |s: i16, frac: u32| {
            let d = (top.wrapping_sub(s as i32)) as u64 * LOG2_E;
            ((d << frac) >> (15 + output.frac.min(15) as u32)).min(u32::MAX as u64) as u32
        };
        let weight = |s: i16| exp2_neg(below(s, EXPONENT_FRAC)) as u64;
        let sum = output.logits.iter().fold(0u64, |sum, s| sum.wrapping_add(weight(*s)));
        // Weights are Q0.31: log2 of their sum is 31 more.
        let total = (log2(sum, FRAC) as i32).wrapping_sub(31 << FRAC);
        let least = |h: &Self| if h.count < h.most { None } else { h.iter().next_back().map(|l| l.log2_p) };
        for (symbol, s) in (0u16..).zip(output.logits) {
            let cost = (below(*s, FRAC) as i32).saturating_add(total).max(0);
            let log2_p = log2_p.saturating_sub(cost);
            if least(self).is_none_or(|least| log2_p > least) {
                self.insert(Hypothesis { symbol, parent: parent as u8, log2_p });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn the_most_likely_first_and_of_equals_the_earlier() {
        let mut found = Hypotheses::new(3);
        let logits = [100i16, 300, 300, 50, 299];
        found.extend(0, 0, &Output { logits: &logits, frac: 8 });
        found.extend(1, 0, &Output { logits: &[300, 100, 300, 50, 299], frac: 8 });
        let order: Vec<(u16, u8)> = found.iter().map(|h| (h.symbol, h.parent)).collect();
        assert_eq!(order, [(1, 0), (2, 0), (0, 1)]);
        let e: Vec<f64> = logits.iter().map(|s| (*s as f64 / 256.0).exp()).collect();
        let wanted = (e[1] / e.iter().sum::<f64>()).log2() * 1024.0;
        assert!((found.iter().next().unwrap().log2_p as f64 - wanted).abs() < 3.0);
    }

    #[test]
    fn extremes_are_total() {
        let mut found = Hypotheses::new(8);
        found.extend(7, i32::MIN, &Output { logits: &[i16::MIN, i16::MAX], frac: 0 });
        assert_eq!(found.iter().map(|h| h.log2_p).collect::<Vec<_>>(), [i32::MIN; 2]);
        found.extend(0, 0, &Output { logits: &[], frac: 15 });
        assert_eq!(found.iter().count(), 2);
        let mut none = Hypotheses::new(0);
        none.extend(0, 0, &Output { logits: &[1], frac: 15 });
        assert_eq!(none.iter().count(), 0);
    }
}
