//! Losses: what an output costs, and how it should change.

use serde::{Deserialize, Serialize};

use super::{Float, Frames};

/// A class of [`Target`] that asks for nothing at its step: no loss, not counted.
pub const NO_CLASS: u32 = u32::MAX;

/// What is wanted of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// One class for the sequence.
    Class(u32),
    /// A class for every step, or [`NO_CLASS`].
    Steps(Vec<u32>),
    /// Values for the sequence, or `[length, outputs]` values for all its steps; a step with one that is no number asks
    /// for nothing.
    Values(Vec<f32>),
}

/// The measure of a miss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// -ln softmax(y) of the wanted class, y being logits.
    #[default]
    CrossEntropy,
    /// ½ Σ (y - wanted)².
    SquaredError,
}

/// Sums over some sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Total loss: of a sequence, the sum over its outputs.
    pub loss: f64,
    /// Outputs whose largest value is the wanted class.
    pub correct: u64,
    /// Outputs with a wanted class or value.
    pub outputs: u64,
    /// Sequences.
    pub sequences: u64,
}

impl Score {
    /// Adds another part.
    pub fn add(&mut self, other: &Self) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.outputs += other.outputs;
        self.sequences += other.sequences;
    }
}

/// Index of the largest value, the first of equals.
pub fn argmax<F: Float>(values: &[F]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// Takes step, row and ∂L/∂y of an output.
pub type Write<'a> = &'a mut dyn FnMut(usize, usize, &[f64]);

impl Loss {
    /// Scores outputs against the targets of their rows; where `gradient` is given, hands it
    /// ∂L/∂y scaled by `scale`.
    ///
    /// # Panics
    /// Where a target does not fit the outputs; [`Target`]s are judged before training.
    pub fn score<F: Float>(
        self,
        output: Frames<'_, F>,
        targets: &[&Target],
        scale: f64,
        mut gradient: Option<Write<'_>>,
    ) -> Score {
        let mut score = Score { sequences: targets.len() as u64, ..Score::default() };
        let mut d = vec![0.0; output.width];
        for t in 0..output.steps() {
            for (row, target) in targets.iter().enumerate().take(output.rows[t]) {
                let y = output.row(t, row);
                let class = match target {
                    Target::Class(class) => Some(*class),
                    Target::Steps(classes) => Some(classes[t]),
                    Target::Values(_) => None,
                };
                let unwanted = match target {
                    Target::Values(wanted) => wanted[t * y.len()..][..y.len()].iter().any(|v| v.is_nan()),
                    Target::Class(_) | Target::Steps(_) => class == Some(NO_CLASS),
                };
                if unwanted {
                    continue;
                }
                score.outputs += 1;
                score.correct += u64::from(class.is_some_and(|class| argmax(y) == class as usize));
                score.loss += match (self, class, target) {
                    (_, None, Target::Values(wanted)) => {
                        squared_error(y, |k| f64::from(wanted[t * y.len() + k]), &mut d)
                    }
                    (Self::SquaredError, Some(class), _) => {
                        squared_error(y, |k| f64::from(u8::from(k == class as usize)), &mut d)
                    }
                    (_, class, _) => cross_entropy(y, class.unwrap_or(NO_CLASS) as usize, &mut d),
                };
                if let Some(write) = &mut gradient {
                    d.iter_mut().for_each(|d| *d *= scale);
                    write(t, row, &d);
                }
            }
        }
        score
    }
}

/// `-ln softmax(y)[class]`; `d` becomes `softmax(y) - onehot(class)`.
fn cross_entropy<F: Float>(y: &[F], class: usize, d: &mut [f64]) -> f64 {
    let largest = y.iter().fold(f64::NEG_INFINITY, |m, y| m.max(y.f64()));
    let mut sum = 0.0;
    for (d, y) in d.iter_mut().zip(y) {
        *d = (y.f64() - largest).exp();
        sum += *d;
    }
    let loss = sum.ln() + largest - y[class].f64();
    d.iter_mut().for_each(|d| *d /= sum);
    d[class] -= 1.0;
    loss
}

/// ½ Σ (y - wanted)²; `d` becomes y - wanted.
fn squared_error<F: Float>(y: &[F], wanted: impl Fn(usize) -> f64, d: &mut [f64]) -> f64 {
    let mut loss = 0.0;
    for (k, (d, y)) in d.iter_mut().zip(y).enumerate() {
        *d = y.f64() - wanted(k);
        loss += 0.5 * *d * *d;
    }
    loss
}
