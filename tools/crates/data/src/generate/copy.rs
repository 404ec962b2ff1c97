//! Copy memory: ten symbols of eight, `T - 1` blanks, a signal, ten blanks. The answer is `T + 10` blanks, then the ten
//! symbols. Saying blanks and then guessing has a cross entropy of 10 ln 8 / (T + 20) nats a step.

use super::{Answer, Input};
use rand::{Rng, RngExt};

/// Symbols to be remembered.
const COUNT: usize = 10;
/// The symbols.
const SYMBOLS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
const BLANK: &str = "_";
const SIGNAL: &str = "!";

pub(super) fn example(rng: &mut impl Rng, steps: usize) -> (Input, Answer) {
    let symbols: Vec<&str> = (0..COUNT).map(|_| SYMBOLS[rng.random_range(0..SYMBOLS.len())]).collect();
    let blanks = |count: usize| std::iter::repeat_n(BLANK, count);
    let input = symbols.iter().copied().chain(blanks(steps - 1)).chain([SIGNAL]).chain(blanks(COUNT));
    let answer = blanks(steps + COUNT).chain(symbols.iter().copied());
    (Input::Symbols(input.map(str::to_owned).collect()), Answer::Tags(answer.map(str::to_owned).collect()))
}
