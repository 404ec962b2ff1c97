//! Losses: what an output costs, and how it should change.

use serde::{Deserialize, Serialize};

use super::Frames;
use super::float::{Float, Kernel, Lanes};

pub use elman_data::NO_CLASS;

/// The symbol of a target that ends it, and that the decoder reads before its first.
pub const END: u32 = 0;

/// What is wanted of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// One class for the sequence.
    Class(u32),
    /// A class for every step, or [`NO_CLASS`]; of a decoder's steps, the symbols and [`END`].
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

/// How classes count in a loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Classes<'a> {
    /// Factor of the loss of an output by its wanted class; empty where each is 1.
    pub weights: &'a [f64],
    /// Share ε of what is wanted that goes evenly to all K classes: 1 - ε + ε / K of the wanted class, ε / K of each
    /// other (Szegedy et al. 2016).
    pub smoothing: f64,
    /// What a teacher says of the same outputs, for distillation.
    pub teacher: Option<SoftLabels<'a>>,
}

/// Soft labels of a larger network (distillation, Hinton et al. 2015): the loss of an output becomes
/// (1 - λ) L + λ T² Σ_k p_k ln(p_k / q_k), with p = softmax(teacher / T), q = softmax(y / T).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftLabels<'a> {
    /// `[steps, size, classes]`: the teacher's logits, in the order of the batch.
    pub logits: &'a [f32],
    /// λ, from 0 to 1.
    pub weight: f64,
    /// T
    pub temperature: f64,
}

impl Classes<'_> {
    fn weight(&self, class: usize) -> f64 {
        self.weights.get(class).copied().unwrap_or(1.0)
    }
}

/// Index of the largest value, the first of equals.
pub fn argmax<F: Float>(values: &[F]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// Takes step, row and ∂L/∂y of an output.
pub type Write<'a, F> = &'a mut dyn FnMut(usize, usize, &[F]);

impl Loss {
    /// Scores outputs against the targets of their rows; where `gradient` is given, hands it
    /// ∂L/∂y scaled by `scale`.
    ///
    /// # Panics
    /// Where a target does not fit the outputs; [`Target`]s are checked before training.
    pub fn score<F: Float>(
        self,
        output: Frames<'_, F>,
        targets: &[&Target],
        classes: Classes<'_>,
        scale: f64,
        mut gradient: Option<Write<'_, F>>,
    ) -> Score {
        let mut score = Score { sequences: targets.len() as u64, ..Score::default() };
        let mut d = vec![F::ZERO; output.width];
        for t in 0..output.steps() {
            for (row, target) in targets.iter().enumerate().take(output.rows[t]) {
                let y = output.row(t, row);
                let class = match target {
                    Target::Class(class) => Some(*class),
                    Target::Steps(wanted) => Some(wanted[t]),
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
                let d = &mut d[..];
                score.loss += match (self, class.map(|class| class as usize), target) {
                    (_, None, Target::Values(wanted)) => {
                        squared_error(y, |k| f64::from(wanted[t * y.len() + k]), scale, d)
                    }
                    (Self::SquaredError, Some(class), _) => {
                        score.correct += u64::from(argmax(y) == class);
                        let (weight, share) = (classes.weight(class), classes.smoothing / y.len() as f64);
                        let wanted = |k| if k == class { 1.0 - classes.smoothing + share } else { share };
                        weight * squared_error(y, wanted, weight * scale, d)
                    }
                    (_, class, _) => {
                        let found = F::dispatch(CrossEntropy { y, class: class.unwrap_or(0), classes, scale, d });
                        score.correct += u64::from(found.correct);
                        match classes.teacher {
                            Some(teacher) => {
                                let of_output = &teacher.logits[(t * output.size + row) * y.len()..][..y.len()];
                                distilled(found.loss, y, SoftLabels { logits: of_output, ..teacher }, scale, d)
                            }
                            None => found.loss,
                        }
                    }
                };
                if let Some(write) = &mut gradient {
                    write(t, row, d);
                }
            }
        }
        score
    }
}

/// The loss of one output, L = -Σ a_k ln p_k, p = softmax(y), a_k being what is wanted of class k times its weight.
/// `d` becomes `scale` times ∂L/∂y_k = p_k Σ a - a_k.
struct CrossEntropy<'a, F> {
    y: &'a [F],
    class: usize,
    classes: Classes<'a>,
    scale: f64,
    d: &'a mut [F],
}

/// What [`CrossEntropy`] found.
struct Found {
    loss: f64,
    correct: bool,
}

impl<F: Float> Kernel<F> for CrossEntropy<'_, F> {
    type Output = Found;

    #[inline(always)]
    fn run<L: Lanes<Elem = F>>(self, l: L) -> Found {
        let Self { y, class, classes, scale, d } = self;
        let largest = largest(l, y);
        let shift = l.splat(largest);
        for (d, y) in d.chunks_mut(L::LANES).zip(y.chunks(L::LANES)) {
            l.store(d, l.exp_below(l.sub(l.load(y), shift)));
        }
        let sum = sum_of(d);
        let log_sum = sum.ln() + largest.f64();
        let (kept, share) = (1.0 - classes.smoothing, classes.smoothing / y.len() as f64);
        let mut all = kept * classes.weight(class);
        let mut loss = -all * y[class].f64();
        if share > 0.0 {
            for (k, y) in y.iter().enumerate() {
                all += share * classes.weight(k);
                loss -= share * classes.weight(k) * y.f64();
            }
        }
        let factor = l.splat(F::of(all * scale / sum));
        for d in d.chunks_mut(L::LANES) {
            l.store(d, l.mul(l.load(d), factor));
        }
        if share > 0.0 {
            for (k, d) in d.iter_mut().enumerate() {
                *d += F::of(-scale * share * classes.weight(k));
            }
        }
        d[class] += F::of(-scale * kept * classes.weight(class));
        let first = || !y[..class].iter().any(|y| *y >= largest);
        Found { loss: loss + all * log_sum, correct: y[class] >= largest && first() }
    }
}

