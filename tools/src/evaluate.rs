//! Accuracy of float and integer networks over labelled clips.

use elman::blob::Model;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Raw features of a clip and what it is.
#[derive(Clone, Debug)]
pub struct Example {
    /// `[frames * channels]`, as the front end gives them.
    pub features: Vec<i16>,
    /// Index of the label.
    pub label: usize,
}

/// Right and wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Rows: what it is; columns: what was heard.
    pub counts: Vec<Vec<u64>>,
}

impl Confusion {
    /// Counts pairs (is, heard) over `labels` labels.
    pub fn of(labels: usize, pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut counts = vec![vec![0; labels]; labels];
        for (is, heard) in pairs {
            counts[is][heard] += 1;
        }
        Confusion { counts }
    }

    /// Clips.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Share of clips heard right.
    pub fn accuracy(&self) -> f64 {
        let right: u64 = self.counts.iter().enumerate().map(|(k, row)| row[k]).sum();
        right as f64 / self.total().max(1) as f64
    }
}

/// What the integer network hears in each clip, the clips in parallel.
///
/// # Panics
/// Where the model has no inputs; a loaded one has.
pub fn integer(model: &Model<'_>, examples: &[Example]) -> Vec<usize> {
    examples
        .par_iter()
        .map_init(
            || vec![0; model.memory_words()],
            |memory, example| {
                let mut net = model.stream(memory).expect("memory of the model's own size");
                example.features.chunks_exact(model.inputs()).for_each(|frame| net.advance(frame));
                net.output().argmax()
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_shares() {
        let c = Confusion::of(3, [(0, 0), (1, 1), (2, 1), (2, 2)]);
        assert_eq!(c.counts, [[1, 0, 0], [0, 1, 0], [0, 1, 1]]);
        assert_eq!(c.total(), 4);
        assert!((c.accuracy() - 0.75).abs() < 1e-12);
        assert_eq!(Confusion::default().accuracy(), 0.0);
    }
}
