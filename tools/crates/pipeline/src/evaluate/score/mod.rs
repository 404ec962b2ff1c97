//! How good answers are: labels, entities and words in tags, values, probabilities of text.

mod labels;
mod nats;
mod spans;
mod symbols;
mod trees;
#[cfg(test)]
mod truth;
mod values;

pub use labels::{LabelScore, macro_f1, per_label};
pub use nats::Nats;
pub use spans::{Span, SpanScore, has_spans, spans};
pub use symbols::SymbolScore;
pub use trees::{BySize, middle, side};
pub use values::{Deviation, deviation};

use serde::{Deserialize, Serialize};

/// Targets, answers, and right answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Targets.
    pub wanted: u64,
    /// Answers.
    pub said: u64,
    /// Right answers.
    pub right: u64,
}

impl Counts {
    /// Precision: share of the answers that are right; 0 without answers.
    pub fn precision(&self) -> f64 {
        share(self.right, self.said)
    }

    /// Recall: share of the targets that were answered; 0 without targets.
    pub fn recall(&self) -> f64 {
        share(self.right, self.wanted)
    }

    /// Harmonic mean of precision and recall, 2 right / (wanted + said); 0 if there is nothing.
    pub fn f1(&self) -> f64 {
        share(2 * self.right, self.wanted + self.said)
    }
}

fn share(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}