/// The largest of some values.
#[inline(always)]
fn largest<L: Lanes>(l: L, y: &[L::Elem]) -> L::Elem {
    let whole = y.chunks_exact(L::LANES);
    let rest = whole.remainder();
    let mut lanes = [y[0]; 16];
    let mut most = l.splat(y[0]);
    for y in whole {
        most = l.max(most, l.load(y));
    }
    l.store(&mut lanes[..L::LANES], most);
    lanes.iter().chain(rest).fold(y[0], |most, y| if *y > most { *y } else { most })
}

/// Σ d: sixteen sums side by side, so that it vectorises and does not depend on the vector's width.
#[inline(always)]
fn sum_of<F: Float>(d: &[F]) -> f64 {
    let mut sums = [0.0; 16];
    for chunk in d.chunks(16) {
        for (sum, d) in sums.iter_mut().zip(chunk) {
            *sum += d.f64();
        }
    }
    sums.iter().sum()
}

/// The loss of one output with soft labels, `loss` being that without; `d`, `scale` times its gradient, becomes that of both.
fn distilled<F: Float>(loss: f64, y: &[F], teacher: SoftLabels<'_>, scale: f64, d: &mut [F]) -> f64 {
    let SoftLabels { logits, weight, temperature } = teacher;
    let log_softmax = |of: &dyn Fn(usize) -> f64| {
        let most = (0..y.len()).map(of).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = (0..y.len()).map(|k| ((of(k) - most) / temperature).exp()).sum();
        (most, sum.ln())
    };
    let (student, own) = (|k: usize| y[k].f64(), |k: usize| f64::from(logits[k]));
    let ((y_most, y_sum), (t_most, t_sum)) = (log_softmax(&student), log_softmax(&own));
    let mut divergence = 0.0;
    for (k, d) in d.iter_mut().enumerate() {
        let (ln_q, ln_p) = ((student(k) - y_most) / temperature - y_sum, (own(k) - t_most) / temperature - t_sum);
        let (p, q) = (ln_p.exp(), ln_q.exp());
        divergence += p * (ln_p - ln_q);
        // T² times the gradient in y, which is that in y / T divided by T.
        *d = F::of((1.0 - weight) * d.f64() + scale * weight * temperature * (q - p));
    }
    (1.0 - weight) * loss + weight * temperature * temperature * divergence
}

