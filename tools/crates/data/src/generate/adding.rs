//! The adding problem: of `T` numbers uniform in [0, 1) two are marked, one in each half; their sum is the answer after
//! the last step. Saying 1 always has a mean squared error of 1/6, the variance of the sum.

use super::{Answer, Input};
use rand::{Rng, RngExt};

pub(super) const CHANNELS: [&str; 2] = ["number", "mark"];

pub(super) fn example(rng: &mut impl Rng, steps: usize) -> (Input, Answer) {
    let half = steps / 2;
    let marked = [rng.random_range(0..half), rng.random_range(half..steps)];
    let (mut values, mut sum) = (Vec::with_capacity(2 * steps), 0.0);
    for t in 0..steps {
        let number = f64::from(rng.random_range(0.0f32..1.0));
        let mark = marked.contains(&t);
        if mark {
            sum += number;
        }
        values.extend([number, f64::from(u8::from(mark))]);
    }
    (Input::Values(values), Answer::Values(vec![sum]))
}
