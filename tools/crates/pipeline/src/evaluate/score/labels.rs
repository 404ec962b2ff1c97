//! Labels: precision and recall of each.

use super::Counts;
use crate::evaluate::Confusion;
use serde::{Deserialize, Serialize};

/// How well one label is separated from the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelScore {
    /// The label.
    pub label: String,
    /// Targets, answers, right answers.
    #[serde(flatten)]
    pub counts: Counts,
    /// Precision: share of the answers that are right.
    pub precision: f64,
    /// Recall: share of the targets that were answered.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
}

/// The scores of all labels, in the order of the matrix.
pub fn per_label(confusion: &Confusion, labels: &[String]) -> Vec<LabelScore> {
    let column = |k: usize| confusion.counts.iter().filter_map(|row| row.get(k)).sum();
    let rows = confusion.counts.iter().zip(labels).enumerate();
    rows.map(|(k, (row, label))| {
        let right = row.get(k).copied().unwrap_or(0);
        let unanswered = confusion.unanswered.get(k).copied().unwrap_or(0);
        let counts = Counts { wanted: row.iter().sum::<u64>() + unanswered, said: column(k), right };
        let (precision, recall, f1) = (counts.precision(), counts.recall(), counts.f1());
        LabelScore { label: label.clone(), counts, precision, recall, f1 }
    })
    .collect()
}

/// Mean of F1 over the labels that occur as targets: each counts the same, however rare.
pub fn macro_f1(scores: &[LabelScore]) -> f64 {
    let wanted: Vec<f64> = scores.iter().filter(|s| s.counts.wanted > 0).map(|s| s.f1).collect();
    if wanted.is_empty() { 0.0 } else { wanted.iter().sum::<f64>() / wanted.len() as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: a is wanted 3 times, said 3, right 2; b wanted 2, said 1, right 1; c wanted 1, said 2, right 1.
    #[test]
    fn by_hand() {
        let pairs = [(0, 0), (0, 0), (0, 2), (1, 1), (1, 0), (2, 2)];
        let labels: Vec<String> = ["a", "b", "c"].map(String::from).into();
        let scores = per_label(&Confusion::of(3, pairs), &labels);
        assert_eq!(scores[0].counts, Counts { wanted: 3, said: 3, right: 2 });
        assert_eq!((scores[1].precision, scores[1].recall), (1.0, 0.5));
        assert_eq!((scores[2].precision, scores[2].recall), (0.5, 1.0));
        assert!((macro_f1(&scores) - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(macro_f1(&[]), 0.0);
    }
}