/// ½ Σ (y - wanted)²; `d` becomes `scale` times y - wanted.
fn squared_error<F: Float>(y: &[F], wanted: impl Fn(usize) -> f64, scale: f64, d: &mut [F]) -> f64 {
    let mut loss = 0.0;
    for (k, (d, y)) in d.iter_mut().zip(y).enumerate() {
        let miss = y.f64() - wanted(k);
        *d = F::of(scale * miss);
        loss += 0.5 * miss * miss;
    }
    loss
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score<F: Float>(y: &[F], class: u32, classes: Classes<'_>) -> (Score, Vec<F>) {
        let output = Frames { data: y, rows: &[1], size: 1, width: y.len() };
        let mut gradient = Vec::new();
        let target = Target::Class(class);
        let mut write = |_: usize, _: usize, d: &[F]| gradient = d.to_vec();
        let score = Loss::CrossEntropy.score(output, &[&target], classes, 2.0, Some(&mut write));
        (score, gradient)
    }

    #[test]
    fn vectors_agree_with_the_formula() {
        for classes in [1usize, 2, 7, 16, 65, 1000] {
            let y: Vec<f32> = (0..classes).map(|k| ((k * 37) % 101) as f32 * 0.3 - 40.0).collect();
            let class = classes / 2;
            let exp: Vec<f64> = y.iter().map(|y| f64::from(*y).exp()).collect();
            let sum: f64 = exp.iter().sum();
            let (score, gradient) = score(&y, class as u32, Classes::default());
            assert!((score.loss - (sum.ln() - f64::from(y[class]))).abs() < 1e-5, "{classes}: {score:?}");
            assert_eq!(score.correct == 1, argmax(&y) == class, "{classes}");
            for (k, (d, e)) in gradient.iter().zip(&exp).enumerate() {
                let wanted = 2.0 * (e / sum - f64::from(u8::from(k == class)));
                assert!((f64::from(*d) - wanted).abs() < 1e-6, "{classes} {k}: {d} {wanted}");
            }
        }
    }

    /// Against differences of the formula; a teacher that agrees adds nothing to what is left of the loss.
    #[test]
    fn soft_labels_are_as_the_formula_has_them() {
        let (logits, y) = ([0.5f32, -1.0, 2.0, 0.1], [0.3f64, 0.9, -0.4, 1.7]);
        let classes = |weight| Classes {
            teacher: Some(SoftLabels { logits: &logits, weight, temperature: 3.0 }),
            smoothing: 0.1,
            ..Classes::default()
        };
        let loss = |y: &[f64]| {
            let softmax = |v: Vec<f64>, t: f64| {
                let e: Vec<f64> = v.iter().map(|v| (v / t).exp()).collect();
                let sum: f64 = e.iter().sum();
                e.into_iter().map(|e| e / sum).collect::<Vec<f64>>()
            };
            let [p, q] = [logits.map(f64::from).to_vec(), y.to_vec()].map(|v| softmax(v, 3.0));
            let divergence: f64 = p.iter().zip(&q).map(|(p, q)| p * (p / q).ln()).sum();
            let smooth = |k: usize| if k == 1 { 0.9 + 0.025 } else { 0.025 };
            let hard: f64 = softmax(y.to_vec(), 1.0).iter().enumerate().map(|(k, q)| -smooth(k) * q.ln()).sum();
            0.3 * hard + 0.7 * 9.0 * divergence
        };
        let (found, gradient) = score(&y, 1, classes(0.7));
        assert!((found.loss - loss(&y)).abs() < 1e-12, "{} {}", found.loss, loss(&y));
        for (k, gradient) in gradient.iter().enumerate() {
            let moved = |by: f64| loss(&std::array::from_fn::<f64, 4, _>(|j| y[j] + if j == k { by } else { 0.0 }));
            let slope = 2.0 * (moved(1e-6) - moved(-1e-6)) / 2e-6;
            assert!((gradient - slope).abs() < 1e-7, "{k}: {gradient} {slope}");
        }
        let (same, gradient) = score(&logits, 2, classes(1.0));
        assert!(same.loss.abs() < 1e-6 && gradient.iter().all(|d| d.abs() < 1e-6), "{same:?} {gradient:?}");
    }

    #[test]
    fn the_first_of_equals_is_the_answer() {
        assert_eq!(score(&[1.0f32, 3.0, 3.0], 1, Classes::default()).0.correct, 1);
        assert_eq!(score(&[1.0f32, 3.0, 3.0], 2, Classes::default()).0.correct, 0);
    }

    #[test]
    fn far_logits_and_nan_stay_what_they_are() {
        let (far, gradient) = score(&[-900.0f32, -1000.0, -2000.0], 1, Classes::default());
        assert!((far.loss - 100.0).abs() < 1e-3, "{far:?}");
        assert!(gradient.iter().all(|d| d.is_finite()));
        assert!(score(&[0.0f32, f32::NAN, 1.0], 0, Classes::default()).0.loss.is_nan());
    }
}
