//! Lorenz's system: x' = 10 (y - x), y' = x (28 - z) - y, z' = x y - 8/3 z, sampled every 0.02, on its attractor.

use super::motion::step;
use super::{Answer, Input};
use rand::{Rng, RngExt};

/// Time from sample to sample.
const DT: f64 = 0.02;
/// Samples left out until the state has come to the attractor.
const SETTLE: usize = 500;

pub(super) const OUTPUTS: [&str; 3] = ["x", "y", "z"];

pub(super) fn example(rng: &mut impl Rng, steps: usize, columns: &[usize]) -> (Input, Answer) {
    let mut state = std::array::from_fn(|_| rng.random_range(0.5..1.5));
    let mut answers = Vec::with_capacity(steps * columns.len());
    for k in 0..SETTLE + steps {
        for _ in 0..2 {
            state = step(state, DT / 2.0, slope);
        }
        if k >= SETTLE {
            answers.extend(columns.iter().map(|&c| f64::from(state[c] as f32)));
        }
    }
    (Input::Values(Vec::new()), Answer::Values(answers))
}

/// Derivative of the state.
pub(super) fn slope([x, y, z]: [f64; 3]) -> [f64; 3] {
    [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z]
}
