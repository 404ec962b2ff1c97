//! Sequences of symbols: the same or not, edits from one to the other, BLEU.

use std::collections::HashMap;

/// Length of the longest run of symbols that BLEU counts.
const ORDER: usize = 4;

/// Sums over decoded sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SymbolScore {
    sequences: u64,
    same: u64,
    /// Symbols of the targets, and edits to reach them.
    wanted: u64,
    edits: u64,
    said: u64,
    /// Runs of 1 to 4 symbols in the answers, and those of them in the targets.
    runs: [u64; ORDER],
    right: [u64; ORDER],
}

impl SymbolScore {
    /// Adds a sequence.
    pub fn add(&mut self, wanted: &[u32], said: &[u32]) {
        self.sequences += 1;
        self.same += u64::from(wanted == said);
        self.wanted += wanted.len() as u64;
        self.said += said.len() as u64;
        self.edits += edits(wanted, said);
        for n in 1..=ORDER {
            let mut left: HashMap<&[u32], u64> = HashMap::new();
            wanted.windows(n).for_each(|run| *left.entry(run).or_default() += 1);
            for run in said.windows(n) {
                self.runs[n - 1] += 1;
                if let Some(count) = left.get_mut(run).filter(|count| **count > 0) {
                    *count -= 1;
                    self.right[n - 1] += 1;
                }
            }
        }
    }

    /// Share of the sequences that equal the target, symbol by symbol.
    pub fn exact(&self) -> f64 {
        super::share(self.same, self.sequences)
    }

    /// 1 - edits / symbols wanted, at least 0: an edit takes a symbol out, puts one in or changes one.
    pub fn accuracy(&self) -> f64 {
        if self.wanted == 0 { 0.0 } else { (1.0 - self.edits as f64 / self.wanted as f64).max(0.0) }
    }

    /// BLEU of the whole set with one reference each (Papineni et al. 2002): the geometric mean of the shares of runs of
    /// 1 to 4 symbols that are wanted, each run as often as it is wanted, times exp(1 - wanted / said) where less was
    /// said than wanted. 0 where no run of some length is right.
    pub fn bleu(&self) -> f64 {
        let shares = self.right.iter().zip(&self.runs).map(|(right, runs)| super::share(*right, *runs).ln());
        let brief = if self.said < self.wanted { 1.0 - self.wanted as f64 / self.said.max(1) as f64 } else { 0.0 };
        (shares.sum::<f64>() / ORDER as f64 + brief).exp()
    }
}

/// The least number of edits from one sequence to the other (Levenshtein 1966).
fn edits(a: &[u32], b: &[u32]) -> u64 {
    let mut row: Vec<u64> = (0..=b.len() as u64).collect();
    for (i, x) in (1..).zip(a) {
        let mut diagonal = std::mem::replace(&mut row[0], i);
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + u64::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(pairs: &[(&str, &str)]) -> SymbolScore {
        let symbols = |text: &str| text.chars().map(u32::from).collect::<Vec<_>>();
        let mut score = SymbolScore::default();
        pairs.iter().for_each(|(wanted, said)| score.add(&symbols(wanted), &symbols(said)));
        score
    }

    #[test]
    fn edits_by_hand() {
        for (a, b, n) in [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("ab", "ba", 2)]
        {
            let s = score(&[(a, b)]);
            assert_eq!((s.edits, s.same), (n, u64::from(n == 0)), "{a} {b}");
        }
        let s = score(&[("kitten", "sitting"), ("ab", "ab")]);
        assert_eq!((s.exact(), s.accuracy()), (0.5, 1.0 - 3.0 / 8.0));
        assert_eq!((score(&[("a", "bcd")]).accuracy(), score(&[]).exact()), (0.0, 0.0));
    }

    /// Runs right of 1 to 4: 5 of 6, 3 of 5, 2 of 4, 1 of 3; 6 said for 7 wanted.
    #[test]
    fn bleu_by_hand() {
        let s = score(&[("abcdxyz", "abcdza")]);
        assert_eq!((s.right, s.runs), ([5, 3, 2, 1], [6, 5, 4, 3]));
        let shares = 5.0 / 6.0 * 3.0 / 5.0 * 2.0 / 4.0 / 3.0;
        assert!((s.bleu() - f64::powf(shares, 0.25) * (1.0 - 7.0 / 6.0f64).exp()).abs() < 1e-12);
        assert!((score(&[("abcd", "abcd"), ("efghi", "efghi")]).bleu() - 1.0).abs() < 1e-12);
        assert_eq!(score(&[("abcd", "dcba")]).bleu(), 0.0);
        assert_eq!(score(&[("ab", "")]).bleu(), 0.0);
    }

    #[test]
    fn a_run_counts_as_often_as_it_is_wanted() {
        assert_eq!(score(&[("thecat", "tttttt")]).right[0], 2);
    }
}
