//! Digits to be said again in another order: from the last to the first, or sorted. From one digit to `T` of them.

use super::{Answer, Generate, Input};
use rand::{Rng, RngExt};

pub(super) fn example(rng: &mut impl Rng, steps: usize, what: Generate) -> (Input, Answer) {
    let count = rng.random_range(1..=steps);
    let mut digits: Vec<u8> = (0..count).map(|_| rng.random_range(0..10)).collect();
    let symbols = |digits: &[u8]| digits.iter().map(u8::to_string).collect();
    let input = Input::Symbols(symbols(&digits));
    if what == Generate::Sort {
        digits.sort_unstable()
    } else {
        digits.reverse()
    }
    (input, Answer::Symbols(symbols(&digits)))
}
